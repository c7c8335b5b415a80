//! Degradation and protections in small systems where the right answer is known by hand.

use highwater_models::bundled;
use highwater_sim::experiment::{Options, Outcome};
use highwater_tests::run::{bundled_plan, load, plan, run_with};

/// Runs a scenario, one replication.
fn once(text: &str) -> Outcome {
    let options = Options {
        replications: Some(1),
        jobs: 1,
        ..Options::default()
    };
    run_with(&plan(text), &options)
}

/// A figure by its path.
#[track_caller]
fn figure(outcome: &Outcome, path: &str) -> f64 {
    let names: Vec<&str> = path.split('/').collect();
    outcome
        .summary
        .figures
        .get(&names)
        .unwrap_or_else(|| panic!("no figure `{path}`"))
        .estimate
        .value
}

/// Failed requests of a cause.
fn failed(outcome: &Outcome, cause: &str) -> f64 {
    let count = outcome.summary.figures.value(&["errors", "by_cause", cause]);
    // A cause that never came is not there.
    if count.is_nan() { 0.0 } else { count }
}

#[track_caller]
fn check_close(what: &str, found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        "{what}: {found}, expected {expected}"
    );
}

// ---- degradation ----------------------------------------------------------------------------------------------------

/// One request a second, and a ladder that looks every 10.5 s.
fn ladder(level: &str, steps: &str) -> String {
    format!(
        "duration = \"100s\"\nload = {{ every = \"1s\" }}\n\
         [system.service.web]\nruntime = \"node\"\ncores = 1.0\n\
         [system.provider.ai]\nuse = {{ chat = \"dear\" }}\n\
         [system.provider.ai.model]\ndear = {{ latency = \"500ms\" }}\ncheap = {{ latency = \"100ms\", quality = 0.6 }}\n\
         [system.degradation]\nevery = \"10500ms\"\n\
         [[system.degradation.level]]\nname = \"busy\"\nabove = {{ sockets = 0 }}\n{level}\n\
         [system.endpoint.voice]\nfeature = \"voice\"\nsteps = [ {steps} ]\n"
    )
}

// Lost if broken: a level is in force and nothing is left out.
#[test]
fn what_a_level_switches_off_is_refused_while_it_lasts() {
    let outcome = once(&ladder("off = [ \"voice\" ]", "{ io = \"10ms\" }"));
    // The first ten come before the first look; from then on there is always an idle connection of the last five seconds.
    assert_eq!(figure(&outcome, "requests/useful"), 10.0);
    assert_eq!(
        failed(&outcome, "feature_off"),
        figure(&outcome, "requests/offered") - 10.0
    );
    check_close("share", figure(&outcome, "degradation/share/busy"), 0.895);
    check_close("seconds", figure(&outcome, "degradation/features_off/voice"), 89.5);
    assert_eq!(figure(&outcome, "degradation/changes"), 1.0);
    let kept = once(&ladder("only = [ \"voice\" ]", "{ io = \"10ms\" }"));
    assert_eq!(failed(&kept, "feature_off"), 0.0);
}

// Lost if broken: the cheaper model would cost nothing in quality, or not be asked at all.
#[test]
fn a_level_asks_another_model_and_says_what_that_is_worth() {
    let ask = "{ llm = { model = \"chat\", prompt = 10, answer = 10 } }";
    let outcome = once(&ladder("set = { \"ai.use.chat\" = \"cheap\" }", ask));
    let useful = figure(&outcome, "requests/useful");
    assert_eq!(figure(&outcome, "resources/ai/by_model/dear/attempts"), 10.0);
    assert_eq!(figure(&outcome, "resources/ai/by_model/cheap/attempts"), useful - 10.0);
    check_close(
        "degraded",
        figure(&outcome, "degradation/degraded"),
        1.0 - 10.0 / useful,
    );
    // A quality is kept in single precision.
    let quality = 1.0 - 0.4 * (1.0 - 10.0 / useful);
    assert!((figure(&outcome, "degradation/quality") - quality).abs() < 1e-6);
    check_close("p50", (figure(&outcome, "latency/min") * 1e3).round(), 100.0);
    assert!(
        !outcome
            .summary
            .warnings
            .iter()
            .any(|warning| warning.id == "not-simulated" && warning.text.contains("degradation"))
    );
}

