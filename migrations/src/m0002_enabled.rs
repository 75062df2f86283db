//! Flows can be switched off: `flow.enabled`.
//!
//! The default lets a server of the release before go on making flows beside a newer one.

use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager, async_trait, sea_orm::DbErr,
};

use crate::dialect;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_enabled"
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

const STATEMENTS: &[&str] = &[
    // 0 or 1: SQLite has no other truth. The schedules of a flow that is off have no next instant.
    "ALTER TABLE flow ADD COLUMN enabled {int} NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1))",
];
