//! The picture of a plot.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::series::{Series, overlap};
use super::{FitnessCurve, thin};
use crate::inert;
use crate::show::figure::{
    self, Area, DrawingError, GRID, INK, MUTED, PALETTE, UNITS, bold, font, text_width,
};

/// Width of the picture, in pixels.
pub(super) const WIDTH: i32 = 760;
const HEIGHT: i32 = 380;
/// Space above the axes, for the title and the name of the y axis.
const HEAD: i32 = 66;
/// Space below the axes, for the ticks and the name of the x axis.
const FOOT: i32 = 52;
/// Distance between two labels at the lines' ends.
const LABEL_GAP: i32 = 22;
/// Size of a label's text.
const LABEL: f64 = 14.0;
/// The most characters of a label.
const LONGEST: usize = 30;
/// A line with more points than this has markers at only some of them, and no dashes.
const MARKED: usize = 40;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// A name at a line's end.
struct Label {
    text: String,
    /// The height of the named point, in units.
    y: i32,
    /// The line's number; `None` for a target.
    series: Option<usize>,
}

pub(super) fn svg(curve: &FitnessCurve, series: &[Series]) -> crate::Result<String> {
    figure::svg((WIDTH, HEIGHT), &curve.stamped.text(), |area| draw(area, curve, series))
}

fn draw(area: &Area<'_>, curve: &FitnessCurve, series: &[Series]) -> Result<(), DrawingError> {
    let (mut across, up) = axes(curve, series);
    let labels_width = labels_width(curve, series);
    let ticks_width = up.places.iter().map(|y| text_width(&up.label(*y), 13.0)).max().unwrap_or(0);
    let left = ticks_width + 14 * UNITS;
    let apart = overlap(series);
    if apart {
        let columns = WIDTH * UNITS - left - labels_width - 12 * UNITS;
        across.make_room(f64::from(aside(series.len() - 1, series.len()) + 6 * UNITS), columns);
    }
    let mut chart = ChartBuilder::on(area)
        .margin_top(HEAD * UNITS)
        .margin_right(labels_width + 12 * UNITS)
        .y_label_area_size(left)
        .x_label_area_size(FOOT * UNITS)
        .build_cartesian_2d(across.clone(), up.clone())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(UNITS as u32))
        .axis_style(MUTED.stroke_width(UNITS as u32))
        .label_style(font(13.0, &INK, HPos::Center, VPos::Center))
        .set_all_tick_mark_size(5 * UNITS)
        .draw()?;
    write_frame(area, curve, &chart)?;

    let several = series.len() > 1;
    // The first series matters most: it is drawn last, above the others.
    for (number, one) in series.iter().enumerate().rev() {
        match apart {
            true => draw_marks(area, &chart, one, (number, series.len()))?,
            false => draw_band(&mut chart, one, number, &across)?,
        }
    }
    for (y, _) in &curve.targets {
        let ends = [(across.low, *y), (across.high, *y)];
        let style = INK.stroke_width(UNITS as u32);
        chart.draw_series(DashedLineSeries::new(ends, 4 * UNITS, 4 * UNITS, style))?;
    }
    for (number, series) in series.iter().enumerate().rev() {
        draw_line(&mut chart, series, number, &across)?;
        draw_markers(area, &chart, series, (number, several), &across)?;
    }
    write_labels(area, curve, series, &chart)
}

/// Computes the two axes. x is exactly as wide as the points; y extends outward to round numbers, and
/// starts at 0 if that costs little height.
fn axes(curve: &FitnessCurve, series: &[Series]) -> (Axis, Axis) {
    let whole = |value: f64| value.fract() == 0.0;
    let xs = || series.iter().flat_map(|series| series.points.iter().map(|(x, _)| *x));
    let (left, right) = extremes(xs());
    let across = if left == right {
        Axis { low: left - 1.0, high: right + 1.0, places: vec![left], step: 1.0 }
    } else {
        Axis::new(left, right, 8, xs().all(whole), false)
    };
    let targets = || curve.targets.iter().map(|(y, _)| *y);
    let ys = || series.iter().flat_map(Series::heights).chain(targets());
    let (mut low, mut high) = extremes(ys());
    if low == high {
        (low, high) = if low == 0.0 { (0.0, 1.0) } else { (low - low.abs(), high + high.abs()) };
    }
    if low > 0.0 && low < high / 2.0 {
        low = 0.0;
    }
    (across, Axis::new(low, high, 5, ys().all(whole), true))
}

fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

