//! Degradation: each process of the service looks at itself and decides for itself.
//!
//! What a process reads of its sockets: behind the platform's proxy it is the proxy that holds connections to it. A
//! request takes one that is idle, or opens another; after the answer the connection stays open, idle, for as long as
//! the server keeps it alive. So the reading is the requests in hand and the connections left over from the last moments.
//! Owns: readings, and what a level leaves out. Never: which level holds (that is the machine's).

use highwater_models::machine::degradation::{LevelChange, Reading};
use highwater_models::{SimSpan, SimTime};

use super::{NOBODY, World};

/// Changes of level that the log lists one by one; more are counted.
const LISTED_MAX: u64 = 200;

impl World<'_> {
    /// A process looks at itself.
    pub(super) fn look(&mut self, process: u32, wake: u32) {
        let model = self.model;
        let Some(ladder) = &model.degradation else { return };
        let instance = self.processes[process as usize].instance;
        let used = self.cpu_used(instance);
        self.expire_sockets(process);
        let state = &mut self.processes[process as usize];
        let machine = &self.instances[instance as usize];
        let span = self.now.since(state.ladder.looked).nanos() as f64;
        let cpu = (used - state.ladder.cpu) / (span * machine.cores);
        (state.ladder.cpu, state.ladder.looked) = (used, self.now);
        let sockets = (u64::from(state.in_hand) + state.ladder.idle.len() as u64) * u64::from(ladder.per_client);
        let reading = Reading {
            sockets: sockets as f64,
            in_hand: f64::from(state.in_hand),
            // Nothing has passed, or nothing is limited: nothing is busy.
            cpu: if cpu.is_finite() { cpu } else { 0.0 },
            memory: if machine.limit != u64::MAX {
                machine.memory as f64 / machine.limit as f64
            } else {
                0.0
            },
        };
        if let Some(change) = state.ladder.machine.on_sample(&ladder.config, self.now, &reading) {
            self.level_changed(process, change, &reading);
        }
        self.arm(wake, self.now + ladder.every);
    }

    fn level_changed(&mut self, process: u32, change: LevelChange, reading: &Reading) {
        let Some(ladder) = &self.model.degradation else { return };
        let record = &mut self.record.degradation;
        if self.record.measuring {
            record.changes += 1;
        }
        record.changes_whole += 1;
        if let Some(from) = change.from {
            record.levels[from].down(self.now);
        }
        if let Some(to) = change.to {
            record.levels[to].up(self.now);
        }
        let listed = record.changes_whole;
        let name = |level: Option<usize>| level.map_or("normal", |level| ladder.levels[level].as_str());
        if listed <= LISTED_MAX {
            let mut text = format!(
                "process {process}: {} -> {}: {} sockets, CPU {} %",
                name(change.from),
                name(change.to),
                reading.sockets,
                (reading.cpu * 100.0).round(),
            );
            if listed == LISTED_MAX {
                text.push_str("; further changes are counted and not listed");
            }
            self.log("degradation".to_owned(), text);
        }
    }

    /// A process of the service begins: it looks at itself from now on.
    pub(super) fn begin_ladder(&mut self, process: u32, wake: u32) {
        let Some(ladder) = &self.model.degradation else { return };
        let cpu = self.cpu_used(self.processes[process as usize].instance);
        let state = &mut self.processes[process as usize].ladder;
        (state.cpu, state.looked) = (cpu, self.now);
        self.record.degradation.processes.up(self.now);
        self.arm(wake, self.now + ladder.every);
    }

    /// A process has ended, whatever level it was at.
    pub(super) fn end_ladder(&mut self, process: u32) {
        let state = &self.processes[process as usize];
        if !self.has_ladder(state.service) {
            return;
        }
        self.record.degradation.processes.down(self.now);
        if let Some(level) = state.ladder.machine.level() {
            self.record.degradation.levels[level].down(self.now);
        }
    }

    /// Whether the processes of a service look at themselves.
    pub(super) fn has_ladder(&self, service: u16) -> bool {
        self.model
            .degradation
            .as_ref()
            .is_some_and(|ladder| ladder.service == service)
    }

    /// A request has come to a process: by an idle connection, or by a new one.
    pub(super) fn socket_taken(&mut self, process: u32) {
        self.expire_sockets(process);
        self.processes[process as usize].ladder.idle.pop_back();
    }

    /// A request has left: its connection is idle.
    pub(super) fn socket_idle(&mut self, process: u32) {
        self.expire_sockets(process);
        self.processes[process as usize].ladder.idle.push_back(self.now);
    }

    fn expire_sockets(&mut self, process: u32) {
        let keep_alive = self
            .model
            .degradation
            .as_ref()
            .map_or(SimSpan::ZERO, |ladder| ladder.keep_alive);
        let idle = &mut self.processes[process as usize].ladder.idle;
        while idle
            .front()
            .is_some_and(|&since: &SimTime| since + keep_alive <= self.now)
        {
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
        self.processes[process as usize].ladder.machine.level()
    }

    /// The call that a task makes, as its process's level has it; what that costs in quality is noted.
    pub(super) fn choose_call(&mut self, index: u32, call: u16) -> u16 {
        let level = self.level_of(self.tasks[index].process);
        let chosen = match (level, &self.model.degradation) {
            (Some(level), Some(ladder)) => ladder.calls[level].get(call as usize).copied().unwrap_or(call),
            _ => call,
        };
        if chosen != call {
            let worth = |call: u16| {
                let spec = &self.model.calls[call as usize];
                self.model.providers[spec.provider as usize].models[spec.model as usize].quality
            };
            let (usual, now) = (worth(call), worth(chosen));
            let task = &mut self.tasks[index];
            task.degraded = true;
            if usual > 0.0 {
                task.quality *= (now / usual) as f32;
            }
        }
        self.tasks[index].call = chosen;
        chosen
    }

    /// A useful answer: what it was worth.
    pub(super) fn note_quality(&mut self, index: u32) {
        let task = &self.tasks[index];
        if task.degraded && task.measured {
            self.record.degradation.degraded += 1;
            self.record.degradation.lost += 1.0 - f64::from(task.quality);
        }
    }
}
