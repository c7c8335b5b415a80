//! Rules of the cache, row by row, and what holds against a reference that keeps everything.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::machine::table::{check, shown, span};

const PLAIN: TtlCacheConfig = TtlCacheConfig {
    rules: EntryRules {
        renew_on_hit: false,
        single_flight: false,
        rewrite: Rewrite::Restarts,
        size: 1,
    },
    memory: None,
};

const SINGLE_FLIGHT: TtlCacheConfig = TtlCacheConfig {
    rules: EntryRules {
        single_flight: true,
        ..PLAIN.rules
    },
    ..PLAIN
};

/// Runs a table. Inputs: `get KEY NAME`, `set KEY LIFE`, `fail KEY`, `leave NAME`, `forget`, `wait`, `live`, `bytes`, `due`
/// (shows when the next entry dies), `books` (shows hits, misses, joined, fetches, duplicates, evicted).
fn check_cache(config: TtlCacheConfig, table: &str) {
    let mut cache: TtlCache<char, char> = TtlCache::new(config);
    let mut places = BTreeMap::new();
    check(table, |now, words| {
        let letter = |place: usize| words[place].chars().next().expect("a letter");
        let mut came = Vec::new();
        match words[0] {
            "get" => match cache.lookup(now, letter(1), letter(2)) {
                Lookup::Hit => came.push("hit".to_owned()),
                Lookup::Miss => came.push("miss".to_owned()),
                Lookup::Join(place) => {
                    places.insert(letter(2), place);
                    came.push("joins".to_owned());
                }
            },
            "set" if words[2] == "forever" => cache.store(now, letter(1), SimTime::NEVER),
            "set" => cache.store(now, letter(1), now + span(words[2])),
            "fail" => cache.failed(now, letter(1)),
            "leave" => assert!(cache.cancel(places[&letter(1)]), "{} was not parked", letter(1)),
            "forget" => cache.forget(),
            "wait" => cache.advance(now),
            "live" => return cache.live_keys().to_string(),
            "bytes" => return cache.bytes().to_string(),
            "due" => return shown(cache.next_deadline().since(SimTime::ZERO)),
            "books" => {
                return format!(
                    "{} {} {} {} {} {}",
                    cache.hits(),
                    cache.misses(),
                    cache.joined(),
                    cache.fetches(),
                    cache.duplicates(),
                    cache.evicted()
                );
            }
            other => panic!("no such input: {other}"),
        }
        while let Some(woken) = cache.poll() {
            let what = if woken.hit { "has it" } else { "fetches" };
            came.push(format!("{} {what}", woken.ticket));
        }
        came.join(", ")
    });
}

/// A second more or less of life is a whole fetch more or less for each popular key.
#[test]
fn an_entry_lives_from_the_end_of_its_fetch_and_is_dead_at_the_very_end_of_its_life() {
    check_cache(
        PLAIN,
        "
        0s       get k a    | miss
        3s       set k 10s  |
        3s       due        | 13s
        12999ms  get k b    | hit
        12999ms  live       | 1
        13s      get k c    | miss
        13s      live       | 0
        14s      set k forever |
        9h       get k d    | hit
        9h       due        | never
        9h       books      | 2 2 0 2 0 0
        ",
    );
}

/// The stampede on a popular key is what the plan's own cache code allows.
#[test]
fn without_single_flight_everybody_fetches_while_a_fetch_is_under_way() {
    check_cache(
        PLAIN,
        "
        0ms   get k a     | miss
        1ms   get k b     | miss
        2ms   get k c     | miss
        5ms   set k 10ms  |
        6ms   set k 10ms  |                 // b's: the life begins anew
        6ms   due         | 16ms
        7ms   get k d     | hit
        8ms   fail k      |                 // c's fetch fails: the entry is as it was
        9ms   get k e     | hit
        9ms   books       | 2 3 0 3 2 0
        16ms  get k f     | miss
        16ms  books       | 2 4 0 4 2 0     // no other fetch was under way
        ",
    );
}

/// With single flight the database sees one fetch, and nobody may be left parked.
#[test]
fn with_single_flight_one_fetches_and_the_rest_wait_for_it() {
    check_cache(
        SINGLE_FLIGHT,
        "
        0ms   get k a     | miss
        1ms   get k b     | joins
        2ms   get k c     | joins
        2ms   get l d     | miss            // another key is another flight
        5ms   set k 10ms  | b has it, c has it
        6ms   get k e     | hit
        6ms   books       | 1 2 2 2 0 0
        ",
    );
}

/// A failed fetch must neither strand those parked nor let all of them loose at once.
#[test]
fn when_a_fetch_fails_the_first_of_those_parked_fetches_in_its_place() {
    check_cache(
        SINGLE_FLIGHT,
        "
        0ms   get k a     | miss
        1ms   get k b     | joins
        1ms   get k c     | joins
        1ms   get k d     | joins
        2ms   leave b     |
        5ms   fail k      | c fetches
        6ms   get k e     | joins
        7ms   fail k      | d fetches
        9ms   set k 10ms  | e has it
        9ms   books       | 0 1 4 3 0 0
        9ms   fail z      |                 // nobody fetches z
        ",
    );
}

