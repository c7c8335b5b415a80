//! The list of views at the side.

use egui::{Align, Layout, RichText, Ui};

use crate::command::Command;
use crate::state::{State, View};
use crate::theme::Ink;

/// Paints it.
pub fn show(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    ui.with_layout(Layout::top_down_justified(Align::Min), |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        for (number, view) in View::ALL.into_iter().enumerate() {
            let is_open = state.view() == view;
            let is_free = view.is_free() || state.document.is_some();
            let button = egui::Button::selectable(is_open, view.title()).min_size(egui::vec2(0.0, 30.0));
            let response = ui
                .add_enabled(is_free, button)
                .on_hover_text(format!("{} (Ctrl+{})", what(view), number + 1))
                .on_disabled_hover_text("Open a scenario first");
            if response.clicked() {
                wants.push(Command::Show(view));
            }
        }
    });
    ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
        let key = |ui: &mut Ui, text: &str| {
            ui.label(RichText::new(text).color(ink.faint).size(11.0));
        };
        ui.spacing_mut().item_spacing.y = 1.0;
        key(ui, "Ctrl+O: open");
        key(ui, "Ctrl+S: save");
        key(ui, "Ctrl+Z: undo");
        key(ui, "Ctrl+D: light or dark");
        key(ui, "Ctrl+F: find a setting");
        key(ui, "Ctrl+1 to 9: views");
    });
}

const fn what(view: View) -> &'static str {
    match view {
        View::Start => "Scenarios to open",
        View::Explore => "Settings, and what comes of them",
        View::Timelines => "What happens over time",
        View::Map => "The system at any moment",
        View::Time => "What requests wait for",
        View::Compare => "Two variants side by side",
        View::Growth => "From 100 users to 50,000",
        View::Faults => "What may go wrong",
        View::Out => "Pictures, data, the report",
    }
}
