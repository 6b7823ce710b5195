//! The queue between those who change and the thread that writes. Takes everything at once, in the order in which it
//! came; knows nothing of a database.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::job::Job;
use super::time::now;

/// A change of any kind.
pub(super) type BoxedJob<P> = Box<dyn Job<P>>;

pub(super) struct Queue<P> {
    state: Mutex<State<P>>,
    /// The writer waits here.
    work: Condvar,
    /// Whoever closes waits here.
    end: Condvar,
    /// How long a lazy change waits at most.
    lazy_delay: Duration,
    limit: usize,
}

struct State<P> {
    jobs: Vec<BoxedJob<P>>,
    /// How many of them somebody waits for.
    urgent: usize,
    /// When the oldest one that nobody waits for must be written.
    lazy_due: Option<Instant>,
    /// The writer waits, and nobody has woken it yet.
    parked: bool,
    /// The writer is to look for new idle work.
    poked: bool,
    closed: bool,
    ended: bool,
}

/// What the writer is to do next.
pub(super) enum Next<P> {
    /// Store these.
    Batch(Vec<BoxedJob<P>>),
    /// Nothing has waited for the given time.
    Idle,
    /// There is new work for idle times.
    Poked,
    /// Nothing waits, and nothing will come.
    Closed,
}

/// Why a change was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
}

impl<P> Queue<P> {
    pub(super) fn new(lazy_delay: Duration, limit: usize) -> Self {
        let state = State {
            jobs: Vec::new(),
            urgent: 0,
            lazy_due: None,
            parked: false,
            poked: false,
            closed: false,
            ended: false,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            end: Condvar::new(),
            lazy_delay,
            limit,
        }
    }

    /// Adds a change that somebody waits for.
    pub(super) fn push(&self, job: BoxedJob<P>) -> Result<(), (BoxedJob<P>, Refusal)> {
        self.add(job, |state| state.urgent += 1)
    }

    /// Adds a change that can wait.
    pub(super) fn push_lazily(&self, job: BoxedJob<P>) -> Result<(), (BoxedJob<P>, Refusal)> {
        let due = now() + self.lazy_delay;
        self.add(job, |state| {
            state.lazy_due.get_or_insert(due);
        })
    }

    fn add(
        &self,
        job: BoxedJob<P>,
        note: impl FnOnce(&mut State<P>),
    ) -> Result<(), (BoxedJob<P>, Refusal)> {
        let mut state = self.lock();
        if state.closed {
            return Err((job, Refusal::Closed));
        }
        if state.jobs.len() >= self.limit {
            return Err((job, Refusal::Full));
        }
        let before = (state.urgent > 0, state.lazy_due.is_some());
        state.jobs.push(job);
        note(&mut state);
        let changed = before != (state.urgent > 0, state.lazy_due.is_some());
        self.wake_if(state, changed);
        Ok(())
    }

    /// How many changes wait.
    pub(super) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Whether anybody waits, or the queue is closed.
    pub(super) fn is_urgent(&self) -> bool {
        let state = self.lock();
        state.urgent > 0 || state.closed
    }

    /// Makes the writer look whether there is idle work.
    pub(super) fn poke(&self) {
        let mut state = self.lock();
        state.poked = true;
        self.wake_if(state, true);
    }

    /// Takes no more changes.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake_if(state, true);
    }

    /// Waits for something to do: at most `idle` if there is idle work. `spare` is an empty list to collect the next
    /// changes in, so that none has to be made for each batch.
    pub(super) fn next(&self, idle: Option<Duration>, spare: &mut Vec<BoxedJob<P>>) -> Next<P> {
        let idle_due = idle.map(|idle| now() + idle);
        let mut state = self.lock();
        loop {
            let now = now();
            let lazy = state.lazy_due.is_some_and(|due| due <= now);
            if state.urgent > 0 || lazy || (state.closed && !state.jobs.is_empty()) {
                return Next::Batch(state.take(spare));
            }
            if state.closed {
                return Next::Closed;
            }
            if mem::take(&mut state.poked) {
                return Next::Poked;
            }
            if idle_due.is_some_and(|due| due <= now) {
                return Next::Idle;
            }
            let due = [state.lazy_due, idle_due].into_iter().flatten().min();
            state = self.park(state, due.map(|due| due - now));
        }
    }

    fn park<'a>(
        &self,
        mut state: MutexGuard<'a, State<P>>,
        timeout: Option<Duration>,
    ) -> MutexGuard<'a, State<P>> {
        state.parked = true;
        let mut state = match timeout {
            Some(timeout) => {
                let woken = self.work.wait_timeout(state, timeout);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let woken = self.work.wait(state);
                woken.unwrap_or_else(PoisonError::into_inner)
            }
        };
        state.parked = false;
        state
    }

    /// Wakes the writer if it waits; one wake is enough for any number of changes.
    fn wake_if(&self, mut state: MutexGuard<'_, State<P>>, changed: bool) {
        if changed && mem::take(&mut state.parked) {
            drop(state);
            self.work.notify_one();
        }
    }

    /// The writer is gone: nobody waits any longer. Returns what nobody will store.
    pub(super) fn end(&self) -> Vec<BoxedJob<P>> {
        let mut state = self.lock();
        state.closed = true;
        state.ended = true;
        let left = mem::take(&mut state.jobs);
        drop(state);
        self.end.notify_all();
        left
    }

    /// Waits until the writer is gone.
    pub(super) fn wait_until_ended(&self) {
        let state = self.end.wait_while(self.lock(), |state| !state.ended);
        drop(state.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> State<P> {
    fn take(&mut self, spare: &mut Vec<BoxedJob<P>>) -> Vec<BoxedJob<P>> {
        self.urgent = 0;
        self.lazy_due = None;
        mem::replace(&mut self.jobs, mem::take(spare))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::batch::Batch;
    use crate::error::StoreError;

    struct Nothing;

    impl Job<()> for Nothing {
        fn run(&mut self, _: &mut Batch<'_, ()>) -> rusqlite::Result<()> {
            Ok(())
        }

        fn end(self: Box<Self>, _: Result<(), &StoreError>) {}
    }

    #[test]
    fn the_delay_of_lazy_changes_counts_from_the_oldest() {
        let queue = Queue::new(Duration::from_secs(1), 10);
        let before = now();
        queue.push_lazily(Box::new(Nothing)).ok().unwrap();
        let due = queue.lock().lazy_due;
        assert!(due >= Some(before + Duration::from_secs(1)));
        queue.push_lazily(Box::new(Nothing)).ok().unwrap();
        assert_eq!(queue.lock().lazy_due, due);
    }
}