// Lost if broken: the plan as written would degrade where its code never does.
#[test]
fn as_written_the_cpu_never_counts() {
    let text = |reads: &str| {
        format!(
            "duration = \"100s\"\nload = {{ rate = 8.0 }}\n\
             [system.service.web]\nruntime = \"node\"\ncores = 1.0\n\
             [system.degradation]\nreads = \"{reads}\"\n\
             [[system.degradation.level]]\nname = \"hot\"\nabove = {{ cpu = 0.3 }}\n\
             [system.endpoint.job]\nsteps = [ {{ cpu = \"100ms\" }} ]\n"
        )
    };
    assert!(figure(&once(&text("as_meant")), "degradation/share/hot") > 0.8);
    assert_eq!(figure(&once(&text("as_written")), "degradation/share/hot"), 0.0);
}

// Lost if broken: a ladder that goes up and down all day looks like one that works.
#[test]
fn a_ladder_that_flaps_is_said_to_and_hysteresis_calms_it() {
    let text = |calm: &str| {
        format!(
            "duration = \"30m\"\nload = {{ rate = 100.0 }}\n\
             [system.service.web]\nruntime = \"node\"\n\
             [system.degradation]\n{calm}\n\
             [[system.degradation.level]]\nname = \"high\"\nabove = {{ in_hand = 10 }}\n\
             [system.endpoint.job]\nsteps = [ {{ io = {{ dist = \"exponential\", mean = \"100ms\" }} }} ]\n"
        )
    };
    let flaps = |outcome: &Outcome| outcome.summary.warnings.iter().any(|warning| warning.id == "flapping");
    let nervous = once(&text(""));
    // A Poisson number of mean 10 is above 10 in 42 % of looks: 180 of them, half of which differ from the one before.
    assert!(figure(&nervous, "degradation/changes") > 60.0);
    assert!(flaps(&nervous));
    assert!(
        nervous
            .summary
            .log
            .iter()
            .any(|entry| entry.subject == "degradation" && entry.text.contains("normal -> high"))
    );
    // It is left only at or below 2, which a Poisson number of mean 10 is once in 360 looks.
    let calm = once(&text("hysteresis = 0.8"));
    assert!(
        figure(&calm, "degradation/changes") <= 6.0,
        "{}",
        figure(&calm, "degradation/changes")
    );
    assert!(!flaps(&calm));
}

// ---- deadlines and cancellation -------------------------------------------------------------------------------------

// Lost if broken: a deadline that leaves the work of those it gives up in the line helps nobody.
#[test]
fn a_deadline_takes_requests_out_of_the_line_and_out_of_their_slots() {
    let outcome = once(
        "duration = \"10s\"\nload = { at = [ \"0s\", \"0s\", \"0s\", \"1600ms\" ] }\n\
         [system.service.web]\nruntime = \"node\"\ndeadline = \"1500ms\"\n\
         [system.pool.slots]\nmax = 1\n\
         [system.endpoint.job]\nsteps = [ { take = { from = \"slots\", for = \"1s\" } } ]\n",
    );
    // One has its second; one is given up half-way through its own, one in the line; the fourth finds the slot free.
    assert_eq!(figure(&outcome, "requests/useful"), 2.0);
    assert_eq!(failed(&outcome, "deadline"), 2.0);
    check_close("the fourth waits for nobody", figure(&outcome, "latency/max"), 1.0);
}

// Lost if broken: the answer would wait for the very query whose slowness the deadline is there for.
#[test]
fn a_deadline_answers_at_once_while_a_query_goes_on_and_holds_its_connection() {
    let outcome = once(
        "duration = \"20s\"\nload = { at = [ \"0s\", \"2s\" ] }\nclient.c = { timeout = \"1500ms\" }\n\
         [system.service.web]\nruntime = \"node\"\ndeadline = \"1s\"\n\
         [system.pool.db]\ndatabase = \"postgres\"\nmax = 1\n\
         [system.database.postgres]\ncores = 1.0\nconnect = \"0s\"\n\
         [system.database.postgres.query.slow]\ncpu = \"5s\"\n\
         [system.endpoint.job]\nsteps = [ { query = \"slow\" }, { query = \"slow\" } ]\n",
    );
    // Both hear of it after a second, before their client stops waiting; the second waits for the first's connection.
    assert_eq!(failed(&outcome, "deadline"), 2.0);
    assert_eq!(figure(&outcome, "resources/postgres/served"), 1.0);
    check_close(
        "the query runs to its end",
        figure(&outcome, "resources/db/service/max"),
        5.0,
    );
}

