//! The description of a plot without its picture.

use super::FitnessCurve;
use super::series::{Series, overlap};
use crate::inert;
use crate::show::html::Align;
use crate::show::number::{count, format};

/// Rows of the table of numbers; a longer series is sampled.
const ROWS: usize = 21;
/// Characters of a sparkline.
const SPARKS: usize = 40;

/// Writes the `alt` text: which lines there are, what each does, and whether it reaches the targets.
pub(super) fn alt(curve: &FitnessCurve, series: &[Series]) -> String {
    let shown: Vec<&Series> = series.iter().filter(|series| !series.is_empty()).collect();
    if shown.is_empty() {
        return format!(
            "“{}” has nothing to plot yet: add a series that holds at least one number.",
            curve.title
        );
    }
    let xs = || shown.iter().flat_map(|series| series.known().map(|(x, _)| x));
    let (first, last) =
        (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
    let range = if first == last {
        format!("{} {}", curve.x_label, format(first))
    } else {
        format!("{} {} to {}", curve.x_label, format(first), format(last))
    };
    let mut sentences = vec![format!("Line plot “{}”: {}, {range}.", curve.title, curve.y_label)];
    sentences.extend(shown.iter().map(|series| behaviour(curve, series)));
    sentences.extend(curve.targets.iter().map(|target| reaching(curve, &shown, target)));
    for series in series {
        if series.is_empty() {
            sentences.push(format!("{} has no number to show.", series.name));
        } else if series.missing > 0 {
            let values = count(series.missing, "value");
            sentences.push(format!("{}: {values} left out, being no number.", series.name));
        }
    }
    sentences.extend(curve.stamped.sentence());
    sentences.join(" ")
}

/// Explains the bands, or the marks that replace them, if there are any.
pub(super) fn caption(series: &[Series]) -> Option<String> {
    let bands: Vec<String> = series
        .iter()
        .filter(|series| series.seeds > 0 && !series.is_empty())
        .map(|series| format!("{} ({})", series.name, count(series.seeds, "seed")))
        .collect();
    let names = bands.join(", ");
    (!bands.is_empty()).then(|| {
        let spread = match overlap(series) {
            true => "Each small mark is one seed",
            false => "Bands reach from the lowest to the highest seed",
        };
        format!("{spread}, lines are medians: {names}.")
    })
}

/// Writes the plot as plain text.
pub(super) fn text(curve: &FitnessCurve, series: &[Series]) -> String {
    if series.iter().all(Series::is_empty) {
        return alt(curve, series);
    }
    let heights = || series.iter().flat_map(Series::heights);
    let low = heights().fold(f64::INFINITY, f64::min);
    let high = heights().fold(f64::NEG_INFINITY, f64::max);
    let width = series.iter().map(|series| inert::columns(&series.name)).max().unwrap_or(0);
    let mut lines = vec![curve.title.clone()];
    for series in series {
        let name = inert::pad(&series.name, width);
        lines.push(format!("{name}  {}", sparkline(series, low, high)));
    }
    lines.push(alt(curve, series));
    lines.join("\n")
}

/// Returns the numbers, step by step: head, alignment and rows of a table.
pub(super) fn table(
    curve: &FitnessCurve,
    series: &[Series],
) -> (Vec<String>, Vec<Align>, Vec<Vec<String>>) {
    let mut head = vec![curve.x_label.clone()];
    head.extend(series.iter().map(|series| match series.seeds {
        0 => series.name.clone(),
        seeds => format!("{}: median (lowest to highest of {seeds})", series.name),
    }));
    let mut xs: Vec<f64> = series.iter().flat_map(|s| s.points.iter().map(|(x, _)| *x)).collect();
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    let rows = sample(&xs, ROWS).into_iter().map(|x| {
        let mut row = vec![format(x)];
        row.extend(series.iter().map(|series| entry(series, x)));
        row
    });
    (head.clone(), vec![Align::Right; head.len()], rows.collect())
}

fn entry(series: &Series, x: f64) -> String {
    let index = series.points.partition_point(|(at, _)| *at < x);
    let value = match series.points.get(index) {
        Some((at, Some(y))) if *at == x => format(*y),
        _ => return "–".to_owned(),
    };
    let index = series.spread.partition_point(|(at, ..)| *at < x);
    match series.spread.get(index) {
        Some((at, low, high)) if *at == x => {
            format!("{value} ({} to {})", format(*low), format(*high))
        }
        _ => value,
    }
}

/// Returns at most `limit` of the values, evenly spread, including the first and the last.
fn sample<T: Clone>(values: &[T], limit: usize) -> Vec<T> {
    if values.len() <= limit {
        return values.to_vec();
    }
    (0..limit).map(|row| values[row * (values.len() - 1) / (limit - 1)].clone()).collect()
}

/// Describes what one line does, in a sentence.
fn behaviour(curve: &FitnessCurve, series: &Series) -> String {
    let points: Vec<(f64, f64)> = series.known().collect();
    let at = |x: f64| format!("{} {}", curve.x_label, format(x));
    let mut name = series.name.clone();
    if series.seeds > 0 {
        name += &format!(" (median of {})", count(series.seeds, "seed"));
    }
    let (Some((start, first)), Some((_, last))) = (points.first(), points.last()) else {
        return format!("{name} has no number to show.");
    };
    let steps = || points.iter().zip(&points[1..]);
    let reached = points.iter().find(|(_, y)| y == last).map_or(*start, |(x, _)| *x);
    let end = points.len() - 1;
    let by = if reached < points[end].0 {
        format!(", which it reaches at {}", at(reached))
    } else {
        String::new()
    };
    let what = if points.len() == 1 {
        format!("is {} at {}", format(*first), at(*start))
    } else if points.iter().all(|(_, y)| y == first) {
        format!("stays at {}", format(*first))
    } else if steps().all(|(a, b)| a.1 <= b.1) {
        format!("rises from {} to {}{by}", format(*first), format(*last))
    } else if steps().all(|(a, b)| a.1 >= b.1) {
        format!("falls from {} to {}{by}", format(*first), format(*last))
    } else {
        let (mut low, mut high) = (points[0], points[0]);
        for point in &points {
            low = if point.1 < low.1 { *point } else { low };
            high = if point.1 > high.1 { *point } else { high };
        }
        format!(
            "goes from {} to {}, with its lowest, {}, at {} and its highest, {}, at {}",
            format(*first),
            format(*last),
            format(low.1),
            at(low.0),
            format(high.1),
            at(high.0)
        )
    };
    match series.spread.last() {
        Some((x, low, high)) if series.seeds > 1 => format!(
            "{name} {what}; at {} the seeds lie between {} and {}.",
            at(*x),
            format(*low),
            format(*high)
        ),
        _ => format!("{name} {what}."),
    }
}

/// Says which lines reach a target. A line that starts above the target reaches it from above.
fn reaching(curve: &FitnessCurve, shown: &[&Series], (target, name): &(f64, String)) -> String {
    let (mut reach, mut above, mut below) = (Vec::new(), Vec::new(), Vec::new());
    for series in shown {
        let line = match series.seeds {
            0 => series.name.clone(),
            _ => format!("the median of {}", series.name),
        };
        let starts_above = series.known().next().is_some_and(|(_, first)| first > *target);
        let arrives = |y: f64| if starts_above { y <= *target } else { y >= *target };
        match series.known().find(|(_, y)| arrives(*y)) {
            Some((x, _)) => {
                reach.push(format!("{line} at {} {}", curve.x_label, format(x)));
            }
            None if starts_above => above.push(line),
            None => below.push(line),
        }
    }
    let mut parts = Vec::new();
    let reached = reach.join(", by ");
    match (reach.as_slice(), below.as_slice()) {
        ([], []) => {}
        ([], _) => parts.push("reached by none".to_owned()),
        (_, []) => parts.push(format!("reached by {reached}")),
        _ => parts.push(format!("reached by {reached}, not by {}", below.join(" nor by "))),
    }
    match above.as_slice() {
        [] => {}
        [one] => parts.push(format!("{one} stays above it")),
        all if all.len() == shown.len() => parts.push("all lines stay above it".to_owned()),
        some => parts.push(format!("{} stay above it", some.join(" and "))),
    }
    format!("Target {} ({name}): {}.", format(*target), parts.join("; "))
}

/// Draws the line as a row of blocks, on the scale of the whole plot; `·` marks a gap.
fn sparkline(series: &Series, low: f64, high: f64) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    sample(&series.points, SPARKS)
        .into_iter()
        .map(|(_, y)| match y {
            None => '·',
            Some(y) if high > low => BLOCKS[((y - low) / (high - low) * 7.0).round() as usize],
            Some(_) => BLOCKS[3],
        })
        .collect()
}
