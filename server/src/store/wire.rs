//! What servers on one PostgreSQL database call out to each other: hints that something is worth a look, never the truth.
//!
//! They travel by LISTEN and NOTIFY. A hint may be lost; whoever acts on hints also looks by himself from time to time.

use std::time::Duration;

use sea_orm::{
    DbBackend, Statement,
    sqlx::postgres::{PgListener, PgNotification},
};
use tokio::{sync::broadcast, time::sleep};

use super::{Settings, Store, connect, error::Error, sql::statement};

/// The channel. Channels belong to a database, so this one meets nobody else's.
const CHANNEL: &str = "weir";

/// The longest hint, in bytes: PostgreSQL takes less than 8000.
const LONGEST: usize = 7_900;

/// How long to wait before listening is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// What may be worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Flows were written, published, switched or deleted.
    Flows,
    /// Runs are nobody's.
    Runs,
    /// A person wants something of a run that another server has.
    Orders,
    /// Runs have moved: a text of the engine.
    Moved(String),
    /// Hints may have been lost.
    Anything,
}

impl Hint {
    fn write(&self) -> String {
        match self {
            Hint::Flows => "flows".to_owned(),
            Hint::Runs => "runs".to_owned(),
            Hint::Orders => "orders".to_owned(),
            Hint::Anything => "anything".to_owned(),
            Hint::Moved(text) => format!("moved {text}"),
        }
    }

    /// A word that this version does not know may come from a newer server: it may be anything.
    fn read(text: &str) -> Hint {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("flows", _) => Hint::Flows,
            ("runs", _) => Hint::Runs,
            ("orders", _) => Hint::Orders,
            ("moved", text) => Hint::Moved(text.to_owned()),
            _ => Hint::Anything,
        }
    }
}

impl Store {
    /// The hints of all servers on the database, this one among them, from here on. None ever come on SQLite.
    #[must_use]
    pub fn hints(&self) -> broadcast::Receiver<Hint> {
        self.shared.hints.subscribe()
    }

    /// Calls a hint out to all servers on the database. Does nothing on SQLite, and nothing for one that is too long.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn hint(&self, hint: &Hint) -> Result<(), Error> {
        let statement = notify(hint);
        if self.kind() == super::Kind::Sqlite || hint.write().len() > LONGEST {
            return Ok(());
        }
        self.rows(statement).await.map(|_| ())
    }
}

/// The statement that calls a hint out; within a transaction, once that is committed.
pub(super) fn notify(hint: &Hint) -> Statement {
    statement(
        DbBackend::Postgres,
        "SELECT pg_notify(?, ?)",
        [CHANNEL.into(), hint.write().into()],
    )
}

/// Listens for as long as the store is open. Where the database lets nobody listen, a log line says so.
pub(super) async fn listen(settings: Settings, hints: broadcast::Sender<Hint>) {
    let mut told = false;
    loop {
        match connected(&settings).await {
            Ok(mut listener) => {
                told = false;
                // Whatever was said before is not heard any more.
                let _ = hints.send(Hint::Anything);
                while let Ok(heard) = listener.try_recv().await {
                    let hint = heard.as_ref().map(PgNotification::payload);
                    // Nobody listening is no error.
                    let _ = hints.send(hint.map_or(Hint::Anything, Hint::read));
                }
            }
            Err(error) if !told => {
                told = true;
                tracing::warn!(%error, "the database lets nobody listen to other servers, so this one looks by itself");
            }
            Err(_) => {}
        }
        sleep(AGAIN).await;
    }
}

async fn connected(settings: &Settings) -> Result<PgListener, Error> {
    let database = connect::listener(settings).await?;
    let failed = |error: sea_orm::sqlx::Error| Error::Unavailable(error.to_string());
    let pool = database.get_postgres_connection_pool();
    let mut listener = PgListener::connect_with(pool).await.map_err(failed)?;
    listener.listen(CHANNEL).await.map_err(failed)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_survive_their_text() {
        for hint in [
            Hint::Flows,
            Hint::Runs,
            Hint::Orders,
            Hint::Anything,
            Hint::Moved("[1, 2]".to_owned()),
        ] {
            assert_eq!(Hint::read(&hint.write()), hint);
        }
        assert_eq!(Hint::read("of a later version"), Hint::Anything);
    }
}
