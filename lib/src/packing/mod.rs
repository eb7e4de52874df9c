//! Online bin packing, the problem on which FunSearch found new heuristics.
//!
//! Items arrive one by one, and each must go into a bin at once. A *heuristic* is a function
//! `priority(item, bins)` that scores the bins that have room for the item; the item goes to the first bin
//! with the highest score. The quality of a heuristic is its *excess*: how many more bins it uses than a
//! lower bound, in percent.
//!
//! The problem, its two families of instances and the published figures come from B. Romera-Paredes et al.,
//! *Mathematical discoveries from program search with large language models*, Nature 625 (2024),
//! <https://doi.org/10.1038/s41586-023-06924-6>.
//!
//! | module | subject |
//! |---|---|
//! | [`skeleton`] | packs items with a heuristic; also compiled in the jail, with a candidate |
//! | [`heuristics`] | first fit, best fit and the two published heuristics |
//! | [`split`] | training, validation and a locked test |
//! | `dataset` | several instances, judged and scored together |
//! | `generate`, `load` | instances made from a seed, or read from a file |
//! | this module | instances, and the check that counts a packing's bins |
//!
//! The check trusts nobody: it gets the bin of each item and does the counting itself. Left out: offline
//! packing, where all items are known in advance, and better bounds than the volume's.

mod dataset;
mod generate;
pub mod heuristics;
mod load;
pub mod skeleton;
pub mod split;

use std::fmt;

use code_evolution_wire::protocol::FailureKind;

pub use dataset::Dataset;
pub use split::Split;

/// The seed of the instances in this project's tables and tests.
pub const SEED: u64 = 2026;

/// Items in the order in which they arrive, and the bins' capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    name: String,
    capacity: u32,
    items: Vec<u32>,
}

impl Instance {
    /// Creates an instance. The capacity and the items have the same unit.
    ///
    /// # Errors
    /// If there are no items, or an item is 0 or larger than a bin.
    pub fn new(
        name: impl Into<String>,
        capacity: u32,
        items: Vec<u32>,
    ) -> Result<Self, InvalidPacking> {
        let name = name.into();
        if items.is_empty() {
            return Err(InvalidPacking(format!("instance {name} has no items; give it some")));
        }
        if let Some(item) = items.iter().find(|&&item| item == 0 || item > capacity) {
            return Err(InvalidPacking(format!(
                "instance {name} has an item of size {item}; sizes go from 1 to the capacity, {capacity}"
            )));
        }
        Ok(Instance { name, capacity, items })
    }

    /// Returns the instance's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the capacity of one bin.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Returns the items' sizes, in the order in which they arrive.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// Returns the number of bins that every packing needs: the items' volume divided by the capacity,
    /// rounded up.
    pub fn lower_bound(&self) -> usize {
        let volume: u64 = self.items.iter().map(|&item| u64::from(item)).sum();
        usize::try_from(volume.div_ceil(u64::from(self.capacity))).unwrap_or(usize::MAX)
    }

    /// Counts the bins of a packing: `bins[i]` is the bin of item `i`, from 0.
    ///
    /// # Errors
    /// If an item has no bin or a bin that does not exist, or a bin holds more than its capacity.
    pub fn count_bins(&self, bins: &[u32]) -> Result<usize, InvalidPacking> {
        let wrong = |what: String| Err(InvalidPacking(format!("packing of {}: {what}", self.name)));
        if bins.len() != self.items.len() {
            return wrong(format!(
                "{} bins for {} items; give each a bin",
                bins.len(),
                self.items.len()
            ));
        }
        let mut filled = vec![0_u64; self.items.len()];
        for (index, (&bin, &item)) in bins.iter().zip(&self.items).enumerate() {
            let Some(filled) = filled.get_mut(bin as usize) else {
                return wrong(format!(
                    "item {index} is in bin {bin}, which does not exist; number the bins from 0"
                ));
            };
            *filled += u64::from(item);
            if *filled > u64::from(self.capacity) {
                return wrong(format!(
                    "item {index} does not fit into bin {bin}; choose one with room"
                ));
            }
        }
        Ok(filled.iter().filter(|&&filled| filled > 0).count())
    }
}

/// An instance, a file or a packing that is invalid, with the reason.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidPacking(pub(crate) String);

impl fmt::Display for InvalidPacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InvalidPacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InvalidPacking {}

impl From<InvalidPacking> for crate::Error {
    fn from(invalid: InvalidPacking) -> Self {
        crate::Error::new(FailureKind::BadRequest, invalid.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> Instance {
        Instance::new("small", 10, vec![4, 8, 5, 1]).expect("a good instance")
    }

    #[test]
    fn the_bound_is_the_volume_rounded_up() {
        assert_eq!(instance().lower_bound(), 2);
        assert_eq!(Instance::new("full", 9, vec![4, 5, 9]).expect("good").lower_bound(), 2);
        let huge = Instance::new("huge", u32::MAX, vec![u32::MAX; 3]).expect("good");
        assert_eq!(huge.lower_bound(), 3);
    }

    #[test]
    fn an_instance_must_be_packable() {
        for (items, part) in [(vec![], "no items"), (vec![3, 0], "size 0"), (vec![11], "size 11")] {
            let error = Instance::new("bad", 10, items).expect_err("nothing can pack it");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn bins_are_counted_not_believed() {
        assert_eq!(instance().count_bins(&[0, 1, 0, 0]).expect("10 and 8"), 2);
        assert_eq!(instance().count_bins(&[3, 2, 1, 0]).expect("one each"), 4);
        for (bins, part) in [
            (vec![0, 0, 1, 1], "item 1 does not fit into bin 0"),
            (vec![0, 1, 0], "3 bins for 4 items"),
            (vec![0, 1, 0, 0, 0], "5 bins for 4 items"),
            (vec![0, 1, 0, 4], "item 3 is in bin 4"),
        ] {
            let error = instance().count_bins(&bins).expect_err("not a packing");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
