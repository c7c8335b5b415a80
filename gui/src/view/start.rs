//! Scenarios to open: bundled ones as cards, files, six questions.

use egui::{Key, ScrollArea, Sense, Ui, Vec2, WidgetInfo, accesskit};
use highwater_models::draft::QUESTIONS;

use super::widget;
use crate::command::{Command, Field};
use crate::model::cards::{Card, shelves};
use crate::state::State;
use crate::theme::Ink;

/// Paints it.
pub fn show(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.add(egui::Label::new(widget::bold("What do you want to know?", 22.0)));
        widget::prose(
            ui,
            "Open a scenario, watch what fills up first, move a slider and see whether it holds. \
             Nothing here needs a network or an account.",
            13.5,
        );
        ui.add_space(6.0);
        files(ui, state, wants);
        ui.add_space(8.0);
        for shelf in shelves() {
            ui.add_space(6.0);
            widget::title(ui, shelf.title);
            grid(ui, &shelf.cards, wants);
        }
        ui.add_space(12.0);
    });
}

fn files(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("A scenario file of yours");
            let mut path = state.fields.open.clone();
            let field = egui::TextEdit::singleline(&mut path)
                .hint_text("path/to/scenario.toml, or drop a file on the window")
                .desired_width(330.0)
                .id_salt("open");
            let response = ui.add(field).labelled_by(label.id);
            if response.changed() {
                wants.push(Command::Field(Field::Open, path.clone()));
            }
            let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if widget::main_button(ui, "Open").clicked() || is_entered {
                wants.push(Command::Open(path));
            }
            if ui.button("Browse\u{2026}").clicked() {
                wants.push(Command::Dialog(false));
            }
        });
        if !state.recent.is_empty() {
            ui.horizontal_wrapped(|ui| {
                widget::faint(ui, "Open before:");
                for path in &state.recent {
                    let short = path.rsplit('/').next().unwrap_or(path);
                    if ui.link(short).on_hover_text(path).clicked() {
                        wants.push(Command::Open(path.clone()));
                    }
                }
            });
        }
        egui::CollapsingHeader::new("Or start from your own answers to six questions").show(ui, |ui| {
            questions(ui, state, wants);
        });
    });
}

fn questions(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    egui::Grid::new("questions")
        .num_columns(2)
        .spacing([14.0, 8.0])
        .show(ui, |ui| {
            for (number, question) in QUESTIONS.iter().enumerate() {
                let label = ui.label(question.text);
                ui.vertical(|ui| {
                    let mut answer = state.fields.answers[number].clone();
                    let field = egui::TextEdit::singleline(&mut answer)
                        .hint_text(question.default)
                        .desired_width(300.0)
                        .id_salt(question.key);
                    if ui.add(field).labelled_by(label.id).changed() {
                        wants.push(Command::Field(Field::Answer(number), answer));
                    }
                    widget::faint(ui, question.hint);
                });
                ui.end_row();
            }
            let label = ui.label("What are the two files called?");
            ui.horizontal(|ui| {
                let mut name = state.fields.new_name.clone();
                let field = egui::TextEdit::singleline(&mut name)
                    .hint_text("my-shop")
                    .desired_width(180.0);
                if ui.add(field).labelled_by(label.id).changed() {
                    wants.push(Command::Field(Field::NewName, name));
                }
                if widget::main_button(ui, "Write and open them").clicked() {
                    wants.push(Command::New);
                }
            });
            ui.end_row();
        });
}

/// Width of a card, at least.
const CARD: f32 = 290.0;

fn grid(ui: &mut Ui, cards: &[Card], wants: &mut Vec<Command>) {
    let gap = 10.0;
    let width = ui.available_width() - 12.0;
    let columns = ((width + gap) / (CARD + gap)).floor().max(1.0) as usize;
    let each = (width - gap * (columns as f32 - 1.0)) / columns as f32;
    for row in cards.chunks(columns) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            let height = row.iter().map(|one| height(ui, one, each)).fold(0.0, f32::max);
            for one in row {
                if card(ui, one, Vec2::new(each, height)).clicked() {
                    wants.push(Command::Open(one.name.to_owned()));
                }
            }
        });
    }
}

fn height(ui: &Ui, card: &Card, width: f32) -> f32 {
    let text = galley(ui, card, width);
    text.0.size().y + text.1.size().y + text.2.size().y + 14.0 * 2.0 + 12.0
}

type Galleys = (
    std::sync::Arc<egui::Galley>,
    std::sync::Arc<egui::Galley>,
    std::sync::Arc<egui::Galley>,
);

fn galley(ui: &Ui, card: &Card, width: f32) -> Galleys {
    let ink = Ink::now(ui);
    let inner = width - 28.0;
    let bold = egui::FontId::new(14.0, egui::FontFamily::Name(crate::theme::BOLD.into()));
    let plain = egui::FontId::proportional(12.5);
    let painter = ui.painter();
    (
        painter.layout(card.title.clone(), bold, ink.text, inner),
        painter.layout(card.question.clone(), plain, ink.text, inner),
        painter.layout(card.name.to_owned(), egui::FontId::monospace(11.0), ink.faint, inner),
    )
}

fn card(ui: &mut Ui, card: &Card, size: Vec2) -> egui::Response {
    let ink = Ink::now(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Button, true, format!("Open {}", card.name)));
    if ui.is_rect_visible(rect) {
        let is_on = response.hovered() || response.has_focus();
        let line = if is_on { ink.accent } else { ink.line };
        let fill = if is_on {
            ink.card.lerp_to_gamma(ink.accent, 0.06)
        } else {
            ink.card
        };
        ui.painter().rect(
            rect,
            egui::CornerRadius::same(8),
            fill,
            egui::Stroke::new(if is_on { 1.5 } else { 1.0 }, line),
            egui::StrokeKind::Inside,
        );
        let (title, question, name) = galley(ui, card, size.x);
        let at = rect.min + Vec2::splat(14.0);
        let below = title.size().y + 6.0;
        ui.painter().galley(at, title, ink.text);
        ui.painter().galley(at + Vec2::new(0.0, below), question, ink.text);
        let bottom = rect.max.y - 12.0 - name.size().y;
        ui.painter().galley(egui::pos2(at.x, bottom), name, ink.faint);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}
