//! Nothing of its own: it brings the crates that it depends on.
