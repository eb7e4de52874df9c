//! The picture of a lineage.

use std::collections::{BTreeMap, HashMap, HashSet};

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::words::score;
use super::{Individual, Lineage};
use crate::inert;
use crate::score::best_first;
use crate::show::figure::{self, Area, DrawingError, INK, MUTED, UNITS, bold, font};

/// A generation with more individuals than this shows only its best.
const ROW: usize = 8;
/// Sizes in pixels.
const BOX: (i32, i32) = (116, 58);
const GAP: (i32, i32) = (14, 40);
const GUTTER: i32 = 104;
const HEAD: i32 = 44;
const EDGE: i32 = 12;

/// Low scores are light, high scores dark. There is one hue, so the lightness alone shows the score.
const LOW: RGBColor = RGBColor(238, 244, 250);
const HIGH: RGBColor = RGBColor(0, 74, 122);

/// Returns the picture, its width in pixels, and how many individuals it leaves out.
pub(super) fn svg(lineage: &Lineage) -> crate::Result<(String, i32, usize)> {
    let rows = rows(lineage);
    let shown: usize = rows.values().map(Vec::len).sum();
    let widest = rows.values().map(Vec::len).max().unwrap_or(0) as i32;
    let title = inert::clip(&lineage.title, 80);
    let title_width = figure::text_width(&title, 18.0) / UNITS;
    let width = (GUTTER + widest * (BOX.0 + GAP.0) + EDGE).max(title_width + 2 * EDGE).max(420);
    let height = HEAD + rows.len() as i32 * (BOX.1 + GAP.1) - GAP.1 + EDGE;
    let places = places(&rows, width);
    let svg = figure::svg((width, height), &lineage.stamped.text(), |area| {
        let style = bold(font(18.0, &INK, HPos::Left, VPos::Center));
        let place = (EDGE * UNITS, 20 * UNITS);
        area.draw(&Text::new(title, place, style))?;
        for (row, generation) in rows.keys().enumerate() {
            let y = (HEAD + row as i32 * (BOX.1 + GAP.1) + BOX.1 / 2) * UNITS;
            let style = font(13.0, &MUTED, HPos::Left, VPos::Center);
            area.draw(&Text::new(format!("generation {generation}"), (EDGE * UNITS, y), style))?;
        }
        draw_parents(area, lineage, &places)?;
        for individual in rows.values().flatten() {
            draw_individual(area, lineage, individual, places[individual.label.as_str()])?;
        }
        Ok(())
    })?;
    Ok((svg, width, lineage.individuals.len() - shown))
}

/// Returns the individuals to show, by generation. Each stands near its parents, so that few lines cross.
fn rows(lineage: &Lineage) -> BTreeMap<usize, Vec<&Individual>> {
    let ancestors: HashSet<&str> =
        lineage.ancestry().iter().map(|ancestor| ancestor.label.as_str()).collect();
    let mut rows: BTreeMap<usize, Vec<&Individual>> = BTreeMap::new();
    for individual in &lineage.individuals {
        rows.entry(individual.generation).or_default().push(individual);
    }
    let mut position: HashMap<&str, f64> = HashMap::new();
    for row in rows.values_mut() {
        if row.len() > ROW {
            let leads = |one: &Individual| ancestors.contains(one.label.as_str());
            let mut ranked = row.clone();
            ranked
                .sort_by(|a, b| leads(b).cmp(&leads(a)).then_with(|| best_first(a.score, b.score)));
            let kept: HashSet<&str> = ranked[..ROW].iter().map(|one| one.label.as_str()).collect();
            row.retain(|one| kept.contains(one.label.as_str()));
        }
        let wish = |one: &Individual| {
            let parents = one.parents.iter().filter_map(|parent| position.get(parent.as_str()));
            let parents: Vec<f64> = parents.copied().collect();
            let sum: f64 = parents.iter().sum();
            if parents.is_empty() { 0.5 } else { sum / parents.len() as f64 }
        };
        row.sort_by(|a, b| wish(a).total_cmp(&wish(b)));
        let width = row.len() as f64;
        position.extend(
            row.iter().enumerate().map(|(at, one)| (one.label.as_str(), (at as f64 + 0.5) / width)),
        );
    }
    rows
}

/// Returns the middle of each individual's box, in units.
fn places<'a>(
    rows: &BTreeMap<usize, Vec<&'a Individual>>,
    width: i32,
) -> HashMap<&'a str, (i32, i32)> {
    let mut places = HashMap::new();
    for (number, row) in rows.values().enumerate() {
        let needed = row.len() as i32 * (BOX.0 + GAP.0) - GAP.0;
        let left = GUTTER + (width - GUTTER - EDGE - needed) / 2;
        let y = HEAD + number as i32 * (BOX.1 + GAP.1) + BOX.1 / 2;
        for (at, individual) in row.iter().enumerate() {
            let x = left + at as i32 * (BOX.0 + GAP.0) + BOX.0 / 2;
            places.insert(individual.label.as_str(), (x * UNITS, y * UNITS));
        }
    }
    places
}

