//! Small pieces that several views are made of.
//!
//! Owns: how text with marks of code, headings, bars and error texts look. Never: what they say.

use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align2, Color32, CornerRadius, FontFamily, FontId, Response, RichText, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, accesskit,
};
use highwater_report::plot::{Anchor, Drawing, Shape};

use crate::theme::{BOLD, Ink, wash};

/// A heading of a card.
pub fn title(ui: &mut Ui, text: &str) -> Response {
    ui.label(bold(text, 15.0))
}

/// Bold text of a size.
#[must_use]
pub fn bold(text: &str, size: f32) -> RichText {
    RichText::new(text).font(FontId::new(size, FontFamily::Name(BOLD.into())))
}

/// Text beside the point.
pub fn faint(ui: &mut Ui, text: &str) -> Response {
    let ink = Ink::now(ui);
    ui.label(RichText::new(text).color(ink.faint).size(12.0))
}

/// A text in which what stands between marks of code is set as code.
pub fn prose(ui: &mut Ui, text: &str, size: f32) -> Response {
    let ink = Ink::now(ui);
    let mut job = LayoutJob::default();
    for (number, part) in text.split('`').enumerate() {
        let (font, color) = if number % 2 == 1 {
            (FontId::new(size - 0.5, FontFamily::Monospace), ink.text)
        } else {
            (FontId::new(size, FontFamily::Proportional), ink.text)
        };
        job.append(
            part,
            0.0,
            TextFormat {
                font_id: font,
                color,
                line_height: Some(size * 1.45),
                ..TextFormat::default()
            },
        );
    }
    ui.label(job)
}

/// Mistakes of a file, as the command shows them.
pub fn mistakes(ui: &mut Ui, said: &str) {
    let ink = Ink::now(ui);
    ink.frame().stroke(Stroke::new(1.5, ink.bad)).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.label(bold("The file has mistakes", 15.0).color(ink.bad));
        faint(
            ui,
            "As `highwater check` shows them, each with its place."
                .replace('`', "")
                .as_str(),
        );
        ui.add_space(4.0);
        egui::ScrollArea::both()
            .id_salt("mistakes")
            .max_height((ui.available_height() - 20.0).max(160.0))
            .show(ui, |ui| {
                ui.add(egui::Label::new(marked(said, &ink)).extend());
            });
    });
}

/// Diagnostics with their first words and their marks in colour.
fn marked(said: &str, ink: &Ink) -> LayoutJob {
    let mut job = LayoutJob::default();
    for line in said.split_inclusive('\n') {
        let is_mark = line.contains('^') || line.contains(" ---");
        let is_head = line.starts_with("error") || line.starts_with("warning");
        let color = match (is_head, is_mark) {
            (true, _) | (_, true) => ink.bad,
            _ if line.trim_start().starts_with("-->") => ink.faint,
            _ => ink.text,
        };
        job.append(
            line,
            0.0,
            TextFormat {
                font_id: FontId::new(12.5, FontFamily::Monospace),
                color,
                ..TextFormat::default()
            },
        );
    }
    job
}

/// A button that is the one to press.
pub fn main_button(ui: &mut Ui, text: &str) -> Response {
    let ink = Ink::now(ui);
    let paper = if ink.is_dark { Color32::BLACK } else { Color32::WHITE };
    ui.add(egui::Button::new(RichText::new(text).color(paper)).fill(ink.accent))
}

/// A bar filled to a share, for progress and use.
pub fn bar(ui: &mut Ui, share: f32, width: f32, color: Color32, name: &str) -> Response {
    let ink = Ink::now(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, 8.0), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(4), wash(ink.text, 0.12));
    let mut full = rect;
    full.set_width(rect.width() * share.clamp(0.0, 1.0));
    painter.rect_filled(full, CornerRadius::same(4), color);
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::ProgressIndicator, true, name));
    response
}

/// A swatch of a colour, round for lines and square for layers.
pub fn swatch(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::new(14.0, 10.0), Sense::hover());
    ui.painter().rect_filled(rect.shrink(1.0), CornerRadius::same(2), color);
}

/// Gives a control the name that is read aloud.
pub fn named(response: &Response, name: &str) {
    response
        .ctx
        .accesskit_node_builder(response.id, |node| node.set_label(name));
}