// Lost if broken: with cancellation on, an answer that nobody waits for is still paid for and waited for.
#[test]
fn a_client_that_goes_frees_the_model_only_where_its_work_is_cancelled() {
    let text = |cancel: bool| {
        format!(
            "duration = \"10s\"\nload = {{ at = [ \"0s\", \"2s\", \"4s\" ] }}\nclient.c = {{ timeout = \"1s\" }}\n\
             [system.service.web]\nruntime = \"node\"\ncancel = {cancel}\n\
             [system.queue.ai]\nconcurrency = 1\n\
             [system.provider.ai-co]\n\
             [system.provider.ai-co.model]\nm = {{ latency = \"20s\" }}\n\
             [system.endpoint.job]\nsteps = [ {{ llm = {{ queue = \"ai\", model = \"m\" }} }} ]\n"
        )
    };
    assert_eq!(figure(&once(&text(true)), "resources/ai-co/attempts"), 3.0);
    assert_eq!(figure(&once(&text(false)), "resources/ai-co/attempts"), 1.0);
}

// Lost if broken: a time-out that frees the slot but stops the work would hide what the provider goes on doing.
#[test]
fn a_job_that_runs_for_too_long_gives_its_slot_back_and_works_on() {
    let outcome = once(
        "duration = \"20s\"\nload = { at = [ \"0s\", \"500ms\" ] }\n\
         [system.service.web]\nruntime = \"node\"\n\
         [system.queue.ai]\nconcurrency = 1\nrun_timeout = \"1s\"\n\
         [system.provider.ai-co]\n\
         [system.provider.ai-co.model]\nm = { latency = \"10s\" }\n\
         [system.endpoint.job]\nsteps = [ { llm = { queue = \"ai\", model = \"m\" } }, { io = \"1s\" } ]\n",
    );
    assert_eq!(failed(&outcome, "queue_timeout"), 2.0);
    assert_eq!(
        figure(&outcome, "resources/ai-co/busy/max"),
        2.0,
        "two at the provider, one slot"
    );
    assert_eq!(
        figure(&outcome, "resources/ai-co/latency/count"),
        2.0,
        "both are worked out to the end"
    );
    check_close("the slot", figure(&outcome, "resources/ai/service/max"), 1.0);
}

// ---- retries and breakers -------------------------------------------------------------------------------------------

/// Ten slots for a tenth of a second each, clients that wait for a second and try three times more, and a burst.
fn storm(rate: f64, budget: &str) -> String {
    format!(
        "drain = \"0s\"\n[load]\n\
         phase = [ {{ name = \"calm\", duration = \"60s\", rate = {rate:?} }}, {{ name = \"burst\", duration = \"5s\", rate = 380.0 }}, \
         {{ name = \"after\", duration = \"235s\", rate = {rate:?} }}, {{ name = \"late\", duration = \"100s\", rate = {rate:?} }} ]\n\
         [system.client.c]\ntimeout = \"1s\"\nretry_kinds = [ \"mutation\" ]\n\
         retry = {{ max = 3, wait = {{ base = \"100ms\" }} }}\n{budget}\n\
         [system.service.web]\nruntime = \"ideal\"\n\
         [system.pool.slots]\nmax = 10\n\
         [system.endpoint.job]\nsteps = [ {{ take = {{ from = \"slots\", for = {{ dist = \"exponential\", mean = \"100ms\" }} }} }} ]\n"
    )
}

// Lost if broken: the failure that outlives its trigger, and its cure. 80 a second and three retries each are more than
// the 100 a second that the slots do; 10 a second with theirs are not, nor are 80 with a tenth.
#[test]
fn a_retry_storm_outlives_its_trigger_unless_retries_have_a_budget() {
    let late = |outcome: &Outcome| figure(outcome, "phases/late/errors/rate");
    assert!(late(&once(&storm(80.0, ""))) > 0.9, "the storm goes on");
    assert!(late(&once(&storm(10.0, ""))) < 0.01, "a calm one ends by itself");
    assert!(
        late(&once(&storm(80.0, "retry_budget = 0.1"))) < 0.01,
        "a budget ends it"
    );
}

/// Ten requests a second to a provider.
fn asks(provider: &str) -> String {
    format!(
        "duration = \"10s\"\nload = {{ every = \"100ms\" }}\n\
         [system.service.web]\nruntime = \"node\"\n\
         [system.provider.ai]\n{provider}\n\
         [system.provider.ai.model]\nm = {{ latency = \"10ms\" }}\n\
         [system.endpoint.job]\nsteps = [ {{ llm = {{ model = \"m\" }} }} ]\n"
    )
}

