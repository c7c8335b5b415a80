//! Colours, fonts and sizes, in light and in dark.
//!
//! Owns: how the report's palette becomes the window's. Never: which colour means what (`highwater_report::plot::palette`).

use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Stroke, TextStyle, Theme,
    ThemePreference,
};
use highwater_report::page::Tone;
use highwater_report::plot::palette::{self, Color};

use crate::state::Look;

impl Look {
    /// Dresses the window.
    pub fn wear(self, ctx: &Context) {
        ctx.set_theme(match self {
            Self::System => ThemePreference::System,
            Self::Light => ThemePreference::Light,
            Self::Dark => ThemePreference::Dark,
        });
    }
}

/// The family of bold text.
pub const BOLD: &str = "bold";

/// Installs fonts and both looks.
pub fn install(ctx: &Context) {
    let mut fonts = FontDefinitions::default();
    for (name, bytes) in [("sans", notosans::REGULAR_TTF), ("sans-bold", notosans::BOLD_TTF)] {
        fonts
            .font_data
            .insert(name.to_owned(), FontData::from_static(bytes).into());
    }
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    proportional.insert(0, "sans".to_owned());
    let mut bold = proportional.clone();
    bold.insert(0, "sans-bold".to_owned());
    fonts.families.insert(FontFamily::Name(BOLD.into()), bold);
    ctx.set_fonts(fonts);
    for theme in [Theme::Light, Theme::Dark] {
        ctx.style_mut_of(theme, |style| {
            let ink = Ink::of(theme == Theme::Dark);
            style.visuals = visuals(&ink);
            style.spacing.item_spacing = egui::vec2(8.0, 6.0);
            style.spacing.button_padding = egui::vec2(9.0, 4.0);
            style.spacing.interact_size.y = 24.0;
            style.spacing.slider_width = 150.0;
            let bold = FontFamily::Name(BOLD.into());
            style.text_styles = [
                (TextStyle::Small, FontId::new(11.5, FontFamily::Proportional)),
                (TextStyle::Body, FontId::new(13.5, FontFamily::Proportional)),
                (TextStyle::Button, FontId::new(13.5, FontFamily::Proportional)),
                (TextStyle::Heading, FontId::new(19.0, bold)),
                (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
            ]
            .into();
        });
    }
}

/// The colours of one look.
#[derive(Copy, Clone, Debug)]
pub struct Ink {
    /// Whether it is the dark one.
    pub is_dark: bool,
    /// Behind everything.
    pub back: Color32,
    /// Of cards on it.
    pub card: Color32,
    /// Text.
    pub text: Color32,
    /// Text beside the point.
    pub faint: Color32,
    /// Lines.
    pub line: Color32,
    /// As it should be.
    pub good: Color32,
    /// Not as it should be.
    pub bad: Color32,
    /// What is chosen or can be pressed.
    pub accent: Color32,
}

impl Ink {
    /// Of the light or the dark look.
    #[must_use]
    pub fn of(is_dark: bool) -> Self {
        let color = |color| color32(color, is_dark);
        Self {
            is_dark,
            back: if is_dark {
                Color32::from_rgb(0x10, 0x12, 0x15)
            } else {
                Color32::from_rgb(0xF4, 0xF5, 0xF7)
            },
            card: if is_dark {
                Color32::from_rgb(0x1A, 0x1D, 0x22)
            } else {
                color(palette::PAPER)
            },
            text: color(palette::INK),
            faint: color(palette::FAINT),
            line: if is_dark {
                Color32::from_rgb(0x32, 0x37, 0x3F)
            } else {
                Color32::from_rgb(0xD9, 0xDD, 0xE2)
            },
            good: color(palette::GOOD),
            bad: color(palette::BAD),
            accent: color(palette::SERIES[0]),
        }
    }

    /// Of the look that is on.
    #[must_use]
    pub fn now(ui: &egui::Ui) -> Self {
        Self::of(ui.visuals().dark_mode)
    }

    /// A colour of the palette in this look.
    #[must_use]
    pub fn paint(&self, color: Color) -> Color32 {
        color32(color, self.is_dark)
    }

    /// The colour of a series by its number.
    #[must_use]
    pub fn series(&self, number: usize) -> Color32 {
        self.paint(palette::series(number))
    }

    /// The colour of a tone.
    #[must_use]
    pub const fn tone(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Good => self.good,
            Tone::Bad => self.bad,
            Tone::Open => self.faint,
        }
    }

    /// A card: a frame around what belongs together.
    pub fn frame(&self) -> egui::Frame {
        egui::Frame::new()
            .fill(self.card)
            .stroke(Stroke::new(1.0, self.line))
            .corner_radius(CornerRadius::same(8))
            .inner_margin(Margin::same(14))
    }
}

