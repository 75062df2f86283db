//! `weir backup` and `weir restore`: all data in one file, and back.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter},
    path::Path,
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};

use super::{CLEAN, database, unusable};
use crate::{
    config::Config,
    store::{self, ArchiveError, Counts, Settings},
    world::World,
};

/// Writes a backup beside a running server. A file of that name is replaced once the new one is whole.
pub(super) async fn back_up(file: &Path, config: &Config) -> u8 {
    let settings = Settings::new(database(config));
    // Beside the file, so that it can take its place at once.
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    match write(part, &settings).await {
        Ok(counts) => match fs::rename(part, file) {
            Ok(()) => {
                println!("{}: {}", file.display(), said(&counts));
                println!(
                    "The secrets in it are sealed. Keep the key ({} or WEIR_KEY) too, in another place.",
                    config.data.join("weir.key").display()
                );
                CLEAN
            }
            Err(error) => unusable(&format!("{} cannot be written: {error}", file.display())),
        },
        Err(error) => {
            // What is there of it is of no use.
            let _ = fs::remove_file(part);
            unusable(&format!("no backup was written: {error}"))
        }
    }
}

async fn write(part: &Path, settings: &Settings) -> Result<Counts, ArchiveError> {
    let mut gzip = GzEncoder::new(BufWriter::new(private(part)?), Compression::default());
    let counts = store::back_up(settings, World::real().now_ms(), &mut gzip).await?;
    let file = gzip
        .finish()?
        .into_inner()
        .map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok(counts)
}

/// A new file that only its owner can read: messages are nobody else's business.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Reads a backup into an empty database.
pub(super) async fn restore(file: &Path, config: &Config) -> u8 {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) => return unusable(&format!("{} cannot be read: {error}", file.display())),
    };
    let lines = BufReader::new(MultiGzDecoder::new(BufReader::new(opened)));
    match store::restore(&Settings::new(database(config)), lines).await {
        Ok(counts) => {
            println!("restored {}", said(&counts));
            if !config.data.join("weir.key").exists() && config.key.is_none() {
                println!(
                    "Put the key of that server at {} (or into WEIR_KEY) before you start this one: it opens the secrets.",
                    config.data.join("weir.key").display()
                );
            }
            println!(
                "Runs that were underway go on when the server starts, as after a crash at the time of the backup."
            );
            CLEAN
        }
        Err(error) => unusable(&format!("nothing was restored: {error}")),
    }
}

/// The numbers a person looks for.
fn said(counts: &Counts) -> String {
    let count = |table: &str| counts.get(table).copied().unwrap_or(0);
    format!(
        "{} flows, {} versions, {} connections, {} secrets, {} runs",
        count("flow"),
        count("version"),
        count("connection"),
        count("secret"),
        count("run")
    )
}
