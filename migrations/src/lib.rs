//! The database schema of Weir, forward only.
//!
//! One migration is one file, named `mNNNN_what.rs` and listed in [`Migrator`] in order. A migration that has been
//! released never changes; what it got wrong is put right by the next one. It may add, but not take away or rename
//! what the release before it still uses, so that an older server keeps working beside a newer one.

mod dialect;
mod m0001_ground;
mod m0002_enabled;
mod m0003_letters;
mod m0004_servers;
mod m0005_parents;
mod m0007_pauses;

use sea_orm_migration::{MigrationTrait, async_trait};

pub use sea_orm_migration::MigratorTrait;

/// All migrations, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_ground::Migration),
            Box::new(m0002_enabled::Migration),
            Box::new(m0003_letters::Migration),
            Box::new(m0004_servers::Migration),
            Box::new(m0005_parents::Migration),
            Box::new(m0007_pauses::Migration),
        ]
    }
}
