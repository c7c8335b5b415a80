//! Quantities: each law by its figures, its mean, and the shapes that have none.

use super::load;
use crate::file::scenario::Spacing;
use crate::file::step::Step;
use crate::file::{Law, Quantity, Spread, WeibullSpread};

const FILES: &[(&str, &str)] = &[("dir/draws.txt", "10\n30\n")];

/// The quantity that a text is read as, in seconds.
fn read(text: &str) -> Quantity {
    let file =
        format!("duration = \"1m\"\nload = {{ rate = 1 }}\n[system.endpoint.job]\nsteps = [ {{ io = {text} }} ]\n");
    let loaded = load(&file, &[], FILES);
    assert_eq!(loaded.diagnostics, [], "{text}");
    let plan = loaded.plan.unwrap();
    let Step::Io(io) = &plan.system.endpoint.get("job").unwrap().steps[0] else {
        panic!("{text}")
    };
    io.clone()
}

/// Without it, a law is drawn with other figures than those written.
#[test]
fn each_law_is_given_by_its_figures() {
    let mean_cv = Spread::MeanCv { mean: 0.2, cv: 0.5 };
    let quantiles = Spread::Quantiles { p50: 0.1, p95: 0.3 };
    for (text, law, mean) in [
        ("\"20ms\"", Law::Constant(0.02), Some(0.02)),
        (
            "{ dist = \"exponential\", mean = \"1s\" }",
            Law::Exponential { mean: 1.0 },
            Some(1.0),
        ),
        (
            "{ dist = \"erlang\", mean = \"1s\", k = 4 }",
            Law::Erlang { mean: 1.0, k: 4 },
            Some(1.0),
        ),
        (
            "{ dist = \"gamma\", mean = \"200ms\", cv = 0.5 }",
            Law::Gamma(mean_cv),
            Some(0.2),
        ),
        (
            "{ dist = \"lognormal\", mean = \"200ms\", cv = 0.5 }",
            Law::Lognormal(mean_cv),
            Some(0.2),
        ),
        (
            "{ dist = \"lognormal\", p50 = \"100ms\", p95 = \"300ms\" }",
            Law::Lognormal(quantiles),
            None,
        ),
        (
            "{ dist = \"weibull\", mean = \"200ms\", cv = 0.5 }",
            Law::Weibull(WeibullSpread::Spread(mean_cv)),
            Some(0.2),
        ),
        (
            "{ dist = \"weibull\", mean = \"200ms\", shape = 2 }",
            Law::Weibull(WeibullSpread::MeanShape { mean: 0.2, shape: 2.0 }),
            Some(0.2),
        ),
        (
            "{ dist = \"pareto\", mean = \"1s\", shape = 1.5 }",
            Law::Pareto { mean: 1.0, shape: 1.5 },
            Some(1.0),
        ),
        (
            "{ dist = \"uniform\", min = \"1s\", max = \"3s\" }",
            Law::Uniform { min: 1.0, max: 3.0 },
            Some(2.0),
        ),
        (
            "{ dist = \"hyperexponential\", mean = \"1s\", cv = 2 }",
            Law::Hyperexponential { mean: 1.0, cv: 2.0 },
            Some(1.0),
        ),
        (
            "{ dist = \"replay\", values = [ \"1s\", \"2s\" ] }",
            Law::Replay(vec![1.0, 2.0]),
            Some(1.5),
        ),
        (
            "{ dist = \"empirical\", file = \"draws.txt\" }",
            Law::Empirical(vec![10.0, 30.0]),
            Some(20.0),
        ),
        (
            "{ dist = \"empirical\", file = \"draws.txt\", unit = \"m\" }",
            Law::Empirical(vec![600.0, 1800.0]),
            Some(1200.0),
        ),
        (
            "{ dist = \"mixture\", parts = [ { weight = 3, of = \"1s\" }, { weight = 1, of = { dist = \"exponential\", mean = \"5s\" } } ] }",
            Law::Mixture(vec![
                (3.0, Quantity::constant(1.0)),
                (
                    1.0,
                    Quantity {
                        law: Law::Exponential { mean: 5.0 },
                        min: None,
                        max: None,
                        plus: 0.0,
                    },
                ),
            ]),
            Some(2.0),
        ),
    ] {
        let quantity = read(text);
        assert_eq!(quantity.law, law, "{text}");
        assert_eq!(quantity.mean(), mean, "{text}");
    }
}

/// Without it, a review reckons with a mean that the draws do not have.
#[test]
fn cutting_off_and_adding_change_the_mean_or_hide_it() {
    let quantity =
        read("{ dist = \"replay\", values = [ \"1s\", \"9s\" ], min = \"2s\", max = \"4s\", plus = \"10s\" }");
    assert_eq!(
        (quantity.min, quantity.max, quantity.plus),
        (Some(2.0), Some(4.0), 10.0)
    );
    assert_eq!(quantity.mean(), Some(13.0));
    assert_eq!(
        read("{ dist = \"exponential\", mean = \"1s\", plus = \"2s\" }").mean(),
        Some(3.0)
    );
    assert_eq!(
        read("{ dist = \"exponential\", mean = \"1s\", max = \"2s\" }").mean(),
        None
    );
    assert!(read("\"0s\"").is_zero() && !read("\"1ns\"").is_zero());
}

/// Without it, the gaps of a stream have a mean of their own beside its rate.
#[test]
fn spacing_is_a_shape_of_mean_one() {
    let spacing = |text: &str| {
        let file = format!(
            "duration = \"1m\"\nload = {{ rate = 1, spacing = {text} }}\n[system.endpoint.job]\nsteps = [ {{ cpu = \"1ms\" }} ]\n"
        );
        let loaded = load(&file, &[], FILES);
        assert_eq!(loaded.diagnostics, [], "{text}");
        loaded.plan.unwrap().scenario.load.unwrap().spacing
    };
    assert_eq!(spacing("\"even\""), Spacing::Even);
    assert_eq!(spacing("\"poisson\""), Spacing::Poisson);
    let law = |law| {
        Spacing::Law(Quantity {
            law,
            min: None,
            max: None,
            plus: 0.0,
        })
    };
    assert_eq!(
        spacing("{ dist = \"erlang\", k = 4 }"),
        law(Law::Erlang { mean: 1.0, k: 4 })
    );
    assert_eq!(
        spacing("{ dist = \"hyperexponential\", cv = 3 }"),
        law(Law::Hyperexponential { mean: 1.0, cv: 3.0 })
    );
    assert_eq!(
        spacing("{ dist = \"pareto\", shape = 2 }"),
        law(Law::Pareto { mean: 1.0, shape: 2.0 })
    );
}
