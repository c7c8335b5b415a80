//! The system at a moment: filling up, turning colour, refusing.

use egui::{
    Align2, Color32, CornerRadius, FontFamily, FontId, Key, Painter, Pos2, Rect, RichText, ScrollArea, Sense, Slider,
    Stroke, StrokeKind, Ui, Vec2,
};
use highwater_report::number;

use super::{plots, waiting, widget};
use crate::command::Command;
use crate::model::map::{Kind, Map, Node, Reading};
use crate::model::result::Shown;
use crate::state::State;
use crate::theme::{BOLD, Ink, wash};

/// Paints it.
pub fn show(ui: &mut Ui, state: &State, wants: &mut Vec<Command>) {
    let Some(shown) = &state.shown else {
        waiting(ui, state);
        return;
    };
    ui.label(widget::bold("The system at a moment", 19.0));
    controls(ui, state, shown, wants);
    let part = state
        .moment
        .part
        .as_deref()
        .filter(|name| shown.map.find(name).is_some());
    if let Some(name) = part {
        egui::Panel::right("part")
            .exact_size(300.0)
            .resizable(false)
            .frame(egui::Frame::new().inner_margin(egui::Margin {
                left: 12,
                ..egui::Margin::ZERO
            }))
            .show_separator_line(false)
            .show(ui, |ui| figures(ui, state, shown, name, wants));
    }
    egui::Panel::bottom("load")
        .exact_size(150.0)
        .resizable(false)
        .show_separator_line(false)
        .frame(egui::Frame::new())
        .show(ui, |ui| {
            if let Some(chart) = shown.charts.iter().find(|chart| chart.name == "load") {
                plots::legend(ui, state, chart, wants);
                plots::chart(ui, state, chart, &shown.clock, "map", 118.0, wants);
            }
        });
    let rect = ui.available_rect_before_wrap().shrink2(Vec2::new(0.0, 4.0));
    ui.allocate_rect(rect, Sense::hover());
    paint(ui, state, shown, rect, wants);
}

fn controls(ui: &mut Ui, state: &State, shown: &Shown, wants: &mut Vec<Command>) {
    let moment = &state.moment;
    let span = shown.clock.span;
    ui.horizontal(|ui| {
        let text = if moment.is_playing { "Pause" } else { "Play" };
        let button = egui::Button::new(text).min_size(Vec2::new(64.0, 26.0));
        if ui.add(button).on_hover_text("Space").clicked() {
            wants.push(Command::Play(!moment.is_playing));
        }
        for (text, speed) in speeds(span) {
            let is_on = (moment.speed - speed).abs() < 1e-9;
            let response = ui.selectable_label(is_on, text);
            widget::named(&response, &format!("Speed {text}"));
            if response.clicked() {
                wants.push(Command::Speed(speed));
            }
        }
        ui.label(widget::bold(&format!("at {}", clock(moment.at)), 14.0));
        ui.spacing_mut().slider_width = (ui.available_width() - 24.0).max(120.0);
        let mut at = moment.at;
        let response = ui.add(Slider::new(&mut at, 0.0..=span.max(1e-9)).show_value(false));
        widget::named(&response, "Moment of the run");
        if response.changed() {
            wants.push(Command::Seek(at));
        }
        if response.has_focus() && ui.input(|input| input.key_pressed(Key::Home)) {
            wants.push(Command::Seek(0.0));
        }
    });
}

/// A moment, to the second.
fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).floor() as u64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("day {}, {hours}:{minutes:02}", days + 1),
    }
}

