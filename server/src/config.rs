//! The configuration: one TOML file, environment variables over it, flags over both; checked at the start.

use std::{
    collections::BTreeMap,
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use weir_flows::poll::Most;

use crate::{
    engine::{Limits, PollLimits, Retention, TryLimits},
    outbound::Allow,
    world::{BadPoint, Faults},
};

/// Everything that can be configured, with its defaults filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the data is: `WEIR_DATA`.
    pub data: PathBuf,
    /// Where to listen: `WEIR_LISTEN`.
    pub listen: SocketAddr,
    /// A PostgreSQL URL in place of the embedded SQLite: `WEIR_DATABASE_URL`.
    pub database_url: Option<String>,
    /// The key that seals secrets, in place of the key file: `WEIR_KEY`.
    pub key: Option<String>,
    /// The inner addresses that actions may call: `WEIR_OUTBOUND_ALLOW`.
    pub outbound_allow: Allow,
    /// A file with further root certificates: `SSL_CERT_FILE`.
    pub extra_roots: Option<PathBuf>,
    /// Names under which the page may be opened beside the address itself: `WEIR_HOSTS`.
    pub hosts: Vec<String>,
    /// What the links to this server begin with: `WEIR_PUBLIC_URL`.
    pub public_url: Option<String>,
    /// What is logged: `WEIR_LOG`.
    pub log: String,
    /// Whether the log is JSON: `WEIR_LOG_FORMAT`.
    pub log_json: bool,
    /// The largest message that is accepted, in bytes: `WEIR_MAX_MESSAGE`.
    pub max_message: usize,
    /// The size beyond which a value of a message or an output is kept once, in bytes: `WEIR_LARGE_VALUE`.
    pub large_value: usize,
    /// How much memory messages may take that arrive at once, in bytes.
    pub arriving: u64,
    /// How many writes may wait for the database.
    pub queue: usize,
    /// How much payload may wait for the database, in bytes.
    pub queue_bytes: usize,
    /// What people call this server: `WEIR_NAME`.
    pub name: Option<String>,
    /// How long a server may be silent before others take over its runs: `WEIR_LEASE_MS`.
    pub lease: Duration,
    /// How wrong the clock goes, in milliseconds: `WEIR_CLOCK_OFFSET_MS`.
    pub clock_offset: i64,
    /// Where this server ends itself: `WEIR_CRASH_AT`.
    pub faults: Faults,
    /// The limits of the engine.
    pub limits: Limits,
}

/// The smallest size of a large value, in bytes: what stands in its place is not much smaller.
const SMALLEST_LARGE: usize = 1_024;

/// The shortest lease, in milliseconds: with less, a busy machine would lose it for nothing.
const SHORTEST_LEASE: u64 = 1_000;

/// The most scripts that may be underway at once: names are looked up on the same kind of threads, of which there are 512.
const MOST_PLACES: usize = 400;

