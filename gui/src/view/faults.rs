//! What goes wrong, one event at a time, and what came of it.

use egui::{DragValue, Grid, ScrollArea, Ui};

use super::{plots, waiting, widget};
use crate::command::Command;
use crate::model::fault::{self, KINDS};
use crate::model::format::{self, Measure};
use crate::state::{Fault, State};
use crate::theme::Ink;

/// Paints it.
pub fn show(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let Some(read) = &state.read else {
        waiting(ui, state);
        return;
    };
    let ink = Ink::now(ui);
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - 6.0);
        ui.label(widget::bold("What may go wrong", 19.0));
        widget::prose(
            ui,
            "Add an event, and the run is replayed under the same chance: the same people at the same moments.",
            13.0,
        );
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            form(ui, state, wants);
        });
        ui.add_space(8.0);
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            widget::title(ui, "What happens in this scenario");
            let added = state.document.as_ref().map_or(0, |document| document.added().len());
            let planned = fault::planned(&read.plan);
            let own = planned.len().saturating_sub(added);
            if planned.is_empty() {
                widget::faint(ui, "Nothing yet.");
            }
            for (number, (at, what)) in planned.iter().enumerate() {
                ui.horizontal_wrapped(|ui| {
                    let when = at.map_or_else(
                        || "when it is noticed".to_owned(),
                        |at| format!("at {}", plots::clock_text(at)),
                    );
                    widget::prose(ui, &format!("{when}: {what}"), 13.0);
                    if number >= own {
                        let button = ui.small_button("Take away");
                        widget::named(&button, &format!("Take away: {what}"));
                        if button.clicked() {
                            wants.push(Command::RemoveEvent(number - own));
                        }
                    }
                });
            }
        });
        ui.add_space(8.0);
        let Some(shown) = &state.shown else { return };
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            let (word, tone) = shown.verdict();
            ui.label(widget::bold(word, 16.0).color(ink.tone(tone)));
            widget::prose(ui, &shown.page.verdict.sentences.join(" "), 13.5);
            for name in ["load", "latency"] {
                if let Some(chart) = shown.charts.iter().find(|chart| chart.name == name) {
                    ui.add_space(4.0);
                    widget::title(ui, &chart.title);
                    plots::legend(ui, state, chart, wants);
                    plots::chart(ui, state, chart, &shown.clock, "faults", 140.0, wants);
                }
            }
        });
        ui.add_space(16.0);
    });
}

fn form(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let Some(read) = &state.read else { return };
    let mut now = state.fault.clone();
    ui.horizontal_wrapped(|ui| {
        for (number, kind) in KINDS.iter().enumerate() {
            let is_on = now.kind == number;
            if ui
                .selectable_label(is_on, kind.title)
                .on_hover_text(kind.meaning)
                .clicked()
                && !is_on
            {
                let factor = match kind.factor {
                    "% of requests fail" => 30.0,
                    "times as many" => 3.0,
                    _ => 5.0,
                };
                now = Fault {
                    kind: number,
                    target: String::new(),
                    factor,
                    ..now.clone()
                };
            }
        }
    });
    let kind = &KINDS[now.kind.min(KINDS.len() - 1)];
    widget::faint(ui, kind.meaning);
    let targets = fault::targets(&read.plan, kind);
    if !targets.contains(&now.target) {
        now.target = targets.first().cloned().unwrap_or_default();
    }
    let span = state.shown.as_ref().map_or(3_600.0, |shown| shown.clock.span);
    Grid::new("event").num_columns(2).spacing([12.0, 6.0]).show(ui, |ui| {
        if !targets.is_empty() {
            ui.label("Where");
            ui.horizontal_wrapped(|ui| {
                for target in &targets {
                    if ui.selectable_label(*target == now.target, target).clicked() {
                        now.target.clone_from(target);
                    }
                }
            });
            ui.end_row();
        }
        seconds(ui, "When", &mut now.at, span);
        if kind.lasts {
            seconds(ui, "For how long", &mut now.lasts, span);
        }
        if !kind.factor.is_empty() {
            let label = ui.label("How bad");
            ui.horizontal(|ui| {
                ui.add(DragValue::new(&mut now.factor).range(0.1..=100.0).speed(0.1))
                    .labelled_by(label.id);
                ui.label(kind.factor);
            });
            ui.end_row();
        }
    });
    let can = kind.targets.is_empty() || !targets.is_empty();
    if !can {
        widget::faint(ui, "The system has no part that this can happen to.");
    }
    ui.add_enabled_ui(can, |ui| {
        if widget::main_button(ui, "Add it and replay").clicked() {
            wants.push(Command::AddEvent(fault::text(&now)));
        }
    });
    if now != state.fault {
        wants.push(Command::Fault(now));
    }
}

fn seconds(ui: &mut Ui, name: &str, value: &mut f64, span: f64) {
    let label = ui.label(name);
    let response = ui
        .add(
            egui::Slider::new(value, 1.0..=span.max(2.0))
                .custom_formatter(|value, _| format::shown(value.round(), Measure::Span))
                .custom_parser(|text| format::typed(text, Measure::Span)),
        )
        .labelled_by(label.id);
    widget::named(&response, name);
    ui.end_row();
}
