//! What the product's requests do to its database, and what its answers say.
//!
//! Owns: which statement a query of an endpoint is, from its kind, how many of that kind came before, and what the request
//! brought along. Endpoints and kinds of queries that the bundled product does not have read and write rows by number.
//! Never: when a query runs (that is the platform's).

use std::sync::Arc;

use highwater_models::Cause;
use highwater_workload::Key;
use serde_json::{Map, Value, json};

use crate::arrival::{Arrival, Payload};
use crate::store::Statement;

/// How many of a conversation's last messages a model is shown.
const HISTORY_LAST: u32 = 20;

/// A request as it is told to the database and to whoever asked: what it brought, and what was found so far.
#[derive(Debug)]
pub struct Story {
    endpoint: String,
    user: Arc<str>,
    person: u64,
    key: Key,
    payload: Payload,
    /// Queries that have been run, by number and kind, in the order of their first run.
    queries: Vec<(u16, String)>,
    /// The statement that ran last.
    last: Option<Statement>,
    found: Map<String, Value>,
    text: Option<String>,
    /// Whether the payment had been noted before.
    known: bool,
    messages: Vec<String>,
    cacheable: Value,
}

impl Story {
    /// The beginning.
    #[must_use]
    pub fn new(endpoint: &str, arrival: &Arrival) -> Self {
        let person = &arrival.person;
        let user = person.user.clone();
        Self {
            endpoint: endpoint.to_owned(),
            user: user.unwrap_or_else(|| format!("guest-{:x}", person.number).into()),
            person: person.number,
            key: arrival.draws,
            payload: arrival.payload.clone(),
            queries: Vec::new(),
            last: None,
            found: Map::new(),
            text: None,
            known: false,
            messages: Vec::new(),
            cacheable: Value::Null,
        }
    }

    /// A number for what belongs together over several requests: the conversation, or else whoever asks.
    #[must_use]
    pub fn session(&self) -> u64 {
        match &self.payload.conversation {
            Some(conversation) => number_of(conversation),
            None => self.person,
        }
    }

    /// What a step asks for by a number, where the request does not say.
    pub fn subject(&mut self, subject: u64) {
        self.payload.subject.get_or_insert(subject);
    }

    /// The conversation that the request belongs to: its own, where it begins one.
    fn conversation(&self) -> String {
        match &self.payload.conversation {
            Some(conversation) => conversation.clone(),
            None => format!("c{:016x}", self.key.number()),
        }
    }

    /// The statement that a query is: its number in the program, and its kind.
    pub fn statement(&mut self, query: u16, kind: &str) -> Statement {
        if !self.queries.iter().any(|(known, _)| *known == query) {
            self.queries.push((query, kind.to_owned()));
        }
        let before = self.queries.iter().take_while(|(known, _)| *known != query);
        let nth = before.filter(|(_, of)| of == kind).count();
        let statement = self.known_statement(kind, nth);
        let statement = statement.unwrap_or_else(|| self.plain_statement(kind));
        self.last = Some(statement.clone());
        statement
    }

    fn known_statement(&self, kind: &str, nth: usize) -> Option<Statement> {
        let user = self.user.to_string();
        let message = |role, text: String| Statement::AddMessage {
            message: format!("m{:016x}-{nth}", self.key.number()),
            conversation: self.conversation(),
            role,
            text,
        };
        let own = || self.payload.message.clone().unwrap_or_default();
        let said = || self.text.clone().unwrap_or_default();
        Some(match (self.endpoint.as_str(), kind) {
            (_, "user") => Statement::User { user },
            (_, "subscription") => Statement::Subscription { user },
            (_, "coach") => Statement::Coach {
                coach: self.payload.subject.unwrap_or(0),
            },
            (_, "history") => Statement::History {
                conversation: self.conversation(),
                last: HISTORY_LAST,
            },
            ("aiChat.createConversation", "insert") => Statement::NewConversation {
                conversation: self.conversation(),
                user,
            },
            ("aiChat.sendMessage", "insert") if nth == 0 => message("user", own()),
            ("aiChat.sendMessage", "insert") => message("assistant", said()),
            ("liveSession.transcribe", "insert") => message("user", said()),
            ("auth.signIn", "insert") => Statement::SignIn { user },
            ("stripe.webhook", "insert") => Statement::Payment {
                event: self
                    .payload
                    .event
                    .clone()
                    .unwrap_or_else(|| format!("e{:016x}", self.key.number())),
                user,
            },
            _ => return None,
        })
    }

