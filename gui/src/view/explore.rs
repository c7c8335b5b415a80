//! Settings at the side, and what comes of them: the verdict first.

use egui::{Grid, Key, RichText, ScrollArea, Slider, SliderClamping, Stroke, Ui, Vec2};
use highwater_models::record::next_step::Answer;
use highwater_models::review::Severity;
use highwater_report::next_step as said;
use highwater_report::page::Tone;
use highwater_report::words::capital;

use super::{Around, plots, waiting, widget};
use crate::command::{Command, Field, edits_of};
use crate::document::Edit;
use crate::model::control::{Control, Group, Kind, is_found};
use crate::model::format::{self, Measure, bare};
use crate::model::result::{Grade, Shown};
use crate::state::{Run, State};
use crate::theme::{Ink, wash};

/// The field that is looked for with Ctrl+F.
pub const SEARCH: &str = "search settings";

/// Paints the settings.
pub fn settings(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let label = widget::title(ui, "Settings");
        let mut search = state.fields.search.clone();
        let field = egui::TextEdit::singleline(&mut search)
            .id(egui::Id::unique(SEARCH))
            .hint_text("Find: pool, timeout, plan\u{2026}")
            .desired_width(ui.available_width() - 8.0);
        let response = ui.add(field).labelled_by(label.id);
        widget::named(&response, "Find a setting");
        if response.changed() {
            wants.push(Command::Field(Field::Search, search));
        }
    });
    let Some(read) = &state.read else {
        widget::faint(ui, "The settings come with the file.");
        return;
    };
    let search = state.fields.search.trim();
    let total: usize = read.groups.iter().map(|group| group.controls.len()).sum();
    ui.horizontal(|ui| {
        if !search.is_empty() {
            let found = read
                .groups
                .iter()
                .flat_map(|group| group.controls.iter().map(move |control| (group, control)))
                .filter(|(group, control)| is_found(control, &group.title, search))
                .count();
            widget::faint(ui, &format!("{found} of {total} settings"));
            return;
        }
        for (text, all) in [("Those that matter".to_owned(), false), (format!("All {total}"), true)] {
            if ui.selectable_label(state.lists_all == all, text).clicked() {
                wants.push(Command::ListAll(all));
            }
        }
    });
    ui.separator();
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .id_salt("settings")
        .show(ui, |ui| {
            ui.set_max_width(ui.available_width() - 6.0);
            for group in read.groups.iter() {
                let is_shown = |control: &&Control| {
                    if search.is_empty() {
                        state.lists_all
                            || control.matters
                            || state
                                .document
                                .as_ref()
                                .is_some_and(|document| document.changed(&control.path).is_some())
                    } else {
                        is_found(control, &group.title, search)
                    }
                };
                let controls: Vec<&Control> = group.controls.iter().filter(is_shown).collect();
                if !controls.is_empty() {
                    part(ui, state, group, &controls, wants);
                }
            }
            ui.add_space(10.0);
        });
}

fn part(ui: &mut Ui, state: &State, group: &Group, controls: &[&Control], wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        ui.label(widget::bold(&group.title, 14.0));
        if !group.kind.is_empty() {
            ui.label(RichText::new(group.kind).color(ink.faint).size(12.0));
        }
    });
    for control in controls {
        setting(ui, state, group, control, wants);
    }
    ui.add_space(2.0);
    ui.separator();
}

fn setting(ui: &mut Ui, state: &State, group: &Group, control: &Control, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    let changed = state
        .document
        .as_ref()
        .and_then(|document| document.changed(&control.path));
    let value = changed.unwrap_or(&control.value);
    let name = format!("{} of {}", control.label, group.title);
    ui.push_id(&control.path, |ui| {
        let response = ui
            .horizontal(|ui| {
                let width = (ui.available_width() * 0.4).floor();
                let text = RichText::new(capital(&control.label));
                let text = if changed.is_some() {
                    text.color(ink.accent)
                } else {
                    text
                };
                let size = Vec2::new(width, 22.0);
                let layout = egui::Layout::left_to_right(egui::Align::Center);
                ui.allocate_ui_with_layout(size, layout, |ui| {
                    ui.set_min_width(width);
                    let label = ui.add(egui::Label::new(text).truncate());
                    label.on_hover_ui(|ui| explain(ui, control));
                });
                field(ui, control, value, &name, wants)
            })
            .inner;
        if let Some(response) = response
            && (response.drag_stopped() || response.lost_focus())
        {
            wants.push(Command::Settle);
        }
        ui.horizontal_wrapped(|ui| {
            widget::faint(ui, &capital(control.meaning)).on_hover_ui(|ui| explain(ui, control));
            if changed.is_some() {
                let back = ui.small_button("Undo this").on_hover_text("Back to the file's value");
                widget::named(&back, &format!("Back to the file's value: {name}"));
                if back.clicked() {
                    wants.push(Command::Unset(control.path.clone()));
                }
            }
        });
        ui.add_space(5.0);
    });
}

