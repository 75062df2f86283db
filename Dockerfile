# syntax=docker/dockerfile:1
#
#   docker build -t weir .
#   docker run -p 127.0.0.1:8080:8080 -v weir:/data weir

FROM rust:1.95-bookworm AS build
WORKDIR /src
ENV CI=true
# The tools first: they change less often than the sources.
COPY setup Cargo.toml Cargo.lock ./
COPY ui/package.json ui/package-lock.json ui/
RUN ./setup
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    ui/build \
    && cargo build --locked --release -p weir-server --bin weir \
    && install -D target/release/weir /out/weir

FROM debian:bookworm-slim
# The certificates of the authorities whom flows trust when they call out.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /data --create-home --shell /usr/sbin/nologin weir
COPY --from=build /out/weir /usr/local/bin/weir
COPY LICENSE /usr/share/doc/weir/LICENSE
USER 10001:10001
# The database and the key that seals the secrets: keep both, or set WEIR_DATABASE_URL and WEIR_KEY.
VOLUME /data
# Within a container the loopback is nobody's; what is reachable from outside is up to `docker run -p`.
ENV WEIR_DATA=/data WEIR_LISTEN=0.0.0.0:8080
EXPOSE 8080
# bash speaks enough HTTP for this, and spares the image a curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${WEIR_LISTEN##*:} && printf 'GET /health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["weir"]
CMD ["serve"]
