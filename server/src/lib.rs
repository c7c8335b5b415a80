//! What the system does: the product's backend in small, on a platform in a box.
//!
//! One process of the operating system holds a balancer and any number of instances, each with its own event loops, pools,
//! limits and job queues, and runs the same compiled program as the simulator, around real sockets, real database
//! connections and a real cache. The rules are the machines of `highwater_models`; nothing here decides a second time.
//!
//! Who meets whom: `edge` takes HTTP and makes [`arrival::Arrival`]s; `platform` runs them; it reaches out through
//! [`store::Store`], [`cache::CacheServer`] and [`provider::Provider`], each with a real face, and one
//! for tests in [`stub`]. What a request does to its database, and what its answer says, is the [`product`]'s.

pub mod arrival;
pub mod backend;
pub mod cache;
pub mod client;
pub mod daemon;
pub mod edge;
pub mod monitoring;
pub mod platform;
pub mod product;
pub mod provider;
pub mod secret;
pub mod serve;
pub mod store;
pub mod stub;
pub mod upstream;
