//! The best of each kind: a map with two features as axes and one elite per cell.
//!
//! MAP-Elites (J.-B. Mouret, J. Clune, *Illuminating search spaces by mapping elites*, 2015,
//! <https://arxiv.org/abs/1504.04909>) keeps such a map instead of a ranking. The notebook decides what a
//! feature is and which candidate stays in a cell; this module draws the map.

mod draw;

use std::collections::HashMap;

use super::number::{count, format};
use super::stamped::{Stamped, rests_on_replies};
use super::{Number, Table, figure, html, shows_itself};
use crate::error::Result;
use crate::inert;
use crate::score::best_first;

/// The member that holds a cell.
#[derive(Debug, Clone, PartialEq)]
struct Elite {
    name: String,
    score: f64,
}

/// A map of elites, as a picture, in words and as a table.
///
/// ```
/// use code_evolution::show::EliteMap;
/// let mut map = EliteMap::new("FizzBuzz", "length", ["short", "long"], "style", ["match", "table"]);
/// map.offer("short", "match", "A2", 94);
/// map.offer("short", "match", "A3", 80);
/// assert_eq!(map.filled(), 1);
/// assert!(map.to_text().contains("A2 · 94"));
/// ```
#[derive(Clone)]
pub struct EliteMap {
    title: String,
    x_label: String,
    columns: Vec<String>,
    y_label: String,
    rows: Vec<String>,
    elites: HashMap<(usize, usize), Elite>,
    /// How many members fit no cell.
    outside: usize,
    stamped: Stamped,
}

impl EliteMap {
    /// Creates an empty map. For the columns (left to right) and the rows (top to bottom), pass what they
    /// mean and their names.
    pub fn new<X: AsRef<str>, Y: AsRef<str>>(
        title: impl AsRef<str>,
        x_label: impl AsRef<str>,
        columns: impl IntoIterator<Item = X>,
        y_label: impl AsRef<str>,
        rows: impl IntoIterator<Item = Y>,
    ) -> Self {
        EliteMap {
            title: inert::line(title.as_ref()),
            x_label: inert::line(x_label.as_ref()),
            columns: columns.into_iter().map(|name| inert::line(name.as_ref())).collect(),
            y_label: inert::line(y_label.as_ref()),
            rows: rows.into_iter().map(|name| inert::line(name.as_ref())).collect(),
            elites: HashMap::new(),
            outside: 0,
            stamped: Stamped::default(),
        }
    }

    /// Puts a member into its cell if the cell is empty or the member's score is higher than the current
    /// elite's. A member that fits no cell is counted.
    pub fn offer(&mut self, column: &str, row: &str, name: impl AsRef<str>, score: impl Number) {
        let at = |names: &[String], wanted: &str| names.iter().position(|name| name == wanted);
        let (Some(x), Some(y)) = (at(&self.columns, column), at(&self.rows, row)) else {
            self.outside += 1;
            return;
        };
        let new = Elite { name: inert::line(name.as_ref()), score: score.to_f64() };
        match self.elites.get(&(x, y)) {
            Some(known) if best_first(new.score, known.score).is_ge() => {}
            _ => drop(self.elites.insert((x, y), new)),
        }
    }

    /// Returns how many cells have an elite.
    pub fn filled(&self) -> usize {
        self.elites.len()
    }

    /// Returns the sum of the elites' scores, without NaN. It grows with every newly filled cell and every
    /// better elite (the QD-score of the literature).
    pub fn total(&self) -> f64 {
        self.elites.values().map(|elite| elite.score).filter(|score| score.is_finite()).sum()
    }

