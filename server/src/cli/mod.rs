//! The command line: what the server does on its store, done on files, and the server itself.

mod archive;
mod files;
mod gallery;
mod play;
mod remote;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    config::{Config, SETTINGS},
    store::Database,
};

/// The stack of each thread, in bytes: what scripts may nest must fit, and unused pages cost nothing.
const STACK: usize = 16 << 20;
/// Nothing to complain about.
const CLEAN: u8 = 0;
/// The files were read and something in them is wrong, or the run failed.
const PROBLEMS: u8 = 1;
/// A file, an address or an argument is not usable.
const UNUSABLE: u8 = 2;

/// Weir connects systems: flows of triggers, mappers and actions, drawn in the browser, run without losing a message.
#[derive(Parser)]
#[command(name = "weir", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve {
        /// Directory of the database and the key (WEIR_DATA, ./data)
        #[arg(long, value_name = "DIR")]
        data: Option<String>,
        /// Address and port to listen on (WEIR_LISTEN, 127.0.0.1:8080)
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
        /// Configuration file in TOML (WEIR_CONFIG)
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// On first start, publish the gallery of example flows
        #[arg(long)]
        gallery: bool,
    },
    /// Check flow files: exit 0 without errors, 1 with errors, 2 when a file is unreadable
    Check {
        /// Flow files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the tests in flow files: exit 0 when all pass, 1 with a failure, 2 when a file is unreadable
    Test {
        /// Flow files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run a flow once in this process, with real actions: exit 0 when it succeeds, 1 when it fails
    Run {
        /// The flow file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The trigger the message arrives at; the only one where the flow has one
        #[arg(long, value_name = "ID")]
        trigger: Option<String>,
        /// A file with {"body": …, "headers": {…}, "query": {…}}, or - for standard input
        #[arg(long, value_name = "FILE")]
        message: Option<PathBuf>,
        /// A file with the connections by name: {"erp": {"base_url": …}}; secrets come from WEIR_SECRET_<NAME>
        #[arg(long, value_name = "FILE")]
        connections: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Import flow files into a running server; all or nothing for each file
    Import {
        /// Flow files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Publish each flow as well
        #[arg(long)]
        publish: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Export flows of a running server as files
    Export {
        /// The flows; all where none is named
        #[arg(value_name = "FLOW")]
        flows: Vec<String>,
        /// Where to write them; one flow goes to standard output where no directory is given
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        server: Server,
    },
    /// Write all that the database has into one file, beside a running server
    Backup {
        /// The file to write
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Read a backup into an empty database, while no server runs on it
    Restore {
        /// The file that `weir backup` wrote
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// List every setting with its environment variable, or print the ones in force
    Settings {
        /// Configuration file in TOML
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Where the data is.
#[derive(clap::Args)]
struct Place {
    /// Directory of the database and the key (WEIR_DATA, ./data); WEIR_DATABASE_URL names a PostgreSQL database
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Configuration file in TOML (WEIR_CONFIG)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Where the running server is.
#[derive(clap::Args)]
struct Server {
    /// The server's address
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        env = "WEIR_SERVER"
    )]
    server: String,
    /// The token to show, once the server asks for one
    #[arg(long, value_name = "TOKEN", env = "WEIR_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { UNUSABLE } else { CLEAN };
            // A closed pipe is the reader's choice.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(STACK)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("weir: the threads of the process cannot be started: {error}");
            return ExitCode::from(UNUSABLE);
        }
    };
    ExitCode::from(runtime.block_on(run(arguments.command)))
}

async fn run(command: Command) -> u8 {
    match command {
        Command::Serve {
            data,
            listen,
            config,
            gallery,
        } => match Config::load(config.as_deref(), &[("data", data), ("listen", listen)]) {
            Ok(config) => serve::serve(config, gallery).await,
            Err(error) => unusable(&error.to_string()),
        },
        Command::Check { files, json } => files::check(&files, json),
        Command::Test { files, json } => files::test(&files, json),
        Command::Run {
            file,
            trigger,
            message,
            connections,
            json,
        } => {
            play::run(
                &file,
                trigger.as_deref(),
                message.as_deref(),
                connections.as_deref(),
                json,
            )
            .await
        }
        Command::Import {
            files,
            publish,
            server,
        } => remote::import(&files, publish, &server).await,
        Command::Export { flows, out, server } => {
            remote::export(&flows, out.as_deref(), &server).await
        }
        Command::Backup { file, place } => match place.config() {
            Ok(config) => archive::back_up(&file, &config).await,
            Err(code) => code,
        },
        Command::Restore { file, place } => match place.config() {
            Ok(config) => archive::restore(&file, &config).await,
            Err(code) => code,
        },
        Command::Settings { config } => settings(config),
    }
}

impl Place {
    /// The configuration, or the exit code where it is not usable.
    fn config(self) -> Result<Config, u8> {
        let Place { data, config } = self;
        Config::load(config.as_deref(), &[("data", data)])
            .map_err(|error| unusable(&error.to_string()))
    }
}

/// Where the database is.
fn database(config: &Config) -> Database {
    match &config.database_url {
        Some(url) => Database::Postgresql { url: url.clone() },
        None => Database::Sqlite {
            dir: config.data.clone(),
        },
    }
}

fn settings(file: Option<PathBuf>) -> u8 {
    println!(
        "{:<20} {:<24} meaning (default)",
        "in the file", "environment"
    );
    for (key, variable, meaning) in SETTINGS {
        println!("{key:<20} {variable:<24} {meaning}");
    }
    match Config::load(file.as_deref(), &[]) {
        Ok(config) => {
            println!("\nin force:\n{}", config.masked());
            CLEAN
        }
        Err(error) => unusable(&error.to_string()),
    }
}

/// Says what is not usable, and gives the exit code for it.
fn unusable(message: &str) -> u8 {
    eprintln!("weir: {message}");
    UNUSABLE
}
