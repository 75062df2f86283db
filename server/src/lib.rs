//! The server of Weir.
