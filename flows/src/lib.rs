//! The flow language of Weir.
