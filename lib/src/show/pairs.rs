//! Old and new on the same problems, as pairs of dots.
//!
//! Problems are categories, so no line leads from one to the next. Each row has a dot for the old way's
//! mean and a dot for the new way's, joined as a pair, with the single samples faint behind them. The
//! difference, its interval and the test are below. If a script answered, a line says what such a figure
//! cannot show.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::curve::axis::Axis;
use super::figure::{self, Area, DrawingError, GRID, INK, MUTED, PALETTE, UNITS, bold, font};
use super::html::{self, Align};
use super::number::rounded;
use super::stamped::{Stamped, rests_on_replies};
use super::{shows_itself, table};
use crate::inert;
use crate::score::{Pair, Paired};

/// Width of the picture, in pixels.
const WIDTH: i32 = 760;
/// Space above the rows, for the title and the meaning of the dots.
const HEAD: i32 = 66;
/// A row, a line of text below, and the space for the scale.
const ROW: i32 = 30;
const LINE: i32 = 20;
const SCALE: i32 = 56;
/// Space left and right of the rows.
const LEFT: i32 = 190;
const RIGHT: i32 = 60;

/// The note on a figure if only a script answered.
const SCRIPTED: &str =
    "A script answered: this shows how the comparison is computed, and nothing about models.";

/// A comparison in pairs of dots.
///
/// ```
/// use code_evolution::score::Paired;
/// use code_evolution::show::PairedDots;
///
/// let mut paired = Paired::new();
/// paired.push("run_lengths", vec![40.0, 60.0], vec![80.0, 100.0]);
/// let dots = PairedDots::new("Ada", &paired).names("old prompt", "new prompt").value("score");
/// assert!(dots.alt().contains("run_lengths: old prompt 50, new prompt 90."));
/// ```
#[derive(Clone)]
pub struct PairedDots {
    title: String,
    value: String,
    names: [String; 2],
    paired: Paired,
    stamped: Stamped,
}

impl PairedDots {
    /// Creates a figure of this comparison.
    pub fn new(title: impl AsRef<str>, paired: &Paired) -> Self {
        PairedDots {
            title: inert::line(title.as_ref()),
            value: "value".to_owned(),
            names: ["old".to_owned(), "new".to_owned()],
            paired: paired.clone(),
            stamped: Stamped::default(),
        }
    }

    /// Names the two sides; the default is `old` and `new`.
    pub fn names(mut self, old: impl AsRef<str>, new: impl AsRef<str>) -> Self {
        self.names = [inert::line(old.as_ref()), inert::line(new.as_ref())];
        self
    }

    /// Sets what is measured, with its unit: `score in percent`.
    pub fn value(mut self, label: impl AsRef<str>) -> Self {
        self.value = inert::line(label.as_ref());
        self
    }

    /// Describes the figure in sentences, for the picture's `alt` text.
    pub fn alt(&self) -> String {
        let mut sentences = vec![format!("Paired dots “{}”: {}.", self.title, self.value)];
        for pair in self.paired.pairs() {
            let [old, new] = [mean(&pair.old), mean(&pair.new)].map(|value| rounded(value, 1));
            let [before, after] = &self.names;
            let name = inert::line(&pair.name);
            sentences.push(format!("{name}: {before} {old}, {after} {new}."));
        }
        sentences
            .extend(self.below().iter().map(|line| format!("{}.", line.trim_end_matches('.'))));
        sentences.extend(self.stamped.sentence());
        sentences.join(" ")
    }

    /// Returns the picture as a complete SVG document.
    ///
    /// # Errors
    ///
    /// If plotters cannot draw it.
    pub fn to_svg(&self) -> crate::Result<String> {
        let rows = self.paired.pairs().len() as i32;
        let height = HEAD + ROW * rows + SCALE + LINE * self.below().len() as i32;
        figure::svg((WIDTH, height), &self.stamped.text(), |area| self.draw(area))
    }

    /// Returns the figure as HTML: the picture, and its numbers in a table that opens.
    pub fn to_html(&self) -> String {
        if self.paired.pairs().is_empty() {
            return html::panel(&html::paragraph(&self.empty()));
        }
        let picture = figure::image(self.to_svg().map(|svg| (svg, WIDTH)), &self.alt());
        let (head, align, rows) = self.numbers();
        let numbers = html::details("the numbers", &html::table(&head, &align, &rows));
        html::panel(&format!("<figure style=\"margin: 0\">{picture}</figure>{numbers}"))
    }

    /// Returns the figure as text, one row per problem.
    pub fn to_text(&self) -> String {
        if self.paired.pairs().is_empty() {
            return self.empty();
        }
        let (head, align, rows) = self.numbers();
        let mut lines = vec![self.title.clone(), table::text(&head, &align, &rows)];
        lines.extend(self.below());
        let stamp = self.stamped.text();
        if !stamp.is_empty() {
            lines.push(html::stamped(&stamp));
        }
        lines.join("\n")
    }

