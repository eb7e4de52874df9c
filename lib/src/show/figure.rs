//! Turns a drawing into an `<img>`.
//!
//! A notebook that is not trusted strips an inline `<svg>`, but not an image with a data address. That
//! address needs base64: fifteen lines here cost less than one more crate that every cell links. Pictures
//! are drawn in units of half a pixel, since the SVG back end of plotters only knows whole numbers, and are
//! shown at half size. They have a white background, because a picture cannot follow the notebook's theme
//! and must be readable on light and dark.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::{Error, Result};
use crate::inert;
use crate::show::html;

/// Units of a drawing per pixel of the page.
pub(crate) const UNITS: i32 = 2;

/// Text and axes.
pub(crate) const INK: RGBColor = RGBColor(34, 34, 34);
/// Less important text; its contrast is still 4.5:1 against white.
pub(crate) const MUTED: RGBColor = RGBColor(100, 100, 100);
/// Grid lines.
pub(crate) const GRID: RGBColor = RGBColor(225, 225, 225);

/// Colours that people with any colour vision can tell apart (Okabe and Ito, "Color Universal Design",
/// 2008), without yellow, which is too faint for a line on white.
pub(crate) const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// The white background of a picture.
const CARD: &str = "max-width: 100%; box-sizing: border-box; background-color: #ffffff; \
    padding: 10px; border: 1px solid rgba(128, 128, 128, 0.45); border-radius: 8px";

/// An error of plotters. Only its back end can fail, and ours writes to memory.
pub(crate) type DrawingError = Box<dyn std::error::Error>;

/// The area to draw on.
pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Pixels per line of the stamp, and the size of its text.
const STAMP: (i32, f64) = (17, 12.0);

/// Lets `draw` fill a white picture of this many pixels, and returns it as SVG. A stamp that is not empty
/// stands below, inside the picture, so a copy of the picture includes it.
pub(crate) fn svg(
    (width, height): (i32, i32),
    stamp: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<(), DrawingError>,
) -> Result<String> {
    let mut out = String::new();
    let lines = wrap(stamp, width - 2 * STAMP.0, STAMP.1);
    let below = if lines.is_empty() { 0 } else { STAMP.0 * lines.len() as i32 + 8 };
    let size = ((width * UNITS) as u32, ((height + below) * UNITS) as u32);
    let fill = |area: &Area<'_>| -> Result<(), DrawingError> {
        area.fill(&WHITE)?;
        draw(&area.split_vertically(height * UNITS).0)?;
        for (n, line) in lines.iter().enumerate() {
            let y = (height + STAMP.0 * n as i32 + STAMP.0 / 2) * UNITS;
            let style = font(STAMP.1, &INK, HPos::Left, VPos::Center);
            area.draw(&Text::new(line.clone(), (12 * UNITS, y), style))?;
        }
        Ok(area.present()?)
    };
    fill(&SVGBackend::with_string(&mut out, size).into_drawing_area())
        .map_err(|error| Error::internal(format!("cannot draw ({error}); plot fewer values")))?;
    Ok(out.replace(" opacity=\"1\"", "").replace('\n', ""))
}

/// Breaks text of this size into lines of at most this many pixels. A longer word gets its own line.
pub(crate) fn wrap(text: &str, width: i32, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = |line: &String| format!("{line} {word}");
        match lines.last_mut() {
            Some(line) if text_width(&longer(line), size) <= width * UNITS => {
                *line = longer(line);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Returns a picture as HTML, or the reason why it could not be drawn. `drawn` holds the SVG and its width
/// in pixels of the page; a narrow page scales it down.
pub(crate) fn image(drawn: Result<(String, i32)>, alt: &str) -> String {
    let (svg, width) = match drawn {
        Ok(drawn) => drawn,
        Err(error) => return html::paragraph(&format!("the picture could not be drawn: {error}")),
    };
    format!(
        "<img width=\"{width}\" style=\"{CARD}\" alt=\"{}\" src=\"data:image/svg+xml;base64,{}\">",
        inert::html(&inert::line(alt)),
        base64(svg.as_bytes())
    )
}

/// Returns a text style of this many pixels.
pub(crate) fn font(pixels: f64, color: &RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    // The SVG back end divides a font's size by 1.24.
    let size = pixels * f64::from(UNITS) * 1.24;
    ("sans-serif", size).into_font().color(color).pos(Pos::new(h, v))
}

/// Returns the same style in bold.
pub(crate) fn bold(style: TextStyle<'_>) -> TextStyle<'_> {
    TextStyle { font: style.font.style(FontStyle::Bold), ..style }
}

/// Estimates how many units a text of this many pixels takes; nobody knows the reader's font.
pub(crate) fn text_width(text: &str, pixels: f64) -> i32 {
    (inert::columns(text) as f64 * 0.58 * pixels * f64::from(UNITS)).ceil() as i32
}

/// Encodes bytes as in RFC 4648, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            let filled = digit <= chunk.len();
            out.push(if filled { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
