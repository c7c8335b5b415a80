//! Rules of the pool, row by row, and what holds whatever happens.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::machine::table::check;

const PLAIN: ConnectionsConfig = ConnectionsConfig {
    max: 2,
    min: 0,
    idle_timeout: SimSpan::from_secs(30),
    timeout: SimSpan::from_secs(5),
    waiters: u32::MAX,
    max_uses: u32::MAX,
    max_lifetime: SimSpan::FOREVER,
    drop_on_error: true,
    recheck_min: true,
};

/// Runs a table. Inputs: `ask NAME`, `leave NAME`, `limit NAME` (its own time limit has come), `opened N`, `refused N`,
/// `back N`, `broken N`, `cut N`, `end`, `wait`, `max N`, `due` (shows the next deadline). Connections are numbered in
/// the order in which they were begun.
fn check_pool(config: ConnectionsConfig, table: &str) {
    let mut pool: Connections<char> = Connections::new(config);
    let mut begun: Vec<ConnectionId> = Vec::new();
    let mut places = BTreeMap::new();
    check(table, |now, words| {
        let number = || begun[words[1].parse::<usize>().expect("a connection's number")];
        let name = || words[1].chars().next().expect("a name");
        match words[0] {
            "ask" => {
                places.insert(name(), pool.acquire(now, name()));
            }
            "leave" => assert!(pool.cancel(places[&name()]), "{} was not waiting", name()),
            "limit" => assert!(pool.time_out(now, places[&name()]), "{} was not waiting", name()),
            "opened" => pool.opened(now, number()),
            "refused" => pool.open_failed(now, number(), Cause::ConnectionRefused),
            "back" => pool.release(now, number(), true),
            "broken" => pool.release(now, number(), false),
            "cut" => pool.lost(now, number()),
            "end" => pool.end(now),
            "wait" => pool.advance(now),
            "max" => {
                let max = words[1].parse().expect("a number");
                pool.set_config(now, ConnectionsConfig { max, ..*pool.config() });
            }
            "due" => return crate::machine::table::shown(pool.next_deadline().since(SimTime::ZERO)),
            other => panic!("no such input: {other}"),
        }
        let mut came = Vec::new();
        while let Some(output) = pool.poll() {
            came.push(match output {
                ConnectionsOutput::Lend {
                    ticket,
                    connection,
                    fresh,
                    ..
                } => {
                    let number = begun.iter().position(|&id| id == connection).expect("begun");
                    format!("lend {ticket} {}{number}", if fresh { "fresh " } else { "" })
                }
                ConnectionsOutput::Open { connection } => {
                    begun.push(connection);
                    format!("open {}", begun.len() - 1)
                }
                ConnectionsOutput::Close { connection } => {
                    let number = begun.iter().position(|&id| id == connection).expect("begun");
                    format!("close {number}")
                }
                ConnectionsOutput::Refuse { ticket, cause, .. } => format!("refuse {ticket} {}", cause.name()),
            });
        }
        came.join(", ")
    });
}

/// A pool that handed a released connection to a direct opener would hide what connecting costs.
#[test]
fn whoever_finds_room_and_nothing_idle_waits_for_a_connection_of_its_own() {
    check_pool(
        PLAIN,
        "
        0ms   ask a     | open 0
        1ms   ask b     | open 1
        10ms  opened 0  | lend a fresh 0
        11ms  back 0    |                   // b does not take it
        12ms  ask c     | lend c 0
        20ms  opened 1  | lend b fresh 1
        ",
    );
}

/// Order decides who times out under load.
#[test]
fn waiters_are_served_first_come_and_idle_connections_last_used_first() {
    check_pool(
        PLAIN,
        "
        0ms   ask a     | open 0
        0ms   ask b     | open 1
        1ms   opened 0  | lend a fresh 0
        1ms   opened 1  | lend b fresh 1
        2ms   ask c     |
        3ms   ask d     |
        4ms   back 1    | lend c 1
        5ms   back 0    | lend d 0
        6ms   back 1    |
        7ms   back 0    |
        8ms   ask e     | lend e 0
        9ms   ask f     | lend f 1
        ",
    );
}

/// The five seconds of a waiter run from its call, over the line and the connection opened for it alike.
#[test]
fn one_timer_covers_the_line_and_the_opening() {
    check_pool(
        ConnectionsConfig { max: 1, ..PLAIN },
        "
        0s      ask a     | open 0
        0s      opened 0  | lend a fresh 0
        1s      ask b     |
        4s      ask c     |
        5s      broken 0  | close 0, open 1                   // for b
        6s      wait      | refuse b pool_timeout             // a second later, though the attempt goes on
        7s      opened 1  | lend c 1                          // too late for b: idle, and at once c's
        8s      back 1    |
        ",
    );
}

