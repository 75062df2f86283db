//! The database schema of Weir, forward only.
