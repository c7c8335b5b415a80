//! What sessions do, and what they use: flows as one flat program, and clients.
//!
//! Owns: both tables.
//! Never: when sessions come (that is `traffic.rs`).

use highwater_models::file::Quantity;
use highwater_models::file::step::{Branch, FlowStep};
use highwater_models::file::system::{self, AfterFailure, EndpointKind};
use highwater_models::{Cause, SimSpan};

use super::servers::retry_policy;
use super::{Compiler, number, place_number};
use crate::model::{Choice, Client, Flow, FlowOp, Fork, Pc};

impl<'p> Compiler<'p> {
    pub(super) fn flows(&mut self) {
        let system = self.system;
        for (name, flow) in system.flow.iter() {
            let start = self.flow_here();
            self.flow_steps(&flow.steps, &format!("flow.{name}.steps"));
            self.model.flow_ops.push(FlowOp::End);
            self.model.flows.push(Flow { start });
        }
    }

    /// The flow that is one request of an endpoint.
    pub(super) fn flow_of(&mut self, endpoint: u16) -> u16 {
        if let Some(&known) = self.single.get(&endpoint) {
            return known;
        }
        let start = self.flow_here();
        self.model.flow_ops.extend([FlowOp::Request { endpoint }, FlowOp::End]);
        let index = number(self.model.flows.len());
        self.model.flows.push(Flow { start });
        self.single.insert(endpoint, index);
        index
    }

    fn flow_steps(&mut self, steps: &'p [FlowStep], path: &str) {
        for (index, step) in steps.iter().enumerate() {
            self.flow_step(step, &format!("{path}.{index}"));
        }
    }

    fn flow_step(&mut self, step: &'p FlowStep, path: &str) {
        match step {
            FlowStep::Request(names) => {
                let endpoint = self.batch(names);
                self.model.flow_ops.push(FlowOp::Request { endpoint });
            }
            FlowStep::Think(time) => {
                let site = self.site(&format!("{path}/think"), time);
                self.model.flow_ops.push(FlowOp::Think { site });
            }
            FlowStep::Choose(branches) => self.flow_choose(branches, path),
            FlowStep::Repeat(repeat) => {
                let site = self.site(&format!("{path}/times"), &repeat.times);
                let at = self.flow_blank();
                self.frames += 1;
                self.model.frame_depth = self.model.frame_depth.max(self.frames);
                self.flow_steps(&repeat.steps, &format!("{path}.steps"));
                self.frames -= 1;
                self.model.flow_ops.push(FlowOp::Again);
                self.model.flow_ops[at] = FlowOp::Repeat {
                    site,
                    after: self.flow_here(),
                };
            }
            FlowStep::Parallel(lists) => {
                let fork = number(self.model.forks.len());
                self.model.forks.push(Fork { branches: Vec::new() });
                self.model.flow_ops.push(FlowOp::Fork { branches: fork });
                let jump = self.flow_blank();
                let mut starts = Vec::new();
                let frames = std::mem::take(&mut self.frames);
                for (index, list) in lists.iter().enumerate() {
                    starts.push(self.flow_here());
                    self.flow_steps(list, &format!("{path}.{index}"));
                    self.model.flow_ops.push(FlowOp::EndBranch);
                }
                self.frames = frames;
                self.model.flow_ops[jump] = FlowOp::Jump { to: self.flow_here() };
                self.model.forks[usize::from(fork)].branches = starts;
            }
        }
    }

    fn flow_choose(&mut self, branches: &'p [Branch<FlowStep>], path: &str) {
        let choice = number(self.model.choices.len());
        let place = place_number(&format!("{path}/choose"));
        self.model.choices.push(Choice::new(place));
        self.model.flow_ops.push(FlowOp::Choose { choice });
        let mut made = Vec::new();
        let mut jumps = Vec::new();

        for (index, branch) in branches.iter().enumerate() {
            made.push((
                branch.weight,
                branch.class.as_ref().map(|class| self.class(class)),
                self.flow_here(),
            ));
            let name = branch
                .name
                .as_ref()
                .map_or_else(|| index.to_string(), |name| name.text.clone());
            self.flow_steps(&branch.steps, &format!("{path}.{name}"));
            jumps.push(self.flow_blank());
        }
        let after = self.flow_here();
        jumps
            .into_iter()
            .for_each(|jump| self.model.flow_ops[jump] = FlowOp::Jump { to: after });
        let choice = &mut self.model.choices[usize::from(choice)];
        choice.lead(made, after);
    }

    fn flow_here(&self) -> Pc {
        self.model.flow_ops.len() as Pc
    }

    /// A place for an instruction that says where to go on, which is not known yet.
    fn flow_blank(&mut self) -> usize {
        self.model.flow_ops.push(FlowOp::Jump { to: Pc::MAX });
        self.model.flow_ops.len() - 1
    }

    /// Every client; an ideal one where there is none.
    pub(super) fn clients(&mut self) {
        let system = self.system;
        for (name, client) in system.client.iter() {
            let made = self.client(&name.text, client);
            self.model.clients.push(made);
        }
        if self.model.clients.is_empty() {
            let rtt = self.site("client/rtt", &Quantity::constant(0.0));
            self.model.clients.push(Client {
                rtt,
                timeout: SimSpan::FOREVER,
                first_byte_timeout: SimSpan::FOREVER,
                patience: None,
                retry: None,
                retries_queries: false,
                retries_mutations: false,
                retries: [false; Cause::COUNT],
                retry_budget: f64::INFINITY,
                resend: None,
                ends_on_timeout: true,
                ends_on_error: false,
            });
        }
    }

    fn client(&mut self, name: &str, client: &system::Client) -> Client {
        let retries = match &client.retry_on {
            Some(causes) => Cause::ALL.map(|cause| causes.contains(&cause)),
            None => Cause::ALL.map(|cause| !is_refusal(cause)),
        };
        let patience = client
            .patience
            .as_ref()
            .map(|law| self.site(&format!("client.{name}/patience"), law));
        let resend = client.resend.as_ref().map(|resend| {
            (
                resend.probability.get(),
                self.site(&format!("client.{name}/resend"), &resend.after),
            )
        });
        Client {
            rtt: self.site(&format!("client.{name}/rtt"), &client.rtt),
            timeout: client.timeout.unwrap_or(SimSpan::FOREVER),
            first_byte_timeout: client.first_byte_timeout.unwrap_or(SimSpan::FOREVER),
            patience,
            retry: client.retry.as_ref().map(retry_policy),
            retries_queries: client.retry_kinds.contains(&EndpointKind::Query),
            retries_mutations: client.retry_kinds.contains(&EndpointKind::Mutation),
            retries,
            retry_budget: client.retry_budget.map_or(f64::INFINITY, |share| share.get()),
            resend,
            ends_on_timeout: client.on_timeout == AfterFailure::EndSession,
            ends_on_error: client.on_error == AfterFailure::EndSession,
        }
    }
}

/// Whether the server said no on purpose, so that asking again at once is no use.
fn is_refusal(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::RateLimited | Cause::Unauthorized | Cause::FeatureOff | Cause::Shed
    )
}