/// The settings: the key in the file, the environment variable, and what it is. The one list of them.
pub const SETTINGS: &[(&str, &str, &str)] = &[
    (
        "data",
        "WEIR_DATA",
        "directory of the database and the key (./data)",
    ),
    (
        "listen",
        "WEIR_LISTEN",
        "address and port to listen on (127.0.0.1:8080)",
    ),
    (
        "database_url",
        "WEIR_DATABASE_URL",
        "a postgres:// URL in place of the embedded SQLite",
    ),
    (
        "key",
        "WEIR_KEY",
        "32 bytes in hex or base64 that seal secrets, in place of the key file beside the data",
    ),
    (
        "outbound_allow",
        "WEIR_OUTBOUND_ALLOW",
        "inner addresses that actions may call: CIDRs, addresses or names with commas, or *",
    ),
    (
        "ssl_cert_file",
        "SSL_CERT_FILE",
        "PEM file with further root certificates for outgoing calls",
    ),
    (
        "hosts",
        "WEIR_HOSTS",
        "host names under which the page may be opened, with commas; needed behind a proxy on a loopback address",
    ),
    (
        "public_url",
        "WEIR_PUBLIC_URL",
        "how partners and people reach this server, for the links it hands out, such as https://weir.example.com (the address it listens on)",
    ),
    (
        "log",
        "WEIR_LOG",
        "what is logged: error, warn, info (default), debug, or a filter such as info,weir_server=debug",
    ),
    ("log_format", "WEIR_LOG_FORMAT", "text (default) or json"),
    (
        "max_message",
        "WEIR_MAX_MESSAGE",
        "largest accepted message in bytes (1048576)",
    ),
    (
        "large_value",
        "WEIR_LARGE_VALUE",
        "size beyond which a value of a message or an output is kept once, whatever the number of runs that have it, in bytes (16384)",
    ),
    (
        "max_response",
        "WEIR_MAX_RESPONSE",
        "largest reply an action reads, in bytes (8388608)",
    ),
    (
        "script_calls",
        "WEIR_SCRIPT_CALLS",
        "calls that a script makes in one attempt or poll (50)",
    ),
    (
        "script_places",
        "WEIR_SCRIPT_PLACES",
        "scripts that call out underway at once, each with a thread of its own (100)",
    ),
    ("polls", "WEIR_POLLS", "polls underway at once (16)"),
    (
        "poll_messages",
        "WEIR_POLL_MESSAGES",
        "messages that one poll may find (1000)",
    ),
    (
        "poll_bytes",
        "WEIR_POLL_BYTES",
        "size of all messages of one poll, in bytes of JSON (8388608)",
    ),
    (
        "active_runs",
        "WEIR_ACTIVE_RUNS",
        "runs underway at once in this process, shared out between flows (10000)",
    ),
    (
        "line_runs",
        "WEIR_LINE_RUNS",
        "runs of a flow with a concurrency limit that wait in memory for their turn; more wait on disk (100)",
    ),
    (
        "waiting_runs",
        "WEIR_WAITING_RUNS",
        "runs of one flow that may wait on disk, since it is paused or has much underway (100000)",
    ),
    (
        "arriving_bytes",
        "WEIR_ARRIVING_BYTES",
        "memory for messages that arrive at once, shared out between flows, in bytes (268435456)",
    ),
    (
        "queue",
        "WEIR_QUEUE",
        "writes that may wait for the database (8192)",
    ),
    (
        "queue_bytes",
        "WEIR_QUEUE_BYTES",
        "payload of writes that may wait for the database, in bytes (67108864)",
    ),
    (
        "script_time_ms",
        "WEIR_SCRIPT_TIME_MS",
        "time the scripts of one turn may take, in milliseconds (2000)",
    ),
    (
        "script_operations",
        "WEIR_SCRIPT_OPERATIONS",
        "operations one script may take (5000000)",
    ),
    (
        "script_memory",
        "WEIR_SCRIPT_MEMORY",
        "memory one script may hold, in bytes (268435456)",
    ),
    (
        "tries",
        "WEIR_TRIES",
        "tries of drafts underway at once (32)",
    ),
    (
        "tries_kept",
        "WEIR_TRIES_KEPT",
        "tries that are kept in memory after they ended (100)",
    ),
    (
        "tries_time_ms",
        "WEIR_TRIES_TIME_MS",
        "time that a try may take and is kept after it ended, in milliseconds (1800000)",
    ),
    (
        "tries_memory",
        "WEIR_TRIES_MEMORY",
        "what all tries together may hold, in bytes of JSON (67108864)",
    ),
    (
        "grace_ms",
        "WEIR_GRACE_MS",
        "time that attempts may take to end when the server stops, in milliseconds (10000)",
    ),
    (
        "history_days",
        "WEIR_HISTORY_DAYS",
        "days for which runs are kept after they ended; 0 for ever (30)",
    ),
    (
        "dead_letter_days",
        "WEIR_DEAD_LETTER_DAYS",
        "days for which open dead letters are kept; 0 for ever (365)",
    ),
    (
        "dedupe_days",
        "WEIR_DEDUPE_DAYS",
        "days for which a message is known by its dedupe key; 0 for ever (90)",
    ),
    (
        "history_bytes",
        "WEIR_HISTORY_BYTES",
        "size of the data beyond which the oldest runs go early, in bytes; 0 for no limit (0)",
    ),
    (
        "park_after_ms",
        "WEIR_PARK_AFTER_MS",
        "runs that wait longer than this hold no memory meanwhile, in milliseconds (60000)",
    ),
    (
        "limit_keys",
        "WEIR_LIMIT_KEYS",
        "values that the keys of a flow's limits may have at once; a new one waits beyond that (10000)",
    ),
    (
        "cache_entries",
        "WEIR_CACHE_ENTRIES",
        "outputs that the caches of steps keep; 0 for none (10000)",
    ),
    (
        "cache_memory",
        "WEIR_CACHE_MEMORY",
        "size of those outputs together, in bytes; one may have an eighth of it (67108864)",
    ),
    (
        "name",
        "WEIR_NAME",
        "what people call this server among several on one PostgreSQL database (its address)",
    ),
    (
        "lease_ms",
        "WEIR_LEASE_MS",
        "time after which others take over the runs of a server that is silent, in milliseconds (15000)",
    ),
    (
        "clock_offset_ms",
        "WEIR_CLOCK_OFFSET_MS",
        "by how much this server's clock goes wrong, in milliseconds; for tests only (0)",
    ),
    (
        "crash_at",
        "WEIR_CRASH_AT",
        "where this server ends as if its machine had failed, as point:count; for tests only (nowhere)",
    ),
];

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// A setting has a value it cannot have.
    #[error("{setting}: {error}")]
    Setting {
        /// The setting, as it was given.
        setting: String,
        /// Why, and what to write.
        error: String,
    },
}

