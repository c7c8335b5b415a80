//! A CPU shared by jobs that all run at the same speed: a database's cores, or an instance's CPU limit.
//!
//! Owns: who runs, how far along each is, and when the next one ends. O(log n) a job: time is kept in *work done by
//! each job* (virtual time), which grows at the common speed, so a job's end is a fixed point of it (the fair-queueing
//! idea of virtual time: Parekh and Gallager 1993).
//! Never: events; the driver asks [`Processor::next_end`] after every change and keeps one event for it.
//!
//! The speed of a job is 1 when there is a core for it. Beyond that there are two kinds of limit: *shared*, all jobs
//! slow down evenly; and a *quota* as containers have it, full speed until the period's allowance is used up, then a
//! freeze until the next period.

use crate::{SimSpan, SimTime};

/// How the limit is enforced.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Limit {
    /// `n` jobs on `cores` cores run at `min(1, cores / n)`.
    Shared,
    /// Each period allows `cores` times its length of CPU time, at full speed each job.
    Quota {
        /// Length of a period; periods follow one another from time zero.
        period: SimSpan,
    },
}

/// A job and the point of virtual time at which it ends.
#[derive(Copy, Clone, Debug)]
struct Job {
    end: f64,
    order: u64,
    payload: u64,
}

/// The CPU.
#[derive(Clone, Debug)]
pub struct Processor {
    cores: f64,
    limit: Limit,
    /// Binary heap of jobs, the first to end on top.
    jobs: Vec<Job>,
    order: u64,
    /// Virtual time: nanoseconds of work that each running job has got since the CPU was last idle.
    virtual_now: f64,
    /// When `virtual_now` was worked out.
    at: SimTime,
    /// CPU time used in all, in nanoseconds.
    used: f64,
    /// CPU time left in the current period, in nanoseconds.
    allowance: f64,
    /// End of the current period.
    period_end: SimTime,
}

/// Work is in nanoseconds; what is left of a job at its end is rounding.
const ROUNDING: f64 = 0.5;

impl Processor {
    /// An idle CPU of so many cores (a fraction is allowed, infinity too).
    #[must_use]
    pub fn new(cores: f64, limit: Limit) -> Self {
        Self {
            cores,
            limit,
            jobs: Vec::new(),
            order: 0,
            virtual_now: 0.0,
            at: SimTime::ZERO,
            used: 0.0,
            allowance: 0.0,
            period_end: SimTime::ZERO,
        }
    }

    /// Starts a job of `work` nanoseconds of a full core.
    pub fn start(&mut self, now: SimTime, work: SimSpan, payload: u64) {
        self.advance(now);
        if self.jobs.is_empty() {
            // Rebase, so that the numbers stay small however long the run is.
            self.virtual_now = 0.0;
        }
        self.order += 1;
        let job = Job {
            end: self.virtual_now + work.nanos() as f64,
            order: self.order,
            payload,
        };
        self.jobs.push(job);
        self.sift_up();
    }

    /// Takes a job that has ended by `now`; call until `None`.
    pub fn ended(&mut self, now: SimTime) -> Option<u64> {
        self.advance(now);
        let job = *self.jobs.first()?;
        if job.end > self.virtual_now + ROUNDING {
            return None;
        }
        let last = self.jobs.pop()?;
        if !self.jobs.is_empty() {
            self.jobs[0] = last;
            self.sift_down();
        }
        Some(job.payload)
    }

    /// When the first of the jobs ends if nothing changes; [`SimTime::NEVER`] when there is none.
    #[must_use]
    pub fn next_end(&self) -> SimTime {
        let Some(job) = self.jobs.first() else {
            return SimTime::NEVER;
        };
        let left = (job.end - self.virtual_now).max(0.0);
        let n = self.jobs.len() as f64;
        match self.limit {
            Limit::Shared => self.at + ceil_span(left / self.speed(n)),
            Limit::Quota { period } => {
                let per_period = self.cores * period.nanos() as f64 / n;
                let in_this = (self.allowance / n).min(self.period_end.since(self.at).nanos() as f64);
                if left <= in_this {
                    return self.at + ceil_span(left);
                }
                // Whole periods that go by first; each gives every job the same share, at most the period itself.
                let per_period = per_period.min(period.nanos() as f64);
                let beyond = left - in_this;
                let whole = (beyond / per_period).ceil() - 1.0;
                let into_last = beyond - whole * per_period;
                self.period_end + SimSpan::from_nanos((whole * period.nanos() as f64) as u64) + ceil_span(into_last)
            }
        }
    }

    /// CPU time used so far, in nanoseconds of a full core.
    pub fn used(&mut self, now: SimTime) -> f64 {
        self.advance(now);
        self.used
    }

    /// Whatever runs is gone without having ended.
    pub fn clear(&mut self, now: SimTime) {
        self.advance(now);
        self.jobs.clear();
    }

    /// Jobs under way.
    #[must_use]
    pub fn running(&self) -> usize {
        self.jobs.len()
    }

    /// Cores there are.
    #[must_use]
    pub fn cores(&self) -> f64 {
        self.cores
    }

    /// Changes the number of cores from now on.
    pub fn set_cores(&mut self, now: SimTime, cores: f64) {
        self.advance(now);
        self.cores = cores;
    }

    fn speed(&self, n: f64) -> f64 {
        (self.cores / n).min(1.0)
    }

    /// Brings virtual time up to `now`.
    fn advance(&mut self, now: SimTime) {
        let n = self.jobs.len() as f64;
        match self.limit {
            Limit::Shared => {
                let elapsed = now.since(self.at).nanos() as f64;
                if n > 0.0 && elapsed > 0.0 {
                    let done = elapsed * self.speed(n);
                    self.virtual_now += done;
                    self.used += done * n;
                }
            }
            Limit::Quota { period } => self.advance_quota(now, period, n),
        }
        self.at = self.at.max(now);
    }