    fn plain_statement(&self, kind: &str) -> Statement {
        let (kind, key) = (kind.to_owned(), self.key.number() ^ self.person);
        let writes = ["insert", "update", "delete", "write"];
        if writes.iter().any(|verb| kind.starts_with(verb)) {
            Statement::Write { kind, key }
        } else {
            Statement::Read { kind, key }
        }
    }

    /// What the statement that ran last has found.
    pub fn found(&mut self, value: Value) {
        let name = match &self.last {
            Some(Statement::User { .. }) => "user",
            Some(Statement::Subscription { .. }) => "subscription",
            Some(Statement::Coach { .. }) => "coach",
            Some(Statement::History { .. }) => "history",
            Some(Statement::AddMessage { message, .. }) => {
                self.messages.push(message.clone());
                return;
            }
            Some(Statement::Payment { .. }) => {
                self.known = value.get("known").and_then(Value::as_bool).unwrap_or(false);
                return;
            }
            _ => return,
        };
        self.cacheable = value.clone();
        self.found.insert(name.to_owned(), value);
    }

    /// What a cache has found.
    pub fn cached(&mut self, value: &str) {
        self.cacheable = serde_json::from_str(value).unwrap_or_default();
        if self.endpoint.ends_with(".profile") {
            self.found.insert("profile".to_owned(), self.cacheable.clone());
        }
    }

    /// What is kept in a cache of what was fetched last.
    #[must_use]
    pub fn to_cache(&self) -> String {
        self.cacheable.to_string()
    }

    /// What a model has said.
    pub fn said(&mut self, text: &str) {
        self.text = Some(text.to_owned());
    }

    /// What the answer says.
    #[must_use]
    pub fn body(&self, cause: Option<Cause>) -> Value {
        if let Some(cause) = cause {
            return error(cause);
        }
        match self.endpoint.as_str() {
            "aiChat.createConversation" => json!({ "conversation": self.conversation() }),
            "aiChat.sendMessage" => json!({
                "conversation": self.conversation(),
                "messages": self.messages,
                "text": self.text,
            }),
            "liveSession.transcribe" => json!({ "messages": self.messages, "text": self.text }),
            "auth.signIn" => json!({ "user": *self.user }),
            "stripe.webhook" => json!({ "received": true, "known": self.known }),
            _ => Value::Object(self.found.clone()),
        }
    }
}

/// What an answer says about a failure.
#[must_use]
pub fn error(cause: Cause) -> Value {
    json!({ "cause": cause.name() })
}

/// A number made from a name: FNV-1a over 64 bits, with the offset basis and the prime that its authors publish.
fn number_of(name: &str) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    name.bytes().fold(BASIS, add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::{Person, stays};
    use highwater_models::SimTime;

    fn story(endpoint: &str, payload: Payload) -> Story {
        let arrival = Arrival {
            endpoint: 0,
            person: Person {
                user: Some("ada".into()),
                number: 7,
                class: 0,
                address: 1,
            },
            draws: Key::root(1, 0),
            payload,
            at: SimTime::ZERO,
            gone: stays(),
        };
        Story::new(endpoint, &arrival)
    }

    // Lost if broken: what the model said is kept as what the person wrote, or not at all.
    #[test]
    fn a_message_and_its_answer_are_kept_as_whose_they_are() {
        let payload = Payload {
            conversation: Some("c1".to_owned()),
            message: Some("hello".to_owned()),
            ..Payload::default()
        };
        let mut story = story("aiChat.sendMessage", payload);
        let role = |statement: Statement| match statement {
            Statement::AddMessage { role, text, .. } => (role, text),
            other => panic!("{other:?}"),
        };
        assert_eq!(role(story.statement(4, "insert")), ("user", "hello".to_owned()));
        story.found(Value::Null);
        assert!(matches!(story.statement(5, "history"), Statement::History { .. }));
        // The first once more, as a retry does.
        assert_eq!(role(story.statement(4, "insert")), ("user", "hello".to_owned()));
        story.said("good day");
        assert_eq!(role(story.statement(6, "insert")), ("assistant", "good day".to_owned()));
        story.found(Value::Null);
        let body = story.body(None);
        assert_eq!(body["text"], "good day");
        assert_eq!(body["messages"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_conversation_has_the_same_name_whenever_its_request_is_told_again() {
        let mut first = story("aiChat.createConversation", Payload::default());
        let mut again = story("aiChat.createConversation", Payload::default());
        assert_eq!(first.statement(0, "insert"), again.statement(0, "insert"));
    }

    #[test]
    fn kinds_that_the_product_does_not_know_read_or_write() {
        let mut story = story("shop.buy", Payload::default());
        assert!(matches!(story.statement(0, "update-cart"), Statement::Write { .. }));
        assert!(matches!(story.statement(1, "cart"), Statement::Read { .. }));
    }
}
