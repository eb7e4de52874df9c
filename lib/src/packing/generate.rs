//! Instances like those of the two published families, made from a seed.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Dataset, Instance, InvalidPacking};

impl Dataset {
    /// Makes instances with items drawn evenly from 20 to 100 and capacity 150, the family of OR-Library's
    /// `u120` to `u1000`. OR3 is its `u500`: 20 instances of 500 items.
    ///
    /// # Errors
    /// If there are no instances or no items.
    pub fn uniform(seed: u64, instances: usize, items: usize) -> Result<Self, InvalidPacking> {
        generate("uniform", seed, instances, items, 150, |rng| rng.random_range(20..=100))
    }

    /// Makes instances with items from a Weibull distribution (shape 3, scale 45), rounded and clipped to 1
    /// to 100, and capacity 100. The published Weibull 5k has 5 instances of 5,000 items. Its sizes were
    /// apparently cut off instead of rounded, so its baselines are a little lower than ours (the example
    /// `baselines` prints both).
    ///
    /// # Errors
    /// If there are no instances or no items.
    pub fn weibull(seed: u64, instances: usize, items: usize) -> Result<Self, InvalidPacking> {
        generate("weibull", seed, instances, items, 100, |rng| {
            let unit: f64 = rng.random();
            // By inversion: 1 - unit is never 0, so the logarithm is finite.
            let size = 45.0 * (-(1.0 - unit).ln()).cbrt();
            size.round().clamp(1.0, 100.0) as u32
        })
    }
}

/// Generates the instances with a named algorithm, so that a seed gives the same instances everywhere.
fn generate(
    family: &str,
    seed: u64,
    instances: usize,
    items: usize,
    capacity: u32,
    mut draw: impl FnMut(&mut Xoshiro256PlusPlus) -> u32,
) -> Result<Dataset, InvalidPacking> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let instances = (0..instances).map(|index| {
        let sizes: Vec<u32> = (0..items).map(|_| draw(&mut rng)).collect();
        Instance::new(format!("{family} {items} #{index}"), capacity, sizes)
    });
    Dataset::new(instances.collect::<Result<_, _>>()?)
}
