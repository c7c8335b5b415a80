//! Keys that expire, fetches that pile up, entries that are thrown out.

use crate::validate::case::{Case, Group};
use crate::validate::theory::cache;

const RENEWAL: &str =
    "Jung, Berger and Balakrishnan, INFOCOM 2003; Zipf's shares, each key a Poisson stream of its own";
const CYCLES: &str = "renewal argument: one cycle from a miss at an empty cache to the next (Ross, Stochastic Processes, 1996, \
                      section 3.4)";

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Caches, id, shows, source)
}

fn looked_up(entry: &str, fetch: &str) -> String {
    format!(
        "[system.cache.redis.entry.item]\n{entry}\n\n[system.endpoint.look]\n\
         steps = [ {{ cache = {{ entry = \"item\", miss = [ {{ io = \"{fetch}\" }} ] }} }} ]\n"
    )
}

const KEYS: &str = "keys = 50\npopularity = { zipf = 1.0 }\n";

pub(super) fn cases() -> Vec<Case> {
    let (rate, shares) = (20.0, cache::zipf_shares(50, 1.0));
    let renewed: f64 = shares
        .iter()
        .map(|share| share * cache::hit_ratio_renewed(rate * share, 2.0))
        .sum();
    let pile = |restarts| cache::of_keys(rate, &shares, |rate| cache::dog_pile(rate, 4.0, 1.0, restarts));
    let (once, anew) = (pile(false), pile(true));
    let flight = cache::of_keys(rate, &shares, |rate| cache::single_flight(rate, 4.0, 1.0));
    let few = cache::zipf_shares(6, 1.0);
    vec![
        case(
            "ttl",
            "fifty keys of unequal popularity, each for four seconds",
            RENEWAL,
        )
        .steady("rate = 20.0", 3000, &looked_up(&format!("{KEYS}ttl = \"4s\""), "0s"))
        .mean(
            "cache.redis.hit_ratio",
            cache::hit_ratio_of_keys(rate, &shares, 4.0),
            0.01,
        ),
        case(
            "ttl-renewed",
            "keys that live on while they are asked for",
            "the share of gaps shorter than the life (Jung, Berger and Balakrishnan 2003)",
        )
        .steady(
            "rate = 20.0",
            3000,
            &looked_up(&format!("{KEYS}ttl = \"2s\"\nrenew_on_hit = true"), "0s"),
        )
        .mean("cache.redis.hit_ratio", renewed, 0.01),
        case(
            "dog-pile",
            "a fetch takes a second, and everybody who misses meanwhile fetches too",
            CYCLES,
        )
        .steady("rate = 20.0", 3000, &looked_up(&format!("{KEYS}ttl = \"4s\""), "1s"))
        .mean("cache.redis.hit_ratio", anew.hits, 0.01)
        .mean("latency.mean", anew.time_mean, 0.02),
        case(
            "dog-pile-first-store",
            "the same pile where only the first store counts: keys die earlier",
            CYCLES,
        )
        .steady(
            "rate = 20.0",
            3000,
            &looked_up(&format!("{KEYS}ttl = \"4s\"\nrewrite = \"ignored\""), "1s"),
        )
        .mean("cache.redis.hit_ratio", once.hits, 0.01)
        .mean("latency.mean", once.time_mean, 0.02),
        case(
            "single-flight",
            "one fetches and the others wait for it: as many hits, and half of the wait",
            CYCLES,
        )
        .steady(
            "rate = 20.0",
            3000,
            &looked_up(&format!("{KEYS}ttl = \"4s\"\nsingle_flight = true"), "1s"),
        )
        .mean("cache.redis.hit_ratio", flight.hits, 0.01)
        .mean("latency.mean", flight.time_mean, 0.02)
        .exact("resources.redis.duplicates", 0.0),
        case(
            "least-recently-used",
            "room for three of six keys",
            "King (1972); the keys looked up last are a draw without replacement",
        )
        .steady(
            "rate = 20.0",
            3000,
            "[system.cache.redis]\nmemory = \"3 KB\"\n\n[system.cache.redis.entry.item]\nkeys = 6\n\
             popularity = { zipf = 1.0 }\nttl = \"forever\"\nsize = \"1 KB\"\n\n[system.endpoint.look]\n\
             steps = [ { cache = { entry = \"item\", miss = [ { io = \"0s\" } ] } } ]\n",
        )
        .mean("cache.redis.hit_ratio", cache::least_recently_used(&few, 3), 0.01),
        case(
            "ttl-ends",
            "a key is dead at the age of its life, not after it",
            "arithmetic: stored at 1 s for 4 s; hits at 2 s and just before 5 s, a miss at 5 s",
        )
        .file(format!(
            "duration = \"20s\"\n\n[load]\nat = [ \"0s\", \"2s\", \"4999ms\", \"5s\", \"7s\" ]\n\n{}",
            looked_up("ttl = \"4s\"", "1s")
        ))
        .exact("resources.redis.hits", 3.0)
        .exact("resources.redis.misses", 2.0)
        .latency(3, 1.0),
    ]
}
