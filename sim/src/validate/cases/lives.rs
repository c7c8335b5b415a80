//! Instances that come and go: autoscaling, deploys, deaths. Even traffic, so every moment can be reckoned.

use crate::validate::case::{Case, Group};

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Lives, id, shows, source)
}

/// Requests that never end, one a second, on an instance with this memory.
fn hung(memory: &str, steps: &str) -> String {
    format!(
        "duration = \"450500ms\"\ndrain = \"0s\"\n\n[load]\nevery = \"1s\"\n\n\
         [system.service.web]\nruntime = \"node\"\nboot = \"10s\"\nmemory = {memory}\n\n\
         [system.endpoint.page]\nsteps = [ {steps} ]\n"
    )
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "scaling",
            "an autoscaler that overshoots while instances boot, and goes back after a minute below",
            "docs.render.com/scaling: ceil(n × mean / target). 0.8 of a core and a target of 0.5 want 2 at 10 s; those who \
             boot count and do not share the load: 4 at 20 s, 7 at 30 s. Up at 40 s, they read 0.4 and less: below from then \
             on, down to 2 a minute later",
        )
        .file(
            "duration = \"150s\"\n\n[load]\nevery = \"100ms\"\n\n\
             [system.service.web]\nruntime = \"node\"\ncores = 1.0\nboot = \"30s\"\n\n\
             [system.service.web.scaling]\non = true\nmin = 1\nmax = 10\ncpu = 0.5\nevery = \"10s\"\nwindow = \"10s\"\n\
             down = \"60s\"\n\n[system.endpoint.page]\nsteps = [ { cpu = \"80ms\" } ]\n",
        )
        .logged("1 -> 2 instances", 0, 10.0)
        .logged("2 -> 4 instances", 0, 20.0)
        .logged("4 -> 7 instances", 0, 30.0)
        .logged("7 -> 2 instances", 0, 100.0)
        .exact("resources.web.boots", 6.0),
        case(
            "scaling-window",
            "a reading over a minute: the load has to be there for a while",
            "docs.render.com/scaling: ceil(n × mean / target); four readings of 0, 0, 0.8, 0.8 have the mean 0.4",
        )
        .file(
            "duration = \"80s\"\n\n[load]\nphase = [ { duration = \"30s\", rate = 0.0 }, { duration = \"50s\", rate = 10.0 } ]\n\
             spacing = \"even\"\n\n\
             [system.service.web]\nruntime = \"node\"\ncores = 1.0\nboot = \"100s\"\n\n\
             [system.service.web.scaling]\non = true\nmin = 1\nmax = 2\ncpu = 0.39\nevery = \"15s\"\nwindow = \"60s\"\n\n\
             [system.endpoint.page]\nsteps = [ { cpu = \"80ms\" } ]\n",
        )
        .logged("1 -> 2 instances", 0, 60.0),
        case(
            "deploy",
            "two generations side by side: paid for from the boot to the end of the overlap",
            "arithmetic: 10 s to boot and 60 s of overlap beside 150 s of one instance",
        )
        .file(
            "duration = \"150s\"\n\n[load]\nevery = \"1s\"\n\n[[event]]\nat = \"30s\"\naction.deploy = \"web\"\n\n\
             [system.service.web]\nruntime = \"node\"\nboot = \"10s\"\ndeploy = { overlap = \"60s\", shutdown = \"30s\" }\n\n\
             [system.endpoint.page]\nsteps = [ { cpu = \"1ms\" } ]\n",
        )
        .logged("traffic goes to the 1 new", 0, 40.0)
        .exact("resources.web.instance_seconds", 220.0)
        .exact("requests.failed", 0.0),
        case(
            "out-of-memory",
            "an instance dies of the request that takes it over its limit, and of no other",
            "arithmetic: 100 MB and n of 1 MB are over 512 MB first at n = 413; ten seconds to boot",
        )
        .file(hung(
            r#"{ limit = "512 MB", heap = "1 GB", base = "100 MB", request = "1 MB" }"#,
            "{ io = \"10h\" }",
        ))
        .logged("over its memory limit", 0, 413.0)
        .logged("an instance is ready", 0, 423.0)
        .exact("resources.web.deaths.out_of_memory", 1.0)
        .exact("resources.web.deaths.heap", 0.0)
        .exact("errors.by_cause.no_instance", 9.0),
        case(
            "heap",
            "a heap of half of the limit is full first",
            "arithmetic: half of the base and n of 1 MB are over 256 MB first at n = 207, and again after the boot",
        )
        .file(hung(
            r#"{ limit = "512 MB", base = "100 MB", request = "1 MB" }"#,
            "{ io = \"10h\" }",
        ))
        .logged("heap full", 0, 207.0)
        .exact("resources.web.deaths.heap", 2.0)
        .exact("errors.by_cause.out_of_memory", 414.0),
        case(
            "uploads",
            "uploads of 10 MB stand beside the heap and count to the limit",
            "arithmetic: 100 MB and n of 11 MB are over 512 MB first at n = 38",
        )
        .file(hung(
            r#"{ limit = "512 MB", base = "100 MB", request = "1 MB" }"#,
            "{ hold = \"10 MB\" }, { io = \"10h\" }",
        ))
        .logged("over its memory limit", 0, 38.0),
    ]
}
