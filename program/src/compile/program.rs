//! Steps of endpoints as one flat program.
//!
//! Owns: which instructions a step becomes, in which order.
//! Never: what an instruction does; calls of models (that is `llm.rs`).

use highwater_models::Cause;
use highwater_models::file::step::{Branch, CacheStep, LaterStep, QueryStep, Step, TakeStep};
use highwater_models::file::system::{Batched, EndpointKind, LimiterStore, StoreDown};
use highwater_models::file::{Name, Quantity};

use super::servers::retry_policy;
use super::{Compiler, Taken, number, place_number};
use crate::model::{Choice, Endpoint, Fork, Lookup, Op, Pc, Query, Retry, Runtime, STAGE_IO, SiteId};

/// The kind of a query that brings its own figures.
const OWN_KIND: &str = "query";

/// What is around a step.
#[derive(Clone)]
pub(super) struct Around<'p> {
    /// The service it runs on.
    pub(super) service: u16,
    /// Pools whose connection is held by a transaction.
    transactions: Vec<&'p str>,
    /// Whether the request is a batched one.
    batched: bool,
}

impl Around<'_> {
    fn at(service: u16, batched: bool) -> Self {
        Self {
            service,
            transactions: Vec::new(),
            batched,
        }
    }
}

impl<'p> Compiler<'p> {
    /// The program of every endpoint.
    pub(super) fn endpoints(&mut self) {
        let system = self.system;
        for (name, endpoint) in system.endpoint.iter() {
            let around = Around::at(self.service_of(endpoint.service.as_ref()), false);
            let start = self.here();
            self.emit(Op::Arrive {
                service: around.service,
            });
            if endpoint.before {
                self.before(&around);
            }
            self.own_steps(&name.text, "", &around);
            self.emit(Op::End);
            let feature = endpoint.feature.as_ref().map(|feature| self.feature(feature));
            self.model.money.answers.push(endpoint.response.get());
            self.model.endpoints.push(Endpoint {
                name: name.text.clone(),
                service: around.service,
                start,
                signs_in: endpoint.signs_in,
                is_query: endpoint.kind == EndpointKind::Query,
                feature,
                sheds: endpoint.shed,
            });
        }
    }

    /// One request for several endpoints: the steps before once, then each endpoint's own at once.
    pub(super) fn batch(&mut self, names: &[Name]) -> u16 {
        let system = self.system;
        let members: Vec<u16> = names
            .iter()
            .map(|name| number(system.endpoint.index_of(&name.text).unwrap_or(0)))
            .collect();
        if let [one] = members[..] {
            return one;
        }
        if let Some(&known) = self.batches.get(&members) {
            return known;
        }
        let of = |member: u16| {
            system
                .endpoint
                .iter()
                .nth(usize::from(member))
                .map(|(_, endpoint)| endpoint)
        };
        let service = self.model.endpoints[usize::from(members[0])].service;
        let around = Around::at(service, true);
        let start = self.here();
        self.emit(Op::Arrive { service });
        let here = |member: &&u16| self.model.endpoints[usize::from(**member)].service == service;
        if members
            .iter()
            .filter(here)
            .any(|&member| of(member).is_some_and(|endpoint| endpoint.before))
        {
            self.before(&around);
        }
        self.branches(members.len(), |compiler, index| {
            let member = members[index];
            if compiler.model.endpoints[usize::from(member)].service != service {
                // It runs elsewhere, so that it is asked from here.
                compiler.leave(
                    None,
                    &format!("batch.{}", names[index]),
                    &around,
                    Op::Call { endpoint: member },
                );
                return;
            }
            // The same endpoint again draws for itself.
            let again = members[..index].iter().filter(|other| **other == member).count();
            let mark = if again == 0 { String::new() } else { format!("#{again}") };
            compiler.own_steps(&names[index].text, &mark, &around);
        });
        self.emit(Op::End);
        let name: Vec<&str> = names.iter().map(Name::as_str).collect();
        let is_query = members
            .iter()
            .all(|&member| self.model.endpoints[usize::from(member)].is_query);
        let index = number(self.model.endpoints.len());
        let answers = &mut self.model.money.answers;
        let size = members.iter().map(|&member| answers[usize::from(member)]).sum();
        answers.push(size);
        self.model.endpoints.push(Endpoint {
            name: name.join(","),
            service,
            start,
            signs_in: members
                .iter()
                .any(|&member| self.model.endpoints[usize::from(member)].signs_in),
            is_query,
            feature: None,
            sheds: members
                .iter()
                .all(|&member| self.model.endpoints[usize::from(member)].sheds),
        });
        self.batches.insert(members, index);
        index
    }

