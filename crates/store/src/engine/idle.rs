//! Work for the time when nothing else is to be written: who has some, and when it is due.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::time::now;

/// When a step of idle work wants to be called again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idle {
    /// As soon as there is time: it has not finished.
    More,
    /// After something has been written.
    Done,
    /// After something has been written, or when this time has passed.
    In(Duration),
}

/// How much a step of idle work may still do.
pub(crate) struct IdleBudget<'a> {
    until: Instant,
    wanted: &'a dyn Fn() -> bool,
}

/// A step of idle work.
pub(super) type Step<P> =
    Box<dyn FnMut(&mut Batch<'_, P>, &IdleBudget<'_>) -> rusqlite::Result<Idle> + Send>;

/// The idle work of an engine that the writer has not taken over yet.
pub(super) struct IdleWork<P> {
    added: Mutex<Vec<Task<P>>>,
}

/// One kind of idle work, as the writer keeps it.
pub(super) struct Task<P> {
    pub(super) name: &'static str,
    pub(super) step: Step<P>,
    /// Since when, or from when on, it wants to be called; nothing if it waits for a change.
    due: Option<Instant>,
}

impl<'a> IdleBudget<'a> {
    /// Some time, as long as nobody wants the writer.
    pub(super) fn new(time: Duration, wanted: &'a dyn Fn() -> bool) -> Self {
        Self {
            until: now() + time,
            wanted,
        }
    }

    /// Whether the step should stop: its time is used up, or somebody waits for the writer.
    pub(crate) fn is_spent(&self) -> bool {
        self.until <= now() || (self.wanted)()
    }
}

impl<P> IdleWork<P> {
    pub(super) fn new() -> Self {
        Self {
            added: Mutex::new(Vec::new()),
        }
    }

    /// Adds a step, due at once.
    pub(super) fn add(&self, name: &'static str, step: Step<P>) {
        let task = Task {
            name,
            step,
            due: Some(now()),
        };
        let added = self.added.lock();
        added.unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Moves what was added to the writer's own list.
    pub(super) fn take_into(&self, tasks: &mut Vec<Task<P>>) {
        let added = self.added.lock();
        tasks.append(&mut added.unwrap_or_else(PoisonError::into_inner));
    }
}

impl<P> Task<P> {
    /// How long until it is due; nothing if only a change makes it due.
    pub(super) fn due_in(&self) -> Option<Duration> {
        Some(self.due?.saturating_duration_since(now()))
    }

    pub(super) fn is_due(&self) -> bool {
        self.due.is_some_and(|due| due <= now())
    }

    /// Whether it has been due for so long.
    pub(super) fn is_overdue(&self, time: Duration) -> bool {
        self.due.is_some_and(|due| due + time <= now())
    }

    /// Something was written: it is due, from now on if it was not before.
    pub(super) fn touch(&mut self) {
        let now = now();
        self.due = Some(self.due.map_or(now, |due| due.min(now)));
    }

    /// A step was taken, and says when it wants to be taken again; after an error it waits for the next change.
    pub(super) fn ran(&mut self, idle: Option<Idle>) {
        self.due = match idle {
            Some(Idle::More) => Some(now()),
            Some(Idle::In(time)) => Some(now() + time),
            Some(Idle::Done) | None => None,
        };
    }
}