/// The attempt made for a waiter is not ended with the waiter's patience, and not left for ever either.
#[test]
fn an_attempt_lasts_no_longer_than_the_timeout_whoever_waits_for_it() {
    check_pool(
        ConnectionsConfig { max: 1, ..PLAIN },
        "
        0s      ask a     | open 0
        0s      opened 0  | lend a fresh 0
        1s      ask b     |
        5s      broken 0  | close 0, open 1
        6s      wait      | refuse b pool_timeout
        9999ms  wait      |
        10s     wait      | close 1
        11s     ask c     | open 2
        ",
    );
}

/// Which of the two errors a user sees tells a full pool from a slow server.
#[test]
fn a_direct_openers_timeout_ends_the_attempt_and_a_late_report_changes_nothing() {
    check_pool(
        ConnectionsConfig { max: 1, ..PLAIN },
        "
        0s      ask a     | open 0
        1s      ask b     |
        5s      wait      | close 0, open 1, refuse a connect_timeout
        5s      opened 0  |                                    // long forgotten
        6s      wait      | refuse b pool_timeout
        7s      opened 1  |
        8s      refused 1 |                                    // it is open: no such report is believed
        8s      ask c     | lend c 1
        ",
    );
}

/// Against a server without a free connection the line must drain as errors, one attempt at a time.
#[test]
fn a_refusal_fails_its_own_request_and_pulls_the_next_waiter_into_an_attempt() {
    check_pool(
        ConnectionsConfig { max: 1, ..PLAIN },
        "
        0ms   ask a      | open 0
        1ms   ask b      |
        2ms   ask c      |
        3ms   refused 0  | open 1, refuse a connection_refused
        6ms   refused 1  | open 2, refuse b connection_refused
        9ms   refused 2  | refuse c connection_refused
        9ms   ask d      | open 3                              // the pool is not full: the next one tries again
        ",
    );
}

/// A refused attempt must not cost a healthy connection of the same pool.
#[test]
fn a_refusal_leaves_the_connections_of_others_alone() {
    check_pool(
        PLAIN,
        "
        0ms   ask a      | open 0
        1ms   opened 0   | lend a fresh 0
        2ms   ask b      | open 1
        3ms   ask c      |
        4ms   refused 1  | open 2, refuse b connection_refused // for c, which does not wait for a
        5ms   back 0     |
        6ms   ask d      | lend d 0
        ",
    );
}

/// Reaping too much costs connects, reaping too little starves other pools of the server.
#[test]
fn idle_connections_are_reaped_down_to_the_minimum() {
    let config = ConnectionsConfig { min: 1, ..PLAIN };
    check_pool(
        config,
        "
        0s     ask a     | open 0
        0s     ask b     | open 1
        1s     opened 0  | lend a fresh 0
        1s     opened 1  | lend b fresh 1
        2s     back 0    |
        3s     back 1    |
        3s     due       | 32s
        32s    wait      | close 0
        33s    wait      |                   // looked at again: it is the last one
        33s    due       | never             // and its timer is spent until it is used again
        40s    ask c     | lend c 1
        41s    back 1    |
        41s    due       | never             // not above the minimum: no timer
        ",
    );
    check_pool(
        ConnectionsConfig {
            recheck_min: false,
            ..config
        },
        "
        0s     ask a     | open 0
        0s     ask b     | open 1
        1s     opened 0  | lend a fresh 0
        1s     opened 1  | lend b fresh 1
        2s     back 0    |
        3s     back 1    |
        33s    wait      | close 0, close 1  // 3.10 goes below the minimum
        ",
    );
}

/// A burst must decay to the connections still in use, each counted from its own last use.
#[test]
fn an_idle_timer_starts_anew_with_each_use() {
    check_pool(
        PLAIN,
        "
        0s     ask a     | open 0
        0s     opened 0  | lend a fresh 0
        1s     back 0    |
        20s    ask b     | lend b 0
        31s    wait      |                   // lent: nothing to reap
        32s    back 0    |
        61s    wait      |
        62s    wait      | close 0
        ",
    );
}

