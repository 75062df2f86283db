//! All tests of this package in one binary, which links once.

mod tidy;
