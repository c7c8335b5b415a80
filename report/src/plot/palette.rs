//! Colours of plots, for light and for dark pages.
//!
//! Owns: which colours there are and what each becomes on a dark page.
//! Source: hues of M. Okabe and K. Ito, "Color Universal Design" (2008), which are told apart with every common kind of
//! colour blindness; darkened until each has three to one against white (WCAG 2.2, 1.4.11), since several of theirs
//! have not. A second sign, a dash, a marker or a label, always stands beside a colour.

/// Red, green, blue.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

impl Color {
    /// As CSS and SVG write it.
    #[must_use]
    pub fn hex(self) -> String {
        format!("#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }

    /// Contrast with another colour, 1 to 21 (WCAG 2.2, "contrast ratio").
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                libm::pow((part + 0.055) / 1.055, 2.4)
            }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

/// Paper.
pub const PAPER: Color = Color(0xFF, 0xFF, 0xFF);
/// Text.
pub const INK: Color = Color(0x1C, 0x1F, 0x23);
/// Text beside the point: ticks, notes.
pub const FAINT: Color = Color(0x59, 0x5F, 0x69);
/// Lines of axes.
pub const AXIS: Color = Color(0x8A, 0x90, 0x99);
/// Lines of a grid.
pub const GRID: Color = Color(0xE3, 0xE6, 0xEA);
/// Behind a stretch of time in which something is wrong.
pub const SHADE: Color = Color(0xF1, 0xF0, 0xEC);
/// A bound that has to hold.
pub const LIMIT: Color = Color(0x1D, 0x1D, 0x1D);

/// Blue, vermilion, green, purple, brown, light blue: in this order.
pub const SERIES: [Color; 6] = [
    Color(0x00, 0x72, 0xB2),
    Color(0xD5, 0x5E, 0x00),
    Color(0x00, 0x96, 0x6C),
    Color(0x7D, 0x2A, 0x68),
    Color(0x5C, 0x4A, 0x00),
    Color(0x41, 0x9B, 0xBA),
];
/// The rest of many.
pub const OTHER: Color = Color(0x7A, 0x7F, 0x87);
/// As it should be, and not as it should be: blue and vermilion.
pub const GOOD: Color = SERIES[0];
/// See [`GOOD`].
pub const BAD: Color = SERIES[1];

/// A dark page's paper.
pub const DARK_PAPER: Color = Color(0x16, 0x18, 0x1C);

/// What each colour becomes on a dark page.
pub const DARK: [(Color, Color); 14] = [
    (PAPER, DARK_PAPER),
    (INK, Color(0xE9, 0xEB, 0xEE)),
    (FAINT, Color(0xA6, 0xAD, 0xB8)),
    (AXIS, Color(0x76, 0x7D, 0x88)),
    (GRID, Color(0x2E, 0x32, 0x39)),
    (SHADE, Color(0x24, 0x26, 0x2B)),
    (LIMIT, Color(0xF4, 0xF4, 0xF4)),
    (SERIES[0], Color(0x4F, 0xA3, 0xE3)),
    (SERIES[1], Color(0xFF, 0x8A, 0x3D)),
    (SERIES[2], Color(0x45, 0xD6, 0xA8)),
    (SERIES[3], Color(0xC7, 0x7F, 0xC0)),
    (SERIES[4], Color(0xF2, 0xD5, 0x70)),
    (SERIES[5], Color(0xB5, 0xE3, 0xF2)),
    (OTHER, Color(0xA0, 0xA6, 0xAF)),
];

/// The colour of a series by its number; those after the last get the rest's.
#[must_use]
pub fn series(number: usize) -> Color {
    SERIES.get(number).copied().unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: text or lines that people with weak sight cannot see, on a light page or a dark one.
    #[test]
    fn every_colour_stands_out_on_both_papers() {
        let dark = |color: Color| DARK.iter().find(|(light, _)| *light == color).expect("in the list").1;
        for (what, color, least) in [
            ("ink", INK, 7.0),
            ("faint", FAINT, 4.5),
            ("limit", LIMIT, 4.5),
            ("other", OTHER, 3.0),
            ("axis", AXIS, 3.0),
        ] {
            assert!(color.contrast(PAPER) >= least, "{what}: {}", color.contrast(PAPER));
            let on_dark = dark(color).contrast(DARK_PAPER);
            assert!(on_dark >= least, "{what}, dark: {on_dark}");
        }
        // The words on a stretch in which something is wrong are read too.
        assert!(INK.contrast(SHADE) >= 7.0 && FAINT.contrast(SHADE) >= 4.5);
        for color in SERIES {
            assert!(
                color.contrast(PAPER) >= 3.0,
                "{}: {}",
                color.hex(),
                color.contrast(PAPER)
            );
            assert!(dark(color).contrast(DARK_PAPER) >= 3.0, "{}", color.hex());
        }
        // Black on white is 21 by definition.
        assert!((Color(0, 0, 0).contrast(PAPER) - 21.0).abs() < 1e-9);
    }

    // Lost if broken: two series that look alike to a person with red-green colour blindness.
    #[test]
    fn series_differ_without_red_and_green() {
        for deficiency in [
            // F. Viénot, H. Brettel, J. Mollon, "Digital video colourmaps for checking the legibility of displays by
            // dichromats" (1999): protanopia and deuteranopia, on linear light.
            [
                [0.11238, 0.88762, 0.0],
                [0.11238, 0.88762, 0.0],
                [0.00401, -0.00401, 1.0],
            ],
            [
                [0.29275, 0.70725, 0.0],
                [0.29275, 0.70725, 0.0],
                [-0.02234, 0.02234, 1.0],
            ],
        ] {
            let seen = |color: Color| {
                let linear = [color.0, color.1, color.2].map(|part| libm::pow(f64::from(part) / 255.0, 2.2));
                deficiency.map(|row: [f64; 3]| {
                    let light: f64 = row.iter().zip(linear).map(|(weight, part)| weight * part).sum();
                    libm::pow(light.max(0.0), 1.0 / 2.2)
                })
            };
            let dark = SERIES.map(|color| DARK.iter().find(|(light, _)| *light == color).expect("in the list").1);
            for series in [SERIES, dark] {
                for (number, one) in series.iter().enumerate() {
                    for two in &series[number + 1..] {
                        let distance: f64 = seen(*one).iter().zip(seen(*two)).map(|(a, b)| (a - b) * (a - b)).sum();
                        assert!(distance.sqrt() > 0.15, "{} and {}", one.hex(), two.hex());
                    }
                }
            }
        }
    }
}