    /// The middleware of a service.
    fn before(&mut self, around: &Around<'p>) {
        let system = self.system;
        if let Some((name, service)) = system.service.iter().nth(usize::from(around.service)) {
            self.steps(&service.before, &format!("service.{name}.before"), around);
        }
    }

    /// The steps of an endpoint, refused while its feature is off.
    fn own_steps(&mut self, name: &str, mark: &str, around: &Around<'p>) {
        let system = self.system;
        let Some(endpoint) = system.endpoint.get(name) else {
            return;
        };
        let path = format!("endpoint.{name}{mark}");
        if endpoint.signed_in {
            self.emit(Op::SignedIn);
        }
        let check = endpoint
            .feature
            .as_ref()
            .map(|feature| (self.feature(feature), self.emit_blank()));
        self.steps(&endpoint.steps, &format!("{path}.steps"), around);
        if let Some((feature, at)) = check {
            let jump = self.emit_blank();
            let otherwise = self.here();
            self.put(at, Op::Feature { feature, otherwise });
            let site = self.site(&format!("{path}/feature"), &Quantity::constant(0.0));
            self.emit(Op::Fail {
                site,
                share: 1.0,
                cause: Cause::FeatureOff,
            });
            self.jump_here(jump);
        }
    }

    pub(super) fn steps(&mut self, steps: &'p [Step], path: &str, around: &Around<'p>) {
        for (index, step) in steps.iter().enumerate() {
            self.step(step, &format!("{path}.{index}"), around);
        }
    }

