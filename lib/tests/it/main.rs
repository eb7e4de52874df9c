//! Integration tests of the notebook crate.

mod packing;