/// What a setting is: its path, its meaning, what it takes, and where its default comes from.
fn explain(ui: &mut Ui, control: &Control) {
    ui.set_max_width(360.0);
    ui.label(RichText::new(&control.path).monospace());
    ui.label(capital(control.meaning));
    widget::faint(ui, &format!("Takes: {}", control.takes));
    widget::faint(ui, &capital(&control.origin));
}

fn field(ui: &mut Ui, control: &Control, value: &str, name: &str, wants: &mut Vec<Command>) -> Option<egui::Response> {
    let mut set = |value: String| {
        wants.push(Command::Set(vec![Edit {
            path: control.path.clone(),
            value,
        }]));
    };
    match &control.kind {
        Kind::Switch => {
            let mut is_on = bare(value) == "true";
            let word = if is_on { "on" } else { "off" };
            let response = ui.checkbox(&mut is_on, word);
            widget::named(&response, name);
            if response.changed() {
                set(is_on.to_string());
            }
            None
        }
        Kind::Choice(words) => {
            let now = bare(value);
            let shown = if now.is_empty() { "none" } else { now };
            let mut chosen = None;
            let response = egui::ComboBox::from_id_salt("choice")
                .selected_text(shown)
                .width((ui.available_width() - 12.0).max(90.0))
                .truncate()
                .show_ui(ui, |ui| {
                    for word in words {
                        let text = if word.is_empty() { "none" } else { word };
                        if ui.selectable_label(word == now, text).clicked() {
                            chosen = Some(word.clone());
                        }
                    }
                })
                .response;
            widget::named(&response, name);
            match chosen {
                Some(word) if word.is_empty() => wants.push(Command::Unset(control.path.clone())),
                Some(word) if word != now => set(format!("\"{word}\"")),
                _ => {}
            }
            None
        }
        Kind::Slider { measure, range, limits } => {
            slider(ui, control, value, name, (*measure, *range, *limits), &mut set)
        }
        Kind::Text => {
            let mut text = value.to_owned();
            let id = ui.scope_id().with("text");
            // What is half typed is no setting yet: it is kept here until Enter or a click elsewhere.
            if let Some(kept) = ui.data(|data| data.get_temp::<String>(id)) {
                text = kept;
            }
            let response = ui.add(
                egui::TextEdit::singleline(&mut text)
                    .desired_width(ui.available_width() - 10.0)
                    .font(egui::TextStyle::Monospace),
            );
            widget::named(&response, name);
            if response.changed() {
                ui.data_mut(|data| data.insert_temp(id, text.clone()));
            }
            if response.lost_focus() {
                ui.data_mut(|data| data.remove_temp::<String>(id));
                if text != value && !ui.input(|input| input.key_pressed(Key::Escape)) {
                    set(text);
                }
            }
            None
        }
    }
}

type Sizes = (Measure, (f64, f64), (f64, f64));

fn slider(
    ui: &mut Ui,
    control: &Control,
    value: &str,
    name: &str,
    (measure, (low, high), (least, most)): Sizes,
    set: &mut dyn FnMut(String),
) -> Option<egui::Response> {
    let now = format::number(value, measure)?;
    let mut number = now;
    ui.spacing_mut().slider_width = (ui.available_width() - 84.0).max(70.0);
    let is_wide = low > 0.0 && high / low > 30.0 && measure != Measure::Share;
    let mut slider = Slider::new(&mut number, low.min(now)..=high.max(now))
        .clamping(SliderClamping::Never)
        .logarithmic(is_wide)
        .custom_formatter(move |number, _| format::shown(number, measure))
        .custom_parser(move |text| format::typed(text, measure));
    if measure == Measure::Whole {
        slider = slider.integer();
    }
    let response = ui.add(slider);
    // The slider and the field beside it read as one.
    widget::named(&response, name);
    if response.changed() && (number - now).abs() > 1e-12 * now.abs() {
        let number = number.clamp(least, most);
        let written = format::value(number, measure, &control.value);
        if written != value {
            set(written);
        }
    }
    Some(response)
}