fn write_frame(
    area: &Area<'_>,
    curve: &FitnessCurve,
    chart: &Chart<'_, '_>,
) -> Result<(), DrawingError> {
    let (xs, ys) = chart.plotting_area().get_pixel_range();
    let title = bold(font(18.0, &INK, HPos::Left, VPos::Center));
    let name = font(14.0, &INK, HPos::Left, VPos::Center);
    let middle = font(14.0, &INK, HPos::Center, VPos::Center);
    let text = inert::clip(&curve.title, 72);
    area.draw(&Text::new(text, (12 * UNITS, 18 * UNITS), title))?;
    let text = inert::clip(&curve.y_label, 60);
    area.draw(&Text::new(text, (12 * UNITS, ys.start - 21 * UNITS), name))?;
    let text = inert::clip(&curve.x_label, 60);
    let place = (i32::midpoint(xs.start, xs.end), ys.end + 38 * UNITS);
    area.draw(&Text::new(text, place, middle))?;
    Ok(())
}

fn draw_band(
    chart: &mut Chart<'_, '_>,
    series: &Series,
    number: usize,
    across: &Axis,
) -> Result<(), DrawingError> {
    let band = thin::band(&series.spread, (across.low, across.high), columns(chart));
    if band.len() > 1 {
        let upper = band.iter().map(|(x, _, high)| (*x, *high));
        let lower = band.iter().rev().map(|(x, low, _)| (*x, *low));
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        chart.draw_series([Polygon::new(outline, color(number).mix(0.18).filled())])?;
    } else if let Some((x, low, high)) = band.first() {
        let style = color(number).mix(0.4).stroke_width(6 * UNITS as u32);
        chart.draw_series([PathElement::new([(*x, *low), (*x, *high)], style)])?;
    }
    Ok(())
}

/// Draws the seeds one by one, each series slightly beside the others.
fn draw_marks(
    area: &Area<'_>,
    chart: &Chart<'_, '_>,
    series: &Series,
    (number, of): (usize, usize),
) -> Result<(), DrawingError> {
    let aside = aside(number, of);
    for point in &series.marks {
        let (x, y) = chart.backend_coord(point);
        shape(area, (x + aside, y), number, (color(number).mix(0.5).filled(), 0.7))?;
    }
    Ok(())
}

/// Returns how far a series' marks are drawn beside their place, in units.
fn aside(number: usize, of: usize) -> i32 {
    (2 * number as i32 - (of as i32 - 1)) * 7 * UNITS
}

fn draw_line(
    chart: &mut Chart<'_, '_>,
    series: &Series,
    number: usize,
    across: &Axis,
) -> Result<(), DrawingError> {
    let few = series.points.len() <= MARKED;
    let thick = if few { 5 } else { 3 };
    let style = color(number).stroke_width(thick);
    for run in runs(series, chart, across) {
        let points = thin::line(&run, (across.low, across.high), columns(chart));
        if series.seeds > 0 && few {
            chart.draw_series(DashedLineSeries::new(points, 8 * UNITS, 4 * UNITS, style))?;
        } else if points.len() > 1 {
            chart.draw_series([PathElement::new(points, style)])?;
        }
    }
    Ok(())
}

fn draw_markers(
    area: &Area<'_>,
    chart: &Chart<'_, '_>,
    series: &Series,
    (number, several): (usize, bool),
    across: &Axis,
) -> Result<(), DrawingError> {
    let known: Vec<(f64, f64)> = series.known().collect();
    let every = if series.points.len() <= MARKED { 1 } else { known.len().div_ceil(12) };
    // A point between two gaps has no line; only its marker shows it.
    let alone: Vec<(f64, f64)> =
        runs(series, chart, across).into_iter().filter(|run| run.len() == 1).flatten().collect();
    let alone = thin::line(&alone, (across.low, across.high), columns(chart) / 8);
    // A single long line needs no markers.
    let some = known.iter().step_by(every.max(1)).filter(|_| several || every == 1);
    let mut marked: Vec<(f64, f64)> = some.chain(known.last()).chain(&alone).copied().collect();
    marked.sort_by(|a, b| a.0.total_cmp(&b.0));
    marked.dedup();
    for point in marked {
        marker(area, chart.backend_coord(&point), number)?;
    }
    Ok(())
}

/// Writes each line's name at its end; a name moves up or down if it would cover another.
fn write_labels(
    area: &Area<'_>,
    curve: &FitnessCurve,
    series: &[Series],
    chart: &Chart<'_, '_>,
) -> Result<(), DrawingError> {
    let mut labels = Vec::new();
    for (number, series) in series.iter().enumerate() {
        if let Some(last) = series.known().next_back() {
            let y = chart.backend_coord(&last).1;
            labels.push(Label { text: clip(&series.name), y, series: Some(number) });
        }
    }
    for (y, name) in &curve.targets {
        let y = chart.backend_coord(&(0.0, *y)).1;
        labels.push(Label { text: clip(name), y, series: None });
    }
    labels.sort_by_key(|label| label.y);
    let (xs, ys) = chart.plotting_area().get_pixel_range();
    let wished: Vec<i32> = labels.iter().map(|label| label.y).collect();
    for (label, y) in labels.iter().zip(apart(&wished, LABEL_GAP * UNITS, ys.end)) {
        let start = xs.end + 12 * UNITS;
        match label.series {
            Some(number) => marker(area, (start + 6 * UNITS, y), number)?,
            None => {
                let style = INK.stroke_width(UNITS as u32);
                for dash in [0, 8 * UNITS] {
                    let ends = [(start + dash, y), (start + dash + 4 * UNITS, y)];
                    area.draw(&PathElement::new(ends, style))?;
                }
            }
        }
        let style = font(LABEL, &INK, HPos::Left, VPos::Center);
        area.draw(&Text::new(label.text.clone(), (start + 17 * UNITS, y), style))?;
    }
    Ok(())
}

