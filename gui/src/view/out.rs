//! What can be taken away: pictures, data, the report, the command.

use egui::{RichText, ScrollArea, Ui};

use super::{waiting, widget};
use crate::command::{Command, Field, Product};
use crate::state::State;
use crate::theme::Ink;

/// Paints it.
pub fn show(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let Some(shown) = &state.shown else {
        waiting(ui, state);
        return;
    };
    let ink = Ink::now(ui);
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - 6.0);
        ui.label(widget::bold("Take it with you", 19.0));
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            widget::title(ui, "The command that gives the same result");
            let has_events = state
                .document
                .as_ref()
                .is_some_and(|document| !document.added().is_empty());
            if has_events {
                widget::faint(ui, "Events were added, which no command can: save the scenario first.");
            } else {
                let again = state.again();
                ui.horizontal_wrapped(|ui| {
                    ui.label(RichText::new(&again).monospace());
                    if ui.button("Copy the command").clicked() {
                        wants.push(Command::Copy(again.clone()));
                    }
                });
            }
        });
        ui.add_space(10.0);
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            widget::title(ui, "Files");
            ui.horizontal_wrapped(|ui| {
                let label = ui.label("Folder");
                let mut folder = state.fields.out.clone();
                let field = egui::TextEdit::singleline(&mut folder)
                    .hint_text("the one that the app was started in")
                    .desired_width(300.0);
                if ui.add(field).labelled_by(label.id).changed() {
                    wants.push(Command::Field(Field::Out, folder));
                }
            });
            ui.horizontal_wrapped(|ui| {
                for (text, product) in [
                    ("The report as a page", Product::Report),
                    ("summary.json", Product::Summary),
                    ("timeline.csv", Product::Timeline),
                ] {
                    if ui.button(text).clicked() {
                        wants.push(Command::Write(product));
                    }
                }
            });
            widget::faint(
                ui,
                "The same files that `highwater run --out` and `--report` leave."
                    .replace('`', "")
                    .as_str(),
            );
        });
        ui.add_space(10.0);
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            widget::title(ui, "Plots");
            egui::Grid::new("plots")
                .num_columns(4)
                .spacing([14.0, 7.0])
                .striped(true)
                .show(ui, |ui| {
                    for plot in &shown.plots {
                        ui.label(&plot.title);
                        let name = &plot.name;
                        for (text, product) in [
                            ("PNG", Product::Png(name.clone())),
                            ("SVG", Product::Svg(name.clone())),
                            ("CSV", Product::Csv(name.clone())),
                        ] {
                            let button = ui.button(text);
                            widget::named(&button, &format!("{text} of {}", plot.title));
                            if button.clicked() {
                                wants.push(Command::Write(product));
                            }
                        }
                        ui.end_row();
                    }
                });
        });
        ui.add_space(16.0);
    });
}