/// Two kinds of look-up of one key: those parked wait for the last fetch, not for the first that fails.
#[test]
fn those_parked_stay_while_another_fetch_is_under_way() {
    let mut cache: TtlCache<u8, char> = TtlCache::new(SINGLE_FLIGHT);
    let at = SimTime::from_nanos;
    assert_eq!(cache.lookup(at(0), 1, 'a'), Lookup::Miss);
    assert_eq!(cache.lookup_as(at(1), 1, 'b', &PLAIN.rules), Lookup::Miss);
    assert!(matches!(cache.lookup(at(2), 1, 'c'), Lookup::Join(_)));
    cache.failed(at(3), 1);
    assert_eq!(cache.poll(), None, "the other fetch may still bring it");
    cache.failed(at(4), 1);
    assert_eq!(
        cache.poll(),
        Some(Woken {
            ticket: 'c',
            hit: false
        })
    );
}

/// Rules that each change how often a key is fetched.
#[test]
fn a_hit_renews_and_a_second_store_restarts_a_life_only_if_the_rules_say_so() {
    check_cache(
        TtlCacheConfig {
            rules: EntryRules {
                renew_on_hit: true,
                ..PLAIN.rules
            },
            ..PLAIN
        },
        "
        0s    set k 10s   |
        9s    get k a     | hit
        18s   get k b     | hit
        28s   get k c     | miss
        ",
    );
    check_cache(
        TtlCacheConfig {
            rules: EntryRules {
                rewrite: Rewrite::Ignored,
                ..PLAIN.rules
            },
            ..PLAIN
        },
        "
        0s    set k 10s   |
        9s    set k 10s   |
        10s   get k a     | miss
        10s   set k 10s   |
        11s   get k b     | hit
        ",
    );
    check_cache(
        PLAIN,
        "
        0s    set k 10s   |
        1s    set k 0s    |                 // a life of nothing ends the entry
        1s    get k a     | miss
        ",
    );
}

/// A full cache server loses what nobody asks for, not what everybody asks for.
#[test]
fn the_least_recently_used_entry_makes_room() {
    let three = TtlCacheConfig {
        memory: Some(3),
        ..PLAIN
    };
    check_cache(
        three,
        "
        0s    set a 60s   |
        1s    set b 60s   |
        2s    set c 2s    |
        3s    get a x     | hit
        4s    set d 60s   |                 // c has died: there was room
        4s    live        | 3
        5s    set e 60s   |                 // b has to go
        5s    get b x     | miss
        5s    get a x     | hit
        5s    bytes       | 3
        5s    books       | 2 1 0 1 0 1
        ",
    );
    check_cache(
        TtlCacheConfig {
            rules: EntryRules { size: 4, ..PLAIN.rules },
            ..three
        },
        "
        0s    set a 60s   |                 // larger than the memory: not kept
        0s    live        | 0
        0s    bytes       | 0
        ",
    );
}

/// Emptying a cache is a fault that scenarios inject; fetches under way outlive it.
#[test]
fn forgetting_drops_the_entries_and_leaves_the_fetches() {
    check_cache(
        SINGLE_FLIGHT,
        "
        0s    set k 60s   |
        1s    get l a     | miss
        1s    get l b     | joins
        2s    forget      |
        2s    due         | never
        2s    get k c     | miss
        3s    set l 60s   | b has it
        3s    get l d     | hit
        3s    live        | 1
        ",
    );
}

/// A cache may start warm, and kinds of keys with rules of their own share its memory.
#[test]
fn warm_entries_are_there_and_each_kind_keeps_its_own_rules() {
    let mut cache: TtlCache<u8, ()> = TtlCache::new(TtlCacheConfig {
        memory: Some(10),
        ..PLAIN
    });
    let large = EntryRules { size: 8, ..PLAIN.rules };
    cache.warm(1, SimTime::from_nanos(100));
    cache.warm_as(2, SimTime::NEVER, &large);
    assert_eq!((cache.live_keys(), cache.bytes()), (2, 9));
    assert_eq!(cache.lookup(SimTime::from_nanos(99), 1, ()), Lookup::Hit);
    assert_eq!(cache.lookup(SimTime::from_nanos(100), 1, ()), Lookup::Miss);
    cache.store_as(SimTime::from_nanos(101), 3, SimTime::NEVER, &large);
    assert_eq!(
        cache.lookup(SimTime::from_nanos(102), 2, ()),
        Lookup::Miss,
        "the other large one made room"
    );
    assert_eq!(cache.evicted(), 1);
}

/// A run of a year must not keep every key that ever was.
#[test]
fn memory_is_bounded_by_the_keys_that_live() {
    let mut cache: TtlCache<u64, ()> = TtlCache::new(PLAIN);
    for key in 0..50_000u64 {
        let now = SimTime::from_nanos(key * 1_000);
        assert_eq!(cache.lookup(now, key, ()), Lookup::Miss);
        // Lives of different lengths, in no order.
        cache.store(now, key, now + SimSpan::from_nanos(1 + (key * 7_919) % 100_000));
        assert!(cache.keys_held() <= 100, "{} keys held", cache.keys_held());
    }
}