    fn advance_quota(&mut self, now: SimTime, period: SimSpan, n: f64) {
        if self.period_end == SimTime::ZERO || (n == 0.0 && now >= self.period_end) {
            // Periods lie on a grid; an idle CPU just finds itself in the current one.
            let periods = now.nanos() / period.nanos();
            self.period_end = SimTime::from_nanos((periods + 1) * period.nanos());
            self.allowance = self.cores * period.nanos() as f64;
        }
        while self.at < now || now >= self.period_end {
            let until = self.period_end.min(now);
            let elapsed = until.since(self.at).nanos() as f64;
            if n > 0.0 {
                let done = elapsed.min(self.allowance / n);
                self.virtual_now += done;
                self.used += done * n;
                self.allowance -= done * n;
            }
            self.at = until;
            if until == self.period_end {
                self.period_end += period;
                self.allowance = self.cores * period.nanos() as f64;
            }
        }
    }

    fn before(a: &Job, b: &Job) -> bool {
        (a.end, a.order) < (b.end, b.order)
    }

    fn sift_up(&mut self) {
        let mut at = self.jobs.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !Self::before(&self.jobs[at], &self.jobs[parent]) {
                break;
            }
            self.jobs.swap(at, parent);
            at = parent;
        }
    }

    fn sift_down(&mut self) {
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            if left >= self.jobs.len() {
                break;
            }
            let right = left + 1;
            let child = if right < self.jobs.len() && Self::before(&self.jobs[right], &self.jobs[left]) {
                right
            } else {
                left
            };
            if !Self::before(&self.jobs[child], &self.jobs[at]) {
                break;
            }
            self.jobs.swap(at, child);
            at = child;
        }
    }
}

/// A length that is surely long enough for so many nanoseconds.
fn ceil_span(nanos: f64) -> SimSpan {
    if nanos.is_finite() {
        SimSpan::from_nanos(nanos.ceil() as u64)
    } else {
        SimSpan::FOREVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> SimTime {
        SimTime::from_nanos(millis * 1_000_000)
    }

    /// Starts jobs at times and returns (payload, end in milliseconds) in order of their ends.
    fn run(mut cpu: Processor, jobs: &[(u64, u64)]) -> Vec<(u64, f64)> {
        let mut ends = Vec::new();
        let mut jobs = jobs.iter().enumerate().peekable();
        loop {
            let end = cpu.next_end();
            match jobs.peek() {
                Some(&(n, &(at, work))) if ms(at) <= end => {
                    jobs.next();
                    cpu.start(ms(at), SimSpan::from_millis(work), n as u64);
                }
                _ if end < SimTime::NEVER => {
                    while let Some(payload) = cpu.ended(end) {
                        ends.push((payload, end.seconds() * 1000.0));
                    }
                }
                _ => return ends,
            }
        }
    }

    fn check(cpu: Processor, jobs: &[(u64, u64)], expected: &[(u64, f64)]) {
        let found = run(cpu, jobs);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.0, expected.0, "{found:?} for {expected:?}");
            assert!((found.1 - expected.1).abs() < 1e-5, "{found:?} for {expected:?}");
        }
    }

    #[test]
    fn two_jobs_share_one_core_evenly() {
        // The first has done 10 of its 20 ms when the second comes; they share until the second ends.
        check(
            Processor::new(1.0, Limit::Shared),
            &[(0, 20), (10, 5)],
            &[(1, 20.0), (0, 25.0)],
        );
    }

    #[test]
    fn a_job_never_uses_more_than_one_core() {
        check(
            Processor::new(4.0, Limit::Shared),
            &[(0, 20), (0, 20)],
            &[(0, 20.0), (1, 20.0)],
        );
        check(Processor::new(0.5, Limit::Shared), &[(0, 20)], &[(0, 40.0)]);
    }

    #[test]
    fn a_quota_runs_at_full_speed_and_then_freezes_until_the_next_period() {
        let cpu = || {
            Processor::new(
                0.5,
                Limit::Quota {
                    period: SimSpan::from_millis(100),
                },
            )
        };
        check(cpu(), &[(0, 50)], &[(0, 50.0)]);
        check(cpu(), &[(0, 60)], &[(0, 110.0)]);
        // 20 ms in the first period (it starts at 80), 50 in the second, 30 in the third.
        check(cpu(), &[(80, 100)], &[(0, 230.0)]);
        // Two jobs use the allowance twice as fast: 25 ms each, freeze from 25 to 100, then the rest.
        check(cpu(), &[(0, 30), (0, 30)], &[(0, 105.0), (1, 105.0)]);
        // A job that ends exactly with the allowance ends in its period, not in the next.
        check(cpu(), &[(0, 50), (60, 1)], &[(0, 50.0), (1, 101.0)]);
    }

    #[test]
    fn used_time_is_the_work_of_the_jobs() {
        let mut cpu = Processor::new(
            0.5,
            Limit::Quota {
                period: SimSpan::from_millis(100),
            },
        );
        cpu.start(ms(0), SimSpan::from_millis(60), 1);
        assert_eq!(cpu.used(ms(90)), 50e6);
        assert_eq!(cpu.used(ms(105)), 55e6);
        assert_eq!(cpu.next_end(), ms(110));
    }

    #[test]
    fn with_a_quota_above_what_the_jobs_can_use_nothing_freezes() {
        check(
            Processor::new(
                2.0,
                Limit::Quota {
                    period: SimSpan::from_millis(100),
                },
            ),
            &[(30, 250)],
            &[(0, 280.0)],
        );
    }
}
