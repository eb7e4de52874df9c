//! Skeleton.

pub mod show;
