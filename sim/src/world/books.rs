//! What must add up when a replication ends, in release builds too.
//!
//! Every request ends in exactly one way or is in flight; every attempt ends or is in flight; at every resource those
//! who came are those who left and those who are there; and the area under each level is, to the nanosecond, the sum of
//! the times that made it (Little's law in the form that holds on every sample path).

use super::{NO_RESOURCE, Run, SimulationError, World};
use crate::measure::Station;

impl World<'_> {
    /// Closes the books.
    ///
    /// # Errors
    /// When a sum does not close, which is an error in the simulator.
    pub(super) fn close_books(&mut self) -> Result<(), SimulationError> {
        self.record.touch(self.now);
        self.record.ended = self.now;
        self.record.settle();
        if self.record.measuring {
            self.finish_measuring();
        }
        for process in 0..self.processes.len() as u32 {
            if self.processes[process as usize].alive {
                self.note_limiters(process);
            }
        }
        for (spec, machine) in self
            .model
            .limiters
            .iter()
            .enumerate()
            .filter(|(_, l)| l.shared)
            .zip(&self.shared_limiters)
        {
            let record = &mut self.record.limiters[spec.0];
            record.keys += machine.keys_seen();
            record.windows += machine.windows_opened();
        }
        let requests = self.requests.iter().map(|(_, request)| request.measured);
        let asking = self.visits.iter().filter(|(_, visit)| visit.is_asking());
        let measured: Vec<bool> = requests.chain(asking.map(|(_, visit)| visit.measured)).collect();
        self.record.whole_in_flight = measured.len() as u64;
        self.record.in_flight = measured.iter().filter(|&&measured| measured).count() as u64;
        let attempts = self
            .tasks
            .iter()
            .filter(|(_, task)| task.kind == super::TaskKind::Attempt);
        let attempts = attempts.filter(|(_, task)| task.state != super::State::Answering);
        let asking = self.visits.iter().filter(|(_, visit)| visit.is_asking());
        self.record.attempts_in_flight = (attempts.count() + asking.count()) as u64;
        self.check()
    }

    fn check(&self) -> Result<(), SimulationError> {
        let record = &self.record;
        let ended = record.whole_useful + record.whole_failed + record.whole_abandoned + record.whole_in_flight;
        equal(
            "requests offered = useful + failed + abandoned + in flight",
            record.whole_offered,
            ended,
        )?;
        let attempts = record.attempts_ended + record.attempts_in_flight;
        equal("attempts begun = ended + in flight", record.attempts_begun, attempts)?;
        equal(
            "requests whose stages do not add up to their latency = 0",
            record.stage_mismatches,
            0,
        )?;
        equal(
            "requests in system at the end",
            record.in_system.value,
            record.whole_in_flight,
        )?;
        let cells: u64 = record.cells.iter().flatten().map(|cell| cell.offered).sum();
        let cells_ended: u64 = record
            .cells
            .iter()
            .flatten()
            .map(|cell| cell.useful + cell.failed + cell.abandoned)
            .sum();
        equal(
            "measured requests offered = ended + in flight",
            cells,
            cells_ended + record.in_flight,
        )?;
        for (resource, station) in self.model.resources.iter().zip(&record.stations) {
            check_station(&resource.name, station)?;
        }
        self.check_memory()?;
        self.check_levels()
    }

    /// Memory of instances against what is known to be in it.
    fn check_memory(&self) -> Result<(), SimulationError> {
        for (number, service) in self.model.services.iter().enumerate() {
            let mine = |process: u32| {
                let process = self.processes.get(process as usize);
                process.is_some_and(|process| process.alive && usize::from(process.service) == number)
            };
            let running = self.services[number]
                .instances
                .iter()
                .map(|&instance| &self.instances[instance as usize])
                .filter(|instance| !instance.processes.is_empty());
            let (mut base, mut there) = (0, 0);
            for instance in running {
                base += instance.base;
                there += instance.memory;
            }
            let held = |run: &Run| {
                let held = run.held.iter();
                held.map(|held| match held.what {
                    super::HeldWhat::Memory(bytes, _) => bytes,
                    _ => 0,
                })
                .sum::<u64>()
            };
            let tasks = self.tasks.iter().filter(|(_, task)| mine(task.process));
            let taken: u64 = tasks.map(|(_, run)| run.memory + held(run)).sum();
            let name = &service.name;
            equal(
                &format!("memory of {name} = base + what tasks hold"),
                there,
                base + taken,
            )?;
            let recorded = self.record.services[number].memory.value;
            equal(&format!("memory of {name} = its gauge"), there, recorded)?;
        }
        Ok(())
    }

    /// Areas against sums of times: what ended, and what those still there have had so far.
    fn check_levels(&self) -> Result<(), SimulationError> {
        for (number, database) in self.databases.iter().enumerate() {
            let at_server = self
                .processes
                .iter()
                .filter(|process| process.alive)
                .flat_map(|process| {
                    let pools = &self.model.services[process.service as usize].pools;
                    pools
                        .iter()
                        .zip(&process.connections)
                        .filter(|(pool, _)| self.model.pools[**pool as usize].database as usize == number)
                        .filter(|(pool, _)| self.model.pools[**pool as usize].pooler.is_none())
                });
            let held: usize = at_server
                .map(|(_, table)| table.iter().filter(|(at_server, _)| *at_server).count())
                .sum();
            let poolers = self.poolers.iter().zip(&self.model.poolers);
            let of_poolers: u32 = poolers
                .filter(|(_, spec)| spec.database as usize == number)
                .map(|(pooler, _)| pooler.at_server)
                .sum();
            let held = held + of_poolers as usize;
            equal(
                "connections at the database = connections of all pools",
                u64::from(database.connections),
                held as u64,
            )?;
        }
        self.check_poolers()?;
        let mut holders = vec![(0u64, 0u128); self.model.resources.len()];
        for (_, run) in self.tasks.iter() {
            for held in &run.held {
                if held.resource != NO_RESOURCE {
                    let (count, time) = &mut holders[held.resource as usize];
                    *count += 1;
                    *time += u128::from(self.now.since(held.since).nanos());
                }
            }
        }
        for slot in self.visits.iter().flat_map(|(_, visit)| visit.held()) {
            let (count, time) = &mut holders[slot.resource as usize];
            *count += 1;
            *time += u128::from(self.now.since(slot.since).nanos());
        }
        for spec in self
            .model
            .slots
            .iter()
            .map(|s| s.resource)
            .chain(self.model.pools.iter().map(|p| p.resource))
        {
            let station = &self.record.stations[spec as usize];
            let (count, time) = holders[spec as usize];
            let name = &self.model.resources[spec as usize].name;
            equal(
                &format!("slots of {name} taken = slots held by tasks"),
                station.busy.value,
                count,
            )?;
            let sum = station.services + time;
            equal_wide(
                &format!("area under busy of {name} = sum of holds"),
                station.busy.area(self.now),
                sum,
            )?;
        }
        for (resource, station) in self.model.resources.iter().zip(&self.record.stations) {
            if station.queue.value == 0 {
                let name = &resource.name;
                equal_wide(
                    &format!("area under queue of {name} = sum of waits"),
                    station.queue.area(self.now),
                    station.waits,
                )?;
            }
            if station.busy.value == 0 {
                let name = &resource.name;
                equal_wide(
                    &format!("area under busy of {name} = sum of services"),
                    station.busy.area(self.now),
                    station.services,
                )?;
            }
        }
        Ok(())
    }
}

