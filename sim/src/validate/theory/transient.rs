//! Birth-death chains on their way: the number in a system at a moment after the start.
//!
//! Owns: the distribution at a time, by uniformisation: the chain is given a clock that ticks at least as fast as
//! anything in it happens; at each tick it moves or stays; the number of ticks is Poisson.
//! Source: Jensen, "Markoff chains as an aid in the study of Markoff processes" (1953).

/// The distribution on 0, 1, ... `births.len()` at `time` seconds after it was `start`: `births[n]` is the rate from
/// `n` to `n + 1`, `deaths[n]` that from `n + 1` to `n`. Exact to about 1e-11.
///
/// # Panics
/// When the lengths do not fit each other.
#[must_use]
pub fn at(births: &[f64], deaths: &[f64], start: &[f64], time: f64) -> Vec<f64> {
    assert_eq!(
        births.len(),
        deaths.len(),
        "a rate up and a rate down between each two states"
    );
    assert_eq!(
        births.len() + 1,
        start.len(),
        "one more state than steps between states"
    );
    let states = start.len();
    let up = |state: usize| births.get(state).copied().unwrap_or(0.0);
    let down = |state: usize| if state == 0 { 0.0 } else { deaths[state - 1] };
    let clock = (0..states).map(|state| up(state) + down(state)).fold(0.0, f64::max);
    let expected = clock * time;
    if expected == 0.0 {
        return start.to_vec();
    }
    // Ten standard deviations above the mean and some for small means: what lies beyond is below 1e-20.
    let most = (expected + 10.0 * libm::sqrt(expected) + 60.0) as usize;
    let mut now = start.to_vec();
    let mut next = vec![0.0; states];
    let mut result = vec![0.0; states];
    let mut total = 0.0;
    for ticks in 0..=most {
        let ticks_so_far = ticks as f64;
        let weight = libm::exp(ticks_so_far * libm::log(expected) - expected - libm::lgamma(ticks_so_far + 1.0));
        total += weight;
        for (sum, probability) in result.iter_mut().zip(&now) {
            *sum += weight * probability;
        }
        for state in 0..states {
            let stays = now[state] * (1.0 - (up(state) + down(state)) / clock);
            let from_below = if state == 0 {
                0.0
            } else {
                now[state - 1] * up(state - 1) / clock
            };
            let from_above = if state + 1 == states {
                0.0
            } else {
                now[state + 1] * down(state + 1) / clock
            };
            next[state] = stays + from_below + from_above;
        }
        std::mem::swap(&mut now, &mut next);
    }
    // The weights' own rounding, which grows with their number, is taken out again.
    result.iter().map(|probability| probability / total).collect()
}

/// Shares of runs with 0, 1, ... `room` in an M/M/c system `time` seconds after it was empty. `room` has to be so
/// large that it is hardly reached; then it is as good as endless.
#[must_use]
pub fn multi_server_from_empty(arrival: f64, service: f64, servers: u32, room: u32, time: f64) -> Vec<f64> {
    let births = vec![arrival; room as usize];
    let deaths: Vec<f64> = (1..=room)
        .map(|number| f64::from(number.min(servers)) / service)
        .collect();
    let mut start = vec![0.0; room as usize + 1];
    start[0] = 1.0;
    at(&births, &deaths, &start, time)
}

/// Shares of runs with 0, 1, ... `room` in an M/M/1 system `time` seconds after it was empty.
#[must_use]
pub fn single_server_from_empty(arrival: f64, service: f64, room: u32, time: f64) -> Vec<f64> {
    multi_server_from_empty(arrival, service, 1, room, time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::birth_death::mean;
    use crate::validate::theory::erlang::MultiServer;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn at_first_the_system_is_as_it_started_and_at_last_it_has_forgotten() {
        // Lost: both ends of time.
        let first = single_server_from_empty(8.0, 0.1, 100, 0.0);
        check_close("empty at the start", first[0], 1.0, 1e-15);
        let last = single_server_from_empty(8.0, 0.1, 200, 200.0);
        let steady = MultiServer::new(8.0, 0.1, 1);
        for number in [0, 1, 5, 20] {
            check_close("in the end", last[number as usize], steady.in_system(number), 1e-9);
        }
    }

    #[test]
    fn servers_for_all_fill_as_a_poisson_number() {
        // Lost: the way between: here the law at every moment is known, Poisson with mean a (1 - e^(-t/s)).
        let time = 1.5;
        let filled = multi_server_from_empty(6.0, 2.0, 120, 120, time);
        let expected = 12.0 * (1.0 - libm::exp(-time / 2.0));
        let mut poisson = libm::exp(-expected);
        for (number, probability) in filled.iter().enumerate().take(40) {
            check_close("at 1.5 s", *probability, poisson, 1e-11);
            poisson *= expected / (number + 1) as f64;
        }
    }

    #[test]
    fn two_states_are_the_case_by_hand() {
        // Lost: the rates' places: a single line with no room to wait has one exponential in it.
        let (arrival, rate, time) = (3.0, 2.0, 0.4);
        let states = at(&[arrival], &[rate], &[0.0, 1.0], time);
        let steady = arrival / (arrival + rate);
        let busy = steady + (1.0 - steady) * libm::exp(-(arrival + rate) * time);
        check_close("busy", states[1], busy, 1e-12);
    }

    #[test]
    fn what_comes_less_what_goes_is_what_is_there() {
        // Lost: the flow: the mean grows by arrivals less departures, which the busy share of time gives.
        // Simpson's rule over 3 s in steps of 10 ms.
        let departing = |time: f64| 10.0 * (1.0 - single_server_from_empty(12.0, 0.1, 200, time)[0]);
        let departed: f64 = (0..300)
            .map(|at| {
                let from = f64::from(at) * 0.01;
                (departing(from) + 4.0 * departing(from + 0.005) + departing(from + 0.01)) * 0.01 / 6.0
            })
            .sum();
        let there = mean(&single_server_from_empty(12.0, 0.1, 200, 3.0));
        check_close("overloaded for 3 s", there, 36.0 - departed, 1e-7);
    }

    #[test]
    fn a_long_time_on_a_fast_clock_still_sums_to_one() {
        // Lost: the weights of a hundred thousand ticks.
        let states = single_server_from_empty(80.0, 0.01, 50, 600.0);
        check_close("total", states.iter().sum(), 1.0, 1e-12);
        check_close("empty", states[0], 0.2, 1e-5);
    }
}