/// Each way out frees its room at once and serves whoever waits.
#[test]
fn a_connection_goes_after_an_error_its_last_use_or_the_end_of_its_life() {
    check_pool(
        ConnectionsConfig {
            max: 1,
            max_uses: 2,
            ..PLAIN
        },
        "
        0ms   ask a     | open 0
        0ms   opened 0  | lend a fresh 0
        1ms   ask b     |
        2ms   broken 0  | close 0, open 1
        2ms   opened 1  | lend b fresh 1
        3ms   back 1    |
        4ms   ask c     | lend c 1
        5ms   back 1    | close 1            // its second use
        ",
    );
    check_pool(
        ConnectionsConfig {
            max_lifetime: SimSpan::from_secs(10),
            ..PLAIN
        },
        "
        0s    ask a     | open 0
        0s    ask b     | open 1
        1s    opened 0  | lend a fresh 0
        2s    opened 1  | lend b fresh 1
        3s    back 1    |
        11s   wait      |                    // 0 is lent: it goes when it comes back
        12s   wait      | close 1            // 1 is idle: at once
        13s   back 0    | close 0
        ",
    );
    check_pool(
        ConnectionsConfig {
            drop_on_error: false,
            ..PLAIN
        },
        "
        0ms   ask a     | open 0
        0ms   opened 0  | lend a fresh 0
        1ms   broken 0  |
        2ms   ask b     | lend b 0
        ",
    );
}

/// The attempt that nobody waits for counts as a use, as in the package.
#[test]
fn a_connection_whose_request_left_goes_to_idle_and_has_been_used_once() {
    check_pool(
        ConnectionsConfig { max_uses: 2, ..PLAIN },
        "
        0ms   ask a     | open 0
        1ms   leave a   |
        2ms   opened 0  |
        3ms   ask b     | lend b 0
        4ms   back 0    | close 0
        ",
    );
}

/// After a restart of the database nobody may be handed a dead connection.
#[test]
fn connections_that_the_server_cut_are_gone_without_a_goodbye() {
    check_pool(
        PLAIN,
        "
        0ms   ask a     | open 0
        0ms   ask b     | open 1
        1ms   opened 0  | lend a fresh 0
        1ms   opened 1  | lend b fresh 1
        2ms   back 0    |
        3ms   cut 0     |                    // idle
        3ms   cut 1     |                    // lent
        4ms   ask c     | open 2
        5ms   ask d     |
        6ms   back 1    | open 3             // its room is d's
        7ms   cut 2     | refuse c database_unavailable
        ",
    );
}

/// A bound on the line is what keeps an overloaded service answering.
#[test]
fn a_full_line_refuses_at_once_and_takes_the_next_when_somebody_leaves() {
    check_pool(
        ConnectionsConfig {
            max: 1,
            waiters: 1,
            ..PLAIN
        },
        "
        0ms   ask a     | open 0
        1ms   ask b     |
        2ms   ask c     | refuse c queue_full
        3ms   leave b   |
        4ms   ask d     |
        5ms   opened 0  | lend a fresh 0
        6ms   back 0    | lend d 0
        ",
    );
}

/// The plan's handler of SIGTERM ends the pool while the server goes on accepting.
#[test]
fn an_ended_pool_closes_what_comes_back_and_leaves_waiters_to_their_timeout() {
    check_pool(
        PLAIN,
        "
        0s    ask a     | open 0
        0s    ask b     | open 1
        1s    opened 0  | lend a fresh 0
        2s    ask c     |
        3s    end       |
        3s    ask d     | refuse d database_unavailable
        4s    opened 1  | lend b fresh 1     // who already waits for its connection still gets it
        4s    back 0    | close 0
        5s    back 1    | close 1
        7s    wait      | refuse c pool_timeout
        ",
    );
}

/// Raising the pool's limit is what the plan's playbook tells a person to do.
#[test]
fn a_raised_limit_serves_the_line_and_a_lowered_one_takes_connections_as_they_come_back() {
    check_pool(
        ConnectionsConfig { max: 1, ..PLAIN },
        "
        0ms   ask a     | open 0
        1ms   ask b     |
        1ms   ask c     |
        2ms   max 3     | open 1, open 2
        3ms   opened 0  | lend a fresh 0
        3ms   opened 1  | lend b fresh 1
        3ms   opened 2  | lend c fresh 2
        4ms   back 2    |
        5ms   max 1     | close 2
        6ms   back 0    | close 0
        7ms   back 1    |
        ",
    );
}