/// A value of the file: texts and whole numbers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Number(i64),
}

impl Config {
    /// Reads the file named by `--config` or `WEIR_CONFIG`, then the environment, then `flags` over both.
    ///
    /// # Errors
    /// The first setting that is wrong, and what to write.
    pub fn load(file: Option<&Path>, flags: &[(&str, Option<String>)]) -> Result<Config, Error> {
        let mut values = BTreeMap::new();
        let named = env::var_os("WEIR_CONFIG").map(PathBuf::from);
        if let Some(path) = file.map(Path::to_path_buf).or(named) {
            values = read_file(&path)?;
        }
        for (key, variable, _) in SETTINGS {
            if let Ok(value) = env::var(variable)
                && !value.is_empty()
            {
                values.insert((*key).to_owned(), ((*variable).to_owned(), value));
            }
        }
        for (key, value) in flags {
            if let Some(value) = value {
                values.insert((*key).to_owned(), (format!("--{key}"), value.clone()));
            }
        }
        Config::from_values(&values)
    }

    /// The settings in force as a file would have them, with secrets masked.
    pub fn masked(&self) -> String {
        let database = match &self.database_url {
            None => String::new(),
            // Everything between the scheme and the host may be a password.
            Some(url) => format!(
                "database_url = \"postgres://•••@{}\"\n",
                url.rsplit_once('@').map_or("•••", |(_, host)| host)
            ),
        };
        format!(
            "data = \"{}\"\nlisten = \"{}\"\n{database}{}log = \"{}\"\nmax_message = {}\nlarge_value = {}\nmax_response = {}\nactive_runs = {}\n\
             line_runs = {}\nwaiting_runs = {}\narriving_bytes = {}\nqueue = {}\nqueue_bytes = {}\n\
             script_calls = {}\nscript_places = {}\npolls = {}\npoll_messages = {}\npoll_bytes = {}\n\
             script_time_ms = {}\nscript_operations = {}\nscript_memory = {}\n\
             tries = {}\ntries_kept = {}\ntries_time_ms = {}\ntries_memory = {}\ngrace_ms = {}\n\
             history_days = {}\ndead_letter_days = {}\ndedupe_days = {}\nhistory_bytes = {}\npark_after_ms = {}\nlimit_keys = {}\ncache_entries = {}\ncache_memory = {}\nlease_ms = {}{}",
            self.data.display(),
            self.listen,
            if self.key.is_some() {
                "key = \"•••\"\n"
            } else {
                ""
            },
            self.log,
            self.max_message,
            self.large_value,
            self.limits.max_response,
            self.limits.active_runs,
            self.limits.line_runs,
            self.limits.waiting_runs,
            self.arriving,
            self.queue,
            self.queue_bytes,
            self.limits.script_calls,
            self.limits.script_places,
            self.limits.polls.underway,
            self.limits.polls.most.messages,
            self.limits.polls.most.bytes,
            self.limits.script_time.as_millis(),
            self.limits.script_operations,
            self.limits.script_memory,
            self.limits.tries.underway,
            self.limits.tries.kept,
            self.limits.tries.time.as_millis(),
            self.limits.tries.memory,
            self.limits.grace.as_millis(),
            in_days(self.limits.retention.history),
            in_days(self.limits.retention.open_letters),
            in_days(self.limits.retention.dedupe),
            self.limits.retention.size.unwrap_or(0),
            self.limits.park_after.as_millis(),
            self.limits.limit_keys,
            self.limits.cache_entries,
            self.limits.cache_memory,
            self.lease.as_millis(),
            [("name", &self.name), ("public_url", &self.public_url)]
                .into_iter()
                .filter_map(|(key, value)| Some(format!("\n{key} = {:?}", value.as_ref()?)))
                .collect::<String>(),
        )
    }

