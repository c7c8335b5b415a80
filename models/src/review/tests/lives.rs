//! Each rule of `review/lives.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn a_grace_shorter_than_the_average_call() {
    check(
        "grace-shorter-than-a-call",
        &["openai.use.chat=swift", "web.deploy.shutdown=3s"],
        "3 s of grace; the model takes 4 s on average",
        &["openai.use.chat=swift", "web.deploy.shutdown=4s"],
    );
}

#[test]
fn a_grace_shorter_than_the_slowest_call() {
    check(
        "deploy-loses-slow-calls",
        &["web.deploy.shutdown=49s"],
        "may take 50 s",
        &["web.deploy.shutdown=50s"],
    );
}

#[test]
fn an_instance_that_lingers() {
    check(
        "sigterm-lingers",
        &["web.deploy.on_sigterm=linger"],
        "1 min from SIGTERM to SIGKILL",
        &["web.deploy.on_sigterm=drain"],
    );
}

#[test]
fn one_instance_alone() {
    check(
        "single-instance",
        &["web.instances=1"],
        "1 instance; a crash is 45 s without any",
        &["web.instances=1", "web.scaling.on=true"],
    );
}

#[test]
fn connections_closed_under_the_proxy() {
    check(
        "keep-alive-shorter-than-the-proxy",
        &["web.sockets.keep_alive=59s"],
        "closed after 59 s idle",
        &["web.sockets.keep_alive=60s"],
    );
}
