//! Every kind of plot, from ordinary data and from none, at every size and in every format.

use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::timeline::Stretch;

use super::*;
use crate::sample;

const NOTHING: f64 = f64::NAN;

fn estimate(value: f64) -> Estimate {
    Estimate {
        value,
        low: Some(value * 0.9),
        high: Some(value * 1.2),
    }
}

fn mark(from: f64, to: f64, label: &str) -> Mark {
    Mark {
        from,
        to,
        label: label.to_owned(),
    }
}

fn lines(name: &str, values: &[f64], axis: Axis) -> Plot {
    let points = values.iter().enumerate().map(|(number, &y)| Point {
        x: number as f64 * 10.0,
        y,
        low: y * 0.5,
        high: y * 2.0,
    });
    let series = Series {
        name: "one".to_owned(),
        points: points.collect(),
    };
    let mut lines = Lines::new(axis, Axis::new("latency", Unit::Seconds), vec![series.clone(), series]);
    lines.series[1].name = "two & a <half>".to_owned();
    lines.limits.push(Limit {
        value: 2.0,
        label: "has to be: at most 2 s".to_owned(),
    });
    lines.phases = vec![
        Stretch {
            name: "rise".to_owned(),
            from: 0.0,
            to: 40.0,
        },
        Stretch {
            name: "peak".to_owned(),
            from: 40.0,
            to: 90.0,
        },
    ];
    lines.marks = vec![
        mark(12.0, 12.0, "alert: errors"),
        mark(13.0, 13.0, "alert: latency"),
        mark(14.0, 60.0, "the database is five times slower"),
        mark(88.0, 88.0, "back within objectives"),
        mark(89.0, 89.0, "a deploy"),
    ];
    plot(name, Kind::Lines(lines))
}

fn plot(name: &str, kind: Kind) -> Plot {
    Plot {
        name: name.to_owned(),
        title: format!("A plot of {name}"),
        finding: "It rises & falls.".to_owned(),
        note: "A note.".to_owned(),
        kind,
    }
}

fn stacks(values: &[f64]) -> Plot {
    let part = |name: &str| (name.to_owned(), values.to_vec());
    plot(
        "stacks",
        Kind::Stacks(Stacks {
            y: Axis::new("a second", Unit::PerSecond),
            window: 10.0,
            parts: ["a", "b", "c", "d", "e", "f", "the rest"].map(part).to_vec(),
            phases: Vec::new(),
            marks: vec![mark(5.0, 5.0, "a mark")],
        }),
    )
}

fn bars(values: &[f64], parts: &[&str]) -> Plot {
    let bar = |(number, &value): (usize, &f64)| Bar {
        parts: (0..parts.len().max(1)).map(|of| Part { of, value }).collect(),
        is_bad: number == 0,
        ..Bar::new(
            &format!("a resource of a long name, number {number}"),
            &estimate(value),
            "12 %".to_owned(),
        )
    };
    plot(
        "bars",
        Kind::Bars(Bars {
            x: Axis::new("", Unit::Count),
            parts: parts.iter().map(|&part| part.to_owned()).collect(),
            bars: values.iter().enumerate().map(bar).collect(),
            most: None,
        }),
    )
}

fn dots(values: &[f64]) -> Plot {
    let row = |&value: &f64| Row {
        name: "an.endpoint".to_owned(),
        values: vec![estimate(value), estimate(value * 4.0), estimate(NOTHING)],
    };
    plot(
        "dots",
        Kind::Dots(Dots {
            x: Axis::new("", Unit::Seconds).log(),
            series: ["half within", "95 % within", "99 % within"]
                .map(str::to_owned)
                .to_vec(),
            rows: values.iter().map(row).collect(),
            limits: Vec::new(),
        }),
    )
}

/// Every kind of plot of these values.
fn all(values: &[f64]) -> Vec<Plot> {
    let names = values.iter().map(|value| format!("plan {value}")).collect();
    let mut sweep = lines("sweep", values, Axis::new("rate", Unit::PerSecond));
    if let Kind::Lines(lines) = &mut sweep.kind {
        lines.has_markers = true;
        lines.y.is_log = true;
    }
    vec![
        lines("time", values, Axis::clock()),
        sweep,
        lines("names", values, Axis::named("plan", names)),
        stacks(values),
        bars(values, &[]),
        bars(values, &["waiting", "served"]),
        dots(values),
    ]
}

// Lost if broken: a report that ends in a panic for the one run that was out of the ordinary.
#[test]
fn every_kind_is_drawn_from_anything() {
    let long: Vec<f64> = (0..5000).map(|number| f64::from(number % 97)).collect();
    for values in [
        &[][..],
        &[NOTHING],
        &[0.0],
        &[3.0],
        &[NOTHING, 1.0, NOTHING, 2.0, 3.0],
        &[1e300, -1e300, f64::INFINITY, 1e-300],
        &long,
    ] {
        for plot in all(values) {
            for size in Size::ALL {
                let drawing = plot.draw(size);
                assert!(drawing.height > 0.0 && drawing.height < 1e6, "{}", plot.name);
                let svg = plot.svg(size);
                assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
            }
            let _ = plot.table();
        }
    }
}