    fn step(&mut self, step: &'p Step, path: &str, around: &Around<'p>) {
        match step {
            Step::Limit(name) => self.limit(name, path, around),
            Step::Cpu(time) => {
                let site = self.site(&format!("{path}/cpu"), time);
                self.emit(Op::Cpu { site });
            }
            Step::Work(time) => self.work(time, path, around),
            Step::Io(time) => {
                let site = self.site(&format!("{path}/io"), time);
                self.emit(Op::Delay { site, stage: STAGE_IO });
                self.back_on_loop(around);
            }
            Step::Hold(hold) => {
                let bytes = hold.size.get();
                self.emit(Op::Hold {
                    bytes,
                    kept: hold.steps.is_none(),
                    on_heap: hold.on_heap,
                });
                if let Some(steps) = &hold.steps {
                    self.hold();
                    self.steps(steps, &format!("{path}.steps"), around);
                    self.let_go();
                    self.emit(Op::Drop { bytes });
                }
            }
            Step::Take(take) => self.take(take, path, around),
            Step::Query(query) => self.queries(query, path, around),
            Step::Transaction(transaction) => {
                let pool = transaction.pool.as_ref().map_or("", Name::as_str);
                let mut inside = around.clone();
                inside.transactions.push(pool);
                self.held_in(pool, |compiler| {
                    compiler.at_server(pool, |compiler| {
                        compiler.steps(&transaction.steps, &format!("{path}.steps"), &inside);
                    });
                });
            }
            Step::Cache(cache) => self.look_up(cache, path, around),
            Step::Llm(llm) => self.llm(llm, path, around),
            Step::Transcribe(transcribe) => self.transcribe(transcribe, path, around),
            Step::Call(call) => {
                let endpoint = number(self.system.endpoint.index_of(&call.endpoint.text).unwrap_or(0));
                let costs = (call.cpu_start.as_ref(), call.cpu_reply.as_ref());
                self.leave(Some(costs), path, around, Op::Call { endpoint });
            }
            Step::Parallel(lists) => self.branches(lists.len(), |compiler, index| {
                compiler.steps(&lists[index], &format!("{path}.{index}"), around);
            }),
            Step::Choose(branches) => self.choose(branches, path, around),
            Step::Repeat(repeat) => {
                let site = self.site(&format!("{path}/times"), &repeat.times);
                self.repeated(site, |compiler| {
                    compiler.steps(&repeat.steps, &format!("{path}.steps"), around)
                });
            }
            Step::Retry(retry) => {
                let index = number(self.model.retries.len());
                let place = place_number(&format!("{path}/retry"));
                self.model.retries.push(Retry {
                    policy: retry_policy(&retry.retry),
                    place,
                });
                self.emit(Op::Try { retry: index });
                self.frame();
                self.steps(&retry.steps, &format!("{path}.steps"), around);
                self.frames -= 1;
                self.emit(Op::Tried);
            }
            Step::Fail(fail) => {
                let site = self.site(&format!("{path}/fail"), &Quantity::constant(0.0));
                self.emit(Op::Fail {
                    site,
                    share: fail.share.get() as f32,
                    cause: fail.cause,
                });
            }
            Step::Feature(feature) => {
                let index = self.feature(&feature.name);
                let check = self.emit_blank();
                self.steps(&feature.steps, &format!("{path}.steps"), around);
                let jump = (!feature.r#else.is_empty()).then(|| self.emit_blank());
                self.put(
                    check,
                    Op::Feature {
                        feature: index,
                        otherwise: self.here(),
                    },
                );
                self.steps(&feature.r#else, &format!("{path}.else"), around);
                jump.into_iter().for_each(|jump| self.jump_here(jump));
            }
            Step::Later(later) => self.later(later, path, around),
        }
    }

    fn limit(&mut self, name: &Name, path: &str, around: &Around<'p>) {
        let (Some(&limiter), Some(file)) = (self.limiters.get(name.as_str()), self.system.limiter.get(&name.text))
        else {
            return;
        };
        if around.batched && file.batched == Batched::Bypass {
            return;
        }
        if let LimiterStore::Cache(cache) = &file.store {
            let cache = number(self.system.cache.index_of(&cache.text).unwrap_or(0));
            let from = self.here();
            let otherwise = None;
            self.leave(None, path, around, Op::Command { cache, otherwise });
            self.emit(Op::Limit { limiter });
            if file.store_down == StoreDown::Allow {
                let past = self.here();
                for op in &mut self.model.ops[from as usize..] {
                    if let Op::Command { otherwise, .. } = op {
                        *otherwise = Some(past);
                    }
                }
            }
            return;
        }
        self.emit(Op::Limit { limiter });
    }

    fn work(&mut self, time: &Quantity, path: &str, around: &Around<'p>) {
        let site = self.site(&format!("{path}/work"), time);
        match (self.runtime(around), self.threads[usize::from(around.service)]) {
            (Runtime::Node, Some(slots)) => {
                let acquire = self.acquire(slots);
                self.emit(acquire);
                self.hold();
                self.emit(Op::Burn { site });
                self.back_on_loop(around);
                self.release();
            }
            (Runtime::Threads, _) => {
                self.emit(Op::Cpu { site });
            }
            (Runtime::Node | Runtime::Ideal, _) => {
                self.emit(Op::Burn { site });
            }
        }
    }

    fn take(&mut self, take: &'p TakeStep, path: &str, around: &Around<'p>) {
        let name = take.from.as_str();
        let resource = self.taken.get(name).map(|taken| match *taken {
            Taken::Slots(slots) => self.model.slots[usize::from(slots)].resource,
            Taken::Pool(pool) => self.model.pools[usize::from(pool)].resource,
            Taken::Queue(queue) => self.model.queues[usize::from(queue)].resource,
        });
        self.held_in(name, |compiler| {
            if let Some(time) = &take.r#for {
                let site = compiler.site(&format!("{path}/for"), time);
                match resource {
                    Some(resource) => {
                        let stage = compiler.stage(&format!("service.{name}"), Some(resource));
                        compiler.emit(Op::Serve { site, stage });
                    }
                    // What is switched off limits nobody; the time passes all the same.
                    None => {
                        compiler.emit(Op::Delay { site, stage: STAGE_IO });
                    }
                }
                compiler.back_on_loop(around);
            }
            compiler.steps(
                take.steps.as_deref().unwrap_or_default(),
                &format!("{path}.steps"),
                around,
            );
        });
    }

    /// A query, as often as it says, each on a connection of its own unless a transaction holds one.
    fn queries(&mut self, query: &'p QueryStep, path: &str, around: &Around<'p>) {
        let pool = query.pool.as_ref().map_or("", Name::as_str);
        let Some(query_number) = self.query(query, pool, path) else {
            return;
        };
        let costs = Some((query.cpu_start.as_ref(), query.cpu_reply.as_ref()));
        let ask = |compiler: &mut Self| {
            compiler.emit(Op::Query { query: query_number });
        };
        let whole = |compiler: &mut Self| {
            if around.transactions.contains(&pool) {
                compiler.start(costs, path, around);
                ask(compiler);
                compiler.reply(costs, path, around);
            } else {
                compiler.held_in(pool, |compiler| {
                    compiler.start(costs, path, around);
                    // A pooler takes its connection back when the query is done, whenever the loop takes the reply up.
                    compiler.at_server(pool, ask);
                    compiler.reply(costs, path, around);
                });
            }
        };
        if query.times == 1 {
            whole(self);
        } else {
            let site = self.site(&format!("{path}/times"), &Quantity::constant(f64::from(query.times)));
            self.repeated(site, whole);
        }
    }

    fn query(&mut self, query: &QueryStep, pool: &str, path: &str) -> Option<u16> {
        let system = self.system;
        let database = self.database_of(system.pool.get(pool)?)?;
        let (_, file) = system.database.iter().nth(usize::from(database))?;
        let zero = Quantity::constant(0.0);
        let kind = query.kind.as_ref().and_then(|kind| file.query.get(&kind.text));
        let cpu = query.cpu.as_ref().or(kind.map(|kind| &kind.cpu)).unwrap_or(&zero);
        let wait = query.wait.as_ref().or(kind.map(|kind| &kind.wait)).unwrap_or(&zero);
        let name = query.kind.as_ref().map_or(OWN_KIND, Name::as_str);
        let kinds = &mut self.model.query_kinds;
        let known = kinds.iter().position(|(of, known)| *of == database && known == name);
        let kind = number(known.unwrap_or_else(|| {
            kinds.push((database, name.to_owned()));
            kinds.len() - 1
        }));
        let made = Query {
            database,
            cpu: self.site(&format!("{path}/query.cpu"), cpu),
            wait: self.site(&format!("{path}/query.wait"), wait),
            rtt: self.site(&format!("{path}/query.rtt"), &file.rtt),
            kind,
        };
        self.model.queries.push(made);
        Some(number(self.model.queries.len() - 1))
    }

    /// A look-up: what is missing is fetched and stored; the reply is taken up on either way.
    fn look_up(&mut self, step: &'p CacheStep, path: &str, around: &Around<'p>) {
        let system = self.system;
        let cache_name = step.cache.as_ref().map_or("", Name::as_str);
        let (Some(cache), Some(file)) = (system.cache.index_of(cache_name), system.cache.get(cache_name)) else {
            return;
        };
        let earlier: usize = system
            .cache
            .iter()
            .take(cache)
            .map(|(_, cache)| cache.entry.len())
            .sum();
        let Some(entry) = file.entry.index_of(&step.entry.text) else {
            return;
        };
        let made = Lookup {
            cache: number(cache),
            entry: number(earlier + entry),
            rtt: self.site(&format!("{path}/lookup.rtt"), &file.rtt),
            store_rtt: self.site(&format!("{path}/store.rtt"), &file.rtt),
            place: place_number(&format!("{path}/key")),
        };
        let lookup = number(self.model.lookups.len());
        self.model.lookups.push(made);
        let costs = Some((step.cpu_start.as_ref(), step.cpu_reply.as_ref()));
        self.start(costs, path, around);
        let look = self.emit_blank();
        self.reply(costs, path, around);
        self.hold();
        self.steps(&step.miss, &format!("{path}.miss"), around);
        self.let_go();
        let stored = format!("{path}/store");
        self.leave(costs, &stored, around, Op::Store { entry: lookup });
        let jump = self.emit_blank();
        self.put(
            look,
            Op::Lookup {
                entry: lookup,
                hit: self.here(),
            },
        );
        self.reply(costs, path, around);
        self.jump_here(jump);
    }

    fn choose(&mut self, branches: &'p [Branch<Step>], path: &str, around: &Around<'p>) {
        let choice = number(self.model.choices.len());
        let place = place_number(&format!("{path}/choose"));
        self.model.choices.push(Choice::new(place));
        self.emit(Op::Choose { choice });
        let mut made = Vec::new();
        let mut jumps = Vec::new();

        let mut empty = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            let start = self.here();
            made.push((
                branch.weight,
                branch.class.as_ref().map(|class| self.class(class)),
                start,
            ));
            let name = branch
                .name
                .as_ref()
                .map_or_else(|| index.to_string(), |name| name.text.clone());
            self.steps(&branch.steps, &format!("{path}.{name}"), around);
            if self.here() == start {
                empty.push(index);
            }
            jumps.push(self.emit_blank());
        }
        jumps.into_iter().for_each(|jump| self.jump_here(jump));
        let after = self.here();
        // A branch without steps leads straight on.
        empty.into_iter().for_each(|index| made[index].2 = after);
        let choice = &mut self.model.choices[usize::from(choice)];
        choice.lead(made, after);
    }

