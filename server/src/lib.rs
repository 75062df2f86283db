//! The server of Weir: `api` -> `engine` -> `connectors`, `api` and `engine` -> `store`; `cli` starts them.

pub mod api;
pub mod cli;
pub mod config;
pub mod connection;
pub mod connectors;
pub mod engine;
mod fair;
pub mod memory;
pub mod outbound;
pub mod secrets;
pub mod signature;
pub mod store;
pub mod world;
