//! Soon.
pub fn hold() {}
pub fn kill_all() {}
