//! A plot over time: lines with their band, or layers, with everything that happened in it.

use egui::{Color32, RichText, Sense, Stroke, Ui, Vec2b};
use egui_plot::{
    FilledArea, GridInput, GridMark, HLine, HoverPosition, Line, LineStyle, Plot, PlotPoint, PlotPoints, Span, VLine,
};
use highwater_models::record::figures::Unit;
use highwater_report::number;

use super::widget;
use crate::command::Command;
use crate::model::line::{Chart, Clock};
use crate::state::State;
use crate::theme::{Ink, wash};

/// What the plots over time share: their stretch of time and the pointer.
const LINK: &str = "over time";

/// Paints the names of the series, each a switch.
pub fn legend(ui: &mut Ui, state: &State, chart: &Chart, wants: &mut Vec<Command>) {
    let ink = Ink::now(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 2.0);
        for (number, series) in chart.series.iter().enumerate() {
            let is_on = is_drawn(state, chart, &series.name);
            let color = if is_on {
                color(&ink, chart, number)
            } else {
                wash(ink.faint, 0.4)
            };
            widget::swatch(ui, color);
            let text = RichText::new(&series.name).size(12.0);
            let text = if is_on {
                text
            } else {
                text.strikethrough().color(ink.faint)
            };
            let response = ui.add(egui::Label::new(text).sense(Sense::click()).selectable(false));
            response.widget_info(|| {
                let name = format!("{} in {}", series.name, chart.title);
                egui::WidgetInfo::selected(egui::Role::CheckBox, true, is_on, name)
            });
            if response.on_hover_text("Shows or hides it").clicked() {
                wants.push(Command::Toggle(chart.name.clone(), series.name.clone()));
            }
            ui.add_space(8.0);
        }
    });
}

fn is_drawn(state: &State, chart: &Chart, series: &str) -> bool {
    !state
        .timelines
        .hidden
        .contains(&(chart.name.clone(), series.to_owned()))
}

fn color(ink: &Ink, chart: &Chart, number: usize) -> Color32 {
    // The last layer of many is the rest.
    if chart.is_stack && chart.series.len() > 6 && number + 1 == chart.series.len() {
        return ink.paint(highwater_report::plot::palette::OTHER);
    }
    ink.series(number)
}

/// Paints the plot. Plots of one `place` move together.
pub fn chart(
    ui: &mut Ui,
    state: &State,
    chart: &Chart,
    clock: &Clock,
    place: &str,
    height: f32,
    wants: &mut Vec<Command>,
) {
    let ink = Ink::now(ui);
    let link = egui::Id::unique((LINK, place));
    let span = clock.span.max(1e-9);
    let highest = top(state, chart);
    let unit = chart.unit;
    let width = ui.available_width();
    let zoom = state.timelines.zoom;
    let at = matches!(place, "timelines" | "map")
        .then_some(state.moment.at)
        .filter(|at| *at > 0.0);
    let response = Plot::new((place, &chart.name))
        .height(height)
        .link_axis(link, Vec2b::new(true, false))
        .link_cursor(link, Vec2b::new(true, false))
        .default_x_bounds(0.0, span)
        .default_y_bounds(0.0, highest * 1.06)
        .allow_drag(Vec2b::new(true, false))
        .allow_zoom(Vec2b::new(true, false))
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .show_grid(Vec2b::new(true, true))
        .grid_color(wash(ink.text, 0.14))
        .x_grid_spacer(move |input| clock_grid(&input))
        .y_grid_spacer(move |input| value_grid(&input, unit))
        .x_axis_formatter(|mark, _| clock_text(mark.value))
        .y_axis_formatter(move |mark, range| number::tick(mark.value, mark.step_size, range.end().max(1e-12), unit))
        .y_axis_min_width(58.0)
        .label_formatter(move |position| label(position, unit))
        .show(ui, |plot| {
            if let Some((from, to)) = zoom {
                plot.set_plot_bounds_x(from..=to);
            }
            plot.set_plot_bounds_y(0.0..=highest * 1.06);
            let bounds = plot.plot_bounds();
            let (from, to) = (bounds.min()[0], bounds.max()[0]);
            marks(plot, &ink, clock, highest);
            let mut drawn: Vec<usize> = (0..chart.series.len())
                .filter(|&number| is_drawn(state, chart, &chart.series[number].name))
                .collect();
            if !chart.is_stack {
                // The first line is the one that is looked at: it comes last, on top.
                drawn.reverse();
            }
            for number in drawn {
                series(
                    plot,
                    chart,
                    number,
                    (from, to),
                    f64::from(width),
                    color(&ink, chart, number),
                );
            }
            for limit in &chart.limits {
                let line = HLine::new(limit.label.clone(), limit.value)
                    .color(ink.text)
                    .width(1.2)
                    .style(LineStyle::dashed_dense());
                plot.add(line);
            }
            if let Some(at) = at {
                plot.add(VLine::new("shown on the map", at).color(ink.accent).width(1.5));
            }
            plot.pointer_coordinate()
        });
    if response.response.double_clicked() {
        wants.push(Command::Zoom(Some((0.0, span))));
    } else if response.response.clicked()
        && let Some(point) = response.inner
    {
        wants.push(Command::Seek(point.x));
    }
    let name = format!("{}: {}", chart.title, chart.finding);
    response
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
}