/// Paints what comes of the settings.
pub fn show(ui: &mut Ui, state: &State, around: &Around, wants: &mut Vec<Command>) {
    let _ = around;
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .id_salt("explore")
        .show(ui, |ui| {
            ui.set_max_width(ui.available_width() - 6.0);
            match (&state.run, &state.shown) {
                (Run::Refused(said), _) => {
                    widget::mistakes(ui, said);
                    return;
                }
                (_, None) => {
                    waiting(ui, state);
                    return;
                }
                (Run::Failed(why), _) => {
                    widget::faint(ui, &format!("This is the last result: the newest run was {why}."));
                }
                _ => {}
            }
            let Some(shown) = &state.shown else { return };
            if let Some(read) = &state.read
                && !read.warnings.is_empty()
            {
                let said = &read.warnings;
                egui::CollapsingHeader::new("The file has warnings").show(ui, |ui| ui.monospace(said));
            }
            verdict(ui, state, shown);
            ui.add_space(10.0);
            let wide = ui.available_width() > 760.0;
            if wide {
                ui.columns(2, |columns| {
                    columns[0].spacing_mut().item_spacing.y = 6.0;
                    next_step(&mut columns[0], state, wants);
                    columns[0].add_space(10.0);
                    review(&mut columns[0], shown);
                    objectives(&mut columns[1], shown);
                    columns[1].add_space(10.0);
                    curves(&mut columns[1], state, shown, wants);
                });
            } else {
                next_step(ui, state, wants);
                ui.add_space(10.0);
                objectives(ui, shown);
                ui.add_space(10.0);
                curves(ui, state, shown, wants);
                ui.add_space(10.0);
                review(ui, shown);
            }
            warnings(ui, shown);
            ui.add_space(16.0);
        });
}

fn verdict(ui: &mut Ui, state: &State, shown: &Shown) {
    let ink = Ink::now(ui);
    let (word, tone) = shown.verdict();
    let color = ink.tone(tone);
    ink.frame().stroke(Stroke::new(1.5, color)).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            let met = match tone {
                Tone::Good => Some(true),
                Tone::Bad => Some(false),
                Tone::Open => None,
            };
            widget::sign(ui, met, 18.0);
            ui.label(widget::bold(word, 20.0).color(color));
            match (shown.grade, state.is_current()) {
                (Grade::Quick, _) => {
                    widget::pill(ui, "first look: 1 replication", ink.faint);
                }
                (Grade::Whole, false) => {
                    widget::pill(ui, "of the settings before", ink.faint);
                }
                (Grade::Whole, true) => {}
            }
        });
        widget::prose(ui, &shown.page.verdict.sentences.join(" "), 14.5);
        ui.add_space(6.0);
        numbers(ui, shown);
    });
}

/// Width of a number with what it is.
const NUMBER: f32 = 126.0;

fn numbers(ui: &mut Ui, shown: &Shown) {
    let ink = Ink::now(ui);
    let numbers = &shown.page.numbers;
    let columns = ((ui.available_width() / NUMBER) as usize).clamp(1, numbers.len().max(1));
    let each = (ui.available_width() / columns as f32 - 10.0).min(220.0);
    for row in numbers.chunks(columns) {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 10.0;
            for number in row {
                ui.allocate_ui_with_layout(Vec2::new(each, 0.0), egui::Layout::top_down(egui::Align::Min), |ui| {
                    ui.set_width(each);
                    ui.spacing_mut().item_spacing.y = 1.0;
                    let tone = number.tone.filter(|tone| *tone != Tone::Open);
                    let color = tone.map_or(ink.text, |tone| ink.tone(tone));
                    ui.label(widget::bold(&number.value, 18.0).color(color));
                    ui.label(RichText::new(&number.label).color(ink.faint).size(11.5));
                    if !number.beside.is_empty() {
                        ui.label(RichText::new(&number.beside).color(ink.faint).size(11.0));
                    }
                });
            }
        });
    }
}

