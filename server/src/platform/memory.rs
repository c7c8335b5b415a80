//! Memory of instances and heaps of processes, and the two ways in which it runs out.
//!
//! Owns: who takes memory and gives it back. A request in hand has its memory from the moment a process takes it to its
//! last step, whatever it waits for meanwhile and whoever still waits for it.

use super::plant::{Death, Plant};
use super::state::{NOBODY, TaskKind};

impl Plant<'_> {
    /// Memory of a process's instance is taken. What is over a limit ends the instance, at this very instant but not in the
    /// middle of whatever asked for it.
    pub(super) fn occupy(&mut self, process: u32, bytes: u64, on_heap: bool) {
        let state = &mut self.s.processes[process as usize];
        let instance = state.instance;
        let fits = !on_heap || state.heap.take(bytes);
        let machine = &mut self.s.instances[instance as usize];
        machine.memory += bytes;
        if !fits {
            self.doom(instance, Death::Heap);
        } else if machine.memory > machine.limit {
            self.doom(instance, Death::OutOfMemory);
        }
    }

    /// Memory of a process's instance is given back: so much in all, so much of it on the heap.
    pub(super) fn vacate(&mut self, process: u32, bytes: u64, heap: u64) {
        let Some(state) = self.s.processes.get_mut(process as usize).filter(|state| state.alive) else {
            return;
        };
        state.heap.give_back(heap);
        let machine = &mut self.s.instances[state.instance as usize];
        machine.memory = machine.memory.saturating_sub(bytes);
    }

    /// Memory of a task's process is taken.
    pub(super) fn take_memory(&mut self, index: u32, bytes: u64, on_heap: bool) {
        let process = self.s.tasks[index].process;
        if process != NOBODY {
            self.occupy(process, bytes, on_heap);
        }
    }

    /// Memory that was taken is kept until the request ends: a branch's too, while its request is there.
    pub(super) fn keep_memory(&mut self, index: u32, bytes: u64, on_heap: bool) {
        let mut owner = index;
        while self.s.tasks[owner].kind == TaskKind::Branch {
            let parent = self.s.tasks[owner].parent;
            // One that has failed already has given back all it had: its branches keep their own.
            if !self.s.tasks.is_live(parent) {
                break;
            }
            owner = parent.index;
        }
        let task = &mut self.s.tasks[owner];
        task.memory += bytes;
        if on_heap {
            task.heap += bytes;
        }
    }
}
