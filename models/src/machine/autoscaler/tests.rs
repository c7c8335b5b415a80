//! Rules of the autoscaler, row by row.

use super::*;
use crate::machine::table::check;

const RENDER: AutoscalerConfig = AutoscalerConfig {
    min: 2,
    max: 10,
    cpu: Some(0.7),
    memory: None,
    every: SimSpan::from_secs(15),
    window: SimSpan::from_secs(60),
    down: SimSpan::from_secs(300),
    tolerance: 0.0,
    cap_signal: true,
};

/// Runs a table. Inputs: `read CPU MEMORY READY`, `with N` (evaluates with N instances).
fn check_scaling(config: AutoscalerConfig, table: &str) {
    let mut autoscaler = Autoscaler::new(config);
    check(table, |now, words| {
        let number = |place: usize| -> f64 { words[place].parse().expect("a number") };
        match words[0] {
            "read" => {
                autoscaler.on_sample(now, number(1), number(2), number(3) as u32);
                String::new()
            }
            "with" => {
                let evaluation = autoscaler.evaluate(now, number(1) as u32);
                assert_eq!(autoscaler.next_deadline(), now + config.every);
                let change = match evaluation.change {
                    Change::Hold => "hold".to_owned(),
                    Change::Up(by) => format!("up {by}"),
                    Change::Down(by) => format!("down {by}"),
                };
                format!("{change} to {} {}", evaluation.desired, evaluation.reason.name())
            }
            other => panic!("no such input: {other}"),
        }
    });
}

/// The example of the platform's own documentation.
#[test]
fn two_instances_at_80_percent_with_a_target_of_60_make_three() {
    check_scaling(
        AutoscalerConfig {
            cpu: Some(0.6),
            ..RENDER
        },
        "
        10s    read 0.8 0 2   |
        15s    with 2         | up 1 to 3 above_target
        ",
    );
}

/// An instance more than the arithmetic asks for is paid for all month.
#[test]
fn a_quotient_that_is_whole_on_paper_stays_whole() {
    for (instances, reading, target, desired) in [
        (3, 0.8, 0.6, 4),
        (3, 0.7, 0.7, 3),
        (7, 0.3, 0.7, 3),
        (10, 0.63, 0.9, 7),
        (3, 0.700_001, 0.7, 4),
        (1, 0.1 + 0.2, 0.3, 1),
    ] {
        let mut autoscaler = Autoscaler::new(AutoscalerConfig {
            min: 1,
            cpu: Some(target),
            ..RENDER
        });
        autoscaler.on_sample(SimTime::ZERO, reading, 0.0, instances);
        let evaluation = autoscaler.evaluate(SimTime::ZERO, instances);
        assert_eq!(
            evaluation.desired, desired,
            "{instances} at {reading} with a target of {target}"
        );
    }
}

/// Up at once and down late is the platform's rule; the other way round it would flap.
#[test]
fn more_come_at_once_and_fewer_only_after_a_stretch_below() {
    check_scaling(
        RENDER,
        "
        0s     read 0.9 0 4   |
        15s    with 4         | up 2 to 6 above_target
        70s    read 0.2 0 6   |
        75s    with 6         | hold to 2 below_not_long
        130s   read 0.2 0 6   |
        180s   with 6         | hold to 2 below_not_long
        240s   read 0.9 0 6   |
        240s   with 6         | up 2 to 8 above_target      // the stretch is broken
        310s   read 0.3 0 8   |
        310s   with 8         | hold to 4 below_not_long
        600s   read 0.3 0 8   |
        609s   with 8         | hold to 4 below_not_long
        610s   with 8         | down 4 to 4 below_long
        625s   with 4         | hold to 2 below_not_long    // the next stretch begins here
        ",
    );
    check_scaling(
        AutoscalerConfig {
            down: SimSpan::FOREVER,
            ..RENDER
        },
        "
        0s     read 0.1 0 9   |
        1s     with 9         | hold to 2 below_not_long
        9000h  read 0.1 0 9   |
        9000h  with 9         | hold to 2 below_not_long
        ",
    );
}

