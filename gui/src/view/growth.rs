//! Months on an axis, and what holds at each stage; the plan's own table beside the simulated one.

use egui::{Grid, RichText, ScrollArea, Sense, Slider, Ui, Vec2};
use highwater_models::record::figures::Unit;
use highwater_report::number;

use super::{Around, widget};
use crate::command::Command;
use crate::model::growth::{STAGES, users_at};
use crate::model::result::Shown;
use crate::state::{Growth, State};
use crate::theme::{Ink, wash};

/// Paints it.
pub fn show(ui: &mut Ui, state: &State, around: &Around, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    let growth = &state.growth;
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - 6.0);
        ui.label(widget::bold("From 100 users to 50,000", 19.0));
        widget::prose(
            ui,
            "The four stages of the bundled plan, a month each. The plan's own figures stand beside what the simulation finds.",
            13.0,
        );
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            axis(ui, growth, wants);
            ui.horizontal_wrapped(|ui| {
                match growth.running {
                    None => {
                        let text = if growth.stages.iter().any(Option::is_some) { "Simulate the months again" } else { "Simulate the months" };
                        if widget::main_button(ui, text).clicked() {
                            wants.push(Command::Grow);
                        }
                        widget::faint(ui, "One replication of 30 days each: a minute or a few.");
                    }
                    Some(_) => {
                        let share = around.other.unwrap_or(0.0);
                        widget::bar(ui, share as f32, 220.0, ink.accent, "Simulating the months");
                        widget::faint(ui, &format!("{} done", number::percent(share)));
                    }
                }
            });
        });
        ui.add_space(10.0);
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            table(ui, growth, wants);
        });
        ui.add_space(10.0);
        let stage = &STAGES[growth.stage];
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.horizontal(|ui| {
                widget::title(ui, &format!("{} users", number::count(f64::from(stage.users))));
                if ui.button("Open this month").on_hover_text("As a scenario, to move its settings").clicked() {
                    wants.push(Command::Open(stage.scenario.to_owned()));
                }
            });
            match &growth.stages[growth.stage] {
                Some(shown) => {
                    let (word, tone) = shown.verdict();
                    ui.label(widget::bold(word, 16.0).color(ink.tone(tone)));
                    widget::prose(ui, &shown.page.verdict.sentences.join(" "), 13.5);
                }
                None if !growth.why[growth.stage].is_empty() => {
                    ui.monospace(&growth.why[growth.stage]);
                }
                None => {
                    widget::faint(ui, "Not simulated yet.");
                }
            }
        });
        ui.add_space(16.0);
    });
}

fn axis(ui: &mut Ui, growth: &Growth, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    let mut month = STAGES[growth.stage].months;
    let label = ui.label("Month of the plan");
    ui.spacing_mut().slider_width = (ui.available_width() - 20.0).max(200.0);
    let response = ui
        .add(Slider::new(&mut month, 1.0..=12.0).show_value(false))
        .labelled_by(label.id);
    widget::named(&response, "Month of the plan");
    if response.changed() {
        let near = |stage: &crate::model::growth::Stage| (stage.months - month).abs();
        let nearest = (0..STAGES.len()).min_by(|&a, &b| near(&STAGES[a]).total_cmp(&near(&STAGES[b])));
        wants.push(Command::Stage(nearest.unwrap_or(0)));
    }
    // How many are registered over the months, on a scale of powers of ten.
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 92.0), Sense::hover());
    let painter = ui.painter_at(rect);
    // Below the curve there is room for the names of its first stages.
    let plot = egui::Rect::from_min_max(rect.min + Vec2::new(10.0, 8.0), rect.max - Vec2::new(10.0, 28.0));
    let place = |month: f64, users: f64| {
        let share = (users.log10() - 2.0) / (50_000.0_f64.log10() - 2.0);
        egui::pos2(
            plot.min.x + plot.width() * ((month - 1.0) / 11.0) as f32,
            plot.max.y - plot.height() * share as f32,
        )
    };
    let curve: Vec<egui::Pos2> = (0..=110)
        .map(|step| 1.0 + f64::from(step) * 0.1)
        .map(|month| place(month, users_at(month)))
        .collect();
    painter.line(curve, egui::Stroke::new(2.0, ink.accent));
    for (number, stage) in STAGES.iter().enumerate() {
        let at = place(stage.months, f64::from(stage.users));
        let is_on = number == growth.stage;
        painter.circle_filled(
            at,
            if is_on { 7.0 } else { 4.5 },
            if is_on { ink.accent } else { wash(ink.accent, 0.6) },
        );
        let align = if number == STAGES.len() - 1 {
            egui::Align2::RIGHT_TOP
        } else {
            egui::Align2::LEFT_TOP
        };
        let text = format!(
            "{} users, month {}",
            number::count(f64::from(stage.users)),
            stage.months
        );
        painter.text(
            at + Vec2::new(if number == 3 { -4.0 } else { 8.0 }, 6.0),
            align,
            text,
            egui::FontId::proportional(12.0),
            ink.text,
        );
    }
}

fn table(ui: &mut Ui, growth: &Growth, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    widget::title(ui, "The plan's table beside the simulated one");
    Grid::new("stages")
        .num_columns(8)
        .spacing([18.0, 7.0])
        .striped(true)
        .show(ui, |ui| {
            let heads = [
                "Users",
                "Does it hold?",
                "Reaches its limit first",
                "Cost a month",
                "the plan's",
                "Profit a month",
                "the plan's",
                "Most online",
            ];
            for head in heads {
                ui.label(RichText::new(head).color(ink.faint).size(12.0));
            }
            ui.end_row();
            for (number, stage) in STAGES.iter().enumerate() {
                let is_on = number == growth.stage;
                let response = ui.selectable_label(is_on, number::count(f64::from(stage.users)));
                if response.clicked() {
                    wants.push(Command::Stage(number));
                }
                match &growth.stages[number] {
                    Some(shown) => row(ui, shown),
                    None => {
                        ui.label(RichText::new("not simulated").color(ink.faint));
                        (0..6).for_each(|_| {
                            ui.label("");
                        });
                    }
                }
                ui.end_row();
            }
        });
}

fn row(ui: &mut Ui, shown: &Shown) {
    let ink = Ink::now(ui);
    let summary = &shown.outcome.summary;
    let (word, tone) = shown.verdict();
    ui.label(RichText::new(word).color(ink.tone(tone)));
    ui.label(
        summary
            .bottlenecks
            .first()
            .map_or("nothing", |first| first.resource.as_str()),
    );
    let target = |name: &str| {
        summary
            .objectives
            .iter()
            .find(|objective| objective.name == name)
            .map(|objective| objective.target)
    };
    let money = |value: f64| {
        if value.is_finite() {
            number::dollars(value)
        } else {
            String::new()
        }
    };
    for (name, path) in [("cost_month", "month"), ("profit_month", "profit")] {
        let found = summary.objectives.iter().find(|objective| objective.name == name);
        let value = found.map_or_else(
            || summary.figures.value(&["cost", path]),
            |objective| objective.value.value,
        );
        ui.label(widget::bold(&money(value), 13.0));
        ui.label(RichText::new(target(name).map_or_else(String::new, money)).color(ink.faint));
    }
    let online = summary.figures.value(&["users", "online", "max"]);
    ui.label(if online.is_finite() {
        number::value(online, Unit::Count)
    } else {
        String::new()
    });
}
