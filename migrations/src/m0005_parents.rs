//! A run that a step of another run called remembers that run.
//!
//! `run.parent` may be absent, so that a server of the release before goes on making runs beside a newer one.

use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager, async_trait, sea_orm::DbErr,
};

use crate::dialect;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_parents"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::execute(manager, STATEMENTS).await
    }

    /// On SQLite too, so that a start that is interrupted leaves no change without its mark.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const STATEMENTS: &[&str] = &["ALTER TABLE run ADD COLUMN parent {uuid}"];