proptest! {
    /// Every look-up is that of a reference which keeps all keys; everybody parked is woken once, or left; memory holds.
    #[test]
    fn answers_are_those_of_a_reference(
        single_flight in any::<bool>(),
        renew_on_hit in any::<bool>(),
        ignored in any::<bool>(),
        memory in prop::option::of(1u64..6),
        inputs in prop::collection::vec((0u8..8, 0u64..20, 0usize..8, 1u64..120), 1..300),
    ) {
        let rewrite = if ignored { Rewrite::Ignored } else { Rewrite::Restarts };
        let rules = EntryRules { renew_on_hit, single_flight, rewrite, size: 1 };
        let mut cache: TtlCache<usize, u32> = TtlCache::new(TtlCacheConfig { rules, memory });
        // End and length of life, last use; fetches; parked in order.
        let mut lives: [Option<(u64, u64, usize)>; 8] = [None; 8];
        let mut fetches = [0u32; 8];
        let mut parked: Vec<(usize, u32, CachePlace)> = Vec::new();
        let mut now = 0;
        for (turn, (what, later, key, life)) in inputs.into_iter().enumerate() {
            now += later;
            let time = SimTime::from_nanos(now);
            for entry in &mut lives {
                *entry = entry.filter(|&(end, ..)| now < end);
            }
            match what {
                0..=3 => {
                    let wanted = match (&mut lives[key], fetches[key]) {
                        (Some(entry), _) => {
                            if renew_on_hit {
                                entry.0 = now + entry.1;
                            }
                            entry.2 = turn;
                            "hit"
                        }
                        (None, 1..) if single_flight => "join",
                        _ => {
                            fetches[key] += 1;
                            "miss"
                        }
                    };
                    let came = match cache.lookup(time, key, turn as u32) {
                        Lookup::Hit => "hit",
                        Lookup::Miss => "miss",
                        Lookup::Join(place) => {
                            parked.push((key, turn as u32, place));
                            "join"
                        }
                    };
                    prop_assert_eq!(came, wanted);
                }
                4 | 5 => {
                    fetches[key] = fetches[key].saturating_sub(1);
                    if lives[key].is_none() || !ignored {
                        lives[key] = Some((now + life, life, turn));
                    }
                    cache.store(time, key, SimTime::from_nanos(now + life));
                    let room = memory.unwrap_or(u64::MAX) as usize;
                    while lives.iter().flatten().count() > room {
                        let oldest = lives.iter().flatten().map(|entry| entry.2).min();
                        for entry in &mut lives {
                            *entry = entry.filter(|entry| Some(entry.2) != oldest);
                        }
                    }
                    for place in parked.extract_if(.., |waiter| waiter.0 == key) {
                        prop_assert_eq!(cache.poll(), Some(Woken { ticket: place.1, hit: true }));
                    }
                }
                6 => {
                    fetches[key] = fetches[key].saturating_sub(1);
                    cache.failed(time, key);
                    if fetches[key] == 0 && let Some(first) = parked.iter().position(|waiter| waiter.0 == key) {
                        fetches[key] = 1;
                        let ticket = parked.remove(first).1;
                        prop_assert_eq!(cache.poll(), Some(Woken { ticket, hit: false }));
                    }
                }
                _ if parked.is_empty() => cache.advance(time),
                _ => {
                    let (_, _, place) = parked.swap_remove(life as usize % parked.len());
                    parked.sort_by_key(|waiter| waiter.1);
                    prop_assert!(cache.cancel(place));
                    prop_assert!(!cache.cancel(place));
                    cache.advance(time);
                }
            }
            prop_assert_eq!(cache.poll(), None);
            prop_assert_eq!(cache.live_keys() as usize, lives.iter().flatten().count());
            prop_assert_eq!(cache.parked() as usize, parked.len());
            let held = (0..8).filter(|&key| lives[key].is_some() || fetches[key] > 0).count();
            prop_assert_eq!(cache.keys_held(), held);
        }
        prop_assert_eq!(cache.fetches() >= cache.misses(), true);
    }
}

/// A driver that throws away the values of entries that are gone must not keep or lose one too many, nor count as a reader.
#[test]
fn whether_an_entry_is_live_is_told_without_using_it() {
    let mut cache: TtlCache<char, ()> = TtlCache::new(PLAIN);
    let second = |number| SimTime::ZERO + SimSpan::from_secs(number);
    assert!(!cache.is_live('a'));
    cache.lookup(second(0), 'a', ());
    assert!(!cache.is_live('a'), "it is being fetched");
    cache.store(second(1), 'a', second(3));
    assert!(cache.is_live('a'));
    cache.advance(second(3));
    assert!(!cache.is_live('a'));
    assert_eq!((cache.hits(), cache.misses()), (0, 1));
}
