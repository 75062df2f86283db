//! Black-box tests of Weir.
