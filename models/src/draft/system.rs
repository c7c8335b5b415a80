//! The text of a system to start from.

use super::answer::{Answers, Database, Host};
use crate::catalogue::{Edition, Model};
use crate::units::write_bytes;

/// The system: one web service with what the answers put behind it, safeguarded so that its settings agree.
pub(super) fn text(name: &str, answers: &Answers) -> String {
    let mut text = format!(
        "# What is deployed for {name}, and how it is protected.\n\n\
         # Where a figure comes from stands beside it:\n\
         #   yours       it was answered when this file was written\n\
         #   documented  the vendor, or the source of the package, says so; `highwater explain` has the page and the date\n\
         #   assumed     nobody says so: measure it, or try how much depends on it\n\
         # Cores, memory, prices and limits of plans and models are the catalogue's and not repeated here.\n\n\
         title     = {name:?}\n\
         catalogue = \"latest\"                  # prices and plans as of today; a date keeps those of that day\n\n"
    );
    text.push_str(&people(answers));
    text.push_str(&program(answers));
    text.push_str(&behind(answers));
    text.push_str(&requests(answers));
    text
}

fn heading(title: &str) -> String {
    let dashes = "-".repeat(110_usize.saturating_sub(title.len()));
    format!("# ---- {title} {dashes}\n\n")
}

fn people(answers: &Answers) -> String {
    let mut text = heading("people");
    text.push_str(
        "[client.browser]\n\
         rtt     = { dist = \"lognormal\", p50 = \"40ms\", p95 = \"120ms\" }      # assumed: the way there and back\n\
         timeout = \"60s\"                       # assumed: then a person has gone\n\n",
    );
    if answers.payments {
        text.push_str("[class.user]\nshare = 1.0\nprice = 10.0                          # assumed: dollars a month of one who pays\n\n");
    }
    text.push_str("# What one visit does, step by step.\n[flow.visit]\nsteps = [\n  { request = \"page\" },\n");
    text.push_str("  { think = { dist = \"lognormal\", p50 = \"10s\", p95 = \"60s\" } },   # assumed: reading\n");
    if answers.llm.is_some() {
        text.push_str(
            "  { repeat = { times = { dist = \"geometric\", mean = 4 }, steps = [        # assumed: messages of a conversation\n    \
             { request = \"chat\" },\n    \
             { think = { dist = \"lognormal\", p50 = \"30s\", p95 = \"2m\" } },       # assumed\n  ] } },\n",
        );
    } else {
        text.push_str("  { request = \"page\" },\n");
    }
    text.push_str("  { request = \"save\" },\n]\n\n");
    if answers.payments {
        text.push_str(
            "# A few visits end with a payment.\n[flow.checkout]\nweight = 0.02                         # assumed: against the visits' 1\n\
             steps  = [ { request = \"page\" }, { think = \"20s\" }, { request = \"checkout\" } ]\n\n",
        );
    }
    text
}

fn program(answers: &Answers) -> String {
    let mut text = heading("the program");
    text.push_str("[service.web]\n");
    match &answers.host {
        Host::Plan(plan) => text.push_str(&format!("plan      = {plan:?}               # yours\n")),
        Host::Own { cores, memory } => text.push_str(&format!(
            "cores     = {cores:?}                       # yours\nmemory    = {{ limit = {:?} }}         # yours\n",
            write_bytes(*memory)
        )),
    }
    text.push_str(
        "runtime   = \"node\"                    # one event loop a process; `highwater explain service.runtime` has the others\n\
         instances = 1\n\
         boot      = \"30s\"                     # assumed: until a new instance answers\n\
         shed      = { in_hand = 300, retry_after = \"5s\" }      # assumed: beyond that it turns requests away at the door\n\n",
    );
    if answers.database.is_some() {
        text.push_str(&format!(
            "# Connections that each process keeps. A deploy runs twice as many processes for a while.\n[pool.connections]\n\
             database = \"postgres\"\nmax      = {}\n\
             timeout  = \"2s\"                       # assumed: nobody waits longer for a connection\nwaiters  = 50\n\n",
            pool_size(answers)
        ));
    }
    text
}

/// Ten, or as many as fit twice into what the database lets in.
fn pool_size(answers: &Answers) -> u32 {
    let most = match &answers.database {
        Some(Database::Plan(name)) => Edition::latest()
            .database_plan(name)
            .map_or(10, |plan| plan.max_connections.value),
        Some(Database::Other(count)) => *count,
        None => 10,
    };
    (most.saturating_sub(3) / 2).clamp(1, 10)
}

