//! Two variants side by side, the words first.

use egui::{Grid, RichText, ScrollArea, Ui};
use highwater_report::compare as said;
use highwater_report::{number, words};
use highwater_sim::compare::{Change, Comparison};

use super::{Around, widget};
use crate::command::{Command, Field};
use crate::state::{State, Variant};
use crate::theme::Ink;

/// Paints it.
pub fn show(ui: &mut Ui, state: &State, around: &Around, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - 6.0);
        ui.label(widget::bold("Two variants side by side", 19.0));
        widget::prose(
            ui,
            "Both see the same people at the same moments, so that a difference is the change's and not chance's.",
            13.0,
        );
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            pick(ui, state, around, wants);
        });
        if !state.compare.why.is_empty() {
            ui.add_space(8.0);
            ui.label(RichText::new(&state.compare.why).color(ink.bad).monospace());
        }
        if let Some(found) = &state.compare.found {
            ui.add_space(10.0);
            result(ui, found);
        }
        ui.add_space(16.0);
    });
}

fn pick(ui: &mut Ui, state: &State, around: &Around, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    let b = state.compare.b.clone().unwrap_or(Variant::Now);
    let mut chosen = (state.compare.a.clone(), b);
    let all = variants(state);
    ui.horizontal_wrapped(|ui| {
        combo(ui, state, "A, what is compared with", &mut chosen.0, &all);
        combo(ui, state, "B, what is compared", &mut chosen.1, &all);
    });
    ui.horizontal_wrapped(|ui| {
        let run = |variant: &Variant| state.variant(variant).map(|(_, source)| (source.text, source.settings));
        let is_run = |variant: &Variant| !matches!(variant, Variant::Left(_));
        let is_same =
            chosen.0 == chosen.1 || is_run(&chosen.0) && is_run(&chosen.1) && run(&chosen.0) == run(&chosen.1);
        let button = egui::Button::new(RichText::new("Compare the two").color(if ink.is_dark {
            egui::Color32::BLACK
        } else {
            egui::Color32::WHITE
        }))
        .fill(ink.accent);
        if ui
            .add_enabled(!is_same && state.compare.running.is_none(), button)
            .clicked()
        {
            wants.push(Command::Compare);
        }
        if ui
            .button("Keep the settings as they are now")
            .on_hover_text("Keeps them as a variant that can be picked here later")
            .clicked()
        {
            wants.push(Command::Keep);
        }
        if state.compare.running.is_some() {
            let share = around.other.unwrap_or(0.0);
            widget::bar(ui, share as f32, 140.0, ink.accent, "Comparing");
            widget::faint(ui, "comparing");
        } else if is_same {
            widget::faint(
                ui,
                "Pick two that differ: change a setting in Explore, or take a profile.",
            );
        }
    });
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Or a result that is there already: the folder of a run or of a load test");
        let mut path = state.fields.result.clone();
        let field = egui::TextEdit::singleline(&mut path)
            .hint_text("path/to/folder")
            .desired_width(240.0);
        if ui.add(field).labelled_by(label.id).changed() {
            wants.push(Command::Field(Field::Result, path.clone()));
        }
        if ui
            .add_enabled(!path.trim().is_empty(), egui::Button::new("Take it as B"))
            .clicked()
        {
            wants.push(Command::AddResult(path));
        }
    });
    let now = (state.compare.a.clone(), state.compare.b.clone().unwrap_or(Variant::Now));
    if chosen != now {
        wants.push(Command::Pick(chosen.0, chosen.1));
    }
}

fn variants(state: &State) -> Vec<Variant> {
    let mut all = vec![Variant::File, Variant::Now];
    if let Some(read) = &state.read {
        all.extend(
            read.plan
                .system
                .profile
                .iter()
                .map(|(name, _)| Variant::Profile(name.text.clone())),
        );
    }
    all.extend((0..state.compare.kept.len()).map(Variant::Kept));
    all.extend(state.compare.folders.iter().cloned().map(Variant::Left));
    all
}

