//! The HTTP client that speaks to providers of models and of messages.

use std::error::Error;
use std::sync::Once;
use std::time::Duration;

use reqwest::{Client, Response, Url};

/// Idle connections are closed by us before the other side does it.
const IDLE: Duration = Duration::from_secs(25);
/// How long a connection may take to open, on the wall's clock.
const CONNECT: Duration = Duration::from_secs(10);

static TLS: Once = Once::new();

/// A client for a base address; whole requests take at most `time` where that is given. It keeps its connections open,
/// follows no redirect, and goes through no proxy.
///
/// # Errors
/// A sentence: the machine has no certificates to check an `https` address by, for one.
pub fn client(base: &Url, time: Option<Duration>) -> Result<Client, String> {
    TLS.call_once(|| {
        // Somebody else in the process may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut builder = Client::builder()
        .user_agent(concat!("highwater/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    if let Some(time) = time {
        builder = builder.timeout(time);
    }
    if base.scheme() == "http" {
        // No certificate is needed, and none has to be on the machine.
        builder = builder.tls_certs_only([]);
    }
    builder
        .build()
        .map_err(|error| format!("no HTTP client: {}", reason(error)))
}

/// A base address, to which paths are added.
///
/// # Errors
/// What is wrong with it; it is not repeated, as it may be a secret.
pub fn base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("not an address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("an address begins with `http://` or `https://`".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address has no name and password in it: a key is given apart".to_owned());
    }
    Ok(url)
}

/// An address below a base.
#[must_use]
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// Why a request failed, without the address, which may be a secret.
#[must_use]
pub fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

/// A body of at most so many bytes.
///
/// # Errors
/// When it is longer, or breaks off.
pub async fn body(mut response: Response, max: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(reason)? {
        if body.len() + piece.len() > max {
            return Err(format!("the answer is longer than {max} bytes"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_added_to_whatever_the_base_has() {
        for (base_text, path) in [
            ("http://127.0.0.1:8081/v1", "http://127.0.0.1:8081/v1/models"),
            ("http://127.0.0.1:8081/v1/", "http://127.0.0.1:8081/v1/models"),
            ("https://api.example.com", "https://api.example.com/models"),
        ] {
            let url = base(base_text).expect("an address");
            assert_eq!(below(&url, "models").as_str(), path);
        }
        for text in [
            "",
            "127.0.0.1:8081",
            "ftp://example.com",
            "http://",
            "/v1",
            "http://me:secret@example.com",
        ] {
            assert!(base(text).is_err(), "{text}");
        }
    }
}