/// Cuts a name to the space beside the lines. The brackets at its end, which say who answered, stay.
fn clip(name: &str) -> String {
    let who = name.rfind(" (").map_or("", |start| &name[start..]);
    let who = if who.ends_with(')') && who.chars().count() <= LONGEST / 2 { who } else { "" };
    inert::clip(&name[..name.len() - who.len()], LONGEST - who.chars().count()) + who
}

fn labels_width(curve: &FitnessCurve, series: &[Series]) -> i32 {
    let names = series.iter().filter(|series| !series.is_empty()).map(|series| &series.name);
    let names = names.chain(curve.targets.iter().map(|(_, name)| name));
    names.map(|name| text_width(&clip(name), LABEL)).max().unwrap_or(0) + 29 * UNITS
}

/// Moves sorted heights apart, so that each is at least `gap` below the one before and none is below
/// `floor`.
fn apart(wished: &[i32], gap: i32, floor: i32) -> Vec<i32> {
    let mut places: Vec<i32> = wished.to_vec();
    for index in 1..places.len() {
        places[index] = places[index].max(places[index - 1] + gap);
    }
    let mut limit = floor;
    for place in places.iter_mut().rev() {
        *place = (*place).min(limit);
        limit = *place - gap;
    }
    places
}

/// Returns the plot's width in pixels, the limit for thinning a line.
fn columns(chart: &Chart<'_, '_>) -> usize {
    (chart.plotting_area().dim_in_pixel().0 / UNITS as u32).max(1) as usize
}

/// Returns the parts of a line between its gaps; a gap narrower than a pixel does not count.
fn runs(series: &Series, chart: &Chart<'_, '_>, across: &Axis) -> Vec<Vec<(f64, f64)>> {
    series.runs(across.width() / columns(chart) as f64)
}

fn color(number: usize) -> RGBColor {
    PALETTE[number % PALETTE.len()]
}

/// Draws a point of a line.
fn marker(area: &Area<'_>, place: (i32, i32), number: usize) -> Result<(), DrawingError> {
    shape(area, place, number, (color(number).filled(), 1.0))
}

/// Returns the shape that identifies a line without its colour, in a style and a size.
fn shape(
    area: &Area<'_>,
    (x, y): (i32, i32),
    number: usize,
    (fill, size): (ShapeStyle, f64),
) -> Result<(), DrawingError> {
    let scaled = |length: i32| (f64::from(length * UNITS / 2) * size).round() as i32;
    let polygon = |corners: &[(i32, i32)]| {
        let corners = corners.iter().map(|(dx, dy)| (x + scaled(*dx), y + scaled(*dy)));
        area.draw(&Polygon::new(corners.collect::<Vec<_>>(), fill))
    };
    match number % 6 {
        0 => area.draw(&Circle::new((x, y), scaled(9), fill))?,
        1 => polygon(&[(-8, -8), (8, -8), (8, 8), (-8, 8)])?,
        2 => polygon(&[(0, -11), (10, 8), (-10, 8)])?,
        3 => polygon(&[(0, -12), (11, 0), (0, 12), (-11, 0)])?,
        4 => polygon(&[(0, 11), (10, -8), (-10, -8)])?,
        _ => polygon(&[
            (-3, -10),
            (3, -10),
            (3, -3),
            (10, -3),
            (10, 3),
            (3, 3),
            (3, 10),
            (-3, 10),
            (-3, 3),
            (-10, 3),
            (-10, -3),
            (-3, -3),
        ])?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::clip;

    #[test]
    fn a_long_name_keeps_who_answered() {
        assert_eq!(clip("evolution, elite kept (script)"), "evolution, elite kept (script)");
        let named = clip("evolution with the elite kept (script)");
        assert_eq!(named, "evolution with the e… (script)");
        assert_eq!(clip("a name without brackets that goes on"), "a name without brackets that …");
        let long = format!("a line ({})", "m".repeat(60));
        assert_eq!(clip(&long).chars().count(), 30);
    }
}