    /// Describes the picture in sentences.
    pub fn alt(&self) -> String {
        let mut text = format!(
            "Map “{}”: {} from left to right, {} from top to bottom; {} of {} filled.",
            self.title,
            self.x_label,
            self.y_label,
            self.filled(),
            count(self.columns.len() * self.rows.len(), "cell"),
        );
        for (y, row) in self.rows.iter().enumerate() {
            let held = self.columns.iter().enumerate().filter_map(|(x, column)| {
                self.elites.get(&(x, y)).map(|elite| format!("{} with {}", written(elite), column))
            });
            let held: Vec<String> = held.collect();
            let held = if held.is_empty() { "nobody".to_owned() } else { held.join(", ") };
            text += &format!(" {row}: {held}.");
        }
        if self.outside > 0 {
            text += &format!(" {} fit no cell.", self.outside);
        }
        if let Some(sentence) = self.stamped.sentence() {
            text += &format!(" {sentence}");
        }
        text
    }

    /// Returns the picture as a complete SVG document.
    ///
    /// # Errors
    ///
    /// If plotters cannot draw it.
    pub fn to_svg(&self) -> Result<String> {
        Ok(draw::svg(self)?.0)
    }

    /// Returns the map as HTML: the picture, and a table that opens.
    pub fn to_html(&self) -> String {
        let picture = figure::image(draw::svg(self), &self.alt());
        let caption = "<figcaption>The darker a cell, the higher its elite's score.</figcaption>";
        let table = html::details("the map as a table", &self.table().to_html());
        html::panel(&format!("<figure style=\"margin: 0\">{picture}{caption}</figure>{table}"))
    }

    /// Returns the map as text: a table.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}", self.title, self.table(), self.alt())
    }

    fn table(&self) -> Table {
        let corner = format!("{} \\ {}", self.y_label, self.x_label);
        let head: Vec<String> = [corner].into_iter().chain(self.columns.iter().cloned()).collect();
        let mut table = Table::new(head);
        for (y, row) in self.rows.iter().enumerate() {
            let cells = (0..self.columns.len())
                .map(|x| self.elites.get(&(x, y)).map_or("–".to_owned(), written));
            table.push([row.clone()].into_iter().chain(cells).collect::<Vec<_>>());
        }
        // The surrounding map already carries the stamp.
        table.measured()
    }
}
shows_itself!(EliteMap);
rests_on_replies!(EliteMap);

/// Writes an elite as `B3 · 94`.
fn written(elite: &Elite) -> String {
    format!("{} · {}", elite.name, score(elite))
}

fn score(elite: &Elite) -> String {
    if elite.score.is_finite() { format(elite.score) } else { "no score".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> EliteMap {
        let mut map =
            EliteMap::new("FizzBuzz", "length", ["short", "long"], "style", ["match", "table"]);
        map.offer("short", "match", "A1", f64::NAN);
        map.offer("short", "match", "A2", 94);
        map.offer("short", "match", "A3", 94);
        map.offer("short", "match", "A4", f64::NAN);
        map.offer("long", "table", "A5", 80);
        map.offer("short", "poem", "A6", 99);
        map
    }

    #[test]
    fn the_first_of_the_best_holds_a_cell() {
        let map = map();
        assert_eq!((map.filled(), map.total()), (2, 174.0));
        assert_eq!(
            map.alt(),
            "Map “FizzBuzz”: length from left to right, style from top to bottom; 2 of 4 cells filled. \
             match: A2 · 94 with short. table: A5 · 80 with long. 1 fit no cell."
        );
    }

    #[test]
    fn the_picture_and_the_table_hold_every_elite_and_every_name() {
        let map = map();
        let svg = map.to_svg().expect("a picture");
        for text in ["A2", "94", "A5", "80", "short", "long", "match", "table", "length", "style"] {
            assert!(svg.contains(&format!(">{text}</text>")), "{text} in {svg}");
            assert!(map.to_text().contains(text), "{text} in {}", map.to_text());
        }
        assert!(!svg.contains(">A3</text>"));
        assert_eq!(svg, map.to_svg().expect("the same picture"));
    }

    #[test]
    fn an_empty_map_is_drawn() {
        let map = EliteMap::new("nobody", "length", ["short"], "style", ["match"]);
        assert!(map.to_html().contains("<img "));
        assert!(map.alt().ends_with("0 of 1 cell filled. match: nobody."), "{}", map.alt());
        assert!(EliteMap::new("none", "x", [""; 0], "y", [""; 0]).to_html().contains("<img "));
    }
}