fn next_step(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widget::title(ui, "The next step");
        let Some(found) = &state.next_step else {
            let text = match &state.run {
                Run::Done { looking: true, .. } | Run::Running { .. } => {
                    "Changes are tried one by one under the same chance, and the one that raises the mark most is told here."
                }
                _ => "It has not been looked for.",
            };
            widget::faint(ui, text);
            return;
        };
        let words = said::words(found);
        let words = words.split_once(':').map_or(words.as_str(), |(_, rest)| rest.trim_start());
        let words = words.strip_suffix("Try it:").unwrap_or(words).trim_end();
        widget::prose(ui, &capital(words), 13.5);
        let edits = edits_of(found);
        if edits.is_empty() {
            return;
        }
        ui.add_space(4.0);
        let text = match &found.answer {
            Answer::Save(_) => "Apply the saving",
            _ => "Apply the next step",
        };
        ui.horizontal_wrapped(|ui| {
            if widget::main_button(ui, text).clicked() {
                wants.push(Command::ApplyNextStep);
            }
            for edit in &edits {
                ui.label(RichText::new(edit.flag()).monospace().color(ink.faint));
            }
        });
    });
}

fn objectives(ui: &mut Ui, shown: &Shown) {
    let ink = Ink::now(ui);
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widget::title(ui, "What had to hold");
        if shown.objectives.is_empty() {
            widget::faint(
                ui,
                "The scenario has no objectives: add a bound to its file, such as p95 = \"2s\".",
            );
            return;
        }
        Grid::new("objectives")
            .num_columns(4)
            .spacing([14.0, 6.0])
            .show(ui, |ui| {
                for tick in &shown.objectives {
                    let (color, word) = match tick.met {
                        Some(true) => (ink.good, "met"),
                        Some(false) => (ink.bad, "missed"),
                        None => (ink.faint, "open"),
                    };
                    ui.horizontal(|ui| {
                        widget::sign(ui, tick.met, 13.0);
                        ui.label(RichText::new(word).color(color));
                    });
                    widget::prose(ui, &tick.what, 13.0);
                    ui.label(widget::bold(&tick.value, 13.5));
                    ui.label(RichText::new(&tick.interval).color(ink.faint).size(12.0));
                    ui.end_row();
                }
            });
    });
}

fn curves(ui: &mut Ui, state: &State, shown: &Shown, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    for name in ["load", "latency"] {
        let Some(chart) = shown.charts.iter().find(|chart| chart.name == name) else {
            continue;
        };
        ink.frame().show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            widget::title(ui, &chart.title);
            plots::legend(ui, state, chart, wants);
            plots::chart(ui, state, chart, &shown.clock, "explore", 130.0, wants);
        });
        ui.add_space(10.0);
    }
}

fn review(ui: &mut Ui, shown: &Shown) {
    let ink = Ink::now(ui);
    let review = &shown.outcome.summary.review;
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widget::title(ui, "Review of the design");
        if review.findings.is_empty() {
            widget::faint(ui, "Nothing in the design contradicts itself or waits to go wrong.");
            return;
        }
        widget::faint(ui, &capital(&highwater_report::review::counts(review)));
        for (number, finding) in review.findings.iter().enumerate() {
            ui.push_id(number, |ui| {
                let color = match finding.severity {
                    Severity::Contradiction => ink.bad,
                    Severity::Risk => ink.text,
                    Severity::Note => ink.faint,
                };
                ui.horizontal_wrapped(|ui| {
                    widget::pill(ui, finding.severity.text(), color);
                });
                let head = capital(&finding.title).replace('`', "");
                egui::CollapsingHeader::new(RichText::new(head).size(13.0))
                    .id_salt("finding")
                    .show(ui, |ui| {
                        widget::prose(ui, &capital(&finding.arithmetic), 12.5);
                        widget::prose(ui, &format!("What to do: {}", finding.cure), 12.5);
                        widget::faint(ui, &format!("{}, about {}", finding.id, finding.subject));
                    });
            });
        }
    });
}

fn warnings(ui: &mut Ui, shown: &Shown) {
    let warnings = &shown.outcome.summary.warnings;
    if warnings.is_empty() {
        return;
    }
    let ink = Ink::now(ui);
    ui.add_space(10.0);
    ink.frame().fill(wash(ink.text, 0.03)).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widget::title(ui, "What may mislead");
        for warning in warnings {
            widget::prose(ui, &warning.text, 12.5);
        }
    });
}