    fn later(&mut self, later: &'p LaterStep, path: &str, around: &Around<'p>) {
        let service = later.service.as_ref().map(|name| self.service_of(Some(name)));
        let start = self.emit_blank();
        let jump = self.emit_blank();
        self.put(
            start,
            Op::Later {
                at: self.here(),
                service,
            },
        );
        let apart = Around {
            batched: around.batched,
            ..Around::at(service.unwrap_or(around.service), false)
        };
        self.apart(|compiler| compiler.steps(&later.steps, &format!("{path}.steps"), &apart));
        self.jump_here(jump);
    }

    /// Branches on tasks of their own, all at once; the parent goes on behind them.
    fn branches(&mut self, count: usize, mut branch: impl FnMut(&mut Self, usize)) {
        let fork = number(self.model.forks.len());
        self.model.forks.push(Fork { branches: Vec::new() });
        self.emit(Op::Fork { branches: fork });
        let jump = self.emit_blank();
        let mut starts = Vec::with_capacity(count);
        for index in 0..count {
            starts.push(self.here());
            self.apart(|compiler| branch(compiler, index));
        }
        self.jump_here(jump);
        self.model.forks[usize::from(fork)].branches = starts;
    }

    /// Instructions of a task of its own, which holds nothing at its start.
    fn apart(&mut self, body: impl FnOnce(&mut Self)) {
        let around = (std::mem::take(&mut self.held), std::mem::take(&mut self.frames));
        body(self);
        (self.held, self.frames) = around;
        self.emit(Op::EndBranch);
    }

