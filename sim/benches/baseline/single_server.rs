//! Model A: the M/M/1 queue.

use super::Outcome;
use super::agenda::{Agenda, payload_of, time_of};
use super::chance::Stream;
use super::histogram::Histogram;
use highwater_models::SimTime;
use std::collections::VecDeque;

/// Customers a second.
const ARRIVAL_RATE: f64 = 8.0;
/// Customers a second that the server could serve.
const SERVICE_RATE: f64 = 10.0;
/// An arrival and a departure for each customer.
pub const EVENTS_PER_SECOND: f64 = 2.0 * ARRIVAL_RATE;

/// A customer comes.
const ARRIVAL: u32 = 0;
/// The customer in service goes.
const DEPARTURE: u32 = 1;

/// Mean response time in seconds: 1 / (service rate - arrival rate).
pub fn mean_response() -> f64 {
    1.0 / (SERVICE_RATE - ARRIVAL_RATE)
}

/// Runs from an empty system to the horizon.
pub fn run(seed: u64, horizon: SimTime) -> Outcome {
    let horizon = horizon.nanos();
    let (between, service) = (1e9 / ARRIVAL_RATE, 1e9 / SERVICE_RATE);
    let mut arrivals = Stream::new(seed, 1);
    let mut services = Stream::new(seed, 2);
    let mut agenda = Agenda::with_capacity(2);
    // When those in the system came; the first is in service.
    let mut customers: VecDeque<u64> = VecDeque::with_capacity(1024);
    let mut responses = Histogram::new();
    let mut events = 0;

    agenda.at(arrivals.exponential(between), ARRIVAL);
    loop {
        let key = agenda.take();
        let now = time_of(key);
        if now > horizon {
            return Outcome::new(events, 0, &responses);
        }
        events += 1;
        if payload_of(key) == ARRIVAL {
            agenda.at(now + arrivals.exponential(between), ARRIVAL);
            customers.push_back(now);
            if customers.len() == 1 {
                agenda.at(now + services.exponential(service), DEPARTURE);
            }
        } else {
            if let Some(arrived) = customers.pop_front() {
                responses.record(now - arrived);
            }
            if !customers.is_empty() {
                agenda.at(now + services.exponential(service), DEPARTURE);
            }
        }
    }
}
