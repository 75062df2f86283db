# Weir's commands. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),target)
TOOLS := $(or $(WEIR_TOOLS),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/weir/tools)
CARGO := cargo
# In CI the lock file is law; elsewhere it follows Cargo.toml.
LOCKED := $(if $(CI),--locked)

# Where `make run` and `make dev` listen and keep their data, and whom flows may call on this machine.
run dev: export WEIR_LISTEN ?= 127.0.0.1:8080
run dev: export WEIR_DATA ?= ./data
run dev: export WEIR_OUTBOUND_ALLOW ?= 127.0.0.1

.PHONY: help
help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: run
run: page ## Build Weir and run it with the gallery of flows at http://127.0.0.1:8080
	@$(CARGO) build $(LOCKED) --release -p weir-server --bin weir
	echo
	echo "  Weir: http://$$WEIR_LISTEN   (its data: $$WEIR_DATA; Ctrl+C stops it)"
	echo
	exec $(TARGET)/release/weir serve --gallery

.PHONY: page
page: setup ## Build the page into ui/dist
	@ui/build

.PHONY: test
test: ## Run all tests, with a database and a browser
	@./setup --tests
	node --test ui/js/*.test.mjs
	ui/build
	$(CARGO) build $(LOCKED) -p weir-server --bin weir
	WEIR_BIN="$$(realpath $(TARGET)/debug/weir)" tests/with-services $(CARGO) test $(LOCKED) --workspace --no-fail-fast

# How long the long forms are. Together they take less than half an hour on two cores.
# Kills: with the ends at named points, 300 and more on each database.
prove: export WEIR_PROVE_KILLS ?= 120
prove: export WEIR_PROVE_FREEZES ?= 20
prove: export WEIR_PROVE_CUTS ?= 10
prove: export WEIR_PROVE_INSTANTS ?= 400
prove: export WEIR_PROVE_SKEWED ?= 120
prove: export WEIR_PROVE_CRASHES ?= 60
prove: export WEIR_PROVE_POINTS ?= 240
prove: export WEIR_PROVE_FULL ?= 4
prove: export WEIR_PROVE_GONE ?= 60
prove: export WEIR_PROVE_RUNS ?= 30000
prove: export WEIR_PROVE_SEEDS ?= 1000

.PHONY: prove
prove: ## Try for half an hour to break what Weir promises: kill, freeze and confuse servers
	@./setup --tests
	export WEIR_OLD_BIN="$$(tests/old-binary)"
	$(CARGO) build $(LOCKED) --workspace --bin weir
	$(CARGO) test $(LOCKED) --workspace --no-run
	export WEIR_BIN="$$(realpath $(TARGET)/debug/weir)"
	began=$$SECONDS
	prove() { echo "prove: $$*"; timeout "$$((began + 1800 - SECONDS))" "$$@"; }
	prove $(CARGO) test $(LOCKED) --workspace --test machine -- --nocapture
	prove tests/with-services $(CARGO) test $(LOCKED) --workspace --lib -- --nocapture store::tests schedule::tests simulation
	prove tests/with-services $(CARGO) test $(LOCKED) --workspace --test all -- --test-threads=2 --nocapture crash:: servers:: parking:: partition:: points:: disk:: gone:: killed_server
	prove tests/with-services $(CARGO) test $(LOCKED) --workspace --test all -- --test-threads=2 --nocapture --ignored upgrade::
	WEIR_PROVE_MUTANTS=1 prove tests/with-services $(CARGO) test $(LOCKED) --workspace --test all -- --nocapture mutants::
	echo "prove: nothing was broken in $$((SECONDS - began)) s"

.PHONY: check
check: ## Check format, lints, licences and the order of the house
	@./setup --check
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings
	$(TOOLS)/cargo-deny-*/bin/cargo-deny check bans licenses sources
	$(CARGO) test $(LOCKED) -p weir-tests --test all tidy

.PHONY: audit
audit: ## Look for known weaknesses in the dependencies (needs the network)
	@./setup --check
	$(TOOLS)/cargo-deny-*/bin/cargo-deny check advisories

.PHONY: dev
dev: ## Run Weir, and build and start it anew when a file changes
	@./setup --dev
	server= began=$$(mktemp)
	stop() { if [ -n "$$server" ]; then kill "$$server" 2> /dev/null || true; wait "$$server" || true; server=; fi; }
	trap 'stop; rm -f "$$began"' EXIT
	trap 'exit 0' INT TERM
	while true; do
	  touch "$$began"
	  if ui/build --dev && $(CARGO) build -p weir-server --bin weir; then
	    stop
	    $(TARGET)/debug/weir serve --gallery &
	    server=$$!
	  fi
	  # What was written while the build ran has not been built yet.
	  if [ -n "$$(find Cargo.toml flows migrations server ui \( -name node_modules -o -name 'dist*' \) -prune \
	      -o -type f -newer "$$began" -print -quit)" ]; then continue; fi
	  # Editors write a file in several steps; the pause lets them finish.
	  inotifywait -qq -r -e close_write,create,delete,move --exclude '/(node_modules|dist|dist\.new)(/|$$)|~$$|\.sw.$$' \
	    Cargo.toml flows migrations server ui
	  sleep 0.3
	done

.PHONY: setup
setup: ## Install what building Weir needs
	@./setup

.PHONY: clean
clean: ## Remove what was built, but not the data
	@rm -rf target ui/dist ui/dist.new ui/node_modules tests/node_modules