    fn repeated(&mut self, site: SiteId, body: impl FnOnce(&mut Self)) {
        let repeat = self.emit_blank();
        self.frame();
        body(self);
        self.frames -= 1;
        self.emit(Op::Again);
        self.put(
            repeat,
            Op::Repeat {
                site,
                after: self.here(),
            },
        );
    }

    /// Instructions during which a slot, a connection or a place of that name is held; nothing is where it is off.
    pub(super) fn held_in(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        let op = self.taken.get(name).map(|taken| match *taken {
            Taken::Slots(slots) => self.acquire(slots),
            Taken::Pool(pool) => Op::Borrow { pool },
            Taken::Queue(queue) => Op::Enter { queue },
        });
        let Some(op) = op else { return body(self) };
        self.emit(op);
        self.hold();
        body(self);
        self.release();
    }

    /// Instructions during which a pooler's server connection is held too, where the pool of that name goes through one.
    /// In session mode the connection keeps it, and nothing is given back here.
    fn at_server(&mut self, pool: &str, body: impl FnOnce(&mut Self)) {
        let Some(&Taken::Pool(number)) = self.taken.get(pool) else {
            return body(self);
        };
        let Some(pooler) = self.model.pools[usize::from(number)].pooler else {
            return body(self);
        };
        self.emit(Op::Server { pooler, pool: number });
        if self.model.poolers[usize::from(pooler)].by_session {
            return body(self);
        }
        self.hold();
        body(self);
        self.release();
    }

