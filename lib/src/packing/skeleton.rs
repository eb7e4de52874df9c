//! Packs items one by one with a heuristic, as FunSearch's skeleton does.
//!
//! This file is compiled twice: as part of this crate, and, as text, into the jail beside a
//! candidate. So it uses nothing but `core` and `alloc`, and both sides pack by the same rules:
//!
//! - There are as many empty bins as items, so there is always room.
//! - The heuristic sees the room left in the bins that the item fits into, in the bins' order; the
//!   bins still empty are among them.
//! - The item goes to the first bin with the highest score. NaN counts as the lowest score.

/// Packs `items` into bins of this `capacity` and returns the bin of each item, from 0.
///
/// # Errors
/// If `priority` does not give one score for each bin, or an item is larger than a bin. The text
/// says which item it was.
pub fn pack(
    items: &[u32],
    capacity: u32,
    mut priority: impl FnMut(f64, &[f64]) -> Vec<f64>,
) -> Result<Vec<u32>, String> {
    let mut rooms = vec![capacity; items.len()];
    // A full bin can never be feasible again, so it leaves this list.
    let mut open: Vec<usize> = (0..items.len()).collect();
    let mut feasible = Vec::with_capacity(items.len());
    let mut seen = Vec::with_capacity(items.len());
    let mut packing = Vec::with_capacity(items.len());

    for (index, &item) in items.iter().enumerate() {
        feasible.clear();
        seen.clear();
        for &bin in &open {
            if rooms[bin] >= item {
                feasible.push(bin);
                seen.push(f64::from(rooms[bin]));
            }
        }
        let scores = priority(f64::from(item), &seen);
        if scores.len() != seen.len() {
            return Err(format!(
                "priority gave {} scores for {} bins, at item {index}",
                scores.len(),
                seen.len()
            ));
        }
        let Some(&bin) = feasible.get(first_highest(&scores)) else {
            return Err(format!("item {index} of size {item} is larger than a bin ({capacity})"));
        };
        rooms[bin] -= item;
        if rooms[bin] == 0 {
            open.retain(|&other| other != bin);
        }
        packing.push(bin as u32);
    }
    Ok(packing)
}

/// The index of the first highest score; 0 if there is none above negative infinity.
fn first_highest(scores: &[f64]) -> usize {
    let (mut best, mut highest) = (0, f64::NEG_INFINITY);
    for (index, &score) in scores.iter().enumerate() {
        if score > highest {
            (best, highest) = (index, score);
        }
    }
    best
}
