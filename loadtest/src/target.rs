//! The server that is tested: where it is, whether it may be, and what it says of itself before the start.
//!
//! Owns: addresses, the rule that only this machine is loaded without being asked to, tokens in bulk.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use highwater_models::SimTime;
use highwater_program::crowd::{Changed, Crowd};
use highwater_program::model::{Coming, Model, Who};
use highwater_workload::Key;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Answers to questions before the start are awaited so long at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of such an answer at most.
const ANSWER_MAX: usize = 64 << 20;
/// Tokens asked for at a time; the server's own bound is 10,000.
const TOKENS: usize = 5_000;
/// People whose tokens are fetched at most.
const PEOPLE: usize = 1_000_000;

/// What is wrong with a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not one that can be loaded: the command is to be changed.
    Usage(String),
    /// It does not answer.
    Unreachable(String),
}

/// A server.
#[derive(Clone, Debug)]
pub struct Target {
    /// As it was given.
    pub url: String,
    /// Name and port, for the `Host` header.
    pub host: String,
    /// Where it is.
    pub addresses: Vec<SocketAddr>,
}

impl Target {
    /// The server of an address such as `http://127.0.0.1:8080`. One that is not on this machine is taken only where its
    /// owner says so.
    ///
    /// # Errors
    /// When the address is none, or is of another machine without leave.
    pub fn parse(url: &str, is_owned: bool) -> Result<Self, Refused> {
        let usage = |why: &str| Refused::Usage(format!("`{url}` {why}"));
        if url.starts_with("https://") {
            return Err(usage(
                "needs TLS, which the load generator does not speak; use the server's own port",
            ));
        }
        let rest = url.strip_prefix("http://").unwrap_or(url);
        let host = rest.trim_end_matches('/');
        if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) || rest.contains("://") {
            return Err(usage("is not an address such as http://127.0.0.1:8080"));
        }
        let has_port = host.rsplit_once(':').is_some_and(|(before, port)| {
            port.parse::<u16>().is_ok() && (!before.contains(':') || before.ends_with(']'))
        });
        let host = if has_port {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let found = host.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let addresses = found.unwrap_or_default();
        if addresses.is_empty() {
            return Err(usage("is an address that cannot be found"));
        }
        let is_here = addresses
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback());
        if !is_here && !is_owned {
            return Err(usage(
                "is not on this machine: a load test can take a server down, so say that it is yours with \
                 --i-own-this-target",
            ));
        }
        Ok(Self {
            url: url.to_owned(),
            host,
            addresses,
        })
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.addresses
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback())
    }

    /// Asks one thing, and gives the status and what it says.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<(u16, Value), Refused> {
        let asked = self.ask_once(method, path, headers, body);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => Err(Refused::Unreachable(format!("{}: {why}", self.url))),
            Err(_) => Err(Refused::Unreachable(format!(
                "{}: no answer within {} s",
                self.url,
                PATIENCE.as_secs()
            ))),
        }
    }

    async fn ask_once(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<(u16, Value), String> {
        let stream = TcpStream::connect(self.addresses.as_slice()).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
        let driver = tokio::spawn(async move {
            // How it ended is seen by whoever waits for the answer.
            let _ = connection.await;
        });
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Bytes::new, |value| Bytes::from(value.to_string()));
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(body));
        let request = request.map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let read = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
        let text = read.map_err(|error| error.to_string())?.to_bytes();
        driver.abort();
        Ok((status, serde_json::from_slice(&text).unwrap_or(Value::Null)))
    }

    /// Looks at the server before the start: whether it is there, runs at this time scale, and knows the endpoints. Gives
    /// what one should know but may go on with.
    ///
    /// # Errors
    /// When it is not there, or the two would not agree.
    pub async fn look(&self, model: &Model, scale: f64, secret: Option<&str>) -> Result<Vec<String>, Refused> {
        let (_, home) = self.ask(Method::GET, "/", &[], None).await?;
        let state = match secret {
            None => Value::Null,
            Some(secret) => {
                let bearer = format!("Bearer {secret}");
                let headers = [(AUTHORIZATION.as_str(), bearer.as_str())];
                let (status, state) = self.ask(Method::GET, "/admin/state", &headers, None).await?;
                if status == 401 || status == 403 {
                    return Err(Refused::Usage(
                        "the server does not accept the secret of the administrator".to_owned(),
                    ));
                }
                state
            }
        };
        let mut told = Vec::new();
        let said = state["scale"].as_f64().or_else(|| home["scale"].as_f64());
        match said {
            Some(said) if (said - scale).abs() > 1e-9 * scale => {
                return Err(Refused::Usage(format!(
                    "the server's time scale is {said} and the generator's {scale}: start both with the same --time-scale"
                )));
            }
            Some(_) => {}
            None if scale != 1.0 => told.push(format!(
                "the server does not say its time scale; it has to be {scale} too (with the administrator's secret it would \
                 be asked)"
            )),
            None => {}
        }
        if let Some(known) = home["endpoints"].as_array() {
            let missing: Vec<&str> = wanted(model)
                .into_iter()
                .filter(|name| !known.iter().any(|known| known == name))
                .collect();
            if !missing.is_empty() {
                return Err(Refused::Usage(format!(
                    "the server has no endpoint `{}`: it runs another system than the scenario's",
                    missing.join("`, `")
                )));
            }
        }
        Ok(told)
    }

    /// Whether the server believes a generator whom it speaks for.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn believes(&self) -> Result<bool, Refused> {
        // Whoever believes the generator reads this header, and finds that it is nonsense.
        let headers = [("x-highwater-person", "0"), ("x-highwater-draws", "nonsense")];
        let asked = self.ask(Method::POST, "/api/trpc/highwater.nothing", &headers, Some(json!({})));
        let (status, _) = asked.await?;
        Ok(status == 400)
    }

    /// Tokens of people, each under their number; in bulk, by class.
    ///
    /// # Errors
    /// When the server does not give them.
    pub async fn tokens(
        &self,
        people: &[(u64, u8)],
        model: &Model,
        secret: &str,
    ) -> Result<HashMap<u64, Arc<str>>, Refused> {
        let bearer = format!("Bearer {secret}");
        let headers = [(AUTHORIZATION.as_str(), bearer.as_str())];
        let mut tokens = HashMap::new();
        for (class, name) in model.classes.iter().enumerate() {
            let of_class: Vec<u64> = people
                .iter()
                .filter(|person| usize::from(person.1) == class)
                .map(|person| person.0)
                .collect();
            for some in of_class.chunks(TOKENS) {
                let users: Vec<String> = some.iter().map(|person| format!("user-{person}")).collect();
                let wanted = json!({ "users": users, "class": name, "lasts": "24h" });
                let (status, said) = self.ask(Method::POST, "/admin/tokens", &headers, Some(wanted)).await?;
                let Some(given) = said["tokens"].as_array().filter(|given| given.len() == some.len()) else {
                    return Err(Refused::Unreachable(format!(
                        "{}: asked for tokens, it answered with status {status}",
                        self.url
                    )));
                };
                for (person, token) in some.iter().zip(given) {
                    let token = token["token"].as_str().or_else(|| token.as_str()).unwrap_or_default();
                    tokens.insert(*person, Arc::from(token));
                }
            }
        }
        Ok(tokens)
    }
}

