//! Arrivals that come in bursts and in batches.

use super::{EXPONENTIAL, station};
use crate::validate::case::{Case, Group};
use crate::validate::theory::batches;
use crate::validate::theory::law::Law;
use crate::validate::theory::modulated::Modulated;

fn bursty(id: &'static str, shows: &'static str, source: &'static str, modulated: Modulated, narrow: f64) -> Case {
    let theory = modulated.figures();
    let load = format!(
        "rate = {:?}\nbursts = {{ rate = {:?}, lasts = {{ dist = \"exponential\", mean = \"{}s\" }}, \
         apart = {{ dist = \"exponential\", mean = \"{}s\" }} }}",
        modulated.rates[0], modulated.rates[1], modulated.lasts[1], modulated.lasts[0]
    );
    Case::new(Group::Bursts, id, shows, source)
        .steady(&load, 20_000, &station("max = 1", EXPONENTIAL))
        .mean("resources.servers.wait.mean", theory.wait_mean, narrow)
        .mean("resources.servers.queue.mean", theory.queue_mean, narrow)
        .mean("resources.servers.waited", theory.waited, 0.02)
        .mean("resources.servers.utilization", theory.utilisation, 0.02)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        bursty(
            "bursts",
            "calm and bursts in turn, in a burst more than the server can do (MMPP/M/1)",
            "Neuts, Matrix-Geometric Solutions (1981), chapter 6; Fischer and Meier-Hellstern, Performance Evaluation 18 (1993)",
            Modulated {
                rates: [3.0, 14.0],
                lasts: [3.0, 1.0],
                service: 0.1,
            },
            0.06,
        ),
        bursty(
            "interrupted",
            "arrivals in bursts alone (interrupted Poisson process)",
            "Kuczura (1973): as GI/M/1; Neuts (1981)",
            Modulated {
                rates: [0.0, 12.0],
                lasts: [1.0, 1.0],
                service: 0.1,
            },
            0.05,
        ),
        Case::new(
            Group::Bursts,
            "batches",
            "people who come in groups of a random size (M[X]/M/1)",
            "Gross and Harris, Fundamentals of Queueing Theory (1998), section 3.1; Tijms (2003), section 9.3.2",
        )
        .steady(
            "rate = 2.0\nbatch = { dist = \"geometric\", mean = 3 }",
            16_000,
            &station("max = 1", EXPONENTIAL),
        )
        // A geometric size of mean 3 has the mean square (2 - 1/3) 9 = 15.
        .mean(
            "resources.servers.wait.mean",
            batches::wait_mean(2.0, 3.0, 15.0, &Law::exponential(0.1)),
            0.04,
        )
        .mean("resources.servers.utilization", 0.6, 0.02),
    ]
}
