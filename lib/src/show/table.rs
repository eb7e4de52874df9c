//! Anything in rows: attempts, parents and children, baselines.

use std::fmt::Display;

use super::html::{self, Align};
use super::shows_itself;
use super::stamped::{Stamped, rests_on_replies};
use crate::inert;
use crate::score::{CRITERIA, Score};

/// A table, built row by row.
///
/// ```
/// use code_evolution::show::Table;
/// let table = Table::new(["attempt", "passed"]).row((1, "0 of 2")).row((2, "2 of 2"));
/// assert_eq!(table.to_string(), "\
/// attempt  passed
/// -------  ------
///       1  0 of 2
///       2  2 of 2");
/// ```
#[derive(Clone)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    stamped: Stamped,
}

impl Table {
    /// Creates a table with these column names and no rows.
    pub fn new(head: impl Row) -> Self {
        Table { head: head.cells(), rows: Vec::new(), stamped: Stamped::default() }
    }

    /// Creates a table of scores, one row each: the five criteria (a dash for one that was not measured)
    /// and the total. `title` is the head of the names' column.
    pub fn scores(title: &str, rows: &[(impl AsRef<str>, Score)]) -> Self {
        let mut table = Table::new([&[title], &CRITERIA[..], &["total"]].concat());
        for (name, score) in rows {
            let points = score.points.map(|it| it.map_or("–".to_owned(), |it| it.to_string()));
            table.push([&[name.as_ref().to_owned()], &points[..], &[score.to_string()]].concat());
        }
        table
    }

    /// Adds a row: a tuple of values, an array, or a vector.
    pub fn row(mut self, row: impl Row) -> Self {
        self.push(row);
        self
    }

    /// Adds a row to an existing table, such as in a loop.
    pub fn push(&mut self, row: impl Row) {
        self.rows.push(row.cells());
    }

    /// Returns the table as HTML.
    pub fn to_html(&self) -> String {
        let table = html::table(&self.head, &self.alignment(), &self.rows);
        html::panel(&(table + &html::stamp(&self.stamped.text())))
    }

    /// Returns the table as text, in columns.
    pub fn to_text(&self) -> String {
        let table = text(&self.head, &self.alignment(), &self.rows);
        match self.stamped.text() {
            stamp if stamp.is_empty() => table,
            stamp => format!("{table}\n{}", html::stamped(&stamp)),
        }
    }

    /// Aligns columns that hold only numbers to the right.
    fn alignment(&self) -> Vec<Align> {
        let number = |text: &String| {
            let text = text.trim_end_matches([' ', '%']).replace(',', "");
            text.is_empty() || text == "–" || text.parse::<f64>().is_ok()
        };
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0).max(self.head.len());
        let right = |column| {
            !self.rows.is_empty() && self.rows.iter().all(|row| row.get(column).is_none_or(number))
        };
        (0..columns).map(|c| if right(c) { Align::Right } else { Align::Left }).collect()
    }
}
shows_itself!(Table);
rests_on_replies!(Table);

/// Writes a table as text.
pub(super) fn text(head: &[String], align: &[Align], rows: &[Vec<String>]) -> String {
    let inert_row = |row: &[String]| row.iter().map(|cell| inert::line(cell)).collect();
    let head: Vec<String> = inert_row(head);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| inert_row(row)).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| inert::columns(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..align.len()).map(width).collect();
    let written = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).zip(align).map(|((cell, width), align)| match align {
            Align::Left => inert::pad(cell, *width),
            Align::Right => {
                format!("{}{cell}", " ".repeat(width.saturating_sub(inert::columns(cell))))
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    [head, rule].iter().chain(&rows).map(written).collect::<Vec<_>>().join("\n")
}

/// A row of a [`Table`]: a tuple of up to eight values, an array, a slice or a vector.
pub trait Row {
    /// Returns the cells' texts.
    fn cells(&self) -> Vec<String>;
}

impl<T: Display, const N: usize> Row for [T; N] {
    fn cells(&self) -> Vec<String> {
        self.as_slice().cells()
    }
}

impl<T: Display> Row for Vec<T> {
    fn cells(&self) -> Vec<String> {
        self.as_slice().cells()
    }
}

impl<T: Display> Row for [T] {
    fn cells(&self) -> Vec<String> {
        self.iter().map(T::to_string).collect()
    }
}

impl<R: Row + ?Sized> Row for &R {
    fn cells(&self) -> Vec<String> {
        (**self).cells()
    }
}

macro_rules! tuples {
    ($(($($name:ident),+))*) => {$(
        impl<$($name: Display),+> Row for ($($name,)+) {
            #[allow(non_snake_case)]
            fn cells(&self) -> Vec<String> {
                let ($($name,)+) = self;
                vec![$($name.to_string()),+]
            }
        }
    )*};
}
tuples! {
    (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Criteria;

    #[test]
    fn html_escapes_cells_and_aligns_numbers() {
        let html = Table::new(["<name>", "score"]).row(("a & b", 1.5)).to_html();
        assert!(html.contains("<th style=\"text-align: left\">&lt;name&gt;</th>"));
        assert!(html.contains("<td style=\"text-align: left\">a &amp; b</td>"));
        assert!(html.contains("<td style=\"text-align: right\">1.5</td>"));
    }

    #[test]
    fn scores_have_a_dash_for_what_was_not_measured() {
        let criteria = Criteria([Some(1.0), Some(0.5), None, Some(1.0), None]);
        let score = criteria.weighed([40.0, 10.0, 20.0, 10.0, 20.0]);
        let text = Table::scores("round 1", &[("Ada", score)]).to_string();
        let row = text.lines().nth(2).expect("a row");
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells, ["Ada", "40", "5", "–", "10", "–", "55", "of", "60"], "{text}");
    }

    #[test]
    fn wide_characters_do_not_shift_columns() {
        let table = Table::new(["password", "n"]).row(("🔐🔐", 2)).row(("abc", 3));
        assert_eq!(table.to_string().lines().nth(2), Some("🔐🔐      2"));
        assert_eq!(table.to_string().lines().nth(3), Some("abc       3"));
    }

    #[test]
    fn a_line_break_in_a_cell_stays_in_it() {
        let mut table = Table::new(["a"]);
        table.push(["x\nEVCXR_END_CONTENT"]);
        assert_eq!(table.to_string().lines().count(), 3);
    }
}
