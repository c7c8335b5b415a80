//! Memory of instances and heaps of processes, and the two ways in which it runs out.
//!
//! Owns: who takes memory and gives it back. A request in hand has its memory from the moment a process takes it to its
//! last step, whatever it waits for meanwhile and whoever still waits for it.
//! Never: what a death takes along (`instance`), what collecting costs (`models::machine::heap`).

use super::{Death, NOBODY, State, TaskKind, World};

impl World<'_> {
    /// Memory of a process's instance is taken. What is over a limit ends the instance, at this very instant but not in the
    /// middle of whatever asked for it.
    #[inline]
    pub(super) fn occupy(&mut self, process: u32, bytes: u64, on_heap: bool) {
        let state = &mut self.processes[process as usize];
        let (instance, service) = (state.instance, state.service as usize);
        let fits = !on_heap || state.heap.take(bytes);
        let machine = &mut self.instances[instance as usize];
        machine.memory += bytes;
        self.record.services[service]
            .memory
            .add(self.now, bytes, machine.memory);
        if !fits {
            self.doom(instance, Death::Heap);
        } else if machine.memory > machine.limit {
            self.doom(instance, Death::OutOfMemory);
        }
    }

    /// Memory of a process's instance is given back: so much in all, so much of it on the heap.
    #[inline]
    pub(super) fn vacate(&mut self, process: u32, bytes: u64, heap: u64) {
        let state = &mut self.processes[process as usize];
        if !state.alive {
            return;
        }
        state.heap.give_back(heap);
        let (instance, service) = (state.instance, state.service as usize);
        self.instances[instance as usize].memory -= bytes;
        self.record.services[service].memory.take(self.now, bytes);
    }

    /// Memory of a task's process is taken.
    pub(super) fn take_memory(&mut self, index: u32, bytes: u64, on_heap: bool) {
        let process = self.tasks[index].process;
        if process != NOBODY {
            self.occupy(process, bytes, on_heap);
        }
    }

    /// Memory that was taken is kept until the request ends: a branch's too, while its request is there.
    pub(super) fn keep_memory(&mut self, index: u32, bytes: u64, on_heap: bool) {
        let mut owner = index;
        while self.tasks[owner].kind == TaskKind::Branch {
            let parent = self.tasks[owner].parent;
            // One that has failed already has given back all it had: its branches keep their own.
            if !self
                .tasks
                .get(parent)
                .is_some_and(|task| task.state != State::Answering)
            {
                break;
            }
            owner = parent.index;
        }
        let task = &mut self.tasks[owner];
        task.memory += bytes;
        if on_heap {
            task.heap += bytes;
        }
    }
}
