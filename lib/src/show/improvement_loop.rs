//! The loop that the four notebooks share, as a picture.
//!
//! The five stations are always the same; each notebook describes what happens at each of them. The model's
//! station has its own colour and a thick edge: it is the only station that nobody has to trust.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::figure::{self, Area, DrawingError, INK, MUTED, UNITS, bold, font};
use super::{html, shows_itself};
use crate::inert;

/// The stations, in order; after the last one, the loop returns to the first.
const STATIONS: [&str; 5] =
    ["Action", "Outcome", "Evaluation", "Improvement by a model", "Better action"];
/// The index of the model's station.
const MODEL: usize = 3;

/// Sizes in pixels.
const WIDTH: i32 = 800;
const BOX: i32 = 136;
const GAP: i32 = 26;
const EDGE: i32 = 8;
const TOP: i32 = 10;
const LINE: i32 = 17;
/// Space between a station's name and its words.
const APART: i32 = 5;
/// Space below the boxes, for the arrow back to the first.
const BACK: i32 = 42;
/// Size of the text.
const TEXT: f64 = 13.0;

const FILL: RGBColor = RGBColor(238, 244, 250);
const FILL_OF_MODEL: RGBColor = RGBColor(253, 236, 217);

/// The loop of the workshop: action, outcome, evaluation, improvement by a model, better action.
///
/// ```
/// use code_evolution::show::Loop;
/// let picture = Loop::new([
///     "a function runs", "it panics", "cases say where", "a new version", "the new one runs",
/// ]);
/// assert!(picture.alt().starts_with("The loop. Action: a function runs. Outcome: it panics."));
/// ```
#[derive(Clone)]
pub struct Loop {
    words: [String; STATIONS.len()],
}

impl Loop {
    /// Creates the loop with a few words of your own at each station.
    pub fn new(words: [&str; STATIONS.len()]) -> Self {
        Loop { words: words.map(inert::line) }
    }

    /// Describes the picture in sentences.
    pub fn alt(&self) -> String {
        let stations: Vec<String> =
            self.stations().map(|(name, words)| format!("{name}: {words}.")).collect();
        format!("The loop. {} Then round again.", stations.join(" "))
    }

    /// Returns the picture as a complete SVG document.
    ///
    /// # Errors
    ///
    /// If plotters cannot draw it.
    pub fn to_svg(&self) -> crate::Result<String> {
        let lines = |words: &str, pixels| figure::wrap(words, BOX - 12, pixels);
        let boxes: Vec<(Vec<String>, Vec<String>)> = self
            .stations()
            .map(|(name, words)| (lines(name, TEXT + 1.0), lines(words, TEXT)))
            .collect();
        let tallest = |part: fn(&(Vec<String>, Vec<String>)) -> usize| {
            boxes.iter().map(part).max().unwrap_or(0) as i32
        };
        let (names, words) = (tallest(|(name, _)| name.len()), tallest(|(_, words)| words.len()));
        let height = 10 + (names + words) * LINE + APART + 10;
        figure::svg((WIDTH, TOP + height + BACK), "", |area| {
            for (at, (name, own)) in boxes.iter().enumerate() {
                let left = EDGE + at as i32 * (BOX + GAP);
                draw_box(area, left, height, at == MODEL)?;
                let line = |number: i32| TOP + 10 + number * LINE + LINE / 2;
                for (number, text) in name.iter().enumerate() {
                    let style = bold(font(TEXT + 1.0, &INK, HPos::Center, VPos::Center));
                    write(area, text, (left + BOX / 2, line(number as i32)), style)?;
                }
                for (number, text) in own.iter().enumerate() {
                    let style = font(TEXT, &INK, HPos::Center, VPos::Center);
                    write(
                        area,
                        text,
                        (left + BOX / 2, line(names + number as i32) + APART),
                        style,
                    )?;
                }
                if at + 1 < boxes.len() {
                    let y = TOP + height / 2;
                    arrow(area, &[(left + BOX + 2, y), (left + BOX + GAP - 2, y)])?;
                }
            }
            let (first, last) = (EDGE + BOX / 2, EDGE + 4 * (BOX + GAP) + BOX / 2);
            let (top, bottom) = (TOP + height + 2, TOP + height + 22);
            arrow(area, &[(last, top), (last, bottom), (first, bottom), (first, top)])?;
            let style = font(TEXT, &MUTED, HPos::Center, VPos::Center);
            write(area, "and round again", (WIDTH / 2, bottom + 11), style)
        })
    }