/// Draws a line from every parent to its child. Lines that lead to the best come last, on top.
fn draw_parents(
    area: &Area<'_>,
    lineage: &Lineage,
    places: &HashMap<&str, (i32, i32)>,
) -> Result<(), DrawingError> {
    let ancestors: HashSet<&str> =
        lineage.ancestry().iter().map(|ancestor| ancestor.label.as_str()).collect();
    for best in [false, true] {
        let style = if best {
            INK.stroke_width(3 * UNITS as u32)
        } else {
            RGBColor(150, 150, 150).stroke_width(UNITS as u32)
        };
        let children = lineage.individuals.iter();
        for child in children.filter(|one| ancestors.contains(one.label.as_str()) == best) {
            let Some((x, y)) = places.get(child.label.as_str()) else { continue };
            for parent in &child.parents {
                if let Some((from_x, from_y)) = places.get(parent.as_str()) {
                    let half = BOX.1 / 2 * UNITS;
                    let ends = [(*from_x, from_y + half), (*x, y - half)];
                    area.draw(&PathElement::new(ends, style))?;
                }
            }
        }
    }
    Ok(())
}

fn draw_individual(
    area: &Area<'_>,
    lineage: &Lineage,
    individual: &Individual,
    (x, y): (i32, i32),
) -> Result<(), DrawingError> {
    let fill = shade(lineage.individuals.iter().map(|one| one.score), individual.score);
    let ink = readable_on(fill);
    let (half_width, half_height) = (BOX.0 / 2 * UNITS, BOX.1 / 2 * UNITS);
    let corners = [(x - half_width, y - half_height), (x + half_width, y + half_height)];
    area.draw(&Rectangle::new(corners, fill.filled()))?;
    let best = lineage.best().is_some_and(|best| best.label == individual.label);
    for inset in 0..if best { 3 * UNITS } else { UNITS } {
        let corners = [
            (corners[0].0 + inset, corners[0].1 + inset),
            (corners[1].0 - inset, corners[1].1 - inset),
        ];
        area.draw(&Rectangle::new(corners, if best { INK } else { MUTED }))?;
    }
    let label = bold(font(13.0, &ink, HPos::Center, VPos::Center));
    let plain = |pixels| font(pixels, &ink, HPos::Center, VPos::Center);
    let mut lines =
        vec![(inert::clip(&individual.name(), 14), label), (score(individual), plain(13.0))];
    if !individual.operator.is_empty() {
        lines.push((inert::clip(&individual.operator, 17), plain(11.0)));
    }
    let top = y - (lines.len() as i32 - 1) * 8 * UNITS;
    for (number, (text, style)) in lines.into_iter().enumerate() {
        area.draw(&Text::new(text, (x, top + number as i32 * 16 * UNITS), style))?;
    }
    Ok(())
}

/// Returns the colour of a score by its rank among the existing scores. So a single 0 takes up one step of
/// the colours, not most of them.
pub(in crate::show) fn shade(scores: impl Iterator<Item = f64>, score: f64) -> RGBColor {
    if !score.is_finite() {
        return WHITE;
    }
    let mut scores: Vec<f64> = scores.filter(|score| score.is_finite()).collect();
    scores.sort_by(f64::total_cmp);
    scores.dedup();
    let place = scores.partition_point(|other| *other < score);
    let share = match scores.len().saturating_sub(1) {
        0 => 1.0,
        steps => place as f64 / steps as f64,
    };
    let mix = |low: u8, high: u8| {
        (f64::from(low) + share * (f64::from(high) - f64::from(low))).round() as u8
    };
    RGBColor(mix(LOW.0, HIGH.0), mix(LOW.1, HIGH.1), mix(LOW.2, HIGH.2))
}

/// Returns black or white, whichever has more contrast.
pub(in crate::show) fn readable_on(fill: RGBColor) -> RGBColor {
    if luminance(fill) > 0.18 { BLACK } else { WHITE }
}

/// Returns the relative luminance (WCAG 2.2); at 0.18, black and white text both have a contrast of 4.6:1.
fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_zero_keeps_the_other_scores_distinct() {
        let scores = [0.0, 89.5, 91.0, 95.0, 95.0, f64::NAN];
        let shades = scores.map(|score| shade(scores.into_iter(), score));
        let steps: Vec<f64> = shades[..4].iter().map(|color| luminance(*color)).collect();
        assert!(steps.windows(2).all(|pair| pair[0] > pair[1] * 1.5), "{steps:?}");
        assert_eq!((shades[3], shades[4], shades[5]), (HIGH, HIGH, WHITE));
    }
}