/// A driver that draws each request's patience keeps the timers itself.
#[test]
fn a_time_limit_of_the_drivers_own_acts_as_the_pools_would() {
    check_pool(
        ConnectionsConfig {
            max: 1,
            timeout: SimSpan::FOREVER,
            ..PLAIN
        },
        "
        0ms   ask a     | open 0
        1ms   ask b     |
        2ms   limit b   | refuse b pool_timeout
        3ms   limit a   | close 0, refuse a connect_timeout
        3ms   due       | never
        ",
    );
}

// Lost if broken: a burst that meets a server which does not answer. Each connection that its attempts leave is opened for
// somebody whose own time is up at the same instant, as in the package.
#[test]
fn of_what_is_due_together_that_comes_first_whose_timer_was_set_first() {
    check_pool(
        PLAIN,
        "
        0ms  ask a     | open 0
        0ms  ask b     | open 1
        0ms  ask c     |
        5s   wait      | close 0, open 2, refuse a connect_timeout, close 1, refuse b connect_timeout, refuse c pool_timeout
        6s   opened 2  |
        6s   ask d     | lend d 2
        ",
    );
    check_pool(
        PLAIN,
        "
        0ms  ask a      | open 0
        0ms  ask b      | open 1
        0ms  ask c      |
        0ms  refused 0  | open 2, refuse a connection_refused
        5s   wait       | close 1, refuse b connect_timeout, refuse c pool_timeout, close 2   // c asked before 2 was begun
        ",
    );
}

// Lost if broken: whoever is refused and asks again at once would take the place of who waits.
#[test]
fn the_next_attempt_begins_before_a_request_hears_of_its_refusal() {
    check_pool(
        ConnectionsConfig { max: 1, ..PLAIN },
        "
        0ms  ask a      | open 0
        1ms  ask b      |
        2ms  refused 0  | open 1, refuse a connection_refused
        2ms  ask a      |
        3ms  opened 1   | lend b fresh 1
        4ms  back 1     | lend a 1
        ",
    );
}

proptest! {
    /// Whatever happens in whatever order: never more connections than allowed, nobody waits while a connection is idle or
    /// there is room, everybody who asked is answered once or still waits, and those in line are served in order.
    #[test]
    fn counts_close_and_nobody_waits_for_nothing(
        max in 0u32..4,
        min in 0u32..3,
        bounded in any::<bool>(),
        inputs in prop::collection::vec((0u8..9, 0u64..2_000, any::<prop::sample::Index>()), 1..200),
    ) {
        let config = ConnectionsConfig {
            max,
            min,
            waiters: if bounded { 3 } else { u32::MAX },
            timeout: SimSpan::from_millis(3_000),
            idle_timeout: SimSpan::from_millis(5_000),
            max_lifetime: SimSpan::from_millis(20_000),
            max_uses: 7,
            ..PLAIN
        };
        let mut pool: Connections<u32> = Connections::new(config);
        let (mut now, mut asked) = (SimTime::ZERO, 0u32);
        let mut connecting: Vec<ConnectionId> = Vec::new();
        let mut lent: Vec<ConnectionId> = Vec::new();
        let mut idle: Vec<ConnectionId> = Vec::new();
        let mut unanswered: BTreeMap<u32, Waiting> = BTreeMap::new();
        let mut line: VecDeque<u32> = VecDeque::new();
        let mut ended = false;
        for (what, later, pick) in inputs {
            now += SimSpan::from_millis(later);
            // A driver is woken at each deadline, not only at its own inputs.
            loop {
                let due = pool.next_deadline();
                let last = due > now;
                let at = due.min(now);
                if !last {
                    pool.advance(at);
                } else {
                    let queued_before = pool.queued();
                    match what {
                        0..=2 => {
                            let waiting = pool.acquire(now, asked);
                            unanswered.insert(asked, waiting);
                            if pool.queued() > queued_before {
                                line.push_back(asked);
                            }
                            asked += 1;
                        }
                        3 if !connecting.is_empty() => {
                            let id = connecting.swap_remove(pick.index(connecting.len()));
                            pool.opened(now, id);
                            idle.push(id);
                        }
                        4 if !connecting.is_empty() => {
                            let id = connecting.swap_remove(pick.index(connecting.len()));
                            pool.open_failed(now, id, Cause::ConnectionRefused);
                        }
                        5 | 6 if !lent.is_empty() => {
                            let id = lent.swap_remove(pick.index(lent.len()));
                            pool.release(now, id, what == 5);
                            idle.push(id);
                        }
                        7 if !idle.is_empty() => pool.lost(now, idle.swap_remove(pick.index(idle.len()))),
                        8 if !unanswered.is_empty() && later % 7 == 0 => {
                            let ticket = *unanswered.keys().nth(pick.index(unanswered.len())).expect("some");
                            prop_assert!(pool.cancel(unanswered[&ticket]));
                            prop_assert!(!pool.cancel(unanswered[&ticket]), "nobody leaves twice");
                            unanswered.remove(&ticket);
                            line.retain(|&waiter| waiter != ticket);
                        }
                        8 if later > 1_950 => {
                            pool.end(now);
                            ended = true;
                        }
                        _ => pool.advance(now),
                    }
                }
                while let Some(output) = pool.poll() {
                    match output {
                        ConnectionsOutput::Open { connection } => {
                            connecting.push(connection);
                            // Opened for the front of the line, or directly.
                            if line.len() as u32 > pool.queued() {
                                line.pop_front();
                            }
                        }
                        ConnectionsOutput::Close { connection } => {
                            idle.retain(|&id| id != connection);
                            connecting.retain(|&id| id != connection);
                        }
                        ConnectionsOutput::Lend { ticket, connection, fresh, .. } => {
                            prop_assert!(unanswered.remove(&ticket).is_some(), "{ticket} was answered twice");
                            if let Some(place) = line.iter().position(|&waiter| waiter == ticket) {
                                prop_assert!(fresh || place == 0, "{ticket} overtook somebody");
                                line.remove(place);
                            }
                            idle.retain(|&id| id != connection);
                            lent.push(connection);
                        }
                        ConnectionsOutput::Refuse { ticket, .. } => {
                            prop_assert!(unanswered.remove(&ticket).is_some(), "{ticket} was answered twice");
                            line.retain(|&waiter| waiter != ticket);
                        }
                    }
                }
                prop_assert!(pool.open() <= max);
                prop_assert_eq!(pool.waiting() as usize, unanswered.len());
                prop_assert_eq!(pool.lent() as usize, lent.len());
                prop_assert_eq!(pool.connecting() as usize, connecting.len());
                prop_assert_eq!(pool.open(), pool.lent() + pool.idle() + pool.connecting());
                if pool.queued() > 0 && !ended {
                    prop_assert!(pool.idle() == 0 && pool.open() == max, "somebody waits for nothing");
                }
                prop_assert!(pool.next_deadline() > at, "something due was left undone");
                if last {
                    break;
                }
            }
        }
    }
}

