//! A PostgreSQL of one test alone, which may be stopped as if its machine had failed, and started again.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{self, Command, ExitStatus, Stdio},
};

use tempfile::TempDir;

/// A PostgreSQL cluster. It is stopped and removed when it is dropped.
pub struct Cluster {
    binaries: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// Makes a cluster and starts it. Commits wait for its log, as anywhere.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start() -> Cluster {
        let mut cluster = Cluster {
            binaries: binaries(),
            folder: TempDir::with_prefix("weir-cluster").unwrap(),
            port: 0,
        };
        if is_root() {
            // PostgreSQL refuses to run as root.
            let owned = Command::new("chown")
                .arg("postgres")
                .arg(cluster.folder.path())
                .status()
                .unwrap();
            assert!(owned.success(), "chown: {owned}");
        }
        let data = cluster.folder.path().join("data");
        let arguments = [
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ];
        let mut initdb = cluster.command("initdb");
        let made = initdb.args(arguments).arg(&data).output().unwrap();
        assert!(made.status.success(), "initdb: {made:?}");
        // Below the ports that the system gives to outgoing connections; others start theirs at the same time.
        let first = 15_600 + u16::try_from(process::id() % 50).unwrap();
        for port in first..first + 100 {
            cluster.port = port;
            if TcpStream::connect(("127.0.0.1", port)).is_err() && cluster.try_start().success() {
                return cluster;
            }
        }
        panic!("PostgreSQL did not start: {}", cluster.log());
    }

    /// The URL of its first database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it in the middle of everything.
    ///
    /// # Panics
    /// When it cannot be stopped.
    pub fn crash(&self) {
        let stopped = self.control(&["-m", "immediate", "stop"]);
        assert!(stopped.success(), "pg_ctl: {stopped}");
    }

    /// Starts it again, on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&self) {
        let started = self.try_start();
        assert!(started.success(), "pg_ctl: {started}; {}", self.log());
    }

    fn try_start(&self) -> ExitStatus {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off -c max_connections=100",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("data/server.log");
        self.control(&[
            "-l",
            log.to_str().unwrap(),
            "-o",
            &options,
            "-w",
            "-t",
            "60",
            "start",
        ])
    }

    fn control(&self, arguments: &[&str]) -> ExitStatus {
        let data = self.folder.path().join("data");
        let mut control = self.command("pg_ctl");
        // The server must not hold on to a pipe that somebody reads to its end.
        control
            .arg("-D")
            .arg(data)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/");
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("data/server.log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may be stopped already.
        let _ = self.control(&["-m", "immediate", "stop"]);
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Where the newest PostgreSQL of this machine has its programs.
fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    folders.retain(|folder| folder.join("initdb").is_file());
    let newest = |folder: &PathBuf| {
        let version = folder
            .parent()
            .and_then(|parent| parent.file_name()?.to_str()?.parse::<u32>().ok());
        version.unwrap_or_default()
    };
    let found = folders.into_iter().max_by_key(newest);
    found.expect("PostgreSQL is not installed: run ./setup --tests")
}
