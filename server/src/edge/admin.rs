//! What only an operator may: orders to the platform, tokens for load tests, the state of it all.
//!
//! Owns: the check of the secret in front of all of it, and the forms of the orders.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use highwater_models::units;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Edge;
use super::body::{self, Content};
use super::complaint::Complaint;
use super::identity;
use super::token::{self, Claims};
use crate::backend::Order;

/// Tokens in one answer at most.
const TOKENS: u64 = 10_000;

/// Whatever else can be ordered: faults of the bundled provider. Takes what was sent, gives what it says, or why not.
pub type Orders = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// The routes below `/admin`, behind the secret.
pub fn routes(edge: &Arc<Edge>) -> Router<Arc<Edge>> {
    Router::new()
        .route("/{what}", axum::routing::any(handle))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(edge), guard))
}

/// Lets nobody through who does not know the secret.
async fn guard(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    if is_admin(&edge, request.headers()) {
        return next.run(request).await;
    }
    edge.metrics.turned_away(Complaint::NoSecret.cause());
    Complaint::NoSecret.into_response()
}

/// Whether a request's head has the administrator's secret: as a bearer's, or as the password that a browser asks for.
#[must_use]
pub fn is_admin(edge: &Edge, headers: &HeaderMap) -> bool {
    let secret = &edge.settings.admin;
    if let Some(bearer) = identity::bearer(headers) {
        return secret.is(bearer);
    }
    let basic = || {
        let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, rest) = text.split_once(' ')?;
        let bytes = STANDARD.decode(rest.trim()).ok()?;
        let (_, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        scheme.eq_ignore_ascii_case("basic").then(|| secret.is(password))
    };
    basic().unwrap_or(false)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfService {
    service: Option<String>,
    count: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    /// Names, or else `prefix` with numbers from `first` on, `count` of them.
    users: Option<Vec<String>>,
    prefix: Option<String>,
    first: Option<u64>,
    count: Option<u64>,
    class: Option<String>,
    lasts: Option<String>,
}

async fn handle(State(edge): State<Arc<Edge>>, Path(what): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let said = match (&parts.method, what.as_str()) {
        (&Method::GET, "state") => Ok(state(&edge)),
        (&Method::POST, _) => order(&edge, &what, &parts, body).await,
        _ => Err(Complaint::WrongMethod {
            what: format!("`/admin/{what}`"),
        }),
    };
    match said {
        Ok(value) => (StatusCode::OK, [(CACHE_CONTROL, "no-store")], Json(value)).into_response(),
        Err(complaint) => {
            edge.metrics.turned_away(complaint.cause());
            complaint.into_response()
        }
    }
}

async fn order(edge: &Arc<Edge>, what: &str, parts: &Parts, body: Body) -> Result<Value, Complaint> {
    let text = match body::read(parts, body, &edge.settings.ceilings).await? {
        Content::Text(text) => text,
        Content::Upload(_) => Vec::new(),
    };
    let only = || {
        edge.backend
            .model()
            .services
            .first()
            .map(|service| service.name.clone())
            .unwrap_or_default()
    };
    let of_service = || read::<OfService>(&text).map(|said| (said.service.unwrap_or_else(only), said.count));
    let order = match what {
        "crash" => of_service().map(|(service, count)| Order::Crash {
            service,
            count: count.unwrap_or(1),
        })?,
        "restart" => of_service().map(|(service, _)| Order::Restart { service })?,
        "deploy" => of_service().map(|(service, _)| Order::Deploy { service })?,
        "instances" => {
            let (service, count) = of_service()?;
            let count = count.ok_or_else(|| Complaint::BadJson {
                why: "`count` says how many instances there are to be".to_owned(),
            })?;
            Order::Instances { service, count }
        }
        "clear-cache" => Order::ClearCache,
        "tokens" => return tokens(edge, read(&text)?),
        "upstream" => {
            let orders = edge.settings.upstream.clone().ok_or_else(|| Complaint::NotPossible {
                why: "the model provider is not the bundled one".to_owned(),
            })?;
            return orders(read(&text)?).await.map_err(|why| Complaint::NotPossible { why });
        }
        other => {
            return Err(Complaint::NotFound {
                what: format!(
                    "order `{}`; there are crash, restart, deploy, instances, clear-cache, upstream and tokens",
                    other.chars().take(40).collect::<String>()
                ),
            });
        }
    };
    edge.backend
        .order(order)
        .map_err(|why| Complaint::NotPossible { why })?;
    edge.log(format!("order: {what}"));
    Ok(json!({ "done": what }))
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Complaint> {
    let text = if text.iter().all(u8::is_ascii_whitespace) {
        b"{}"
    } else {
        text
    };
    serde_json::from_slice(text).map_err(|error| Complaint::BadJson { why: error.to_string() })
}

fn tokens(edge: &Edge, wanted: Tokens) -> Result<Value, Complaint> {
    let bad = |why: String| Complaint::BadJson { why };
    let model = edge.backend.model();
    let class = match &wanted.class {
        Some(class) => identity::class_of(model, class).ok_or_else(|| bad(format!("there is no class `{class}`")))?,
        None => identity::commonest_class(model),
    };
    let class = model.classes.get(usize::from(class)).cloned().unwrap_or_default();
    let lasts = match wanted.lasts.as_deref() {
        None => edge.settings.token_lasts,
        Some(text) => {
            let span = units::parse_span(text)
                .map_err(|_| bad(format!("`lasts` is a length of time such as \"1h\", not `{text}`")))?;
            Duration::from_secs_f64(span.seconds())
        }
    };
    let count = wanted
        .users
        .as_ref()
        .map_or(wanted.count.unwrap_or(1), |users| users.len() as u64);
    if count > TOKENS {
        return Err(bad(format!("{TOKENS} tokens at a time, not {count}")));
    }
    let users = wanted.users.unwrap_or_else(|| {
        let (prefix, first) = (wanted.prefix.as_deref().unwrap_or("user-"), wanted.first.unwrap_or(0));
        (0..count)
            .map(|number| format!("{prefix}{}", first.saturating_add(number)))
            .collect()
    });
    if users.iter().any(|user| user.is_empty() || user.len() > 200) {
        return Err(bad("a user's name has 1 to 200 characters".to_owned()));
    }
    let exp = token::now() + lasts.as_secs();
    let tokens: Vec<Value> = users
        .into_iter()
        .map(|sub| {
            let claims = Claims {
                sub,
                class: class.clone(),
                exp,
            };
            json!({ "user": claims.sub, "token": token::issue(&edge.settings.policy.tokens, &claims) })
        })
        .collect();
    Ok(json!({ "class": class, "expires": exp, "tokens": tokens }))
}

/// What can be read now.
fn state(edge: &Edge) -> Value {
    let levels = edge.metrics.levels();
    json!({
        "title": edge.settings.title,
        "at": edge.host.now().since(highwater_models::SimTime::ZERO).seconds(),
        "scale": edge.host.scale(),
        "connections": levels.connections(),
        "in_hand": levels.in_hand(),
        "readings": super::dashboard::readings(&*edge.backend),
    })
}