fn combo(ui: &mut Ui, state: &State, label: &str, chosen: &mut Variant, all: &[Variant]) {
    let name = |variant: &Variant| match variant {
        Variant::Left(path) => format!("the result in {path}"),
        variant => state
            .variant(variant)
            .map_or_else(|| "gone".to_owned(), |(name, _)| name),
    };
    let named = ui.label(label);
    let response = egui::ComboBox::from_id_salt(label)
        .width(300.0)
        .selected_text(name(chosen))
        .truncate()
        .show_ui(ui, |ui| {
            for variant in all {
                ui.selectable_value(chosen, variant.clone(), name(variant));
            }
        })
        .response
        .labelled_by(named.id);
    widget::named(&response, label);
}

fn result(ui: &mut Ui, found: &Comparison) {
    let ink = Ink::now(ui);
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        for (number, sentence) in said::sentences(found).iter().enumerate() {
            let size = if number == 0 { 15.0 } else { 13.5 };
            widget::prose(ui, sentence, size);
        }
        widget::faint(
            ui,
            &format!("A: {}. B: {}. {}", found.a.name, found.b.name, said::method(found)),
        );
    });
    ui.add_space(10.0);
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widget::title(ui, "The figures that a decision hangs on");
        let head: Vec<&Change> = found.changes.iter().filter(|change| change.headline).collect();
        table(ui, "headline", &head);
    });
    ui.add_space(10.0);
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widget::title(ui, "What had to hold");
        Grid::new("held")
            .num_columns(3)
            .spacing([18.0, 5.0])
            .striped(true)
            .show(ui, |ui| {
                for head in ["", "A", "B"] {
                    ui.label(RichText::new(head).color(ink.faint).size(12.0));
                }
                ui.end_row();
                for objective in &found.objectives {
                    let Some(one) = objective.b.as_ref().or(objective.a.as_ref()) else {
                        continue;
                    };
                    widget::prose(ui, &format!("{}: {}", words::objective(one), words::bound(one)), 13.0);
                    for side in [&objective.a, &objective.b] {
                        match side {
                            Some(side) => {
                                let (word, color) = match side.met {
                                    Some(true) => ("met", ink.good),
                                    Some(false) => ("missed", ink.bad),
                                    None => ("open", ink.faint),
                                };
                                let value = number::cells(&side.value, side.unit).value;
                                ui.horizontal(|ui| {
                                    widget::sign(ui, side.met, 13.0);
                                    ui.label(RichText::new(format!("{word}, {value}")).color(color));
                                });
                            }
                            None => {
                                ui.label("");
                            }
                        }
                    }
                    ui.end_row();
                }
            });
    });
    let others: Vec<&Change> = found
        .changes
        .iter()
        .filter(|change| !change.headline && change.better().is_some())
        .take(40)
        .collect();
    if !others.is_empty() {
        ui.add_space(10.0);
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            widget::title(ui, "What else moved for sure");
            table(ui, "others", &others);
        });
    }
}

fn table(ui: &mut Ui, id: &str, changes: &[&Change]) {
    let ink = Ink::now(ui);
    Grid::new(id)
        .num_columns(5)
        .spacing([18.0, 5.0])
        .striped(true)
        .show(ui, |ui| {
            for head in ["", "A", "B", "B less A", ""] {
                ui.label(RichText::new(head).color(ink.faint).size(12.0));
            }
            ui.end_row();
            for change in changes {
                widget::prose(ui, &words::capital(&words::figure(&change.path)), 13.0);
                ui.label(number::cells(&change.a, change.unit).value);
                ui.label(number::cells(&change.b, change.unit).value);
                let difference = number::difference(&change.difference.estimate, change.unit);
                ui.label(format!("{} {}", difference.value, difference.interval).trim_end());
                let color = match change.better() {
                    Some(true) => ink.good,
                    Some(false) => ink.bad,
                    None => ink.faint,
                };
                ui.label(RichText::new(said::verdict(change)).color(color));
                ui.end_row();
            }
        });
}