    fn from_values(values: &BTreeMap<String, (String, String)>) -> Result<Config, Error> {
        let text = |key: &str| values.get(key).map(|(_, value)| value.clone());
        let defaults = Limits::default();
        let listen = text("listen").unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let log_format = text("log_format").unwrap_or_else(|| "text".to_owned());
        Ok(Config {
            data: text("data").map_or_else(|| PathBuf::from("./data"), PathBuf::from),
            listen: listen.replace("localhost", "127.0.0.1").parse().map_err(|_| {
                wrong(values, "listen", format!("`{listen}` is not an address and port; write 127.0.0.1:8080 or 0.0.0.0:8080"))
            })?,
            database_url: match text("database_url") {
                Some(url) if !url.starts_with("postgres://") && !url.starts_with("postgresql://") => {
                    return Err(wrong(values, "database_url", "only postgres:// URLs are possible; leave it out for the embedded SQLite".to_owned()));
                }
                url => url,
            },
            key: text("key"),
            outbound_allow: match text("outbound_allow") {
                None => Allow::default(),
                Some(list) => Allow::parse(&list).map_err(|error| wrong(values, "outbound_allow", error))?,
            },
            extra_roots: text("ssl_cert_file").map(PathBuf::from),
            hosts: text("hosts").map(|hosts| hosts.split(',').map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect()).unwrap_or_default(),
            public_url: match text("public_url") {
                None => None,
                Some(url) => Some(public_url(&url).map_err(|error| wrong(values, "public_url", error))?),
            },
            log: text("log").unwrap_or_else(|| "info".to_owned()),
            log_json: match log_format.as_str() {
                "text" => false,
                "json" => true,
                other => return Err(wrong(values, "log_format", format!("`{other}` is not possible; write text or json"))),
            },
            max_message: number(values, "max_message", 1 << 20, 1)?,
            large_value: number(values, "large_value", 16 << 10, SMALLEST_LARGE)?,
            arriving: number(values, "arriving_bytes", 256 << 20, 1)?,
            queue: number(values, "queue", 8192, 2)?,
            queue_bytes: number(values, "queue_bytes", 64 << 20, 1)?,
            name: text("name"),
            lease: Duration::from_millis(number(values, "lease_ms", 15_000, SHORTEST_LEASE)?),
            clock_offset: number(values, "clock_offset_ms", 0, i64::MIN)?,
            faults: match text("crash_at") {
                None => Faults::default(),
                Some(point) => point.parse().map_err(|error: BadPoint| wrong(values, "crash_at", error.to_string()))?,
            },
            limits: Limits {
                active_runs: number(values, "active_runs", defaults.active_runs, 1)?,
                line_runs: number(values, "line_runs", defaults.line_runs, 1)?,
                waiting_runs: number(values, "waiting_runs", defaults.waiting_runs, 1)?,
                script_time: Duration::from_millis(number(values, "script_time_ms", defaults.script_time.as_millis() as u64, 1)?),
                script_operations: number(values, "script_operations", defaults.script_operations, 1)?,
                script_memory: number(values, "script_memory", defaults.script_memory, 1)?,
                max_response: number(values, "max_response", defaults.max_response, 1)?,
                script_calls: number(values, "script_calls", defaults.script_calls, 1)?,
                script_places: match number(values, "script_places", defaults.script_places, 1)? {
                    places if places <= MOST_PLACES => places,
                    _ => return Err(wrong(values, "script_places", format!("at most {MOST_PLACES} are possible, since each needs a thread"))),
                },
                polls: PollLimits {
                    underway: number(values, "polls", defaults.polls.underway, 1)?,
                    most: Most {
                        messages: number(values, "poll_messages", defaults.polls.most.messages, 1)?,
                        bytes: number(values, "poll_bytes", defaults.polls.most.bytes, 1)?,
                    },
                },
                tries: TryLimits {
                    underway: number(values, "tries", defaults.tries.underway, 0)?,
                    kept: number(values, "tries_kept", defaults.tries.kept, 0)?,
                    time: Duration::from_millis(number(values, "tries_time_ms", defaults.tries.time.as_millis() as u64, 1)?),
                    memory: number(values, "tries_memory", defaults.tries.memory, 1)?,
                },
                grace: Duration::from_millis(number(values, "grace_ms", defaults.grace.as_millis() as u64, 0)?),
                retention: Retention {
                    history: days(values, "history_days", defaults.retention.history)?,
                    open_letters: days(values, "dead_letter_days", defaults.retention.open_letters)?,
                    dedupe: days(values, "dedupe_days", defaults.retention.dedupe)?,
                    size: Some(number(values, "history_bytes", 0_u64, 0)?).filter(|bytes| *bytes > 0),
                },
                park_after: Duration::from_millis(number(values, "park_after_ms", defaults.park_after.as_millis() as u64, 1)?),
                limit_keys: number(values, "limit_keys", defaults.limit_keys, 1)?,
                cache_entries: number(values, "cache_entries", defaults.cache_entries, 0)?,
                cache_memory: number(values, "cache_memory", defaults.cache_memory, 0)?,
            },
        })
    }
}

