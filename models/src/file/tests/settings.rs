//! Settings by path: where they lead, and that the blame for them falls on the flag or the entry that makes them.

use super::{COACHING, check_with, load};
use crate::SimSpan;
use crate::file::step::Step;
use crate::file::{Plan, Ramp, Request, load_system};

const BASE: &str = r#"
system = "coaching"
duration = "10m"
load = { rate = 1, client = "browser" }
"#;

fn plan(settings: &[&str]) -> Plan {
    let loaded = load(BASE, settings, &[]);
    assert_eq!(loaded.diagnostics, []);
    loaded.plan.unwrap()
}

/// Without it, a study changes something else than it says.
#[test]
fn a_path_reaches_every_part_of_both_files() {
    let changed = plan(&[
        "pool.connections.max=30",
        "postgres.max_connections = 100",
        "web.scaling.on=true",
        "web.plan=pro",
        "web.before.0.cpu=2ms",
        r#"endpoint."aiChat.sendMessage".feature = "talk""#,
        r#"openai.model."gpt-4".price_in=3"#,
        "openai.use.chat=gpt-3.5-turbo",
        "degradation.level.2.above.cpu=0.6",
        "chat.rule.fixed_window.limit=20",
        "queue.ai.timeout={ dist = \"exponential\", mean = \"3s\" }",
        "system.redis.rtt=3ms",
        "load.rate={ from = 1, to = 5 }",
        "measure.from=10s",
        "seed=7",
        "duration=20m",
    ]);
    let system = &changed.system;
    assert_eq!(system.pool.get("connections").unwrap().max, 30);
    assert_eq!(system.database.get("postgres").unwrap().max_connections, Some(100));
    let web = system.service.get("web").unwrap();
    assert!(web.scaling.on);
    assert_eq!(web.plan.as_ref().unwrap().text, "pro");
    assert!(matches!(&web.before[0], Step::Cpu(work) if work.mean() == Some(0.002)));
    assert_eq!(
        system
            .endpoint
            .get("aiChat.sendMessage")
            .unwrap()
            .feature
            .as_ref()
            .unwrap()
            .text,
        "talk"
    );
    let openai = system.provider.get("openai").unwrap();
    assert_eq!(openai.model.get("gpt-4").unwrap().price_in.unwrap().dollars(), 3.0);
    assert_eq!(openai.r#use.get("chat").unwrap().text, "gpt-3.5-turbo");
    assert_eq!(system.degradation.as_ref().unwrap().level[2].above.cpu, Some(0.6));
    assert_eq!(
        system.queue.get("ai").unwrap().timeout.as_ref().unwrap().mean(),
        Some(3.0)
    );
    assert_eq!(system.cache.get("redis").unwrap().rtt.mean(), Some(0.003));
    let scenario = &changed.scenario;
    assert_eq!(
        scenario.load.as_ref().unwrap().rate,
        Some(Ramp {
            from: 1.0,
            to: 5.0,
            steps: None
        })
    );
    assert_eq!(scenario.seed, 7);
    assert_eq!(scenario.duration, Some(SimSpan::from_secs(1200)));
}

/// Without it, which of two flags holds depends on chance, or a flag loses to the file.
#[test]
fn a_flag_wins_over_set_and_a_later_flag_over_an_earlier_one() {
    let text = format!("{BASE}[set]\n\"web.instances\" = 2\nweb.processes = 3\n");
    let instances = |settings: &[&str]| {
        let plan = load(&text, settings, &[]).plan.unwrap();
        let web = plan.system.service.get("web").unwrap();
        (web.instances, web.processes)
    };
    assert_eq!(instances(&[]), (2, 3));
    assert_eq!(instances(&["web.instances=4"]), (4, 3));
    assert_eq!(instances(&["web.instances=4", "service.web.instances=5"]), (5, 3));
}

/// Without it, a slip in a flag is a run of the system as it was.
#[test]
fn a_flag_that_is_wrong_is_marked_in_the_flag() {
    check_with(
        BASE,
        &[
            "connections.max=0",
            "connections.mx=3",
            "conections.max=3",
            "load.rate=oops",
            "connections",
            "pool.connection.max=3",
            "web.before.4.cpu=3s",
            "connections.max.x=3",
            "connections.timeout={ dist = 3",
            "\"a=3",
            "a..b=3",
            "load.rate=",
            "set.x=3",
        ],
        &[],
        r#"
        error[file::out-of-range]: `pool.connections.max` must be at least 1
         --> --set:1:17
          |
        1 | connections.max=0
          |                 ^ this is 0

        error[file::unknown-key]: `pool.connections` has no key `mx`
         --> --set:1:13
          |
        1 | connections.mx=3
          |             ^^ unknown key
          |
          = help: did you mean `max`?

        error[set::unknown-path]: there is no setting `conections.max`
         --> --set:1:1
          |
        1 | conections.max=3
          | ^^^^^^^^^^ neither a resource nor a key of the system or scenario
          |
          = help: did you mean `connections.max`?

        error[file::wrong-type]: `load.rate` must be a rate
         --> --set:1:11
          |
        1 | load.rate=oops
          |           ^^^^ this does not begin with a number
          |
          = help: units are `/s`, `/min`, `/h` and `/d`, as in "9000/min" (50.0 is a second)

        error[set::bad-flag]: a setting is written `path=value`
         --> --set:1:1
          |
        1 | connections
          | ^^^^^^^^^^^ there is no `=`
          |
          = help: as in `--set pool.max=30`

        error[set::unknown-path]: there is no pool `connection`
         --> --set:1:6
          |
        1 | pool.connection.max=3
          |      ^^^^^^^^^^ unknown name
          |
          = help: did you mean `connections`?

        error[set::unknown-path]: `service.web.before` has no item 4
         --> --set:1:12
          |
        1 | web.before.4.cpu=3s
          |            ^ items go from 0 to 1

        error[set::unknown-path]: `pool.connections.max` has no keys: it is a whole number
         --> --set:1:17
          |
        1 | connections.max.x=3
          |                 ^ leads nowhere
          |
         ::: --set:1:17
          |
        1 | connections.max=0
          |                 ^ given here
          |
          = help: set `pool.connections.max` as a whole

        error[file::syntax]: unclosed inline table, expected `}`
         --> --set:1:31
          |
        1 | connections.timeout={ dist = 3
          |                               ^

        error[set::bad-flag]: a setting is written `path=value`
         --> --set:1:1
          |
        1 | "a=3
          | ^^^^ there is no `=`
          |
          = help: as in `--set pool.max=30`

        error[set::bad-path]: the path of a setting cannot be read
         --> --set:1:3
          |
        1 | a..b=3
          |   ^^ a part of the path is empty

        error[set::bad-flag]: a setting needs a value
         --> --set:1:10
          |
        1 | load.rate=
          |          ^ nothing follows

        error[set::unknown-path]: `set` cannot be set: give the path itself
         --> --set:1:1
          |
        1 | set.x=3
          | ^^^^^
        "#,
    );
}

/// Without it, a setting of a file is blamed on a line of another file.
#[test]
fn an_entry_of_set_or_of_an_event_is_marked_where_it_stands() {
    check_with(
        r#"
        system = "coaching"
        duration = "10m"
        load = { rate = 1 }
        [set]
        "web.plan" = 3
        "openai.use.chta" = "gpt-4"
        "wbe.instances" = 3
        web.scaling.min = 11
        "#,
        &[],
        &[],
        r#"
        error[file::wrong-type]: `service.web.plan` must be a name
         --> dir/a.toml:5:14
          |
        5 | "web.plan" = 3
          |              ^ this is a whole number
          |
          = help: names are quoted

        error[set::unknown-path]: `provider.openai.use` has no `chta`
         --> dir/a.toml:6:1
          |
        6 | "openai.use.chta" = "gpt-4"
          | ^^^^^^^^^^^^^^^^^ unknown name
          |
          = help: did you mean `chat`?

        error[set::unknown-path]: there is no setting `wbe.instances`
         --> dir/a.toml:7:1
          |
        7 | "wbe.instances" = 3
          | ^^^^^^^^^^^^^^^ neither a resource nor a key of the system
          |
          = help: did you mean `web.instances`?

        error[file::range-inverted]: `service.web.scaling`: `min` is above `max`
          --> dir/a.toml:8:19
           |
         8 | web.scaling.min = 11
           |                   ^^ at least 11
           |
          ::: coaching:53:10
           |
        53 | max    = 10
           |          ^^ at most 10
        "#,
    );
    check_with(
        r#"
        system = "coaching"
        duration = "10m"
        load = { rate = 1 }
        [[event]]
        at = "1s"
        action = { set = { "openai.use.chat" = "gpt-3.5-turbo", "web.scaling.min" = 40 } }
        [[event]]
        at = "1s"
        action = { reset = "web.plam" }
        [[event]]
        at = "1s"
        action = { reset = "web.plan" }
        [[event]]
        at = "1s"
        action = { set = { "load.rate" = 2, "web.instances" = 0 } }
        "#,
        &[],
        &[],
        r#"
        error[file::range-inverted]: `service.web.scaling`: `min` is above `max`
          --> dir/a.toml:6:77
           |
         6 | action = { set = { "openai.use.chat" = "gpt-3.5-turbo", "web.scaling.min" = 40 } }
           |                                                                             ^^ at least 40
           |
          ::: coaching:53:10
           |
        53 | max    = 10
           |          ^^ at most 10

        error[file::unknown-key]: `service.web` has no key `plam`
         --> dir/a.toml:9:20
          |
        9 | action = { reset = "web.plam" }
          |                    ^^^^^^^^^^ unknown key
          |
          = help: did you mean `plan`?

        error[file::out-of-range]: `service.web.instances` must be at least 1
          --> dir/a.toml:15:55
           |
        15 | action = { set = { "load.rate" = 2, "web.instances" = 0 } }
           |                                                       ^ this is 0
        "#,
    );
}

/// Without it, the simulator puts a level's settings in force by rules of its own.
#[test]
fn settings_that_take_hold_later_give_a_checked_system() {
    let plan = plan(&[]);
    let settings = plan.later_settings();
    assert_eq!(settings.entries.len(), 1);
    let (_, system) = plan.with_settings(&settings.entries).unwrap();
    let model = |system: &crate::file::System| {
        system
            .provider
            .get("openai")
            .unwrap()
            .r#use
            .get("chat")
            .unwrap()
            .text
            .clone()
    };
    assert_eq!(model(&plan.system), "gpt-4");
    assert_eq!(model(&system), "gpt-3.5-turbo");
}

/// Without it, a system alone cannot be reviewed with a setting changed.
#[test]
fn a_system_alone_takes_settings_too() {
    let settings = ["connections.max=30".to_owned()];
    let loaded = load_system(
        Request::new("coaching.toml", COACHING).with_settings(&settings),
        &super::Given(&[]),
    );
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.system.unwrap().pool.get("connections").unwrap().max, 30);
    let settings = ["load.rate=30".to_owned()];
    let loaded = load_system(
        Request::new("coaching.toml", COACHING).with_settings(&settings),
        &super::Given(&[]),
    );
    assert_eq!(loaded.diagnostics[0].id, "set::unknown-path");
}
