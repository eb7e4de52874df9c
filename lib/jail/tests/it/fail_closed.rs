//! Soon.
pub fn refuse(_: &str) {}