impl World<'_> {
    /// Clients' connections to poolers against those of their pools, server connections lent against those held.
    fn check_poolers(&self) -> Result<(), SimulationError> {
        for (number, pooler) in self.poolers.iter().enumerate() {
            let (mut clients, mut kept) = (0, 0);
            for process in self.processes.iter().filter(|process| process.alive) {
                let pools = &self.model.services[process.service as usize].pools;
                for (local, &pool) in pools.iter().enumerate() {
                    if self.model.pools[pool as usize].pooler == Some(number as u16) {
                        clients += process.connections[local].iter().filter(|(there, _)| *there).count();
                        kept += process.leases[local].iter().flatten().count();
                    }
                }
            }
            equal(
                "clients of a pooler = connections of its pools",
                u64::from(pooler.clients),
                clients as u64,
            )?;
            let tasks = self.tasks.iter().flat_map(|(_, run)| &run.held);
            let held = tasks
                .filter(|held| matches!(held.what, super::HeldWhat::Server(of, _) if usize::from(of) == number))
                .count();
            let resource = self.model.poolers[number].resource as usize;
            equal(
                "server connections of a pooler lent = held by tasks and clients",
                self.record.stations[resource].busy.value,
                (held + kept) as u64,
            )?;
        }
        Ok(())
    }
}

fn check_station(name: &str, station: &Station) -> Result<(), SimulationError> {
    let there = station.busy.value + station.queue.value;
    equal(
        &format!("arrivals at {name} = left + still there"),
        station.at_once + station.whole_offered,
        station.whole_left + there,
    )
}

fn equal(what: &str, left: u64, right: u64) -> Result<(), SimulationError> {
    equal_wide(what, u128::from(left), u128::from(right))
}

fn equal_wide(what: &str, left: u128, right: u128) -> Result<(), SimulationError> {
    if left == right {
        return Ok(());
    }
    Err(SimulationError::Books {
        what: format!("{what}: {left} against {right}"),
    })
}