fn behind(answers: &Answers) -> String {
    let mut text = heading("what stands behind it");
    if let Some(database) = &answers.database {
        text.push_str("[database.postgres]\n");
        match database {
            Database::Plan(plan) => text.push_str(&format!("plan            = {plan:?}     # yours\n")),
            Database::Other(count) => text.push_str(&format!(
                "max_connections = {count}               # yours\ncores           = 1                 # assumed\n"
            )),
        }
        text.push_str(
            "reserved        = 3                 # documented: PostgreSQL keeps them for its administrator\n\
             connect         = { dist = \"lognormal\", p50 = \"10ms\", p95 = \"30ms\" }   # assumed\n\
             rtt             = \"1ms\"             # assumed: the same private network\n\n\
             # Work on the server's cores, all of it assumed: measure yours with EXPLAIN ANALYZE.\n[database.postgres.query]\n\
             read  = { cpu = { dist = \"lognormal\", p50 = \"1ms\", p95 = \"5ms\" } }\n\
             write = { cpu = { dist = \"lognormal\", p50 = \"1ms\", p95 = \"5ms\" } }\n\n",
        );
    }
    if let Some(name) = &answers.llm {
        let model = Edition::latest().model(name);
        text.push_str(&provider(name, model));
    }
    if answers.payments {
        text.push_str("[money]\npaying  = 0.05                        # assumed: one in twenty of those registered\n");
        text.push_str("payment = { share = 0.029, each = 0.30 }   # documented: Stripe's price in the US\n\n");
    }
    if text == heading("what stands behind it") {
        return String::new();
    }
    text
}

fn provider(name: &str, model: Option<&Model>) -> String {
    let tier = model.and_then(|model| model.tiers().first());
    let requests = tier.and_then(|tier| tier.requests_per_minute.as_ref());
    let tokens = tier.and_then(|tier| tier.tokens_per_minute.as_ref());
    let limit = |key: &str, found: Option<u64>, assumed: u64| match found {
        Some(limit) => {
            format!("{key} = {limit}          # documented for an account of the lowest tier: yours may have more\n")
        }
        None => format!("{key} = {assumed}          # assumed: look it up in your account\n"),
    };
    let mut text = "[provider.openai]\n".to_owned();
    text.push_str(&limit("requests_per_minute", requests.map(|figure| figure.value), 500));
    text.push_str(&limit(
        "tokens_per_minute  ",
        tokens.map(|figure| figure.value),
        200_000,
    ));
    text.push_str(&format!(
        "use                 = {{ chat = {name:?} }}   # yours\n\
         retry               = {{ max = 1, wait = {{ base = \"500ms\", factor = 2.0, cap = \"8s\", jitter = \"down_25\" }}, honour_retry_after = true }}   # assumed: the SDK would try twice\n\
         timeout             = \"30s\"              # assumed: the SDK would wait ten minutes\n\n"
    ));
    let speed = model.filter(|model| model.first_token.is_none() || model.per_token.is_none());
    if speed.is_some() {
        text.push_str(&format!(
            "# Nobody publishes how fast it is.\n[provider.openai.model.{name:?}]\n\
             first_token = {{ dist = \"lognormal\", p50 = \"0.6s\", p95 = \"1.5s\" }}     # assumed\n\
             per_token   = {{ dist = \"lognormal\", mean = \"12ms\", cv = 0.3 }}         # assumed\n\n"
        ));
    }
    text
}

fn requests(answers: &Answers) -> String {
    let mut text = heading("what a request does");
    let query = |name: &str| {
        if answers.database.is_some() {
            format!(", {{ query = {name:?} }}")
        } else {
            String::new()
        }
    };
    text.push_str("# CPU per request is assumed: a few milliseconds of a core for JSON, sign-in check, router and query builder.\n\n");
    text.push_str(&format!(
        "[endpoint.page]\nkind  = \"query\"\nsteps = [ {{ cpu = \"3ms\" }}{} ]\n\n\
         [endpoint.save]\nsteps = [ {{ cpu = \"4ms\" }}{} ]\n",
        query("read"),
        query("write")
    ));
    if answers.llm.is_some() {
        text.push_str(&format!(
            "\n[endpoint.chat]\nsteps = [\n  {{ cpu = \"4ms\" }}{},\n  \
             {{ llm = {{ provider = \"openai\", model = \"chat\", stream = true, prompt = {{ dist = \"lognormal\", mean = 700, cv = 0.8 }}, answer = {{ dist = \"lognormal\", mean = 200, cv = 0.6 }} }} }},   # assumed: tokens\n{}]\n",
            query("read"),
            if answers.database.is_some() {
                "  { query = \"write\" },\n"
            } else {
                ""
            }
        ));
    }
    if answers.payments {
        text.push_str(&format!(
            "\n[endpoint.checkout]\nsteps = [ {{ cpu = \"4ms\" }}, {{ io = {{ dist = \"lognormal\", p50 = \"400ms\", p95 = \"1s\" }} }}{} ]   # assumed: the way through Stripe\n",
            query("write")
        ));
    }
    text
}
