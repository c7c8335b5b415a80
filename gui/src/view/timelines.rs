//! Every plot over time, one under the other: they move together.

use egui::{RichText, ScrollArea, Ui};
use highwater_report::number;

use super::{plots, waiting, widget};
use crate::command::Command;
use crate::model::result::Shown;
use crate::state::State;
use crate::theme::Ink;

/// Paints them.
pub fn show(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let Some(shown) = &state.shown else {
        waiting(ui, state);
        return;
    };
    let span = shown.clock.span;
    ui.horizontal_wrapped(|ui| {
        ui.label(widget::bold("What happens over time", 19.0));
        ui.add_space(10.0);
        if ui
            .button("Whole run")
            .on_hover_text("Double click on a plot does the same")
            .clicked()
        {
            wants.push(Command::Zoom(Some((0.0, span))));
        }
        for phase in shown.clock.phases.iter().filter(|_| shown.clock.phases.len() > 1) {
            if ui.button(format!("Phase {}", phase.name)).clicked() {
                wants.push(Command::Zoom(Some((phase.from, phase.to))));
            }
        }
    });
    widget::faint(
        ui,
        "Drag to move, Ctrl and wheel to zoom, click to set the moment that the map shows. The band reaches from the lowest to the highest replication.",
    );
    if state.timelines.zoom.is_some() {
        // It has been shown: from now on the plots go where they are dragged.
        wants.push(Command::Zoom(None));
    }
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - 6.0);
        happened(ui, shown, wants);
        let wide = ui.available_width() > 1200.0;
        if wide {
            for pair in shown.charts.chunks(2) {
                ui.columns(2, |columns| {
                    for (ui, chart) in columns.iter_mut().zip(pair) {
                        one(ui, state, shown, chart, wants);
                    }
                });
            }
        } else {
            for chart in &shown.charts {
                one(ui, state, shown, chart, wants);
            }
        }
        ui.add_space(16.0);
    });
}

fn one(ui: &mut Ui, state: &State, shown: &Shown, chart: &crate::model::line::Chart, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    ui.add_space(8.0);
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widget::title(ui, &chart.title);
        widget::prose(ui, &chart.finding, 12.5);
        plots::legend(ui, state, chart, wants);
        plots::chart(ui, state, chart, &shown.clock, "timelines", 170.0, wants);
        readout(ui, state, chart);
    });
}

/// The values at the moment that was clicked.
fn readout(ui: &mut Ui, state: &State, chart: &crate::model::line::Chart) {
    let at = state.moment.at;
    if at <= 0.0 {
        return;
    }
    let mut below = 0.0;
    let values: Vec<String> = chart
        .series
        .iter()
        .filter_map(|series| {
            let (value, ..) = series.at(at)?;
            let own = if chart.is_stack { value - below } else { value };
            below = value;
            Some(format!("{} {}", series.name, number::value(own, chart.unit)))
        })
        .collect();
    if !values.is_empty() {
        widget::faint(ui, &format!("At {}: {}", plots::clock_text(at), values.join("; ")));
    }
}

fn happened(ui: &mut Ui, shown: &Shown, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    if shown.clock.marks.is_empty() {
        return;
    }
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widget::title(ui, "What happened");
        ui.horizontal_wrapped(|ui| {
            for (number, mark) in shown.clock.marks.iter().enumerate() {
                let text = format!("{}  {}, {}", number + 1, plots::clock_text(mark.from), mark.label);
                let link = ui
                    .link(RichText::new(text).size(12.5))
                    .on_hover_text("Shows the minutes around it");
                if link.clicked() {
                    let around = (shown.clock.span / 12.0).max(mark.to - mark.from);
                    let from = (mark.from - around / 2.0).max(0.0);
                    let to = (mark.to.max(mark.from) + around).min(shown.clock.span);
                    wants.push(Command::Zoom(Some((from, to))));
                    wants.push(Command::Seek(mark.from));
                }
                ui.add_space(10.0);
            }
        });
        log(ui, shown, wants);
    });
}

/// Everything that was decided in the first replication.
fn log(ui: &mut Ui, shown: &Shown, wants: &mut Vec<Command>) {
    let log = &shown.outcome.summary.log;
    if log.is_empty() {
        return;
    }
    let title = format!("All {} decisions and events of the first replication", log.len());
    egui::CollapsingHeader::new(title).id_salt("log").show(ui, |ui| {
        let height = ui.text_style_height(&egui::TextStyle::Body);
        ScrollArea::vertical()
            .id_salt("log")
            .max_height(180.0)
            .show_rows(ui, height, log.len(), |ui, rows| {
                for entry in &log[rows] {
                    ui.horizontal(|ui| {
                        if ui.link(plots::clock_text(entry.at)).clicked() {
                            wants.push(Command::Seek(entry.at));
                        }
                        ui.label(RichText::new(&entry.subject).strong());
                        ui.add(egui::Label::new(&entry.text).truncate());
                    });
                }
            });
    });
}
