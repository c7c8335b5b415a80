//! Where each channel of a system leads: a file of its own, for it says where secrets are.
//!
//! ```toml
//! [slack]                                  # the channel's name in the system file
//! slack = { url_file = "/run/secrets/slack" }          # or url_env = "SLACK_WEBHOOK"
//!
//! [email]
//! sendgrid = { key_env = "SENDGRID_API_KEY", from = "alerts@example.com", to = [ "oncall@example.com" ] }
//!
//! [sms]
//! twilio = { account = "AC0123", token_env = "TWILIO_TOKEN", from = "+15550100", to = [ "+15550101" ] }
//! ```
//!
//! `base` takes the place of a service's address.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::sender::{SendGrid, Sender, Slack, Twilio};
use crate::secret::Secret;

/// Senders by the name of their channel.
pub type Senders = BTreeMap<String, Arc<dyn Sender>>;

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Way {
    Slack(SlackWay),
    SendGrid(SendGridWay),
    Twilio(TwilioWay),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlackWay {
    url_file: Option<PathBuf>,
    url_env: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendGridWay {
    base: Option<String>,
    key_file: Option<PathBuf>,
    key_env: Option<String>,
    from: String,
    to: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TwilioWay {
    base: Option<String>,
    account: String,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
    from: String,
    to: Vec<String>,
}

/// Reads the settings of a file. Paths of secrets are beside it unless they are absolute.
///
/// # Errors
/// A sentence that names the file, and the channel where it is one's.
pub fn read(path: &Path) -> Result<Senders, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read `{name}`: {error}"))?;
    parse(&text, path.parent().unwrap_or(Path::new("."))).map_err(|error| format!("`{name}`: {error}"))
}

/// Reads the settings of a text.
///
/// # Errors
/// A sentence that names the channel where it is one's.
pub fn parse(text: &str, directory: &Path) -> Result<Senders, String> {
    let ways: BTreeMap<String, Way> = toml::from_str(text).map_err(|error| wrong(text, &error))?;
    let senders = ways.into_iter().map(|(name, way)| {
        let sender = sender(way, directory).map_err(|error| format!("channel `{name}`: {error}"))?;
        Ok((name, sender))
    });
    senders.collect()
}

/// What is wrong, and in which line; never the line itself, which may hold a secret that was put there by mistake.
fn wrong(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().and_then(|span| text.get(..span.start));
    let line = line.map_or(String::new(), |before| {
        format!("line {}: ", before.matches('\n').count() + 1)
    });
    format!("{line}{}", error.message())
}

fn sender(way: Way, directory: &Path) -> Result<Arc<dyn Sender>, String> {
    let secret = |what: &str, file: Option<PathBuf>, env: Option<String>| match (file, env) {
        (Some(file), None) => Secret::from_file(&directory.join(file)),
        (None, Some(name)) => Secret::from_env(&name),
        _ => Err(format!(
            "exactly one of `{what}_file` and `{what}_env` says where the secret is"
        )),
    };
    Ok(match way {
        Way::Slack(way) => Arc::new(Slack::new(secret("url", way.url_file, way.url_env)?)?),
        Way::SendGrid(way) => {
            let base = way.base.as_deref().unwrap_or("https://api.sendgrid.com");
            let key = secret("key", way.key_file, way.key_env)?;
            Arc::new(SendGrid::new(base, key, way.from, way.to)?)
        }
        Way::Twilio(way) => {
            let base = way.base.as_deref().unwrap_or("https://api.twilio.com");
            let token = secret("token", way.token_file, way.token_env)?;
            Arc::new(Twilio::new(base, way.account, token, way.from, way.to)?)
        }
    })
}
