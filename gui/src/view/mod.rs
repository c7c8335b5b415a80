//! What is painted: one file for each view, and the frame around them.
//!
//! Owns: layout and paint. Never: figures, sentences, choices; a view is handed the state and leaves commands.

mod bar;
mod compare;
mod explore;
mod faults;
mod growth;
mod map;
mod nav;
mod out;
mod plots;
mod stages;
mod start;
mod timelines;
pub mod widget;

use egui::{CentralPanel, Frame, Margin, Panel, Ui};

use crate::command::Command;
use crate::state::{State, View};
use crate::theme::Ink;

/// What a view may look at beside the state.
pub struct Around {
    /// How far the worker is with the open scenario: 0 to 1; `None` where it does not run.
    pub progress: Option<f64>,
    /// How far it is with something else.
    pub other: Option<f64>,
    /// Seconds of the window's clock.
    pub now: f64,
}

/// Paints everything, and gathers what the user wants.
pub fn show(ui: &mut Ui, state: &State, around: &Around) -> Vec<Command> {
    let mut wants = Vec::new();
    let ink = Ink::now(ui);
    Panel::top("bar")
        .frame(Frame::new().fill(ink.card).inner_margin(Margin::symmetric(14, 8)))
        .show(ui, |ui| bar::show(ui, state, around, &mut wants));
    Panel::left("views")
        .exact_size(150.0)
        .resizable(false)
        .frame(Frame::new().fill(ink.back).inner_margin(Margin::symmetric(10, 12)))
        .show(ui, |ui| nav::show(ui, state, &mut wants));
    let view = state.view();
    if view == View::Explore && state.document.is_some() {
        Panel::left("settings")
            // Exactly: a panel that may be drawn wider follows its contents, and so the speed of the first run.
            .exact_size(400.0)
            .resizable(false)
            .frame(Frame::new().fill(ink.card).inner_margin(Margin::symmetric(14, 10)))
            .show(ui, |ui| explore::settings(ui, state, &mut wants));
    }
    CentralPanel::default()
        .frame(Frame::new().fill(ink.back).inner_margin(Margin::symmetric(16, 12)))
        .show(ui, |ui| match view {
            View::Start => start::show(ui, state, &mut wants),
            View::Explore => explore::show(ui, state, around, &mut wants),
            View::Timelines => timelines::show(ui, state, &mut wants),
            View::Map => map::show(ui, state, &mut wants),
            View::Time => stages::show(ui, state, &mut wants),
            View::Compare => compare::show(ui, state, around, &mut wants),
            View::Growth => growth::show(ui, state, around, &mut wants),
            View::Faults => faults::show(ui, state, &mut wants),
            View::Out => out::show(ui, state, &mut wants),
        });
    wants
}

/// What is shown where there is no result yet.
fn waiting(ui: &mut Ui, state: &State) {
    use crate::state::Run;
    let ink = Ink::now(ui);
    match &state.run {
        Run::Refused(said) => widget::mistakes(ui, said),
        Run::Failed(why) => {
            ink.frame().show(ui, |ui| {
                widget::title(ui, "There is no result");
                ui.label(why);
            });
        }
        _ => {
            ui.add_space(40.0);
            ui.vertical_centered(|ui| {
                ui.spinner();
                ui.label("Simulating: the first answer comes in a moment.");
            });
        }
    }
}

pub use explore::SEARCH;

/// A word to the user, at the bottom.
pub fn notice(ui: &mut Ui, state: &State) -> Vec<Command> {
    let mut wants = Vec::new();
    let Some(notice) = &state.notice else { return wants };
    let ink = Ink::now(ui);
    let color = if notice.is_bad { ink.bad } else { ink.good };
    egui::Area::new(egui::Id::unique("notice"))
        .anchor(egui::Align2::CENTER_BOTTOM, egui::vec2(0.0, -16.0))
        .order(egui::Order::Foreground)
        .show(ui.ctx(), |ui| {
            ink.frame().stroke(egui::Stroke::new(1.5, color)).show(ui, |ui| {
                ui.set_max_width(640.0);
                ui.horizontal(|ui| {
                    if ui.button("Close").clicked() {
                        wants.push(Command::Dismiss);
                    }
                    widget::prose(ui, &notice.text, 13.5);
                });
            });
        });
    wants
}