/// Memory does not fall with the load, so it must be able to decide by itself.
#[test]
fn the_metric_that_wants_more_decides() {
    let both = AutoscalerConfig {
        memory: Some(0.8),
        ..RENDER
    };
    check_scaling(both, "0s read 0.3 0.95 4 |\n0s with 4 | up 1 to 5 above_target");
    check_scaling(both, "0s read 0.95 0.3 4 |\n0s with 4 | up 2 to 6 above_target");
    let memory = AutoscalerConfig { cpu: None, ..both };
    check_scaling(memory, "0s read 0.95 0.8 4 |\n0s with 4 | hold to 4 on_target");
    let mut autoscaler = Autoscaler::new(both);
    autoscaler.on_sample(SimTime::ZERO, 0.3, 0.95, 4);
    assert_eq!(
        autoscaler.evaluate(SimTime::ZERO, 4).reading,
        0.95,
        "the reading is that of the metric that decided"
    );
}

/// Readings are a mean over the window and over instances; one spike must not count for a minute.
#[test]
fn the_reading_is_the_mean_over_the_window_with_each_instance_counted_once() {
    check_scaling(
        RENDER,
        "
        0s     read 1.0 0 2   |
        20s    read 0.4 0 2   |
        40s    read 0.7 0 2   |
        59s    with 2         | hold to 2 on_target
        60s    with 5         | hold to 4 below_not_long    // the spike is a whole window old
        ",
    );
    check_scaling(
        RENDER,
        "
        0s     read 1.0 0 1   |
        15s    read 0.6 0 3   |                              // four readings, their mean is 0.7
        15s    with 3         | hold to 3 on_target
        ",
    );
}

/// What the platform sees of an overloaded instance is that it is full, not how much is waiting.
#[test]
fn a_reading_above_one_counts_as_one_unless_demand_is_the_signal() {
    check_scaling(RENDER, "0s read 3.5 0 2 |\n0s with 2 | up 1 to 3 above_target");
    let demand = AutoscalerConfig {
        cap_signal: false,
        ..RENDER
    };
    check_scaling(demand, "0s read 3.5 0 2 |\n0s with 2 | up 8 to 10 above_target");
    check_scaling(demand, "0s read inf nan 2 |\n0s with 2 | up 8 to 10 above_target");
}

/// The bounds are the budget and the availability that somebody decided on.
#[test]
fn the_number_stays_within_its_bounds() {
    check_scaling(
        RENDER,
        "
        0s     with 2         | hold to 2 no_reading
        0s     with 1         | up 1 to 2 under_min
        0s     with 0         | up 2 to 2 under_min         // all have died
        0s     with 12        | down 2 to 10 over_max
        1s     read 1.0 0 10  |
        1s     with 10        | hold to 10 at_max
        61s    with 10        | hold to 10 no_reading
        62s    read 0.0 0 2   |
        62s    with 2         | hold to 2 on_target
        63s    read 0.9 0 0   |                              // nobody was ready: no reading
        63s    with 2         | hold to 2 on_target
        ",
    );
    let inverted = AutoscalerConfig { max: 1, ..RENDER };
    check_scaling(inverted, "0s read 1.0 0 2 |\n0s with 2 | hold to 2 at_max");
}

/// A tolerance is what keeps a service at its target from flapping.
#[test]
fn nothing_changes_while_the_reading_is_within_the_tolerance_of_its_target() {
    let tolerant = AutoscalerConfig {
        tolerance: 0.1,
        ..RENDER
    };
    check_scaling(tolerant, "0s read 0.76 0 5 |\n0s with 5 | hold to 5 on_target");
    check_scaling(tolerant, "0s read 0.64 0 9 |\n0s with 9 | hold to 9 on_target");
    check_scaling(tolerant, "0s read 0.78 0 5 |\n0s with 5 | up 1 to 6 above_target");
}
