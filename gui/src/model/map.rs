//! The system as a map: its parts, what stands between them, and how full each is at a moment.
//!
//! Owns: which parts there are, how they are joined, what a timeline says of each. Never: where they are painted in
//! pixels, a figure that the timeline does not have.

use highwater_models::file::Plan;
use highwater_models::record::summary::Summary;
use highwater_models::record::timeline::Timeline;

/// What a part is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Those who come.
    Users,
    /// What spreads them over instances.
    Balancer,
    /// A program on instances.
    Service,
    /// A pool of connections or places.
    Pool,
    /// A queue.
    Queue,
    /// A limiter.
    Limiter,
    /// A pooler in front of a database.
    Pooler,
    /// A database.
    Database,
    /// A cache.
    Cache,
    /// A model provider.
    Provider,
}

impl Kind {
    /// In a word.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Balancer => "balancer",
            Self::Service => "service",
            Self::Pool => "pool",
            Self::Queue => "queue",
            Self::Limiter => "limiter",
            Self::Pooler => "pooler",
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Provider => "provider",
        }
    }

    /// How far from the users it stands.
    const fn column(self) -> usize {
        match self {
            Self::Users => 0,
            Self::Balancer => 1,
            Self::Service => 2,
            Self::Limiter | Self::Pool | Self::Queue => 3,
            Self::Pooler => 4,
            Self::Database | Self::Cache | Self::Provider => 5,
        }
    }
}

/// A part.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in the file.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its limit in words; empty where it has none.
    pub limit: String,
    /// Its column and its place in it, from the top.
    pub place: (usize, usize),
    columns: Columns,
}

/// Columns of the timeline that are about a part.
#[derive(Clone, Debug, Default)]
struct Columns {
    use_of: Option<usize>,
    busy: Option<usize>,
    queue: Option<usize>,
    instances: Option<usize>,
    refused: Vec<usize>,
}

/// The parts and what joins them.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// From the users on.
    pub nodes: Vec<Node>,
    /// From one part to another, by their places among the nodes.
    pub edges: Vec<(usize, usize)>,
    /// How many parts stand in each column; columns without any are left out.
    pub heights: Vec<usize>,
    users: Option<usize>,
    offered: Option<usize>,
    succeeded: Option<usize>,
}

/// A part at a moment.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// How much of it is in use, 0 to 1; `None` where nobody knows.
    pub share: Option<f64>,
    /// How many are served at once.
    pub busy: f64,
    /// How many wait.
    pub waiting: f64,
    /// How many of it there are, of instances.
    pub count: f64,
    /// Requests a second that end here because of it.
    pub refused: f64,
}

/// The users at a moment.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Crowd {
    /// How many are there.
    pub users: f64,
    /// Requests a second that begin.
    pub offered: f64,
    /// Of those, how many are answered usefully.
    pub useful: f64,
}

impl Map {
    /// The map of a plan with what its result says of it.
    #[must_use]
    pub fn new(plan: &Plan, summary: &Summary, timeline: &Timeline) -> Self {
        let mut map = Self {
            users: timeline.column("users"),
            offered: timeline.column("offered"),
            succeeded: timeline.column("succeeded"),
            ..Self::default()
        };
        let users = map.add("users", Kind::Users, summary, timeline);
        let system = &plan.system;
        let mut entry = users;
        if !system.service.is_empty() {
            entry = map.add("balancer", Kind::Balancer, summary, timeline);
            map.edges.push((users, entry));
        }
        let services: Vec<usize> = system
            .service
            .iter()
            .map(|(name, _)| map.add(&name.text, Kind::Service, summary, timeline))
            .collect();
        for &service in &services {
            map.edges.push((entry, service));
        }
        let inside = |map: &mut Self, name: &str, kind| {
            let node = map.add(name, kind, summary, timeline);
            if services.is_empty() {
                map.edges.push((users, node));
            }
            for &service in &services {
                map.edges.push((service, node));
            }
            node
        };
        for (name, _) in system.limiter.iter() {
            inside(&mut map, &name.text, Kind::Limiter);
        }
        let pools: Vec<usize> = system
            .pool
            .iter()
            .map(|(name, _)| inside(&mut map, &name.text, Kind::Pool))
            .collect();
        let queues: Vec<usize> = system
            .queue
            .iter()
            .map(|(name, _)| inside(&mut map, &name.text, Kind::Queue))
            .collect();
        for (name, _) in system.pooler.iter() {
            map.add(&name.text, Kind::Pooler, summary, timeline);
        }
        for (name, _) in system.database.iter() {
            map.add(&name.text, Kind::Database, summary, timeline);
        }
        for (name, _) in system.cache.iter() {
            let cache = map.add(&name.text, Kind::Cache, summary, timeline);
            for &service in &services {
                map.edges.push((service, cache));
            }
        }
        for (name, _) in system.provider.iter() {
            let provider = map.add(&name.text, Kind::Provider, summary, timeline);
            // Calls go through the queues where there are any.
            let from = if queues.is_empty() { &services } else { &queues };
            for &from in from {
                map.edges.push((from, provider));
            }
        }
        let behind = |pool: &highwater_models::file::Name| pool.text.clone();
        for ((_, pool), &node) in system.pool.iter().zip(&pools) {
            if let Some(other) = pool.database.as_ref().and_then(|name| map.find(&behind(name))) {
                map.edges.push((node, other));
            }
        }
        for (name, pooler) in system.pooler.iter() {
            if let (Some(node), Some(other)) = (map.find(&name.text), map.find(&pooler.database.text)) {
                map.edges.push((node, other));
            }
        }
        map.pack();
        map
    }

