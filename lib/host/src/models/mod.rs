//! Skeleton.
pub mod code;
