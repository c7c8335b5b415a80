//! The font that plots are measured and painted with.
//!
//! Owns: Noto Sans, regular and bold, inside the program, so that a picture is the same on every machine and needs no
//! font of the system. SVG keeps its text as text and names fonts that viewers have.

use std::sync::Once;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// Fonts of an SVG file, the first that the viewer has; also the name under which the bundled font is registered.
pub const FAMILY: &str = "Noto Sans, Segoe UI, Roboto, Helvetica, Arial, sans-serif";

/// What plotters takes as the size of this font for one em of it: from the highest to the lowest stroke.
pub const SIZE_OF_EM: f64 = 1.362;

/// Viewers' own fonts are a little wider or narrower than the bundled one.
const MARGIN: f64 = 1.06;

/// Makes the font known to plotters. Cheap after the first time.
pub fn register() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        for (style, bytes) in [
            (FontStyle::Normal, notosans::REGULAR_TTF),
            (FontStyle::Bold, notosans::BOLD_TTF),
        ] {
            // The bytes are part of the program; a test paints with them.
            let _ = register_font(FAMILY, style, bytes);
        }
    });
}

/// Which of the two.
pub const fn style(is_bold: bool) -> FontStyle {
    if is_bold { FontStyle::Bold } else { FontStyle::Normal }
}

/// How wide a text is, in the unit of its size.
#[must_use]
pub fn width(text: &str, size: f64, is_bold: bool) -> f64 {
    register();
    let font = FontDesc::new(FontFamily::Name(FAMILY), 100.0 * SIZE_OF_EM, style(is_bold));
    let hundred = font
        .box_size(text)
        .map_or_else(|_| 60.0 * text.chars().count() as f64, |(width, _)| f64::from(width));
    hundred / 100.0 * size * MARGIN
}

/// A text no wider than that: the middle of a name goes, since its ends tell names apart.
#[must_use]
pub fn shortened(text: &str, size: f64, most: f64) -> String {
    if width(text, size, false) <= most {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let short = |kept: usize| -> String {
        let tail = kept / 2;
        let head = kept - tail;
        letters[..head]
            .iter()
            .chain(&['…'])
            .chain(&letters[letters.len() - tail..])
            .collect()
    };
    let (mut fits, mut too_long) = (0, letters.len());
    while too_long - fits > 1 {
        let middle = (fits + too_long) / 2;
        if width(&short(middle), size, false) <= most {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    short(fits)
}

/// A text in lines no wider than that, broken between words.
#[must_use]
pub fn lines(text: &str, size: f64, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = shortened(word, size, most);
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, false) <= most => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}