    fn add(&mut self, name: &str, kind: Kind, summary: &Summary, timeline: &Timeline) -> usize {
        let column = |end: &str| timeline.column(&format!("{name}.{end}"));
        let refused = summary
            .failures
            .iter()
            .filter(|failure| failure.resource.as_deref() == Some(name));
        let limit = summary.resources.iter().find(|resource| resource.name == name);
        self.nodes.push(Node {
            name: name.to_owned(),
            kind,
            limit: limit.map(|resource| resource.limit.clone()).unwrap_or_default(),
            place: (kind.column(), 0),
            columns: Columns {
                use_of: column("utilization"),
                busy: column("busy"),
                queue: column("queue"),
                instances: column("instances"),
                refused: refused.filter_map(|failure| timeline.column(failure.cause)).collect(),
            },
        });
        self.nodes.len() - 1
    }

    /// Leaves empty columns out and counts the places of each.
    fn pack(&mut self) {
        let mut used: Vec<usize> = self.nodes.iter().map(|node| node.place.0).collect();
        used.sort_unstable();
        used.dedup();
        self.heights = vec![0; used.len()];
        for node in &mut self.nodes {
            let column = used.iter().position(|column| *column == node.place.0).unwrap_or(0);
            node.place = (column, self.heights[column]);
            self.heights[column] += 1;
        }
    }

    /// The part of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// A part at a moment, in seconds since the start.
    #[must_use]
    pub fn reading(&self, node: &Node, timeline: &Timeline, at: f64) -> Reading {
        let value = |column: Option<usize>| cell(timeline, column, at);
        let window = timeline.window.max(1e-9);
        Reading {
            share: Some(value(node.columns.use_of)).filter(|share| share.is_finite()),
            busy: sound(value(node.columns.busy)),
            waiting: sound(value(node.columns.queue)),
            count: sound(value(node.columns.instances)),
            refused: node
                .columns
                .refused
                .iter()
                .map(|&column| sound(cell(timeline, Some(column), at)) / window)
                .sum(),
        }
    }

    /// The users at a moment.
    #[must_use]
    pub fn crowd(&self, timeline: &Timeline, at: f64) -> Crowd {
        let window = timeline.window.max(1e-9);
        Crowd {
            users: sound(cell(timeline, self.users, at)),
            offered: sound(cell(timeline, self.offered, at)) / window,
            useful: sound(cell(timeline, self.succeeded, at)) / window,
        }
    }
}

/// The cell of the window that a moment lies in; the last one stands for the end.
fn cell(timeline: &Timeline, column: Option<usize>, at: f64) -> f64 {
    let (Some(column), Some(last)) = (column, timeline.rows.len().checked_sub(1)) else {
        return f64::NAN;
    };
    let row = ((at / timeline.window.max(1e-9)).max(0.0) as usize).min(last);
    timeline.rows[row].get(column).copied().unwrap_or(f64::NAN)
}

fn sound(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open;

    // Lost if broken: a part of the system that is not on its map, or one that nothing leads to.
    #[test]
    fn every_part_is_on_the_map_and_is_reached() {
        for name in ["viral-spike", "textbook/mm1", "normal"] {
            let plan = open::bundled_plan(name);
            let map = Map::new(&plan, &Summary::default(), &Timeline::default());
            let system = &plan.system;
            for part in ["connections", "ai", "per-ip", "postgres", "redis", "openai", "web"] {
                if name != "textbook/mm1" {
                    assert!(map.find(part).is_some(), "{name}: {part}");
                }
            }
            let parts = system.service.len() + system.pool.len() + system.queue.len() + system.limiter.len();
            assert!(map.nodes.len() > parts, "{name}");
            for (number, node) in map.nodes.iter().enumerate().skip(1) {
                assert!(map.edges.iter().any(|&(_, to)| to == number), "{name}: {}", node.name);
            }
            assert_eq!(map.heights.iter().sum::<usize>(), map.nodes.len());
        }
    }

    // Lost if broken: figures of another moment than the scrubber shows.
    #[test]
    fn a_reading_is_that_of_its_window() {
        let timeline = Timeline {
            window: 10.0,
            columns: ["users", "offered", "succeeded", "servers.utilization", "servers.queue"]
                .map(str::to_owned)
                .to_vec(),
            rows: vec![vec![1.0, 20.0, 10.0, 0.5, 0.0], vec![2.0, 40.0, 10.0, f64::NAN, 3.0]],
            ..Timeline::default()
        };
        let map = Map::new(&open::bundled_plan("textbook/mm1"), &Summary::default(), &timeline);
        let Some(node) = map.nodes.iter().find(|node| node.columns.use_of.is_some()) else {
            panic!("{:?}", map.nodes)
        };
        assert_eq!(map.reading(node, &timeline, 9.9).share, Some(0.5));
        let second = map.reading(node, &timeline, 10.0);
        assert_eq!((second.share, second.waiting), (None, 3.0));
        assert_eq!(map.crowd(&timeline, 99.0).offered, 4.0);
    }
}
