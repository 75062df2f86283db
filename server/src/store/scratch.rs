//! A database of its own for a test on somebody's PostgreSQL, dropped afterwards.

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbErr, SqlxPostgresConnector};
use url::Url;

use super::error::{self, Error};

/// A database that was made for a test.
#[derive(Debug)]
pub struct Scratch {
    admin: DatabaseConnection,
    name: String,
    /// Its URL, with the password of the one it was made beside.
    pub url: String,
}

impl Scratch {
    /// Makes a database of this name on the server of `url`. The name must be of lower-case letters, digits and `_`.
    ///
    /// # Errors
    /// The server cannot be reached, or its user may not make databases.
    pub async fn make(url: &str, name: &str) -> Result<Scratch, Error> {
        let unreadable = |error: url::ParseError| Error::Refused(format!("the URL: {error}"));
        let mut own = Url::parse(url).map_err(unreadable)?;
        own.set_path(name);
        let made = async {
            let mut options = ConnectOptions::new(url);
            options.max_connections(1).sqlx_logging(false);
            let admin = SqlxPostgresConnector::connect(options).await?;
            admin
                .execute_unprepared(&format!("CREATE DATABASE {name}"))
                .await?;
            Ok(admin)
        };
        let admin = made.await.map_err(|error: DbErr| error::seen(&error))?;
        Ok(Scratch {
            admin,
            name: name.to_owned(),
            url: own.into(),
        })
    }

    /// Drops it, whoever is connected to it.
    ///
    /// # Errors
    /// The server cannot be reached any more; the database is still there then.
    pub async fn drop(self) -> Result<(), Error> {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let dropped = self.admin.execute_unprepared(&drop).await;
        dropped.map(|_| ()).map_err(|error| error::seen(&error))
    }
}
