//! What can be rented: web services, database servers, caches.
//!
//! Owns: the typed form of the plans.
//! Never: bills; what a plan costs over time is reckoned where instances are counted.

use super::figure::Figure;

/// A plan of the platform for web services and workers: what each instance gets.
#[derive(Clone, Debug, PartialEq)]
pub struct WebPlan {
    /// Name in this catalogue, lower case with dashes.
    pub name: String,
    /// Other names under which a file may ask for it.
    pub aliases: Vec<String>,
    /// CPU limit, cores.
    pub cores: Figure<f64>,
    /// Memory limit, bytes.
    pub memory: Figure<u64>,
    /// One instance, dollars a month.
    pub price: Figure<f64>,
}

/// A plan of the platform for database servers.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabasePlan {
    /// Name in this catalogue.
    pub name: String,
    /// Other names under which a file may ask for it.
    pub aliases: Vec<String>,
    /// CPU, cores.
    pub cores: Figure<f64>,
    /// Memory, bytes.
    pub memory: Figure<u64>,
    /// Most connections at once, those reserved for the administrator among them.
    pub max_connections: Figure<u32>,
    /// Dollars a month, storage apart.
    pub price: Figure<f64>,
}

/// A plan for a cache server, the platform's own or Upstash's.
#[derive(Clone, Debug, PartialEq)]
pub struct CachePlan {
    /// Name in this catalogue; Upstash's begin with `upstash-`.
    pub name: String,
    /// Other names under which a file may ask for it.
    pub aliases: Vec<String>,
    /// Memory, bytes; none where the plan has no fixed size.
    pub memory: Option<Figure<u64>>,
    /// Most connections at once.
    pub max_connections: Option<Figure<u32>>,
    /// Commands a day, after which every further one fails; none where there is no such quota.
    pub commands_per_day: Option<Figure<u64>>,
    /// Commands a month, likewise.
    pub commands_per_month: Option<Figure<u64>>,
    /// Dollars a month.
    pub price: Figure<f64>,
    /// Dollars for each 100,000 commands; none where commands cost nothing.
    pub price_per_100k_commands: Option<Figure<f64>>,
}

/// Anything with a name and perhaps further names.
pub(super) trait Named {
    fn name(&self) -> &str;
    fn aliases(&self) -> &[String];
}

macro_rules! named {
    ($($plan:ty),*) => { $(
        impl Named for $plan {
            fn name(&self) -> &str {
                &self.name
            }

            fn aliases(&self) -> &[String] {
                &self.aliases
            }
        }
    )* };
}

named!(WebPlan, DatabasePlan, CachePlan);

/// The one that goes by `name`.
pub(super) fn find<'a, T: Named>(plans: &'a [T], name: &str) -> Option<&'a T> {
    plans
        .iter()
        .find(|plan| plan.name() == name || plan.aliases().iter().any(|alias| alias == name))
}