fn top(state: &State, chart: &Chart) -> f64 {
    let limit = chart.limits.iter().map(|limit| limit.value).fold(0.0, f64::max);
    let most = if chart.is_stack {
        chart.most
    } else {
        let drawn = chart
            .series
            .iter()
            .filter(|series| is_drawn(state, chart, &series.name));
        let highest = |series: &crate::model::line::Series| series.most();
        drawn.map(highest).fold(0.0, f64::max)
    };
    let most = most.max(limit);
    if most > 0.0 { most } else { 1.0 }
}

fn series<'a>(
    plot: &mut egui_plot::PlotUi<'a>,
    chart: &'a Chart,
    number: usize,
    (from, to): (f64, f64),
    width: f64,
    color: Color32,
) {
    let series = &chart.series[number];
    let Some(level) = series.level(to - from, width / 2.5) else {
        return;
    };
    for (begin, end) in level.visible(from, to) {
        let (xs, low, high) = (&level.xs[begin..end], &level.low[begin..end], &level.high[begin..end]);
        if xs.len() > 1 {
            let share = if chart.is_stack { 0.85 } else { 0.16 };
            let area = FilledArea::new(series.name.clone(), xs, low, high)
                .fill_color(wash(color, share))
                .stroke(Stroke::NONE)
                .allow_hover(false);
            plot.add(area);
        }
        if !chart.is_stack {
            let line = Line::new(series.name.clone(), PlotPoints::Borrowed(&level.points[begin..end]))
                .color(color)
                .width(1.8)
                .style(style(number));
            plot.line(line);
        }
    }
}

/// A second sign beside the colour.
const fn style(number: usize) -> LineStyle {
    match number {
        0 => LineStyle::Solid,
        1 => LineStyle::Dashed { length: 9.0 },
        2 => LineStyle::Dashed { length: 4.0 },
        3 => LineStyle::Dashed { length: 16.0 },
        4 => LineStyle::Dashed { length: 6.0 },
        _ => LineStyle::Dotted { spacing: 7.0 },
    }
}

fn marks(plot: &mut egui_plot::PlotUi<'_>, ink: &Ink, clock: &Clock, highest: f64) {
    for phase in clock.phases.iter().skip(1) {
        plot.add(
            VLine::new("", phase.from)
                .color(wash(ink.text, 0.25))
                .width(1.0)
                .style(LineStyle::dotted_dense())
                .allow_hover(false),
        );
    }
    for (number, mark) in clock.marks.iter().enumerate() {
        if mark.to > mark.from {
            plot.add(
                Span::new("", mark.from..=mark.to)
                    .fill(wash(ink.bad, 0.07))
                    .border_width(0.0),
            );
        }
        plot.add(
            VLine::new("", mark.from)
                .color(wash(ink.bad, 0.7))
                .width(1.0)
                .allow_hover(false),
        );
        let text = egui_plot::Text::new(
            "",
            PlotPoint::new(mark.from, highest * (1.03 - 0.11 * (number % 3) as f64)),
            RichText::new(format!(" {}", number + 1)).size(10.0),
        );
        plot.text(text.color(ink.bad).anchor(egui::Align2::LEFT_CENTER));
    }
}

fn label(position: &HoverPosition<'_>, unit: Unit) -> Option<String> {
    match position {
        HoverPosition::NearDataPoint {
            plot_name, position, ..
        } if !plot_name.is_empty() => Some(format!(
            "{plot_name}\n{} at {}",
            number::value(position.y, unit),
            clock_text(position.x)
        )),
        _ => None,
    }
}

/// A moment of the run as axes write it.
#[must_use]
pub fn clock_text(seconds: f64) -> String {
    if seconds.abs() < 1e-9 {
        return "0".to_owned();
    }
    if seconds < 0.0 {
        return String::new();
    }
    number::span_words(seconds)
}

/// Lines of a grid of time where people would draw them.
fn clock_grid(input: &GridInput) -> Vec<GridMark> {
    const STEPS: [f64; 20] = [
        1.0,
        2.0,
        5.0,
        10.0,
        30.0,
        60.0,
        120.0,
        300.0,
        600.0,
        1_800.0,
        3_600.0,
        7_200.0,
        21_600.0,
        43_200.0,
        86_400.0,
        172_800.0,
        604_800.0,
        1_209_600.0,
        2_592_000.0,
        7_776_000.0,
    ];
    let (from, to) = input.bounds;
    let wanted = (to - from) / 7.0;
    let step = STEPS
        .iter()
        .copied()
        .find(|step| *step >= wanted)
        .unwrap_or(wanted.max(0.1));
    grid(from, to, step)
}

/// Lines of a grid of values at round numbers of the unit that they are written in.
fn value_grid(input: &GridInput, unit: Unit) -> Vec<GridMark> {
    let (from, to) = input.bounds;
    let size = number::axis_unit(to.max(1e-12), unit);
    let wanted = (to - from) / size / 3.5;
    let power = 10_f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .iter()
        .map(|digit| digit * power)
        .find(|step| *step >= wanted);
    grid(from, to, step.unwrap_or(wanted) * size)
}

fn grid(from: f64, to: f64, step: f64) -> Vec<GridMark> {
    let lines = (to - from) / step;
    if !lines.is_finite() || lines > 200.0 || step <= 0.0 {
        return Vec::new();
    }
    let first = (from / step).ceil();
    let count = ((to / step).floor() - first).max(-1.0) as i64;
    (0..=count)
        .map(|number| GridMark {
            value: (first + number as f64) * step,
            step_size: step,
        })
        .collect()
}