// Lost if broken: a provider that is down would be asked for everything all the same.
#[test]
fn a_breaker_asks_a_failing_provider_only_now_and_then() {
    let outcome = once(&asks(
        "fails = 1.0\nretry = { max = 0 }\nbreaker = { failures = 5, window = \"10s\", open_for = \"950ms\" }",
    ));
    // Five at 0.1 to 0.5 s open it at 0.51 s; then one tries at 1.5 s, 2.5 s, ... 9.5 s: its time is up 1.46 s on.
    assert_eq!(figure(&outcome, "resources/ai/attempts"), 14.0);
    assert_eq!(failed(&outcome, "llm_error"), figure(&outcome, "requests/offered"));
    assert_eq!(figure(&outcome, "resources/ai/breaker/opened"), 10.0);
    assert_eq!(
        figure(&outcome, "resources/ai/breaker/refused"),
        figure(&outcome, "requests/offered") - 14.0
    );
}

// Lost if broken: the SDK's retries multiply what a failing provider is asked.
#[test]
fn a_providers_retries_have_a_budget_too() {
    let retry = "fails = 1.0\nretry = { max = 2 }\n";
    let outcome = once(&asks(retry));
    let offered = figure(&outcome, "requests/offered");
    assert_eq!(figure(&outcome, "resources/ai/attempts"), 3.0 * offered);
    let outcome = once(&asks(&format!("{retry}retry_budget = 0.1")));
    assert_eq!(figure(&outcome, "resources/ai/retries"), (offered / 10.0).floor());
}

// ---- bounds and limits ----------------------------------------------------------------------------------------------

// Lost if broken: a limiter that lets people wait is a line without an end.
#[test]
fn a_limiter_that_lets_people_wait_refuses_those_who_would_wait_too_long() {
    let outcome = once(
        "duration = \"10s\"\nload = { at = [ \"0s\", \"0s\", \"0s\", \"0s\", \"0s\" ] }\n\
         [system.limiter.gate]\nkey = \"all\"\nrule = { token_bucket = { rate = 1.0, burst = 1 } }\nover = \"wait\"\nmax_wait = \"2s\"\n\
         [system.endpoint.job]\nsteps = [ { limit = \"gate\" } ]\n",
    );
    assert_eq!(figure(&outcome, "requests/useful"), 3.0);
    assert_eq!(failed(&outcome, "rate_limited"), 2.0);
}

// Lost if broken: those who are sent away come back at once.
#[test]
fn who_is_shed_is_told_when_to_come_back() {
    let outcome = once(
        "duration = \"10s\"\nload = { at = [ \"0s\", \"0s\" ] }\n\
         [system.client.c]\nretry_kinds = [ \"mutation\" ]\nretry_on = [ \"shed\" ]\nretry = { max = 1, honour_retry_after = true }\n\
         [system.service.web]\nruntime = \"node\"\nshed = { in_hand = 1, retry_after = \"3s\" }\n\
         [system.endpoint.job]\nsteps = [ { io = \"1s\" } ]\n",
    );
    assert_eq!(figure(&outcome, "requests/useful"), 2.0);
    check_close("latency", figure(&outcome, "latency/max"), 4.0);
}

// Lost if broken: an endpoint that demands a sign-in would serve everybody, or nobody.
#[test]
fn who_is_not_signed_in_is_refused_until_they_are() {
    let outcome = once(
        "duration = \"10s\"\nload = { at = [ \"0s\" ], signed_in = 0.0 }\n\
         [system.flow.one]\nsteps = [ { request = \"mine\" }, { request = \"sign-in\" }, { request = \"mine\" } ]\n\
         [system.endpoint.mine]\nsigned_in = true\nsteps = [ { io = \"1s\" } ]\n\
         [system.endpoint.sign-in]\nsigns_in = true\nsteps = [ { io = \"1s\" } ]\n",
    );
    assert_eq!(failed(&outcome, "unauthorized"), 1.0);
    assert_eq!(figure(&outcome, "requests/useful"), 2.0);
}

// ---- poolers --------------------------------------------------------------------------------------------------------

/// Ten processes with a pool of 20 each, over 22 connections.
fn pools(database: &str, mode: &str) -> String {
    format!(
        "duration = \"60s\"\nload = {{ rate = 300.0 }}\n\
         [system.service.web]\nruntime = \"node\"\ninstances = 10\nbalance = \"random\"\n\
         [system.pool.db]\ndatabase = \"{database}\"\nmax = 20\ntimeout = \"5s\"\n\
         [system.pooler.bouncer]\ndatabase = \"postgres\"\nmax = 18\nmode = \"{mode}\"\nwait = \"2s\"\n\
         [system.database.postgres]\ncores = 4.0\nmax_connections = 25\nreserved = 3\nconnect = \"10ms\"\nrtt = \"1ms\"\n\
         [system.database.postgres.query]\nrow = {{ cpu = {{ dist = \"exponential\", mean = \"2ms\" }}, wait = {{ dist = \"exponential\", mean = \"20ms\" }} }}\n\
         [system.endpoint.job]\nsteps = [ {{ query = \"row\" }}, {{ transaction = {{ steps = [ {{ query = \"row\" }}, {{ query = \"row\" }} ] }} }} ]\n"
    )
}

