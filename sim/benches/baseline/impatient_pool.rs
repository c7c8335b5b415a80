//! Model B: twenty servers, and customers who leave after five seconds in line.
//!
//! Patience is the same for all and the line is first come, first served, so the line is sorted by the moment of
//! leaving: its head is the only one who can be next to leave, and no leaving is ever scheduled or called off.

use super::Outcome;
use super::agenda::{Agenda, Key, payload_of, time_of};
use super::chance::Stream;
use super::histogram::Histogram;
use highwater_models::SimTime;
use std::collections::VecDeque;

/// Customers a second.
const ARRIVAL_RATE: f64 = 19.0;
/// Mean service time in seconds.
const SERVICE: f64 = 1.0;
/// Servers.
const SERVERS: u32 = 20;
/// The longest wait, in nanoseconds.
const PATIENCE: u64 = 5_000_000_000;
/// An arrival and a departure for each customer; those who leave are too few to count.
pub const EVENTS_PER_SECOND: f64 = 2.0 * ARRIVAL_RATE;

/// A customer comes; smaller payloads are the server whose customer goes.
const ARRIVAL: u32 = SERVERS;

/// What theory says of the model.
///
/// The wait that a customer of endless patience would meet has the density `k exp(-(c m - a) x)` up to the patience
/// `T` and `k exp(a T - c m x)` beyond it, with `k = a / (E + a J)`, `J` the integral of the two exponentials and
/// `E` the sum over the states with a free server relative to the last of them (Baccelli and Hebuterne 1981, "On
/// queues with impatient customers"; Zeltyn and Mandelbaum 2005 write it this way).
pub struct Theory {
    /// Mean response time of those served, in seconds.
    pub mean_response: f64,
    /// Share of customers who leave.
    pub lost: f64,
}

impl Theory {
    /// Computes it.
    pub fn new() -> Self {
        let (arrival, patience) = (ARRIVAL_RATE, PATIENCE as f64 / 1e9);
        let capacity = f64::from(SERVERS) / SERVICE;
        let spare = capacity - arrival;
        // E: 1, plus going down from c - 1 servers busy, c - 2, ... each `busy / offered load` of the one above.
        let offered = arrival * SERVICE;
        let (mut states, mut relative) = (1.0, 1.0);
        for busy in (1..SERVERS).rev() {
            relative *= f64::from(busy) / offered;
            states += relative;
        }
        let decay = libm::exp(-spare * patience);
        let within = (1.0 - decay) / spare;
        let beyond = decay / capacity;
        let scale = arrival / (states + arrival * (within + beyond));
        // Those who would wait longer than their patience leave; the rest are served.
        let wait_of_served = scale * (within - patience * decay) / spare;
        let lost = scale * beyond;
        Self {
            mean_response: wait_of_served / (1.0 - lost) + SERVICE,
            lost,
        }
    }
}

/// Runs from an empty system to the horizon.
pub fn run(seed: u64, horizon: SimTime) -> Outcome {
    let horizon = horizon.nanos();
    let (between, service) = (1e9 / ARRIVAL_RATE, 1e9 * SERVICE);
    let mut arrivals = Stream::new(seed, 1);
    let mut services = Stream::new(seed, 2);
    let mut agenda = Agenda::with_capacity(SERVERS as usize + 1);
    // When each customer in service came, by server.
    let mut came = [0_u64; SERVERS as usize];
    let mut free: Vec<u32> = (0..SERVERS).rev().collect();
    // When each customer in line will leave it.
    let mut line: VecDeque<Key> = VecDeque::with_capacity(1024);
    let mut responses = Histogram::new();
    let (mut events, mut lost) = (0, 0);

    agenda.at(arrivals.exponential(between), ARRIVAL);
    loop {
        let next = agenda.least();
        if let Some(&leaving) = line.front()
            && leaving < next
        {
            if time_of(leaving) > horizon {
                return Outcome::new(events, lost, &responses);
            }
            line.pop_front();
            events += 1;
            lost += 1;
            continue;
        }
        let key = agenda.take();
        let now = time_of(key);
        if now > horizon {
            return Outcome::new(events, lost, &responses);
        }
        events += 1;
        let server = payload_of(key);
        if server == ARRIVAL {
            agenda.at(now + arrivals.exponential(between), ARRIVAL);
            if let Some(server) = free.pop() {
                came[server as usize] = now;
                agenda.at(now + services.exponential(service), server);
            } else {
                let leaving = agenda.key(now + PATIENCE, 0);
                line.push_back(leaving);
            }
        } else {
            responses.record(now - came[server as usize]);
            if let Some(leaving) = line.pop_front() {
                came[server as usize] = time_of(leaving) - PATIENCE;
                agenda.at(now + services.exponential(service), server);
            } else {
                free.push(server);
            }
        }
    }
}
