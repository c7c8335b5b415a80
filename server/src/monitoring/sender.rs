//! Where messages go: three services, and anything that speaks as one of them does.
//!
//! Owns: what is sent to each, and what its answer means. Addresses and keys are secrets: no reason for a message that was
//! not sent has any of them in it.

use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use highwater_models::SimSpan;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::{Value, json};

use super::message::Message;
use crate::client::{base, below, client, reason};
use crate::secret::Secret;

/// Beyond any try: a client does not hold a connection that nobody waits for.
const TIME: Duration = Duration::from_secs(30);

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// It is no use to try again.
    Never(String),
    /// It may be tried again, after so long where the service says so.
    Later(String, Option<SimSpan>),
}

/// Sends messages.
pub trait Sender: Send + Sync + 'static {
    /// What it is, in one word.
    fn kind(&self) -> &'static str;

    /// How many messages one message is: a text message is one for each number.
    fn copies(&self) -> usize {
        1
    }

    /// Sends one copy of a message, once.
    fn send<'a>(&'a self, message: &'a Message, copy: usize) -> BoxFuture<'a, Result<(), NotSent>>;
}

/// An incoming webhook as Slack has it: `{"text": …}` to an address that is itself the secret.
#[derive(Debug)]
pub struct Slack {
    client: Client,
    address: Secret,
}

impl Slack {
    /// A webhook at an address.
    ///
    /// # Errors
    /// A sentence without the address.
    pub fn new(address: Secret) -> Result<Self, String> {
        let client = client(&base(address.reveal())?, Some(TIME))?;
        Ok(Self { client, address })
    }
}

impl Sender for Slack {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn send<'a>(&'a self, message: &'a Message, _copy: usize) -> BoxFuture<'a, Result<(), NotSent>> {
        // Its three letters that mean something.
        let text = message
            .text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let request = self.client.post(self.address.reveal()).json(&json!({ "text": text }));
        post(request).boxed()
    }
}

/// E-mail by `POST /v3/mail/send`, as SendGrid has it.
#[derive(Debug)]
pub struct SendGrid {
    client: Client,
    base: Url,
    key: Secret,
    from: String,
    to: Vec<String>,
}

impl SendGrid {
    /// At a base address, such as `https://api.sendgrid.com`.
    ///
    /// # Errors
    /// A sentence: what is missing or wrong.
    pub fn new(address: &str, key: Secret, from: String, to: Vec<String>) -> Result<Self, String> {
        if to.is_empty() {
            return Err("`to` is empty".to_owned());
        }
        let base = base(address)?;
        Ok(Self {
            client: client(&base, Some(TIME))?,
            base,
            key,
            from,
            to,
        })
    }
}

impl Sender for SendGrid {
    fn kind(&self) -> &'static str {
        "e-mail"
    }

    fn send<'a>(&'a self, message: &'a Message, _copy: usize) -> BoxFuture<'a, Result<(), NotSent>> {
        let to: Vec<Value> = self.to.iter().map(|to| json!({ "email": to })).collect();
        let body = json!({
            "personalizations": [{ "to": to }],
            "from": { "email": self.from },
            "subject": message.title,
            "content": [{ "type": "text/plain", "value": message.text }],
        });
        let url = below(&self.base, "v3/mail/send");
        post(self.client.post(url).bearer_auth(self.key.reveal()).json(&body)).boxed()
    }
}

/// Text messages by `POST /2010-04-01/Accounts/SID/Messages.json`, as Twilio has it.
#[derive(Debug)]
pub struct Twilio {
    client: Client,
    base: Url,
    account: String,
    token: Secret,
    from: String,
    to: Vec<String>,
}

impl Twilio {
    /// At a base address, such as `https://api.twilio.com`.
    ///
    /// # Errors
    /// A sentence: what is missing or wrong.
    pub fn new(address: &str, account: String, token: Secret, from: String, to: Vec<String>) -> Result<Self, String> {
        if to.is_empty() {
            return Err("`to` is empty".to_owned());
        }
        if account.is_empty() || !account.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            return Err("`account` is letters and digits".to_owned());
        }
        let base = base(address)?;
        Ok(Self {
            client: client(&base, Some(TIME))?,
            base,
            account,
            token,
            from,
            to,
        })
    }
}

impl Sender for Twilio {
    fn kind(&self) -> &'static str {
        "sms"
    }

    fn copies(&self) -> usize {
        self.to.len()
    }

    fn send<'a>(&'a self, message: &'a Message, copy: usize) -> BoxFuture<'a, Result<(), NotSent>> {
        let Some(to) = self.to.get(copy) else {
            return futures::future::ready(Ok(())).boxed();
        };
        let url = below(
            &self.base,
            &format!("2010-04-01/Accounts/{}/Messages.json", self.account),
        );
        let request = self
            .client
            .post(url)
            .basic_auth(&self.account, Some(self.token.reveal()))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(&[("To", to), ("From", &self.from), ("Body", &message.short)]));
        post(request).boxed()
    }
}

/// Fields as a form's body.
fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        text.bytes().fold(String::with_capacity(text.len()), |mut coded, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => coded.push(char::from(byte)),
                b' ' => coded.push('+'),
                _ => coded += &format!("%{byte:02X}"),
            }
            coded
        })
    };
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

async fn post(request: RequestBuilder) -> Result<(), NotSent> {
    let response = request
        .send()
        .await
        .map_err(|error| NotSent::Later(reason(error), None))?;
    let status = response.status();
    // What the service writes beside its status may repeat a secret: it is not looked at.
    match status.as_u16() {
        200..=299 => Ok(()),
        429 => Err(NotSent::Later(
            "too many messages, it says (429)".to_owned(),
            asked(&response),
        )),
        408 | 500..=599 => Err(NotSent::Later(format!("it answers {status}"), asked(&response))),
        401 | 403 => Err(NotSent::Never(format!("it does not take the key ({status})"))),
        404 | 410 => Err(NotSent::Never(format!("nothing is at that address ({status})"))),
        _ => Err(NotSent::Never(format!("it answers {status}"))),
    }
}

/// What the service says about when to come back.
fn asked(response: &Response) -> Option<SimSpan> {
    let value = response.headers().get("retry-after")?.to_str().ok()?;
    let seconds: f64 = value.trim().parse().ok()?;
    (seconds >= 0.0).then(|| SimSpan::from_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_coded_as_browsers_do() {
        assert_eq!(
            form(&[("To", "+1 555"), ("Body", "cpu > 80 % & é")]),
            "To=%2B1+555&Body=cpu+%3E+80+%25+%26+%C3%A9"
        );
    }
}
