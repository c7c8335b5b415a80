//! How a request comes in, and how its answer goes out.

use std::sync::{Arc, Mutex};

use futures::channel::{mpsc, oneshot};
use highwater_models::{Cause, SimSpan};
use highwater_program::model::{STAGE_CLIENT, Stage};

use super::plant::Plant;
use super::slab::Handle;
use super::state::{Run, Task, TaskKind};
use crate::arrival::{Answer, Arrival, Piece};
use crate::product::Story;

/// The most tasks in flight, requests and what they have begun: more are shed, so that no load fills this machine's memory.
const IN_FLIGHT_MAX: usize = 1 << 18;

impl Plant<'_> {
    /// A request is at the balancer. By which its client's going is told, and where its answer goes.
    pub(super) fn take_in(&mut self, arrival: Arrival, reply: oneshot::Sender<Answer>) -> Handle {
        let now = self.s.now;
        let Some(endpoint) = self.model.endpoints.get(arrival.endpoint as usize) else {
            // Whoever asks for what there is not is told so; the HTTP side knows its endpoints.
            let _ = reply.send(refusal(Cause::UpstreamError));
            return Handle::NOTHING;
        };
        let refused = if self.s.is_draining {
            Some(Cause::NoInstance)
        } else {
            (self.s.tasks.len() >= IN_FLIGHT_MAX).then_some(Cause::Shed)
        };
        if let Some(cause) = refused {
            self.s.tally.turned_away += 1;
            let _ = reply.send(refusal(cause));
            return Handle::NOTHING;
        }
        self.s.tally.requests += 1;
        self.s.people.asks(now, arrival.person.number);
        let task = Task {
            class: arrival.person.class,
            signed_in: arrival.person.user.is_some(),
            stage: STAGE_CLIENT,
            endpoint: arrival.endpoint,
            person: arrival.person.number,
            ip: arrival.person.address,
            ..Task::new(TaskKind::Attempt, endpoint.start, arrival.draws, now)
        };
        let story = Story::new(&endpoint.name, &arrival);
        let mut run = Run::new(task, Some(Arc::new(Mutex::new(story))));
        run.reply = Some(reply);
        let task = self.s.tasks.insert(run);
        let request = self.s.requests.insert(task);
        self.s.tasks[task.index].request = request;
        self.run_task(task.index);
        request
    }

    /// A request's program has ended: its answer goes out, or the end of one that has begun.
    pub(super) fn answer(&mut self, index: u32) {
        let run = &mut self.s.tasks[index];
        let stages = stages_of(run);
        let cause = run.cause;
        let request = std::mem::replace(&mut run.request, Handle::NOTHING);
        let latency = self.s.now.since(run.arrived);
        self.s.requests.remove(request.index);
        self.s.tally.ended(cause, latency);
        if let Some(pieces) = self.s.tasks[index].pieces.take() {
            let last = match cause {
                None => Piece::Whole(stages),
                Some(cause) => Piece::Broken(cause),
            };
            // Whoever has gone does not hear of it.
            let _ = pieces.unbounded_send(last);
            return;
        }
        self.answer_with(index, stages, None);
    }

    /// A request's answer has begun, and its client is watched until it is whole: then `watched` is dropped.
    pub(super) fn watch(&mut self, request: Handle, watched: oneshot::Sender<()>) {
        let task = self.s.requests.get(request).copied();
        if let Some(run) = task.and_then(|task| self.s.tasks.get_mut(task)) {
            run.watched = Some(watched);
        }
    }

    /// A request's time so far, while a task that may be another one works for it.
    pub(super) fn stages_so_far(&mut self, root: u32, worker: u32) -> Vec<(Stage, SimSpan)> {
        for index in [root, worker] {
            let stage = self.s.tasks[index].stage;
            self.enter(index, stage);
        }
        stages_of(&self.s.tasks[root])
    }

    /// Hands an answer over, or its beginning. False when it has been, or nobody waits for it.
    pub(super) fn answer_with(
        &mut self,
        index: u32,
        stages: Vec<(Stage, SimSpan)>,
        pieces: Option<mpsc::UnboundedReceiver<Piece>>,
    ) -> bool {
        let Some(reply) = self.s.tasks[index].reply.take() else {
            return false;
        };
        let task = &self.s.tasks[index];
        let (cause, retry_after) = (task.cause, task.retry_after);
        let process = self.s.processes.get(task.process as usize);
        let place = process.map(|process| (process.instance, task.process));
        let signs_in = cause.is_none() && self.model.endpoints[task.endpoint as usize].signs_in;
        let body = self.story(index, |story| story.body(cause)).unwrap_or_default();
        let answer = Answer {
            cause,
            retry_after: retry_after.filter(|_| cause.is_some()),
            body,
            pieces,
            signs_in,
            stages,
            place,
        };
        reply.send(answer).is_ok()
    }
}

/// Where a request's time in the platform went.
fn stages_of(run: &Run) -> Vec<(Stage, SimSpan)> {
    let mut stages = run.split.clone();
    stages.sort_by_key(|&(stage, _)| stage);
    stages
}

/// The answer to what no instance ever saw.
pub(super) fn refusal(cause: Cause) -> Answer {
    Answer {
        cause: Some(cause),
        retry_after: None,
        body: crate::product::error(cause),
        pieces: None,
        signs_in: false,
        stages: Vec::new(),
        place: None,
    }
}
