//! One line of a plot, prepared for the picture and the description.

/// The values that a cell passes in.
#[derive(Clone)]
pub(super) enum Data {
    Values(Vec<f64>),
    Points(Vec<(f64, f64)>),
    Seeds(Vec<Vec<f64>>),
}

/// Beyond this value, the differences that an axis needs would not be finite.
pub(super) const LARGEST: f64 = 1e100;

/// With more seed marks than this, a series stays a band, even if bands overlap.
const MOST_MARKS: usize = 240;

/// Returns whether bands overlap so much that their seeds are better drawn one by one: two of them share
/// more than a quarter of the narrower one's area.
pub(super) fn overlap(series: &[Series]) -> bool {
    let bands: Vec<&Series> = series.iter().filter(|one| !one.spread.is_empty()).collect();
    let marked = bands.iter().all(|band| !band.marks.is_empty());
    let pairs =
        || bands.iter().enumerate().flat_map(|(i, a)| bands[..i].iter().map(move |b| (a, b)));
    marked && pairs().any(|(a, b)| a.shares(b))
}

/// One line, and the band around it.
pub(super) struct Series {
    pub(super) name: String,
    /// In ascending order of x; `None` marks a gap.
    pub(super) points: Vec<(f64, Option<f64>)>,
    /// The lowest and the highest seed at each x that has a seed.
    pub(super) spread: Vec<(f64, f64, f64)>,
    /// The seeds' values at each x, if they are few enough to be drawn one by one.
    pub(super) marks: Vec<(f64, f64)>,
    /// How many seeds are in the spread.
    pub(super) seeds: usize,
    /// How many values could not be shown.
    pub(super) missing: usize,
}

impl Series {
    pub(super) fn new(name: &str, data: &Data, start: i64) -> Series {
        let mut series = Series {
            name: name.to_owned(),
            points: Vec::new(),
            spread: Vec::new(),
            marks: Vec::new(),
            seeds: 0,
            missing: 0,
        };
        let at = |index: usize| (start + index as i64) as f64;
        match data {
            Data::Values(values) => {
                for (index, value) in values.iter().enumerate() {
                    let y = series.number(*value);
                    series.points.push((at(index), y));
                }
            }
            Data::Points(points) => {
                for (x, y) in points {
                    match series.number(*x) {
                        Some(x) => {
                            let y = series.number(*y);
                            series.points.push((x, y));
                        }
                        None => series.points.push((f64::INFINITY, None)),
                    }
                }
                series.points.sort_by(|(a, _), (b, _)| a.total_cmp(b));
                series.points.retain(|(x, _)| x.is_finite());
            }
            Data::Seeds(runs) => {
                series.seeds = runs.len();
                let steps = runs.iter().map(Vec::len).max().unwrap_or(0);
                for index in 0..steps {
                    let given = runs.iter().filter_map(|run| run.get(index));
                    let mut values: Vec<f64> =
                        given.filter_map(|value| series.number(*value)).collect();
                    values.sort_by(f64::total_cmp);
                    series.points.push((at(index), median(&values)));
                    if steps * runs.len() <= MOST_MARKS {
                        series.marks.extend(values.iter().map(|value| (at(index), *value)));
                    }
                    if let (Some(low), Some(high)) = (values.first(), values.last()) {
                        series.spread.push((at(index), *low, *high));
                    }
                }
            }
        }
        series
    }

    fn shares(&self, other: &Series) -> bool {
        let (mut shared, mut narrower) = (0.0, 0.0);
        for (x, low, high) in &self.spread {
            let at = other.spread.partition_point(|(place, ..)| place < x);
            if let Some((place, lowest, highest)) = other.spread.get(at)
                && place == x
            {
                shared += (high.min(*highest) - low.max(*lowest)).max(0.0);
                narrower += (high - low).min(highest - lowest);
            }
        }
        shared > narrower / 4.0
    }

    fn number(&mut self, value: f64) -> Option<f64> {
        let shown = value.abs() < LARGEST;
        self.missing += usize::from(!shown);
        shown.then_some(value)
    }

    /// Returns the points without the gaps.
    pub(super) fn known(&self) -> impl DoubleEndedIterator<Item = (f64, f64)> {
        self.points.iter().filter_map(|(x, y)| y.map(|y| (*x, y)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known().next().is_none()
    }

    /// Returns the parts of the line between its gaps. A gap of at most `narrow` does not count, since
    /// nobody would see it.
    pub(super) fn runs(&self, narrow: f64) -> Vec<Vec<(f64, f64)>> {
        let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut gap = true;
        for (x, y) in &self.points {
            match (y, runs.last_mut()) {
                (None, _) => gap = true,
                (Some(y), Some(run))
                    if !gap || run.last().is_some_and(|(before, _)| x - before <= narrow) =>
                {
                    run.push((*x, *y));
                    gap = false;
                }
                (Some(y), _) => {
                    runs.push(vec![(*x, *y)]);
                    gap = false;
                }
            }
        }
        runs
    }

    /// Returns every y that the axis must include.
    pub(super) fn heights(&self) -> impl Iterator<Item = f64> {
        let spread = self.spread.iter().flat_map(|(_, low, high)| [*low, *high]);
        self.known().map(|(_, y)| y).chain(spread)
    }
}

/// Returns the middle of sorted values; for an even number, the mean of the two middle ones.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(lower + (upper - lower) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_the_median_and_the_extremes() {
        let seeds = Data::Seeds(vec![vec![1.0, 5.0], vec![3.0], vec![f64::NAN, 7.0]]);
        let series = Series::new("band", &seeds, 1);
        assert_eq!(series.points, [(1.0, Some(2.0)), (2.0, Some(6.0))]);
        assert_eq!(series.spread, [(1.0, 1.0, 3.0), (2.0, 5.0, 7.0)]);
        assert_eq!((series.seeds, series.missing), (3, 1));
    }

    #[test]
    fn bands_overlap_where_they_cover_each_other() {
        let band = |low: f64, high: f64| {
            Series::new("band", &Data::Seeds(vec![vec![low, low], vec![high, high]]), 0)
        };
        assert!(overlap(&[band(0.0, 10.0), band(5.0, 20.0)]));
        assert!(overlap(&[band(0.0, 100.0), band(40.0, 50.0)]));
        assert!(!overlap(&[band(0.0, 10.0), band(9.0, 20.0)]));
        assert!(!overlap(&[band(0.0, 10.0)]));
        let many = Data::Seeds(vec![vec![1.0; 200], vec![2.0; 200]]);
        let many = || Series::new("many", &many, 0);
        assert!(!overlap(&[many(), many()]), "too many to be drawn one by one");
    }

    #[test]
    fn gaps_split_a_line() {
        let values = Data::Values(vec![1.0, f64::NAN, 2.0, 3.0, f64::INFINITY]);
        let series = Series::new("line", &values, 0);
        assert_eq!(series.runs(1.9), [vec![(0.0, 1.0)], vec![(2.0, 2.0), (3.0, 3.0)]]);
        assert_eq!(series.runs(2.0), [vec![(0.0, 1.0), (2.0, 2.0), (3.0, 3.0)]]);
        assert_eq!(series.missing, 2);
    }

    #[test]
    fn points_are_sorted_and_points_without_an_x_are_counted() {
        let points = Data::Points(vec![(2.0, 1.0), (f64::NAN, 5.0), (1.0, 4.0)]);
        let series = Series::new("points", &points, 0);
        assert_eq!(series.points, [(1.0, Some(4.0)), (2.0, Some(1.0))]);
        assert_eq!(series.missing, 1);
    }
}