    fn empty(&self) -> String {
        format!("“{}” has nothing to show yet: measure at least one problem.", self.title)
    }

    /// Returns the lines below the rows.
    fn below(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.paired.summary().lines().map(str::to_owned).collect();
        if self.stamped.is_scripted() {
            lines.push(SCRIPTED.to_owned());
        }
        lines
    }

    /// Returns the numbers: head, alignment and rows of a table.
    fn numbers(&self) -> (Vec<String>, Vec<Align>, Vec<Vec<String>>) {
        let [old, new] = self.names.clone();
        let head = vec!["problem".to_owned(), old, new, "difference".to_owned()];
        let samples = |values: &[f64]| {
            let all: Vec<String> = values.iter().map(|value| rounded(*value, 1)).collect();
            format!("{} ({})", rounded(mean(values), 1), all.join(", "))
        };
        let row = |pair: &Pair| {
            let difference = mean(&pair.new) - mean(&pair.old);
            let sign = if difference > 0.0 { "+" } else { "" };
            let difference = format!("{sign}{}", rounded(difference, 1));
            vec![pair.name.clone(), samples(&pair.old), samples(&pair.new), difference]
        };
        let align = vec![Align::Left, Align::Left, Align::Left, Align::Right];
        (head, align, self.paired.pairs().iter().map(row).collect())
    }

    fn draw(&self, area: &Area<'_>) -> Result<(), DrawingError> {
        let pairs = self.paired.pairs();
        let scale = self.scale();
        let bottom = (HEAD + ROW * pairs.len() as i32) * UNITS;
        let (left, right) = (LEFT * UNITS, (WIDTH - RIGHT) * UNITS);
        let across = |value: f64| {
            let share = (value - scale.low) / (scale.high - scale.low);
            left + (share * f64::from(right - left)).round() as i32
        };
        let write = |text: &str, place: (i32, i32), style: TextStyle<'_>| {
            area.draw(&Text::new(text.to_owned(), place, style))
        };
        let small = |at: HPos| font(13.0, &INK, at, VPos::Center);
        let title = bold(font(18.0, &INK, HPos::Left, VPos::Center));
        write(&inert::clip(&self.title, 72), (12 * UNITS, 18 * UNITS), title)?;
        self.write_legend(area)?;
        for place in &scale.places {
            let x = across(*place);
            area.draw(&PathElement::new(
                [(x, HEAD * UNITS - 6 * UNITS), (x, bottom)],
                GRID.stroke_width(UNITS as u32),
            ))?;
            write(&scale.label(*place), (x, bottom + 12 * UNITS), small(HPos::Center))?;
        }
        let middle = i32::midpoint(left, right);
        write(&inert::clip(&self.value, 60), (middle, bottom + 34 * UNITS), small(HPos::Center))?;
        for (row, pair) in pairs.iter().enumerate() {
            let y = (HEAD + ROW * row as i32 + ROW / 2) * UNITS;
            let name = inert::clip(&inert::line(&pair.name), 22);
            write(&name, (left - 14 * UNITS, y), small(HPos::Right))?;
            let [old, new] = [across(mean(&pair.old)), across(mean(&pair.new))];
            area.draw(&PathElement::new([(old, y), (new, y)], MUTED.stroke_width(3)))?;
            for (side, samples) in [&pair.old, &pair.new].into_iter().enumerate() {
                // Samples stand a little above or below, so that equal samples of both sides are visible.
                let aside = y + (2 * side as i32 - 1) * 7 * UNITS;
                for sample in samples {
                    let faint = color(side).mix(0.35).filled();
                    area.draw(&Circle::new((across(*sample), aside), 2 * UNITS, faint))?;
                }
            }
            dot(area, (old, y), 0)?;
            dot(area, (new, y), 1)?;
        }
        for (line, text) in self.below().iter().enumerate() {
            let y = bottom + (SCALE + LINE * line as i32) * UNITS;
            write(
                &inert::clip(text, 110),
                (12 * UNITS, y),
                font(13.0, &INK, HPos::Left, VPos::Center),
            )?;
        }
        Ok(())
    }

    fn write_legend(&self, area: &Area<'_>) -> Result<(), DrawingError> {
        let mut x = 18 * UNITS;
        for (side, name) in self.names.iter().enumerate() {
            let text = format!("{} (mean)", inert::clip(name, 30));
            dot(area, (x, 42 * UNITS), side)?;
            let style = font(13.0, &INK, HPos::Left, VPos::Center);
            area.draw(&Text::new(text.clone(), (x + 12 * UNITS, 42 * UNITS), style))?;
            x += figure::text_width(&text, 13.0) + 36 * UNITS;
        }
        let style = font(13.0, &MUTED, HPos::Left, VPos::Center);
        area.draw(&Text::new("small dots: single samples", (x, 42 * UNITS), style))?;
        Ok(())
    }

    /// Returns the scale: 0 to 100 if it includes all values, otherwise round numbers around them.
    fn scale(&self) -> Axis {
        let values =
            || self.paired.pairs().iter().flat_map(|pair| pair.old.iter().chain(&pair.new));
        let low = values().copied().fold(f64::INFINITY, f64::min);
        let high = values().copied().fold(f64::NEG_INFINITY, f64::max);
        if low >= 0.0 && high <= 100.0 && high > 1.0 {
            return Axis::new(0.0, 100.0, 5, true, true);
        }
        let (low, high) = if low == high { (low - 1.0, high + 1.0) } else { (low, high) };
        Axis::new(low, high, 5, false, true)
    }
}
shows_itself!(PairedDots);
rests_on_replies!(PairedDots);