/// A colour of the palette, as it is on a light or on a dark page.
#[must_use]
pub fn color32(color: Color, is_dark: bool) -> Color32 {
    let Color(r, g, b) = if is_dark {
        palette::DARK
            .iter()
            .find(|(light, _)| *light == color)
            .map_or(color, |(_, dark)| *dark)
    } else {
        color
    };
    Color32::from_rgb(r, g, b)
}

/// The same colour, so much of it.
#[must_use]
pub fn wash(color: Color32, share: f32) -> Color32 {
    color.gamma_multiply(share)
}

fn visuals(ink: &Ink) -> egui::Visuals {
    let mut visuals = if ink.is_dark {
        egui::Visuals::dark()
    } else {
        egui::Visuals::light()
    };
    let raised = if ink.is_dark {
        Color32::from_rgb(0x2A, 0x2F, 0x36)
    } else {
        Color32::from_rgb(0xE9, 0xEC, 0xF0)
    };
    let hover = if ink.is_dark {
        Color32::from_rgb(0x36, 0x3C, 0x45)
    } else {
        Color32::from_rgb(0xDD, 0xE2, 0xE8)
    };
    visuals.panel_fill = ink.back;
    visuals.window_fill = ink.card;
    visuals.extreme_bg_color = if ink.is_dark {
        Color32::from_rgb(0x0B, 0x0D, 0x0F)
    } else {
        Color32::WHITE
    };
    visuals.faint_bg_color = wash(ink.text, 0.04);
    visuals.code_bg_color = wash(ink.text, 0.07);
    visuals.weak_text_color = Some(ink.faint);
    visuals.hyperlink_color = ink.accent;
    visuals.window_stroke = Stroke::new(1.0, ink.line);
    visuals.selection.bg_fill = wash(ink.accent, if ink.is_dark { 0.45 } else { 0.25 });
    visuals.selection.stroke = Stroke::new(1.5, ink.text);
    visuals.error_fg_color = ink.bad;
    visuals.slider_trailing_fill = true;
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, ink.line);
    widgets.noninteractive.fg_stroke = Stroke::new(1.0, ink.text);
    widgets.inactive.fg_stroke = Stroke::new(1.0, ink.text);
    widgets.inactive.bg_fill = raised;
    widgets.inactive.weak_bg_fill = raised;
    widgets.inactive.bg_stroke = Stroke::new(1.0, ink.line);
    widgets.hovered.bg_fill = hover;
    widgets.hovered.weak_bg_fill = hover;
    widgets.hovered.fg_stroke = Stroke::new(1.2, ink.text);
    widgets.hovered.bg_stroke = Stroke::new(1.0, ink.accent);
    widgets.active.bg_fill = hover;
    widgets.active.weak_bg_fill = hover;
    widgets.active.fg_stroke = Stroke::new(1.5, ink.text);
    widgets.active.bg_stroke = Stroke::new(1.5, ink.accent);
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.corner_radius = CornerRadius::same(5);
        widget.expansion = 0.0;
    }
    visuals
}
