//! The yardstick of the engine's bench, held against theory: a loop that is fast because it leaves something out
//! would make the engine look slow.
//!
//! Seeds are fixed, so nothing here is left to chance; the intervals say how far from theory such runs may be.

// The clock and the files are the bench's; no test measures time.
#[allow(dead_code)]
#[path = "../benches/baseline/mod.rs"]
mod baseline;

use baseline::agenda::Agenda;
use baseline::heap::QuaternaryHeap;
use baseline::{Model, Outcome, chat_system, impatient_pool};
use highwater_models::SimTime;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Independent runs of one model.
fn runs(model: &Model, events: f64, count: u64) -> (f64, Vec<Outcome>) {
    let seconds = events / model.events_per_second;
    let horizon = SimTime::from_nanos((seconds * 1e9) as u64);
    (seconds, (1..=count).map(|seed| (model.run)(seed, horizon)).collect())
}

/// Asserts that `expected`, give or take `slack` of it, lies in the 99.9 % interval of the mean of `figures`, and that
/// half of the interval is a smaller share of it than `resolution`: a wide one would agree with anything.
fn check_mean(what: &str, figures: &[f64], expected: f64, slack: f64, resolution: f64) {
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let variance = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let student = StudentsT::new(0.0, 1.0, count - 1.0).expect("at least two figures");
    let half_width = student.inverse_cdf(0.9995) * (variance / count).sqrt();
    assert!(
        (mean - expected).abs() <= half_width + slack * expected,
        "{what}: {mean} +- {half_width}, theory {expected}"
    );
    assert!(
        half_width < resolution * expected,
        "{what}: {mean} +- {half_width} is too wide to tell anything"
    );
}

#[test]
fn each_loop_has_the_mean_response_time_of_its_theory() {
    // Lost: that the three loops are the models they are called.
    for model in baseline::models() {
        let (_, outcomes) = runs(&model, 2_000_000.0, 10);
        let means: Vec<f64> = outcomes.iter().map(|outcome| outcome.mean_response).collect();
        check_mean(model.title, &means, model.theory, model.theory_slack, 0.03);
    }
}

#[test]
fn as_many_leave_the_impatient_pool_as_theory_says() {
    // Lost: the time-outs of model B, which are what it is there for.
    let [_, model, _] = baseline::models();
    let (_, outcomes) = runs(&model, 3_000_000.0, 16);
    let shares: Vec<f64> = outcomes
        .iter()
        .map(|run| run.lost as f64 / (run.lost + run.served) as f64)
        .collect();
    check_mean("share who leave", &shares, impatient_pool::Theory::new().lost, 0.0, 0.5);
}

#[test]
fn the_llm_slots_set_the_pace_of_the_chat_system() {
    // Lost: a station of model C that lets everybody through, or a limiter that turns somebody away.
    let [_, _, model] = baseline::models();
    let (seconds, outcomes) = runs(&model, 2_000_000.0, 3);
    for outcome in outcomes {
        let throughput = outcome.served as f64 / seconds;
        let bound = chat_system::throughput_bound();
        assert!(throughput < 1.01 * bound, "{throughput} a second is above {bound}");
        assert!(throughput > 0.98 * bound, "{throughput} a second is far below {bound}");
        let response = chat_system::mean_response_at(throughput);
        assert!(
            (outcome.mean_response / response - 1.0).abs() < 0.02,
            "Little's law around the cycle"
        );
        assert_eq!(outcome.lost, 0, "the limit is generous");
    }
}

#[test]
fn a_run_is_its_seed() {
    // Lost: the checksum as a means to see that a change of the code changed nothing else.
    for model in baseline::models() {
        let horizon = SimTime::from_nanos(200_000_000_000);
        assert_eq!((model.run)(7, horizon), (model.run)(7, horizon), "{}", model.title);
        assert_ne!(
            (model.run)(7, horizon).checksum,
            (model.run)(8, horizon).checksum,
            "{}",
            model.title
        );
    }
}

#[test]
fn the_heap_gives_keys_back_in_order() {
    // Lost: the order of events, in any mixture of keys replaced, taken for good and added.
    let mut heap = QuaternaryHeap::with_capacity(0);
    let mut model = std::collections::BTreeSet::new();
    let mut state = 1_u64;
    for step in 0..20_000_u32 {
        // A linear congruential generator: the test needs variety, not randomness.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let draw = state >> 33;
        // More come than go in the first half, and the other way round in the second.
        let comes = if step < 10_000 { draw % 5 < 3 } else { draw % 5 < 2 };
        if comes {
            let key = (u128::from(draw % 64) << 64) | u128::from(step);
            heap.add(key);
            model.insert(key);
        } else {
            assert_eq!(heap.take(), model.pop_first().unwrap_or(u128::MAX));
        }
        assert_eq!(heap.least(), model.first().copied().unwrap_or(u128::MAX));
    }
    while let Some(key) = model.pop_first() {
        assert_eq!(heap.take(), key);
    }
    assert_eq!(heap.take(), u128::MAX);
}

#[test]
fn a_key_takes_the_place_of_the_one_taken() {
    // Lost: the replaced top, which the heap's other test closes before every addition.
    let mut heap = QuaternaryHeap::with_capacity(0);
    for key in [5, 3, 9, 1, 7] {
        heap.add(key);
    }
    let mut order = Vec::new();
    for key in [4, 2, 8, 6, 10] {
        order.push(heap.take());
        heap.add(key);
    }
    order.extend((0..5).map(|_| heap.take()));
    assert_eq!(order, [1, 3, 2, 4, 5, 6, 7, 8, 9, 10]);
}

#[test]
fn equal_times_are_first_in_first_out() {
    // Lost: the order of what happens at one instant, which the engine promises too.
    let mut agenda = Agenda::with_capacity(0);
    for payload in [3, 1, 2] {
        agenda.at(10, payload);
    }
    let order: Vec<u32> = (0..3).map(|_| baseline::agenda::payload_of(agenda.take())).collect();
    assert_eq!(order, [3, 1, 2]);
}