// Lost if broken: labels written over one another, or cut off at the edge of the picture.
#[test]
fn no_two_labels_meet_and_none_is_cut_off() {
    let values: Vec<f64> = (0..10).map(|number| 1.3 * f64::from(number)).collect();
    for plot in all(&values) {
        for size in Size::ALL {
            let drawing = plot.draw(size);
            let boxes = drawing.boxes();
            for (number, (text, [left, top, right, bottom])) in boxes.iter().enumerate() {
                assert!(
                    *left >= -1.0 && *right <= drawing.width + 1.0 && *top >= -1.0 && *bottom <= drawing.height + 1.0,
                    "`{text}` of {} at {size:?} leaves {}x{}: {left} {top} {right} {bottom}",
                    plot.name,
                    drawing.width,
                    drawing.height
                );
                for (other, [x0, y0, x1, y1]) in &boxes[number + 1..] {
                    let apart = right <= x0 || x1 <= left || bottom <= y0 || y1 <= top;
                    assert!(apart, "`{text}` and `{other}` meet in {} at {size:?}", plot.name);
                }
            }
        }
    }
}

// Lost if broken: a window without data that looks like a window without latency.
#[test]
fn a_window_without_data_is_a_gap() {
    let drawn = |values: &[f64]| {
        let drawing = lines("time", values, Axis::clock()).draw(Size::Wide);
        let color = palette::series(0);
        let paths = drawing
            .shapes
            .iter()
            .filter(|shape| matches!(shape, Shape::Path { color: of, points, .. } if *of == color && points.len() > 1));
        paths.count()
    };
    // The sample in the legend and the line, whole or in two.
    assert_eq!(drawn(&[1.0, 2.0, 3.0, 4.0, 5.0]), 2);
    assert_eq!(drawn(&[1.0, 2.0, NOTHING, 4.0, 5.0]), 3);
}

// Lost if broken: pictures that differ from run to run, so that nobody can see what changed.
#[test]
fn the_same_plot_is_the_same_bytes() {
    let values = [1.0, 4.0, 2.0];
    for (one, two) in all(&values).iter().zip(all(&values)) {
        assert_eq!(one.svg_file(), two.svg_file());
    }
    let png = |values: &[f64]| bars(values, &[]).png_file().expect("encoded");
    let bytes = png(&values);
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.len() > 5_000);
    assert_eq!(bytes, png(&values));
    assert_ne!(bytes, png(&[1.0, 4.0, 3.0]));
}

// Lost if broken: a picture without its font: text that is left out, or measured as if every letter were as wide.
#[test]
fn the_bundled_font_measures_and_paints() {
    let (narrow, wide) = (font::width("iiii", 12.0, false), font::width("MMMM", 12.0, false));
    assert!(narrow > 8.0 && wide > 2.0 * narrow, "{narrow} {wide}");
    assert!(font::width("same", 12.0, true) > font::width("same", 12.0, false));
    assert_eq!(font::shortened("short", 12.0, 100.0), "short");
    let short = font::shortened("first.middle.middle.middle.last", 12.0, 100.0);
    assert!(short.starts_with("first") && short.ends_with("ast") && font::width(&short, 12.0, false) <= 100.0);
}

// Lost if broken: an image that a screen reader passes over, or one that says what it shows and not what it means.
#[test]
fn a_plot_says_what_it_means_to_those_who_do_not_see_it() {
    for plot in all(&[1.0, 2.0]) {
        let svg = plot.svg_file();
        let start = format!(
            "role=\"img\" aria-label=\"A plot of {}: It rises &amp; falls.\"",
            plot.name
        );
        assert!(svg.contains(&start), "{svg}");
        assert!(svg.contains("<desc>It rises &amp; falls.</desc>"), "{svg}");
        assert!(svg.contains("xmlns=\"http://www.w3.org/2000/svg\"") && svg.matches("http").count() == 1);
        assert!(!svg.contains("<script") && !svg.contains("href"));
    }
}

// Lost if broken: the plots of a run, and what each says of it. Read it when it changes.
#[test]
fn a_run_has_the_plots_that_it_has_data_for() {
    let (summary, timeline) = (sample::broken(), sample::timeline());
    let said: Vec<String> = of_run(&summary, &timeline)
        .iter()
        .map(|plot| format!("{}: {}\n    {}\n    {}", plot.name, plot.title, plot.finding, plot.note))
        .collect();
    insta::assert_snapshot!("plots", said.join("\n"));
    assert_eq!(of_run(&Default::default(), &Default::default()), []);
}
