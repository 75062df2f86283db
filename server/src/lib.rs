//! The server of Weir.

pub mod connection;
pub mod outbound;
pub mod secrets;
pub mod signature;
pub mod store;
pub mod world;
