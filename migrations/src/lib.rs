//! The database schema of Weir, forward only.
//!
//! One migration is one file, named `mNNNN_what.rs` and listed in [`Migrator`] in order. A migration that has been
//! released never changes; what it got wrong is put right by the next one. It may add, but not take away or rename
//! what the release before it still uses, so that an older server keeps working beside a newer one.
//!
//! So a server opens a database with migrations that it does not know. One that an older server really cannot work with
//! is named `mNNNN_breaks_what`: then only servers that know it open the database (see [`breaks`]).

mod dialect;
mod m0001_ground;
mod m0002_enabled;
mod m0003_letters;
mod m0004_servers;
mod m0005_parents;
mod m0008_bodies;
mod m0009_pauses;
mod m0010_awaited;
mod m0011_polls;

use dialect::Migration;
use sea_orm_migration::{MigrationTrait, async_trait};

pub use sea_orm_migration::MigratorTrait;

/// All migrations, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(Migration("m0001_ground", m0001_ground::STATEMENTS)),
            Box::new(Migration("m0002_enabled", m0002_enabled::STATEMENTS)),
            Box::new(Migration("m0003_letters", m0003_letters::STATEMENTS)),
            Box::new(Migration("m0004_servers", m0004_servers::STATEMENTS)),
            Box::new(Migration("m0005_parents", m0005_parents::STATEMENTS)),
            Box::new(Migration("m0008_bodies", m0008_bodies::STATEMENTS)),
            Box::new(Migration("m0009_pauses", m0009_pauses::STATEMENTS)),
            Box::new(Migration("m0010_awaited", m0010_awaited::STATEMENTS)),
            Box::new(Migration("m0011_polls", m0011_polls::STATEMENTS)),
        ]
    }
}

/// The number of a migration, from its name; 0 where that is no migration's.
#[must_use]
pub fn number(name: &str) -> usize {
    let digits = name.strip_prefix('m').and_then(|rest| rest.get(..4));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Whether a server that does not know the migration of this name must leave the database alone.
#[must_use]
pub fn breaks(name: &str) -> bool {
    name.split('_').nth(1) == Some("breaks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_order_and_who_fits() {
        let all = Migrator::migrations();
        let numbers: Vec<usize> = all.iter().map(|one| number(one.name())).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert_eq!(numbers.first(), Some(&1));
        assert!(!all.iter().any(|one| breaks(one.name())));
        assert!(breaks("m0999_breaks_runs"));
        for other in ["m0999_outbreaks", "m0999_what_breaks", "breaks_m0999"] {
            assert!(!breaks(other), "{other}");
        }
        assert_eq!(
            (number("m0031_x"), number("later"), number("mé")),
            (31, 0, 0)
        );
    }
}