/// Draws a dot. The old way's is round, the new way's a diamond, so that they differ without colour.
fn dot(area: &Area<'_>, (x, y): (i32, i32), side: usize) -> Result<(), DrawingError> {
    let fill = color(side).filled();
    if side == 0 {
        area.draw(&Circle::new((x, y), 5 * UNITS, fill))?;
    } else {
        let d = 7 * UNITS;
        area.draw(&Polygon::new([(x, y - d), (x + d, y), (x, y + d), (x - d, y)], fill))?;
    }
    Ok(())
}

fn color(side: usize) -> RGBColor {
    PALETTE[side]
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::Mode;

    use super::*;
    use crate::stamp::tests::stamp;

    fn paired() -> Paired {
        let mut paired = Paired::new();
        paired.push("run_lengths", vec![40.0, 60.0], vec![80.0, 100.0]);
        paired.push("<b>", vec![100.0], vec![95.0]);
        paired
    }

    fn dots() -> PairedDots {
        PairedDots::new("Ada", &paired()).names("old prompt", "new prompt").value("score (%)")
    }

    #[test]
    fn the_words_say_each_pair_and_the_test() {
        let alt = dots().alt();
        assert!(
            alt.starts_with("Paired dots “Ada”: score (%). run_lengths: old prompt 50"),
            "{alt}"
        );
        assert!(alt.contains("p = 1.000 (smallest possible with 2 pairs: 0.500)."), "{alt}");
        let text = dots().to_text();
        assert!(text.contains("run_lengths  50 (40, 60)  90 (80, 100)"), "{text}");
        assert!(!text.contains("script"), "{text}");
    }

    #[test]
    fn a_script_says_in_the_picture_what_it_cannot_show() {
        let scripted = dots().stamp(&stamp(Mode::Scripted, 4));
        for shown in [scripted.to_svg().expect("a picture"), scripted.alt(), scripted.to_text()] {
            assert!(shown.contains("nothing about models"), "{shown}");
        }
        let mixed = scripted.clone().stamp(&stamp(Mode::Live, 1));
        assert!(!mixed.alt().contains("nothing about models") && mixed.alt().contains("mixed"));
    }

    #[test]
    fn no_line_leads_from_one_problem_to_the_next() {
        let svg = dots().to_svg().expect("a picture");
        let lines = svg.split("<polyline").skip(1).filter(|it| it.contains("#646464"));
        for line in lines {
            let points = line.split("points=\"").nth(1).and_then(|it| it.split('"').next());
            let heights: Vec<&str> = points
                .expect("points")
                .split_whitespace()
                .filter_map(|p| p.split(',').nth(1))
                .collect();
            assert!(heights.windows(2).all(|pair| pair[0] == pair[1]), "{heights:?}");
        }
        assert!(svg.contains(">&lt;b&gt;</text>") || svg.contains("&lt;b&gt;"), "{svg}");
    }

    #[test]
    fn other_scales_fit_their_values() {
        for values in [[0.0, 0.5], [-3.0, 7.0], [5000.0, 5000.0], [1e12, 2e12]] {
            let mut paired = Paired::new();
            paired.push("p", vec![values[0]], vec![values[1]]);
            let dots = PairedDots::new("t", &paired);
            let scale = dots.scale();
            assert!(scale.low <= values[0] && values[1] <= scale.high, "{values:?}");
            assert!(dots.to_svg().is_ok());
        }
        assert!(PairedDots::new("t", &Paired::new()).to_text().contains("nothing to show yet"));
        assert!(!PairedDots::new("t", &Paired::new()).to_html().contains("<img"));
    }
}