    /// Returns the picture as HTML.
    pub fn to_html(&self) -> String {
        let picture = figure::image(self.to_svg().map(|svg| (svg, WIDTH)), &self.alt());
        html::panel(&format!("<figure style=\"margin: 0\">{picture}</figure>"))
    }

    /// Returns the loop as text, one line per station.
    pub fn to_text(&self) -> String {
        let stations: Vec<String> =
            self.stations().map(|(name, words)| format!("{name}: {words}")).collect();
        format!("{}\n→ and round again", stations.join("\n→ "))
    }

    fn stations(&self) -> impl Iterator<Item = (&'static str, &String)> {
        STATIONS.into_iter().zip(&self.words)
    }
}
shows_itself!(Loop);

fn draw_box(area: &Area<'_>, left: i32, height: i32, model: bool) -> Result<(), DrawingError> {
    let corners = [(left, TOP), (left + BOX, TOP + height)].map(units);
    let fill = if model { FILL_OF_MODEL } else { FILL };
    area.draw(&Rectangle::new(corners, fill.filled()))?;
    for inset in 0..if model { 2 * UNITS } else { UNITS } {
        let [(left, top), (right, bottom)] = corners;
        let corners = [(left + inset, top + inset), (right - inset, bottom - inset)];
        area.draw(&Rectangle::new(corners, if model { INK } else { MUTED }))?;
    }
    Ok(())
}

/// Draws a line with an arrowhead at its end. The points are pixels; each segment is horizontal or
/// vertical.
fn arrow(area: &Area<'_>, points: &[(i32, i32)]) -> Result<(), DrawingError> {
    let style = INK.stroke_width(3 * UNITS as u32 / 2);
    area.draw(&PathElement::new(points.iter().copied().map(units).collect::<Vec<_>>(), style))?;
    if let [.., (from_x, from_y), (x, y)] = *points {
        let (along_x, along_y) = ((x - from_x).signum(), (y - from_y).signum());
        let side = |sign: i32| {
            units((x - 7 * along_x + 4 * sign * along_y, y - 7 * along_y + 4 * sign * along_x))
        };
        area.draw(&Polygon::new([units((x, y)), side(1), side(-1)], INK.filled()))?;
    }
    Ok(())
}

fn write(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    style: TextStyle<'_>,
) -> Result<(), DrawingError> {
    Ok(area.draw(&Text::new(text.to_owned(), units(at), style))?)
}

fn units((x, y): (i32, i32)) -> (i32, i32) {
    (x * UNITS, y * UNITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Loop {
        Loop::new([
            "an average is taken",
            "a panic\nEVCXR_END_CONTENT",
            "<b>two</b> cases",
            "a version that handles the list without numbers",
            "again",
        ])
    }

    #[test]
    fn every_form_holds_all_words() {
        let (svg, text, alt) =
            (picture().to_svg().expect("a picture"), picture().to_text(), picture().alt());
        for word in ["Improvement", "Better action", "handles", "numbers", "round again"] {
            assert!([&svg, &text, &alt].iter().all(|form| form.contains(word)), "{word}");
        }
        assert_eq!(text.lines().count(), STATIONS.len() + 1);
    }

    #[test]
    fn words_are_neither_markup_for_the_page_nor_commands_for_the_kernel() {
        let html = picture().to_html();
        assert!(html.contains("alt=\"The loop. Action: an average is taken. "), "{html}");
        assert!(!html.contains("<b>") && !picture().to_svg().expect("a picture").contains("<b>"));
        assert!(!picture().to_string().contains("EVCXR_"));
    }

    #[test]
    fn long_words_stay_in_their_boxes_and_make_them_taller() {
        let words = "a version that handles the list without numbers";
        let svg = Loop::new([words; STATIONS.len()]).to_svg().expect("a picture");
        let short = Loop::new(["a"; 5]).to_svg().expect("a picture");
        let height = |svg: &str| -> u32 {
            let after = svg.split_once("height=\"").expect("a height").1;
            after.split('"').next().and_then(|n| n.parse().ok()).expect("a number")
        };
        assert!(height(&svg) > height(&short));
        let words = svg.split("</text>").filter_map(|part| part.rsplit('>').next());
        let widest = words.map(|line| figure::text_width(line, TEXT + 1.0)).max();
        assert!(widest.is_some_and(|widest| widest <= BOX * UNITS), "{widest:?}");
    }
}
