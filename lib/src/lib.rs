//! Skeleton.
pub mod packing;
