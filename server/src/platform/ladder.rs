//! Degradation: each process of the service looks at itself and decides for itself.
//!
//! What a process reads of its sockets: behind the platform's proxy it is the proxy that holds connections to it. A
//! request takes one that is idle, or opens another; after the answer the connection stays open, idle, for as long as
//! the server keeps it alive. So the reading is the requests in hand and the connections left over from the last moments.
//! Owns: readings, and what a level leaves out. Never: which level holds (that is the machine's).

use highwater_models::SimSpan;
use highwater_models::machine::degradation::{LevelChange, Reading};

use super::plant::Plant;
use super::state::NOBODY;

impl Plant<'_> {
    /// A process looks at itself.
    pub(super) fn look(&mut self, process: u32, wake: u32) {
        let Some(ladder) = &self.model.degradation else { return };
        let instance = self.s.processes[process as usize].instance;
        let used = self.cpu_used(instance);
        self.expire_sockets(process);
        let now = self.s.now;
        let state = &mut self.s.processes[process as usize];
        let machine = &self.s.instances[instance as usize];
        let span = now.since(state.ladder.looked).nanos() as f64;
        let cpu = (used - state.ladder.cpu) / (span * machine.cores);
        (state.ladder.cpu, state.ladder.looked) = (used, now);
        let sockets = (u64::from(state.in_hand) + state.ladder.idle.len() as u64) * u64::from(ladder.per_client);
        let reading = Reading {
            sockets: sockets as f64,
            in_hand: f64::from(state.in_hand),
            // Nothing has passed, or nothing is limited: nothing is busy.
            cpu: if cpu.is_finite() { cpu } else { 0.0 },
            memory: if machine.limit == u64::MAX {
                0.0
            } else {
                machine.memory as f64 / machine.limit as f64
            },
        };
        if let Some(change) = state.ladder.machine.on_sample(&ladder.config, now, &reading) {
            self.level_changed(process, change, &reading);
        }
        self.arm(wake, now + ladder.every);
    }

    fn level_changed(&mut self, process: u32, change: LevelChange, reading: &Reading) {
        let Some(ladder) = &self.model.degradation else { return };
        let name = |level: Option<usize>| level.map_or("normal", |level| ladder.levels[level].as_str());
        let text = format!(
            "process {process}: {} -> {}: {} sockets, CPU {} %",
            name(change.from),
            name(change.to),
            reading.sockets,
            (reading.cpu * 100.0).round(),
        );
        self.s.tally.level_changes += 1;
        self.log("degradation", text);
    }

    /// A process of the service begins: it looks at itself from now on.
    pub(super) fn begin_ladder(&mut self, process: u32, wake: u32) {
        let Some(ladder) = &self.model.degradation else { return };
        let cpu = self.cpu_used(self.s.processes[process as usize].instance);
        let now = self.s.now;
        let state = &mut self.s.processes[process as usize].ladder;
        (state.cpu, state.looked) = (cpu, now);
        self.arm(wake, now + ladder.every);
    }

    /// Whether the processes of a service look at themselves.
    pub(super) fn has_ladder(&self, service: u16) -> bool {
        let ladder = self.model.degradation.as_ref();
        ladder.is_some_and(|ladder| ladder.service == service)
    }

    /// A request has come to a process: by an idle connection, or by a new one.
    pub(super) fn socket_taken(&mut self, process: u32) {
        self.expire_sockets(process);
        self.s.processes[process as usize].ladder.idle.pop_back();
    }

    /// A request has left: its connection is idle.
    pub(super) fn socket_idle(&mut self, process: u32) {
        self.expire_sockets(process);
        let now = self.s.now;
        self.s.processes[process as usize].ladder.idle.push_back(now);
    }

    fn expire_sockets(&mut self, process: u32) {
        let ladder = self.model.degradation.as_ref();
        let keep_alive = ladder.map_or(SimSpan::ZERO, |ladder| ladder.keep_alive);
        let now = self.s.now;
        let idle = &mut self.s.processes[process as usize].ladder.idle;
        while idle.front().is_some_and(|&since| since + keep_alive <= now) {
            idle.pop_front();
        }
    }

    /// Whether a feature is off in a process.
    pub(super) fn is_off(&self, process: u32, feature: u16) -> bool {
        let (Some(level), Some(ladder)) = (self.level_of(process), &self.model.degradation) else {
            return false;
        };
        ladder.off[level][feature as usize]
    }

    fn level_of(&self, process: u32) -> Option<usize> {
        if process == NOBODY {
            return None;
        }
        self.s.processes[process as usize].ladder.machine.level()
    }

    /// The call that a task makes, as its process's level has it.
    pub(super) fn choose_call(&mut self, index: u32, call: u16) -> u16 {
        let level = self.level_of(self.s.tasks[index].process);
        let chosen = match (level, &self.model.degradation) {
            (Some(level), Some(ladder)) => ladder.calls[level].get(call as usize).copied().unwrap_or(call),
            _ => call,
        };
        let task = &mut self.s.tasks[index];
        task.degraded |= chosen != call;
        task.call = chosen;
        chosen
    }
}