/// Speeds with which a run of that length can be followed.
fn speeds(span: f64) -> [(&'static str, f64); 4] {
    if span > 3.0 * 86_400.0 {
        [
            ("1 min/s", 60.0),
            ("1 h/s", 3_600.0),
            ("6 h/s", 21_600.0),
            ("1 d/s", 86_400.0),
        ]
    } else {
        [("1x", 1.0), ("10x", 10.0), ("60x", 60.0), ("300x", 300.0)]
    }
}

/// From calm to full: as good, then as bad.
fn heat(ink: &Ink, reading: &Reading) -> Color32 {
    if reading.refused > 0.0 {
        return ink.bad;
    }
    match reading.share {
        Some(share) if share >= 0.95 => ink.bad,
        Some(share) if share > 0.7 => ink.good.lerp_to_gamma(ink.bad, ((share - 0.7) / 0.25) as f32),
        _ => ink.good,
    }
}

/// The parts' rectangles.
fn places(map: &Map, rect: Rect) -> Vec<Rect> {
    let columns = map.heights.len().max(1) as f32;
    let step = rect.width() / columns;
    let wide = (step * 0.78).clamp(70.0, 190.0);
    map.nodes
        .iter()
        .map(|node| {
            let rows = map.heights[node.place.0].max(1) as f32;
            let gap = 14.0;
            let each = ((rect.height() - gap * (rows + 1.0)) / rows).clamp(40.0, 150.0);
            let middle = rect.center().y + (node.place.1 as f32 - (rows - 1.0) / 2.0) * (each + gap);
            let center = Pos2::new(rect.min.x + step * (node.place.0 as f32 + 0.5), middle);
            Rect::from_center_size(center, Vec2::new(wide, each))
        })
        .collect()
}

fn paint(ui: &mut Ui, state: &State, shown: &Shown, rect: Rect, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    let (map, timeline) = (&shown.map, &shown.outcome.timeline);
    let at = state.moment.at;
    let places = places(map, rect);
    let readings: Vec<Reading> = map.nodes.iter().map(|node| map.reading(node, timeline, at)).collect();
    let crowd = map.crowd(timeline, at);
    let painter = ui.painter().with_clip_rect(rect.expand(6.0));
    for (number, &(from, to)) in map.edges.iter().enumerate() {
        edge(
            &painter,
            &ink,
            (places[from], places[to]),
            &readings[to],
            crowd.offered,
            at + number as f64 * 0.37,
        );
    }
    for (index, node) in map.nodes.iter().enumerate() {
        let reading = &readings[index];
        let response = ui.interact(places[index], ui.scope_id().with(("part", index)), Sense::click());
        let said = words(node, reading, &crowd);
        let name = format!("{} {}: {said}", node.kind.text(), node.name);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        let is_chosen = state.moment.part.as_deref() == Some(&node.name);
        let is_on = response.hovered() || response.has_focus() || is_chosen;
        draw(&painter, &ink, node, reading, &said, places[index], is_on);
        if response.on_hover_text(&node.limit).clicked() {
            wants.push(Command::Part((!is_chosen).then(|| node.name.clone())));
        }
    }
}

/// What a part is doing, in a few words.
fn words(node: &Node, reading: &Reading, crowd: &crate::model::map::Crowd) -> String {
    if node.kind == Kind::Users {
        return format!(
            "{} online, {} asked, {} useful",
            number::count(crowd.users.round()),
            rate(crowd.offered),
            rate(crowd.useful)
        );
    }
    if node.kind == Kind::Balancer {
        return format!("{} requests", rate(crowd.offered));
    }
    let mut said = Vec::new();
    if reading.count > 0.0 {
        let count = reading.count.round();
        said.push(format!(
            "{} instance{}",
            number::count(count),
            if count == 1.0 { "" } else { "s" }
        ));
    }
    match reading.share {
        Some(share) => said.push(format!("{} in use", number::percent(share.min(1.0)))),
        None if reading.busy > 0.005 => said.push(format!("{} at once", number::count(reading.busy))),
        None => {}
    }
    if reading.waiting >= 0.05 {
        said.push(format!("{} wait", number::count(reading.waiting)));
    }
    if reading.refused > 0.0 {
        said.push(format!("{} fail here", rate(reading.refused)));
    }
    if said.is_empty() {
        "idle".to_owned()
    } else {
        said.join(", ")
    }
}

fn rate(value: f64) -> String {
    number::value(value, highwater_models::record::figures::Unit::PerSecond)
}

fn edge(painter: &Painter, ink: &Ink, (from, to): (Rect, Rect), reading: &Reading, offered: f64, at: f64) {
    let (start, end) = if from.max.x <= to.min.x {
        (from.right_center(), to.left_center())
    } else {
        (from.center_bottom(), to.center_top())
    };
    let color = if reading.refused > 0.0 {
        wash(ink.bad, 0.55)
    } else {
        wash(ink.text, 0.22)
    };
    let bend = ((end.x - start.x) * 0.5).max(10.0);
    let points = [start, start + Vec2::new(bend, 0.0), end - Vec2::new(bend, 0.0), end];
    let curve = egui::epaint::CubicBezierShape::from_points_stroke(
        points,
        false,
        Color32::TRANSPARENT,
        Stroke::new(1.5, color),
    );
    // Requests on their way: more of them when there are more.
    let count = (1.0 + offered.max(0.0).ln_1p()).min(6.0) as usize;
    if offered > 0.0 {
        for number in 0..count {
            let share = ((at * 0.21 + number as f64 / count as f64) % 1.0) as f32;
            painter.circle_filled(curve.sample(share), 2.4, wash(ink.accent, 0.8));
        }
    }
    painter.add(curve);
}

fn draw(painter: &Painter, ink: &Ink, node: &Node, reading: &Reading, said: &str, rect: Rect, is_on: bool) {
    let color = heat(ink, reading);
    let line = if is_on {
        Stroke::new(2.0, ink.accent)
    } else {
        Stroke::new(1.2, if reading.refused > 0.0 { ink.bad } else { ink.line })
    };
    painter.rect_filled(rect, CornerRadius::same(8), ink.card);
    if let Some(share) = reading.share {
        let mut full = rect.shrink(1.0);
        full.min.y = full.max.y - full.height() * share.clamp(0.0, 1.0) as f32;
        painter.rect_filled(full, CornerRadius::same(7), wash(color, 0.26));
    }
    painter.rect_stroke(rect, CornerRadius::same(8), line, StrokeKind::Inside);
    let inner = rect.shrink2(Vec2::new(9.0, 7.0));
    let painter = painter.with_clip_rect(rect);
    let bold = |size| FontId::new(size, FontFamily::Name(BOLD.into()));
    painter.text(inner.left_top(), Align2::LEFT_TOP, &node.name, bold(13.0), ink.text);
    let kind = FontId::proportional(10.5);
    if node.kind.text() != node.name {
        painter.text(inner.right_top(), Align2::RIGHT_TOP, node.kind.text(), kind, ink.faint);
    }
    let words = painter.layout(said.to_owned(), FontId::proportional(11.5), ink.text, inner.width());
    let top = inner.min.y + 19.0;
    let height = words.size().y;
    painter.galley(Pos2::new(inner.min.x, top), words, ink.text);
    let room = Rect::from_min_max(Pos2::new(inner.min.x, top + height + 5.0), inner.max);
    if room.height() > 8.0 {
        slots(&painter, ink, node, reading, room, color);
    }
}

/// Slots, instances and those who wait, as far as there is room.
fn slots(painter: &Painter, ink: &Ink, node: &Node, reading: &Reading, room: Rect, color: Color32) {
    let (count, full) = match (node.kind, reading.share) {
        (Kind::Service, share) => (reading.count.round(), share.unwrap_or(0.0) * reading.count),
        (_, Some(share)) if share > 1e-6 => ((reading.busy / share).round(), reading.busy),
        _ => (0.0, 0.0),
    };
    let size = if node.kind == Kind::Service { 16.0 } else { 8.0 };
    let gap = 3.0;
    let columns = ((room.width() + gap) / (size + gap)).floor().max(1.0) as usize;
    let rows = ((room.height() + gap) / (size + gap)).floor() as usize;
    let shown = (count as usize).min(columns * rows);
    let mut bottom = room.min.y;
    for number in 0..shown {
        let corner = room.min + Vec2::new((number % columns) as f32, (number / columns) as f32) * (size + gap);
        let cell = Rect::from_min_size(corner, Vec2::splat(size));
        bottom = cell.max.y;
        painter.rect_filled(cell, CornerRadius::same(2), wash(ink.text, 0.12));
        // Instances share their work evenly; slots are full or not.
        let share = if node.kind == Kind::Service {
            (full / count.max(1.0)).clamp(0.0, 1.0)
        } else {
            (full - number as f64).clamp(0.0, 1.0)
        };
        let mut part = cell;
        part.min.y = part.max.y - cell.height() * share as f32;
        painter.rect_filled(part, CornerRadius::same(2), color);
    }
    let top = if shown > 0 { bottom + 5.0 } else { room.min.y };
    let most = (room.width() / 7.0).floor().max(1.0) as usize;
    let waiting = (reading.waiting.round() as usize).min(most);
    if waiting > 0 && top + 6.0 <= room.max.y {
        for number in 0..waiting {
            let center = Pos2::new(room.min.x + 3.0 + number as f32 * 7.0, top + 3.0);
            painter.circle_stroke(center, 2.6, Stroke::new(1.2, ink.bad));
        }
    }
}

fn figures(ui: &mut Ui, state: &State, shown: &Shown, name: &str, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    let summary = &shown.outcome.summary;
    let Some(node) = shown.map.find(name).map(|index| &shown.map.nodes[index]) else {
        return;
    };
    ink.frame().show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            widget::title(ui, name);
            if ui.small_button("Close").clicked() {
                wants.push(Command::Part(None));
            }
        });
        if node.kind.text() != name {
            widget::faint(ui, node.kind.text());
        }
        if !node.limit.is_empty() {
            ui.label(&node.limit);
        }
        let reading = shown.map.reading(node, &shown.outcome.timeline, state.moment.at);
        let crowd = shown.map.crowd(&shown.outcome.timeline, state.moment.at);
        ui.label(format!(
            "At {}: {}.",
            clock(state.moment.at),
            words(node, &reading, &crowd)
        ));
        if let Some(bound) = summary.bottlenecks.iter().find(|bound| bound.resource == name) {
            let mut said = format!(
                "It first reached its limit after {}.",
                number::span_words(bound.first_at.value)
            );
            if bound.latency_share.is_finite() {
                said.push_str(&format!(
                    " {} of the time of all requests is spent at it, {} of the slowest 5 %.",
                    number::percent(bound.latency_share),
                    number::percent(bound.latency_share_slowest)
                ));
            }
            if let Some(other) = &bound.because_of {
                said.push_str(&format!(" It is {other} that holds it up."));
            }
            ui.label(RichText::new(said).color(ink.bad));
        }
        ui.separator();
        widget::faint(ui, "Over the whole run");
        ScrollArea::vertical()
            .id_salt("figures")
            .auto_shrink([false, true])
            .show(ui, |ui| {
                egui::Grid::new("part")
                    .num_columns(2)
                    .spacing([8.0, 3.0])
                    .striped(true)
                    .show(ui, |ui| {
                        for (path, figure) in summary.figures.iter() {
                            let [first, resource, rest @ ..] = path.0.as_slice() else {
                                continue;
                            };
                            if first != "resources" || resource != name || rest.is_empty() {
                                continue;
                            }
                            ui.label(RichText::new(rest.join(" ").replace('_', " ")).size(12.0));
                            let cells = number::cells(&figure.estimate, figure.unit);
                            ui.label(RichText::new(cells.value).size(12.0))
                                .on_hover_text(cells.interval);
                            ui.end_row();
                        }
                    });
            });
    });
}
