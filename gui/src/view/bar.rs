//! The bar on top: what is open, the way back, saving, how far the simulation is, how everything looks.

use egui::{Align, Layout, RichText, Ui};

use super::{Around, widget};
use crate::command::{Command, Field};
use crate::state::{Look, Run, State};
use crate::theme::Ink;

/// Paints it.
pub fn show(ui: &mut Ui, state: &State, around: &Around, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    ui.horizontal(|ui| {
        ui.label(widget::bold("Highwater", 17.0).color(ink.accent));
        ui.add_space(6.0);
        if let Some(document) = &state.document {
            let name = document.origin().name();
            let short = name.rsplit('/').next().unwrap_or(name);
            let mark = if document.is_changed() { " (changed)" } else { "" };
            ui.label(RichText::new(format!("{short}{mark}"))).on_hover_text(name);
            let (back, forth) = document.steps();
            if ui
                .add_enabled(back, egui::Button::new("Undo"))
                .on_hover_text("Takes the last change back (Ctrl+Z)")
                .clicked()
            {
                wants.push(Command::Undo);
            }
            if ui
                .add_enabled(forth, egui::Button::new("Redo"))
                .on_hover_text("Makes it again (Ctrl+Shift+Z)")
                .clicked()
            {
                wants.push(Command::Redo);
            }
            if ui
                .add_enabled(document.is_changed(), egui::Button::new("Reset to file"))
                .on_hover_text("Takes every change back")
                .clicked()
            {
                wants.push(Command::Reset);
            }
            save(ui, state, wants);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            looks(ui, state, wants);
            ui.separator();
            progress(ui, state, around, wants);
        });
    });
}

fn save(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let button = ui
        .button("Save as\u{2026}")
        .on_hover_text("Writes a scenario file that `highwater run` takes (Ctrl+S)");
    egui::Popup::menu(&button)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| {
            ui.set_min_width(330.0);
            let label = ui.label("Scenario file to write");
            let mut path = state.fields.save.clone();
            let field = ui
                .add(egui::TextEdit::singleline(&mut path).desired_width(320.0))
                .labelled_by(label.id);
            if field.changed() {
                wants.push(Command::Field(Field::Save, path.clone()));
            }
            let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            ui.horizontal(|ui| {
                if widget::main_button(ui, "Save").clicked() || is_entered {
                    wants.push(Command::Save(path.clone()));
                    ui.close();
                }
                if ui.button("Choose a place\u{2026}").clicked() {
                    wants.push(Command::Dialog(true));
                    ui.close();
                }
            });
        });
}

fn looks(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let is_dark = ui.visuals().dark_mode;
    let (text, next) = if is_dark {
        ("Light", Look::Light)
    } else {
        ("Dark", Look::Dark)
    };
    if ui
        .button(text)
        .on_hover_text("Changes between light and dark")
        .clicked()
    {
        wants.push(Command::Look(next));
    }
    let scale = if state.scale > 0.0 { state.scale } else { 1.0 };
    let larger = ui.button("A+").on_hover_text("Larger text (Ctrl and +)");
    widget::named(&larger, "Larger text");
    if larger.clicked() {
        wants.push(Command::Scale(scale + 0.1));
    }
    let smaller = ui.button("A\u{2212}").on_hover_text("Smaller text (Ctrl and \u{2212})");
    widget::named(&smaller, "Smaller text");
    if smaller.clicked() {
        wants.push(Command::Scale(scale - 0.1));
    }
}

fn progress(ui: &mut Ui, state: &State, around: &Around, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    if state.document.is_none() {
        return;
    }
    match &state.run {
        Run::Running { since, .. } => {
            if ui.button("Stop").clicked() {
                wants.push(Command::Stop);
            }
            let share = around.progress.unwrap_or(0.0);
            let text = estimate(around.now - since, share);
            widget::bar(ui, share as f32, 90.0, ink.accent, &format!("Simulating, {text}"));
            ui.label(RichText::new(text).color(ink.faint).size(12.0));
        }
        Run::Done { looking: true, .. } => {
            let share = around.progress.unwrap_or(0.7);
            widget::bar(ui, share as f32, 90.0, ink.accent, "Looking for the next step");
            ui.label(RichText::new("looking for the next step").color(ink.faint).size(12.0));
        }
        Run::Done { .. } => {
            let replications = state
                .shown
                .as_ref()
                .map_or(0, |shown| shown.outcome.summary.replications);
            let text = match replications {
                1 => "1 replication".to_owned(),
                many => format!("{many} replications"),
            };
            ui.label(RichText::new(text).color(ink.faint).size(12.0));
        }
        Run::Refused(_) => {
            ui.label(RichText::new("the file has mistakes").color(ink.bad).size(12.0));
        }
        Run::Failed(_) => {
            if ui.button("Run again").clicked() {
                wants.push(Command::Again);
            }
            ui.label(RichText::new("stopped").color(ink.bad).size(12.0));
        }
        Run::Idle => {}
    }
}

/// How much longer it will take, from how far it has come until now.
fn estimate(elapsed: f64, share: f64) -> String {
    if share < 0.02 || elapsed < 0.5 {
        return "simulating".to_owned();
    }
    // The last part, looking for the next step, is counted apart.
    let left = elapsed / share * (0.7 - share).max(0.0);
    match left {
        left if left < 1.5 => "nearly there".to_owned(),
        left if left < 90.0 => format!("about {left:.0} s left"),
        left => format!("about {:.0} min left", left / 60.0),
    }
}