/// An address that links begin with, without the slash at its end.
fn public_url(text: &str) -> Result<String, String> {
    let good = |url: &url::Url| {
        ["http", "https"].contains(&url.scheme())
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    let url = url::Url::parse(text).ok().filter(good);
    let url = url.ok_or_else(|| {
        format!("`{text}` is no address that links can begin with; write one such as https://weir.example.com, without `?`, `#` or a user")
    })?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

const DAY: u64 = 24 * 60 * 60;

/// A number of days, of which 0 stands for ever.
fn days(
    values: &BTreeMap<String, (String, String)>,
    key: &str,
    default: Option<Duration>,
) -> Result<Option<Duration>, Error> {
    let days = number(values, key, in_days(default), 0)?;
    Ok((days > 0).then(|| Duration::from_secs(days.saturating_mul(DAY))))
}

fn in_days(time: Option<Duration>) -> u64 {
    time.map_or(0, |time| time.as_secs() / DAY)
}

fn read_file(path: &Path) -> Result<BTreeMap<String, (String, String)>, Error> {
    let unreadable = |error: String| Error::Unreadable {
        path: path.to_path_buf(),
        error,
    };
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let written: BTreeMap<String, Written> =
        toml::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let mut values = BTreeMap::new();
    for (key, value) in written {
        if !SETTINGS.iter().any(|(known, ..)| *known == key) {
            let advice =
                weir_flows::problem::suggestion(&key, SETTINGS.iter().map(|(known, ..)| *known));
            let error = format!("there is no such setting{advice}; `weir settings` lists them all");
            return Err(Error::Setting {
                setting: format!("{} in {}", key, path.display()),
                error,
            });
        }
        let value = match value {
            Written::Text(text) => text,
            Written::Number(number) => number.to_string(),
        };
        values.insert(key.clone(), (format!("{key} in {}", path.display()), value));
    }
    Ok(values)
}

fn wrong(values: &BTreeMap<String, (String, String)>, key: &str, error: String) -> Error {
    let setting = values
        .get(key)
        .map_or_else(|| key.to_owned(), |(place, _)| place.clone());
    Error::Setting { setting, error }
}

fn number<N: std::str::FromStr + PartialOrd + std::fmt::Display>(
    values: &BTreeMap<String, (String, String)>,
    key: &str,
    default: N,
    least: N,
) -> Result<N, Error> {
    let Some((_, text)) = values.get(key) else {
        return Ok(default);
    };
    match text.trim().parse::<N>() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(wrong(
            values,
            key,
            format!("`{text}` is not a whole number from {least}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<Config, Error> {
        let values = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (format!("--{key}"), (*value).to_owned())));
        Config::from_values(&values.collect())
    }

    #[test]
    fn defaults_listen_on_loopback_only() {
        let config = from(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert!(config.listen.ip().is_loopback());
        assert_eq!(config.data, PathBuf::from("./data"));
    }

    #[test]
    fn wrong_settings_are_named() {
        for (key, value) in [
            ("listen", "8080"),
            ("database_url", "mysql://x"),
            ("log_format", "xml"),
            ("max_message", "-1"),
            ("large_value", "80"),
            ("active_runs", "0"),
            ("line_runs", "0"),
            ("queue", "1"),
            ("script_places", "401"),
            ("polls", "0"),
            ("tries_kept", "many"),
            ("history_days", "-1"),
            ("lease_ms", "20"),
            ("park_after_ms", "0"),
            ("limit_keys", "0"),
            ("cache_memory", "-1"),
        ] {
            let error = from(&[(key, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--{key}: ")), "{error}");
        }
    }

    #[test]
    fn days_of_retention_may_be_for_ever() {
        let config = from(&[("history_days", "7"), ("dedupe_days", "0")]).unwrap();
        let keep = &config.limits.retention;
        assert_eq!(keep.history, Some(Duration::from_secs(7 * DAY)));
        assert_eq!((keep.dedupe, keep.size), (None, None));
        assert!(config.masked().contains("dead_letter_days = 365"));
    }

    #[test]
    fn links_begin_with_an_address() {
        let config = from(&[("public_url", "https://weir.example.com/")]).unwrap();
        assert_eq!(
            config.public_url.as_deref(),
            Some("https://weir.example.com")
        );
        assert!(
            config
                .masked()
                .contains("public_url = \"https://weir.example.com\"")
        );
        for bad in [
            "weir.example.com",
            "ftp://weir.example.com",
            "https://weir.example.com/?a=1",
            "https://ada:secret@weir.example.com",
        ] {
            let error = from(&[("public_url", bad)]).unwrap_err().to_string();
            assert!(error.contains("https://weir.example.com"), "{error}");
        }
    }

    #[test]
    fn a_file_with_a_misspelt_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weir.toml");
        fs::write(&path, "listen = \"127.0.0.1:9000\"\nmax_mesage = 5\n").unwrap();
        let error = Config::load(Some(&path), &[]).unwrap_err().to_string();
        assert!(error.contains("did you mean `max_message`?"), "{error}");
        fs::write(&path, "listen = \"127.0.0.1:9000\"\nmax_message = 5\n").unwrap();
        let config = Config::load(Some(&path), &[]).unwrap();
        assert_eq!((config.listen.port(), config.max_message), (9000, 5));
    }
}
