//! An axis: its range and its labelled places (ticks).

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::show::number;

/// The range of an axis and its labelled places.
#[derive(Clone)]
pub(in crate::show) struct Axis {
    pub(in crate::show) low: f64,
    pub(in crate::show) high: f64,
    pub(in crate::show) places: Vec<f64>,
    /// The distance between two neighbouring places.
    pub(in crate::show) step: f64,
}

impl Axis {
    /// Creates an axis with about `wanted` round places between `low` and `high`; only whole numbers if
    /// `whole`. If `outward`, the range grows to the next round number on both sides.
    pub(in crate::show) fn new(
        low: f64,
        high: f64,
        wanted: usize,
        whole: bool,
        outward: bool,
    ) -> Axis {
        let mut step = round_up((high - low) / wanted as f64);
        if whole {
            step = step.max(1.0);
        }
        let (first, last) = if outward {
            ((low / step).floor(), (high / step).ceil())
        } else {
            ((low / step).ceil(), (high / step).floor())
        };
        // Multiplies instead of adding step after step: near the float's precision, a sum would not change.
        let count = (last - first).clamp(0.0, 4.0 * wanted as f64) as usize;
        let mut places: Vec<f64> = (0..=count).map(|i| (first + i as f64) * step).collect();
        places.dedup();
        let (low, high) =
            if outward { (low.min(first * step), high.max(last * step)) } else { (low, high) };
        Axis { low, high, places, step }
    }

    /// Widens the range on both sides, so that marks drawn `aside` columns beside a value stay in the
    /// picture.
    pub(in crate::show) fn make_room(&mut self, aside: f64, columns: i32) {
        let room = self.width() * aside / (f64::from(columns) - 2.0 * aside);
        if room.is_finite() && room > 0.0 {
            (self.low, self.high) = (self.low - room, self.high + room);
        }
    }

    /// Returns the length of the range.
    pub(in crate::show) fn width(&self) -> f64 {
        self.high - self.low
    }

    /// Returns the label of a place, with as many decimals as the step needs.
    pub(in crate::show) fn label(&self, place: f64) -> String {
        let decimals = (-self.step.log10().floor()).max(0.0);
        if decimals > 12.0 || place.abs() >= 1e15 {
            return number::format(place);
        }
        number::rounded(place, decimals as usize)
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let share = (value - self.low) / (self.high - self.low);
        (f64::from(start) + share * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Plotters asks twice: for the labelled places, and for fainter ones in between.
        if hint.weight().allow_light_points() { Vec::new() } else { self.places.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

/// Returns the next of 1, 2, 5, 10, 20, 50, ...
fn round_up(size: f64) -> f64 {
    if !(size.is_finite() && size > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(size.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= size * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_round() {
        assert_eq!(Axis::new(0.0, 100.0, 5, false, true).places, [0., 20., 40., 60., 80., 100.]);
        assert_eq!(Axis::new(3.0, 97.0, 5, false, true).low, 0.0);
        assert_eq!(Axis::new(1.0, 4.0, 8, true, false).places, [1., 2., 3., 4.]);
        assert_eq!(Axis::new(0.0, 99_999.0, 5, true, false).places.len(), 5);
    }

    #[test]
    fn marks_beside_a_value_have_room() {
        let mut axis = Axis::new(0.0, 8.0, 8, true, false);
        axis.make_room(42.0, 400);
        let column = |value: f64| (value - axis.low) / axis.width() * 400.0;
        assert!((column(0.0) - 42.0).abs() < 1e-9 && (column(8.0) - 358.0).abs() < 1e-9);
        axis.make_room(200.0, 400);
        assert!(axis.width().is_finite(), "no room that wide");
    }

    #[test]
    fn labels_differ_when_places_do() {
        for (low, high) in [(0.5, 0.500_05), (150.0, 150.2), (1234.56, 1234.57), (-0.01, 0.01)] {
            let axis = Axis::new(low, high, 5, false, true);
            let labels: Vec<String> = axis.places.iter().map(|p| axis.label(*p)).collect();
            let mut distinct = labels.clone();
            distinct.dedup();
            assert_eq!(labels, distinct);
        }
    }

    #[test]
    fn extreme_ranges_cause_no_endless_loop() {
        for (low, high) in [(1e16, 1e16 + 4.0), (-1e99, 1e99), (0.0, 1e-300), (5.0, 5.0)] {
            let axis = Axis::new(low, high, 5, false, true);
            assert!(axis.places.len() <= 21 && !axis.places.is_empty());
            assert!(axis.low <= low && axis.high >= high);
        }
    }
}
