//! The picture of a map of elites.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{Elite, EliteMap, score};
use crate::inert;
use crate::show::figure::{self, Area, DrawingError, INK, MUTED, UNITS, bold, font};
use crate::show::lineage::{readable_on, shade};

/// Sizes in pixels.
const CELL: (i32, i32) = (116, 54);
const GAP: i32 = 4;
const HEAD: i32 = 66;
const FOOT: i32 = 30;
const EDGE: i32 = 12;

/// Returns the picture and its width in pixels.
pub(super) fn svg(map: &EliteMap) -> crate::Result<(String, i32)> {
    let longest = map.rows.iter().map(|row| inert::columns(row)).max().unwrap_or(0).min(24);
    let gutter = EDGE + figure::text_width(&"m".repeat(longest), 13.0) / UNITS + 10;
    let title = inert::clip(&map.title, 80);
    let title_width = figure::text_width(&title, 18.0) / UNITS + 2 * EDGE;
    let cells = gutter + map.columns.len() as i32 * (CELL.0 + GAP) + EDGE;
    let width = cells.max(title_width).max(420);
    let bottom = HEAD + map.rows.len() as i32 * (CELL.1 + GAP);
    let svg = figure::svg((width, bottom + FOOT), &map.stamped.text(), |area| {
        let say = |text: &str, x: i32, y: i32, style: TextStyle<'static>| {
            area.draw(&Text::new(text.to_owned(), (x * UNITS, y * UNITS), style))
        };
        let left = |pixels, color| font(pixels, color, HPos::Left, VPos::Center);
        let middle = |pixels, color| font(pixels, color, HPos::Center, VPos::Center);
        say(&title, EDGE, 20, bold(left(18.0, &INK)))?;
        say(&inert::clip(&map.y_label, 24), EDGE, 50, left(13.0, &MUTED))?;
        let center = gutter + map.columns.len() as i32 * (CELL.0 + GAP) / 2;
        say(&map.x_label, center, bottom + 14, middle(13.0, &MUTED))?;
        for (x, column) in map.columns.iter().enumerate() {
            let place = gutter + x as i32 * (CELL.0 + GAP) + CELL.0 / 2;
            say(&inert::clip(column, 16), place, 50, middle(13.0, &INK))?;
        }
        for (y, row) in map.rows.iter().enumerate() {
            let top = HEAD + y as i32 * (CELL.1 + GAP);
            say(&inert::clip(row, 24), EDGE, top + CELL.1 / 2, left(13.0, &INK))?;
            for x in 0..map.columns.len() {
                draw_cell(
                    area,
                    map,
                    map.elites.get(&(x, y)),
                    (gutter + x as i32 * (CELL.0 + GAP), top),
                )?;
            }
        }
        Ok(())
    })?;
    Ok((svg, width))
}

fn draw_cell(
    area: &Area<'_>,
    map: &EliteMap,
    elite: Option<&Elite>,
    (left, top): (i32, i32),
) -> Result<(), DrawingError> {
    let corners = [(left * UNITS, top * UNITS), ((left + CELL.0) * UNITS, (top + CELL.1) * UNITS)];
    let scores = map.elites.values().map(|elite| elite.score);
    let fill = elite.map_or(WHITE, |elite| shade(scores, elite.score));
    area.draw(&Rectangle::new(corners, fill.filled()))?;
    area.draw(&Rectangle::new(corners, MUTED))?;
    let middle = ((left + CELL.0 / 2) * UNITS, (top + CELL.1 / 2) * UNITS);
    let Some(elite) = elite else {
        let style = font(13.0, &MUTED, HPos::Center, VPos::Center);
        area.draw(&Text::new("empty", middle, style))?;
        return Ok(());
    };
    let ink = readable_on(fill);
    let name = bold(font(13.0, &ink, HPos::Center, VPos::Center));
    let plain = font(13.0, &ink, HPos::Center, VPos::Center);
    area.draw(&Text::new(inert::clip(&elite.name, 14), (middle.0, middle.1 - 9 * UNITS), name))?;
    area.draw(&Text::new(score(elite), (middle.0, middle.1 + 9 * UNITS), plain))?;
    Ok(())
}
