//! Where the time goes, and which resource holds everything up.

use egui::{Grid, RichText, ScrollArea, Ui};
use highwater_report::number;
use highwater_report::plot::Size;
use highwater_report::words::capital;

use super::{waiting, widget};
use crate::command::Command;
use crate::model::result::Shown;
use crate::state::State;
use crate::theme::Ink;

/// Plots about where the time goes, in order.
const PLOTS: [&str; 4] = ["stages", "busiest", "percentiles", "errors"];

/// Paints it.
pub fn show(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let Some(shown) = &state.shown else {
        waiting(ui, state);
        return;
    };
    let ink = Ink::now(ui);
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - 6.0);
        ui.label(widget::bold("Where the time goes", 19.0));
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            limits(ui, shown, wants);
        });
        for name in PLOTS {
            let Some(plot) = shown.plots.iter().find(|plot| plot.name == name) else {
                continue;
            };
            ui.add_space(10.0);
            ink.frame().show(ui, |ui| {
                ui.set_min_width(ui.available_width());
                widget::title(ui, &plot.title);
                widget::prose(ui, &plot.finding, 13.0);
                ui.add_space(4.0);
                let drawn = plot.draw(Size::Wide);
                widget::drawing(ui, &drawn, &format!("{}: {}", plot.title, plot.finding));
                widget::faint(ui, &plot.note);
            });
        }
        ui.add_space(16.0);
    });
}

fn limits(ui: &mut Ui, shown: &Shown, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    widget::title(ui, "What is at its limit");
    let bound = &shown.outcome.summary.bottlenecks;
    if bound.is_empty() {
        widget::faint(ui, "Nothing reached its limit.");
        return;
    }
    Grid::new("limits")
        .num_columns(5)
        .spacing([16.0, 6.0])
        .striped(true)
        .show(ui, |ui| {
            for head in [
                "Part",
                "Its limit",
                "Reached after",
                "Share of all time",
                "Of the slowest 5 %",
                "In use",
            ] {
                ui.label(RichText::new(head).color(ink.faint).size(12.0));
            }
            ui.end_row();
            for one in bound {
                if ui
                    .link(&one.resource)
                    .on_hover_text("Shows it on the map when that happened")
                    .clicked()
                {
                    wants.push(Command::Seek(one.first_at.value));
                    wants.push(Command::Part(Some(one.resource.clone())));
                    wants.push(Command::Show(crate::state::View::Map));
                }
                ui.label(&one.limit);
                ui.label(number::span_words(one.first_at.value));
                let share = |value: f64| {
                    if value.is_finite() {
                        number::percent(value)
                    } else {
                        String::new()
                    }
                };
                ui.label(share(one.latency_share));
                ui.label(share(one.latency_share_slowest));
                ui.label(share(one.utilization.min(1.0)));
                ui.end_row();
            }
        });
    for one in bound {
        if let Some(other) = &one.because_of {
            widget::prose(
                ui,
                &format!(
                    "{} is full because {other} is: growing it alone would not help.",
                    capital(&one.resource)
                ),
                12.5,
            );
        }
    }
    if let Some(first) = bound.iter().find(|one| one.because_of.is_none())
        && first.utilization.is_finite()
        && first.utilization > 0.0
    {
        // At that share in use, so many times the capacity would bring it to seven tenths.
        let times = first.utilization / 0.7;
        if times > 1.05 {
            widget::prose(
                ui,
                &format!(
                    "To have {} at 70 % for the same work it would have to be about {times:.1} times as large; what waits today would ask for more.",
                    first.resource
                ),
                12.5,
            );
        }
    }
}