/// The endpoints that flows ask for.
fn wanted(model: &Model) -> Vec<&str> {
    let mut numbers: Vec<u16> = model
        .flow_ops
        .iter()
        .filter_map(|op| match op {
            highwater_program::model::FlowOp::Request { endpoint } => Some(*endpoint),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
        .into_iter()
        .map(|number| model.endpoints[usize::from(number)].name.as_str())
        .collect()
}

/// Users that a stream wants and does not have yet come.
fn fill_up(crowd: &mut Crowd, model: &Model, source: u16, at: SimTime, found: &mut HashMap<u64, u8>) {
    for _ in 0..crowd.missing(model, source, at) {
        let user = crowd.begin_user(source);
        let who = crowd.begin(model, source, user, None, at);
        found.insert(who.person, who.class);
    }
}

/// Who may come, with their classes, as far as that is known before the start: all streams are played without their
/// sessions' lengths. Of streams in which somebody comes who is not online just then, all people there are.
#[must_use]
pub fn people(model: &Model, root: Key, load_factor: f64) -> Vec<(u64, u8)> {
    let mut crowd = Crowd::new(model, root);
    let mut found: HashMap<u64, u8> = HashMap::new();
    for (source, spec) in model.sources.iter().enumerate() {
        let source = source as u16;
        let all = match &spec.who {
            Who::Even(count) | Who::InOrder(count) | Who::Popular(count, _) => (*count).min(PEOPLE as u64),
            _ => 0,
        };
        for person in 0..all {
            let (number, class) = crowd.person(model, source, person);
            found.insert(number, class);
        }
        let mut at = SimTime::ZERO;
        if matches!(spec.coming, Coming::Closed { .. }) {
            crowd.set_factor(source, load_factor);
        }
        fill_up(&mut crowd, model, source, at, &mut found);
        let mut next = crowd.next_arrival(model, source, at);
        if load_factor != 1.0 {
            let expected = next.unwrap_or(SimTime::NEVER);
            if let Changed::Expect(other) = crowd.change(model, source, load_factor, at, expected) {
                next = other;
            }
        }
        while let Some(time) = next.filter(|_| found.len() < PEOPLE) {
            at = time;
            if !matches!(spec.coming, Coming::Closed { .. }) {
                let arrival = crowd.arrive(model, source);
                for _ in 0..arrival.sessions {
                    let who = crowd.begin(model, source, 0, arrival.recorded.as_ref(), at);
                    crowd.end(model, source, who.person, at, false);
                    found.insert(who.person, who.class);
                }
            }
            fill_up(&mut crowd, model, source, at, &mut found);
            next = crowd.next_arrival(model, source, at);
        }
    }
    let mut people: Vec<(u64, u8)> = found.into_iter().collect();
    people.sort_unstable();
    people
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a slip of the keyboard takes somebody else's server down.
    #[test]
    fn only_this_machine_is_loaded_without_being_asked_to() {
        for url in [
            "http://127.0.0.1:8080",
            "127.0.0.1:1",
            "http://[::1]:80/",
            "http://127.0.0.1",
        ] {
            assert!(Target::parse(url, false).is_ok_and(|target| target.is_here()), "{url}");
        }
        for url in ["http://192.0.2.1:80", "http://0.0.0.0:80"] {
            let found = Target::parse(url, false);
            assert!(
                matches!(&found, Err(Refused::Usage(why)) if why.contains("--i-own-this-target")),
                "{url}: {found:?}"
            );
            assert!(Target::parse(url, true).is_ok(), "{url}");
        }
        for url in [
            "https://127.0.0.1",
            "http://",
            "http://127.0.0.1:8080/x",
            "ftp://127.0.0.1",
            "http://a b",
        ] {
            assert!(matches!(Target::parse(url, true), Err(Refused::Usage(_))), "{url}");
        }
    }
}