    /// An instruction that leaves the process, with its slices of the loop. Costs are the step's own, start and reply;
    /// the service's hold where it has none.
    pub(super) fn leave(&mut self, costs: Costs<'_>, path: &str, around: &Around<'p>, op: Op) {
        self.start(costs, path, around);
        self.emit(op);
        self.reply(costs, path, around);
    }

    pub(super) fn start(&mut self, costs: Costs<'_>, path: &str, around: &Around<'p>) {
        if let Some(site) = self.start_site(costs, path, around) {
            self.emit(Op::Slice { site, reply: false });
        }
    }

    pub(super) fn reply(&mut self, costs: Costs<'_>, path: &str, around: &Around<'p>) {
        match self.reply_site(costs, path, around) {
            Some(site) => {
                self.emit(Op::Slice { site, reply: true });
            }
            None => self.back_on_loop(around),
        }
    }

    /// What starting costs the loop, where it costs anything.
    pub(super) fn start_site(&mut self, costs: Costs<'_>, path: &str, around: &Around<'p>) -> Option<SiteId> {
        let service = self.file_service(around.service);
        let cost = costs
            .and_then(|(start, _)| start)
            .or(service.map(|service| &service.r#loop.start))?;
        (!cost.is_zero()).then(|| self.site(&format!("{path}/start"), cost))
    }

    /// What taking up the reply costs the loop, where it costs anything.
    pub(super) fn reply_site(&mut self, costs: Costs<'_>, path: &str, around: &Around<'p>) -> Option<SiteId> {
        let service = self.file_service(around.service);
        let cost = costs
            .and_then(|(_, reply)| reply)
            .or(service.map(|service| &service.r#loop.reply))?;
        (!cost.is_zero()).then(|| self.site(&format!("{path}/reply"), cost))
    }

    /// On an event loop, going on takes a turn even when it costs nothing.
    fn back_on_loop(&mut self, around: &Around<'p>) {
        if self.runtime(around) == Runtime::Node {
            let site = self.zero();
            self.emit(Op::Slice { site, reply: true });
        }
    }

    fn runtime(&self, around: &Around<'p>) -> Runtime {
        self.model.services[usize::from(around.service)].runtime
    }

    fn hold(&mut self) {
        self.held += 1;
        self.model.held_depth = self.model.held_depth.max(self.held);
    }

    fn let_go(&mut self) {
        self.held -= 1;
    }

    fn acquire(&self, slots: u16) -> Op {
        let spec = &self.model.slots[usize::from(slots)];
        Op::Acquire {
            slots,
            local: spec.local,
            resource: spec.resource,
        }
    }

    pub(super) fn release(&mut self) {
        self.let_go();
        self.emit(Op::Release);
    }

    /// The place of something held, taken by the caller's own instruction.
    pub(super) fn enter(&mut self, queue: u16) {
        self.emit(Op::Enter { queue });
        self.hold();
    }

    fn frame(&mut self) {
        self.frames += 1;
        self.model.frame_depth = self.model.frame_depth.max(self.frames);
    }

    fn here(&self) -> Pc {
        self.model.ops.len() as Pc
    }

    pub(super) fn emit(&mut self, op: Op) -> Pc {
        self.model.ops.push(op);
        self.here() - 1
    }

    /// A place for an instruction that says where to go on, which is not known yet.
    fn emit_blank(&mut self) -> Pc {
        self.emit(Op::Jump { to: Pc::MAX })
    }

    fn put(&mut self, at: Pc, op: Op) {
        self.model.ops[at as usize] = op;
    }

    fn jump_here(&mut self, at: Pc) {
        let to = self.here();
        self.put(at, Op::Jump { to });
    }
}

/// Slices of the loop that a step has of its own: start and reply.
pub(super) type Costs<'a> = Option<(Option<&'a Quantity>, Option<&'a Quantity>)>;