// Lost if broken: what a pooler is for. 300 a second with three queries of 24 ms need 21.6 connections on average
// without the gaps between them; what is over waits a little, and nothing is refused.
#[test]
fn ten_pools_of_twenty_fit_into_22_connections_through_a_pooler() {
    let pools = |database: &str, mode: &str| once(&pools(database, mode).replace("rate = 300.0", "rate = 200.0"));
    let bare = pools("postgres", "transaction");
    assert!(failed(&bare, "connection_refused") > 0.0);
    assert!(figure(&bare, "resources/postgres/connections_refused") > 0.0);
    let pooled = pools("bouncer", "transaction");
    assert_eq!(figure(&pooled, "requests/failed"), 0.0);
    assert_eq!(figure(&pooled, "resources/postgres/connections_refused"), 0.0);
    assert!(figure(&pooled, "resources/postgres/connections/max") <= 18.0);
    assert!(
        figure(&pooled, "resources/bouncer/clients/max") > 22.0,
        "more clients than connections"
    );
    // In session mode a client keeps its server connection, so that the nineteenth client waits in vain.
    let by_session = pools("bouncer", "session");
    assert!(failed(&by_session, "pool_timeout") > 0.0);
    assert_eq!(figure(&by_session, "resources/postgres/connections_refused"), 0.0);
}

// ---- background work ------------------------------------------------------------------------------------------------

// Lost if broken: work after the answer would be free, or the answer would wait for it.
#[test]
fn work_after_the_answer_runs_on_its_own_service_and_is_counted_to_the_end() {
    let outcome = once(
        "duration = \"10s\"\nload = { at = [ \"1s\", \"2s\", \"9s\" ] }\n\
         [system.service.web]\nruntime = \"node\"\ncores = 1.0\n\
         [system.service.worker]\nplan = \"starter\"\ncores = 1.0\n\
         [system.endpoint.job]\nservice = \"web\"\nsteps = [ { cpu = \"10ms\" }, { later = { service = \"worker\", steps = [ { cpu = \"3s\" } ] } } ]\n",
    );
    check_close("latency", figure(&outcome, "latency/max"), 0.01);
    assert_eq!(figure(&outcome, "resources/worker/offered"), 3.0);
    // The first two run from 1.01 s to 7.01 s one after the other; the third is under way when measuring ends.
    check_close("CPU", figure(&outcome, "resources/worker/cpu"), 0.699);
}

// ---- profiles -------------------------------------------------------------------------------------------------------

// Lost if broken: a profile that does not fit its own system, found by the first who asks for it.
#[test]
fn every_profile_of_the_bundled_system_is_sound() {
    let coaching = bundled::systems()
        .iter()
        .find(|system| system.name == "coaching")
        .expect("bundled");
    let names: Vec<String> = coaching.profiles().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["as_written", "hardened"]);
    for name in names {
        let plan = bundled_plan("viral-spike", &[&format!("profile={name}")]);
        assert_eq!(plan.profile.as_deref(), Some(name.as_str()));
    }
    let short = bundled_plan("viral-spike", &["as_written=true"]);
    assert!(!short.system.service.get("web").expect("there").trust_proxy);
    // Settings are put on top of a profile.
    let plan = bundled_plan("viral-spike", &["profile=hardened", "web.cancel=false"]);
    assert!(!plan.system.service.get("web").expect("there").cancel);
    assert!(plan.system.service.get("web").expect("there").deadline.is_some());
}

// Lost if broken: a slip in a profile's name runs the system without any protection.
#[test]
fn a_profile_that_is_not_there_is_a_mistake() {
    let text = bundled::scenario("viral-spike").expect("bundled");
    let said = |setting: &str| {
        let loaded = load("viral-spike", text, &[setting], true);
        highwater_models::file::render_all(&loaded.diagnostics, &loaded.sources, false)
    };
    assert!(
        said("profile=hardend").contains("did you mean `hardened`?"),
        "{}",
        said("profile=hardend")
    );
}