// Lost if broken: after a restart of the database a pool lends connections that are dead, or none ever again.
#[test]
fn a_cut_takes_every_connection_and_those_in_line_ask_anew() {
    let config = ConnectionsConfig {
        max: 3,
        min: 0,
        idle_timeout: SimSpan::FOREVER,
        timeout: SimSpan::FOREVER,
        waiters: u32::MAX,
        max_uses: u32::MAX,
        max_lifetime: SimSpan::FOREVER,
        drop_on_error: true,
        recheck_min: true,
    };
    let now = SimTime::ZERO;
    let mut pool = Connections::new(config);
    let mut opened = Vec::new();
    for ticket in ['a', 'b', 'c', 'd'] {
        pool.acquire(now, ticket);
    }
    while let Some(output) = pool.poll() {
        if let ConnectionsOutput::Open { connection } = output {
            opened.push(connection);
        }
    }
    assert_eq!(opened.len(), 3);
    // `a` and `b` have theirs, `c` waits for its own, `d` is in line; `a` is done, and its goes to `d`, who is done too.
    pool.opened(now, opened[0]);
    pool.opened(now, opened[1]);
    pool.release(now, opened[0], true);
    pool.release(now, opened[0], true);
    while pool.poll().is_some() {}
    assert_eq!((pool.idle(), pool.lent(), pool.connecting()), (1, 1, 1));
    assert!(!pool.is_lost(opened[1]));
    assert_eq!(pool.cut(now), 1);
    let refused = pool.poll();
    assert!(
        matches!(
            refused,
            Some(ConnectionsOutput::Refuse {
                ticket: 'c',
                cause: Cause::DatabaseUnavailable,
                ..
            })
        ),
        "{refused:?}"
    );
    assert!(pool.is_lost(opened[1]));
    assert_eq!((pool.idle(), pool.lent(), pool.connecting()), (0, 1, 0));
    pool.release(now, opened[1], true);
    assert_eq!(pool.open(), 0);
    assert_eq!(pool.poll(), None, "there is nothing left to close");
    pool.acquire(now, 'e');
    assert!(matches!(pool.poll(), Some(ConnectionsOutput::Open { .. })));
}
