//! Who came from whom.
