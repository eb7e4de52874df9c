//! Leaves out points that nobody can see.
//!
//! In a column of pixels, a line shows only its first, lowest, highest and last point; those four are kept
//! (M4: Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014). The picture
//! stays the same, peaks included.

/// Returns the points of a line, at most four in each of `columns` equal parts of `left..=right`.
pub(super) fn line(
    points: &[(f64, f64)],
    (left, right): (f64, f64),
    columns: usize,
) -> Vec<(f64, f64)> {
    if points.len() <= 2 * columns {
        return points.to_vec();
    }
    let mut kept = Vec::with_capacity(4 * columns);
    for column in points.chunk_by(|a, b| same(a.0, b.0, (left, right), columns)) {
        let lowest = (0..column.len()).min_by(|a, b| column[*a].1.total_cmp(&column[*b].1));
        let highest = (0..column.len()).max_by(|a, b| column[*a].1.total_cmp(&column[*b].1));
        let mut picks = vec![0, column.len() - 1];
        picks.extend(lowest);
        picks.extend(highest);
        picks.sort_unstable();
        picks.dedup();
        kept.extend(picks.into_iter().map(|index| column[index]));
    }
    kept
}

/// Returns the band `(x, low, high)`, one entry in each of `columns` equal parts of `left..=right`.
pub(super) fn band(
    band: &[(f64, f64, f64)],
    (left, right): (f64, f64),
    columns: usize,
) -> Vec<(f64, f64, f64)> {
    if band.len() <= 2 * columns {
        return band.to_vec();
    }
    band.chunk_by(|a, b| same(a.0, b.0, (left, right), columns))
        .filter_map(|column| {
            column.iter().copied().reduce(|(x, low, high), (_, l, h)| (x, low.min(l), high.max(h)))
        })
        .collect()
}

fn same(a: f64, b: f64, (left, right): (f64, f64), columns: usize) -> bool {
    let column = |x: f64| ((x - left) / (right - left) * columns as f64).floor();
    column(a) == column(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_ends_and_its_peak() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|i| (f64::from(i), 0.0)).collect();
        points[54_321].1 = 9.0;
        points[54_322].1 = -9.0;
        let kept = line(&points, (0.0, 99_999.0), 500);
        assert!(kept.len() <= 2_004, "{}", kept.len());
        assert!(kept.contains(&points[54_321]) && kept.contains(&points[54_322]));
        assert_eq!(kept.first(), points.first());
        assert_eq!(kept.last(), points.last());
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_short_line_keeps_every_point() {
        let points = [(0.0, 1.0), (1.0, 2.0)];
        assert_eq!(line(&points, (0.0, 1.0), 500), points);
    }

    #[test]
    fn a_long_band_keeps_its_extremes() {
        let wide: Vec<(f64, f64, f64)> =
            (0..10_000).map(|i| (f64::from(i), -f64::from(i % 7), f64::from(i % 11))).collect();
        let kept = band(&wide, (0.0, 9_999.0), 100);
        // The right edge is a separate column with one point.
        assert_eq!(kept.len(), 101);
        assert!(kept[..100].iter().all(|(_, low, high)| (*low, *high) == (-6.0, 10.0)));
    }
}
