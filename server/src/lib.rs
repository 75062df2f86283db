//! The server of Weir.

pub mod secrets;
pub mod signature;
pub mod world;