/// A plot of the report, painted as it is in the report, to the width that there is.
pub fn drawing(ui: &mut Ui, drawing: &Drawing, name: &str) -> Response {
    let ink = Ink::now(ui);
    let scale = (ui.available_width() / drawing.width as f32).min(1.25);
    let size = Vec2::new(drawing.width as f32, drawing.height as f32) * scale;
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, name));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let place = |(x, y): (f64, f64)| rect.min + Vec2::new(x as f32, y as f32) * scale;
    let painter = ui.painter_at(rect.expand(4.0));
    for shape in &drawing.shapes {
        match shape {
            Shape::Path { points, color, width } => {
                let points: Vec<egui::Pos2> = points.iter().map(|&point| place(point)).collect();
                painter.line(points, Stroke::new(*width as f32 * scale, ink.paint(*color)));
            }
            Shape::Polygon { points, color, opacity } => {
                polygon(&painter, points, &place, wash(ink.paint(*color), *opacity as f32));
            }
            Shape::Text {
                at,
                text,
                size,
                anchor,
                color,
                is_bold,
            } => {
                let align = match anchor {
                    Anchor::Start => Align2::LEFT_CENTER,
                    Anchor::Middle => Align2::CENTER_CENTER,
                    Anchor::End => Align2::RIGHT_CENTER,
                };
                let family = if *is_bold {
                    FontFamily::Name(BOLD.into())
                } else {
                    FontFamily::Proportional
                };
                painter.text(
                    place(*at),
                    align,
                    text,
                    FontId::new(*size as f32 * scale, family),
                    ink.paint(*color),
                );
            }
        }
    }
    response
}

/// A filled outline; egui fills convex ones only, so that others are cut into strips from their lower to their upper edge.
fn polygon(painter: &egui::Painter, points: &[(f64, f64)], place: &dyn Fn((f64, f64)) -> egui::Pos2, color: Color32) {
    if points.len() <= 4 {
        let points = points.iter().map(|&point| place(point)).collect();
        painter.add(egui::Shape::convex_polygon(points, color, Stroke::NONE));
        return;
    }
    let half = points.len() / 2;
    let mut mesh = egui::Mesh::default();
    for index in 0..half {
        mesh.colored_vertex(place(points[index]), color);
        mesh.colored_vertex(place(points[points.len() - 1 - index]), color);
        if index > 0 {
            let corner = (index * 2) as u32;
            mesh.add_triangle(corner - 2, corner - 1, corner);
            mesh.add_triangle(corner - 1, corner + 1, corner);
        }
    }
    painter.add(egui::Shape::mesh(mesh));
}

/// Whether something holds, drawn: a tick, a cross or a ring. The word stands beside it.
pub fn sign(ui: &mut Ui, met: Option<bool>, size: f32) {
    let ink = Ink::now(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(size), Sense::hover());
    let at = |x: f32, y: f32| rect.min + Vec2::new(x, y) * size;
    let painter = ui.painter();
    let line = |color| Stroke::new((size / 7.0).max(1.8), color);
    match met {
        Some(true) => {
            painter.line(vec![at(0.12, 0.55), at(0.4, 0.82), at(0.9, 0.2)], line(ink.good));
        }
        Some(false) => {
            painter.line_segment([at(0.18, 0.18), at(0.82, 0.82)], line(ink.bad));
            painter.line_segment([at(0.82, 0.18), at(0.18, 0.82)], line(ink.bad));
        }
        None => {
            painter.circle_stroke(rect.center(), size * 0.34, line(ink.faint));
        }
    }
}

/// A pill with a word in it.
pub fn pill(ui: &mut Ui, text: &str, color: Color32) -> Response {
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), FontId::new(12.0, FontFamily::Name(BOLD.into())), color);
    let (rect, response) = ui.allocate_exact_size(galley.size() + Vec2::new(16.0, 6.0), Sense::hover());
    ui.painter().rect(
        rect,
        CornerRadius::same(10),
        wash(color, 0.13),
        Stroke::new(1.0, color),
        StrokeKind::Inside,
    );
    ui.painter().galley(rect.min + Vec2::new(8.0, 3.0), galley, color);
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Label, true, text));
    response
}
