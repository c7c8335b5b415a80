//! The bundled model provider: OpenAI-compatible, as fast and as limited as the system file says.
//!
//! Owns: one provider's account ([`account`]) and the HTTP around it.
//! Never: retries, queues, breakers (those are the platform's, which calls it).

pub mod account;
pub mod turn;
pub mod words;

pub use account::{Account, Terms};
