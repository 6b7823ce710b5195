//! Owns time in ticks that many streams share, so that those which wait for the same tick wake together and find the same
//! batch. One task and one timer serve all of them, and only while somebody waits.
//!
//! It must never know what is waited for.

use std::{
    collections::BTreeMap,
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    select,
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::task::TaskTracker;

/// Counts ticks since it was made. A clone is the same clock.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Shared>);

struct Shared {
    /// In nanoseconds: the clock is read with every event of every stream.
    period: u64,
    origin: Instant,
    tasks: TaskTracker,
    runtime: Handle,
    /// Only makes ids different.
    next_id: AtomicU64,
    alarms: Mutex<Alarms>,
    /// Tells the task that somebody waits for an earlier tick than it does.
    earlier: Notify,
}

#[derive(Default)]
struct Alarms {
    /// By tick, then by the id of the alarm.
    waiting: BTreeMap<(u64, u64), Waker>,
    /// Whether there is a task that will fire them.
    is_served: bool,
}

/// What one task waits for on a clock. Dropping it unsets it.
pub(crate) struct Alarm {
    clock: Clock,
    id: u64,
    due: Option<u64>,
    /// The waker that was left with the clock.
    left: Option<Waker>,
}

impl Clock {
    /// Makes a clock that ticks once in a period. Needs a tokio runtime.
    pub(crate) fn new(period: Duration, tasks: TaskTracker) -> Self {
        Self(Arc::new(Shared {
            period: nanos(period).max(1),
            origin: Instant::now(),
            tasks,
            runtime: Handle::current(),
            next_id: AtomicU64::new(0),
            alarms: Mutex::default(),
            earlier: Notify::new(),
        }))
    }

    /// Makes an alarm that is not set.
    pub(crate) fn alarm(&self) -> Alarm {
        Alarm {
            clock: self.clone(),
            id: self.0.next_id.fetch_add(1, Ordering::Relaxed),
            due: None,
            left: None,
        }
    }

    /// Returns the number of the present tick.
    fn now(&self) -> u64 {
        nanos(self.0.origin.elapsed()) / self.0.period
    }

    fn leave(&self, alarm: (u64, u64), waker: Waker) {
        let mut alarms = self.0.lock();
        let replaced = alarms.waiting.insert(alarm, waker);
        let is_first = alarms.waiting.first_key_value().map(|(first, _)| *first) == Some(alarm);
        let is_served = mem::replace(&mut alarms.is_served, true);
        drop(alarms);
        drop(replaced);
        if !is_served {
            let serve = serve(self.clone());
            self.0.tasks.spawn_on(serve, &self.0.runtime);
        } else if is_first {
            self.0.earlier.notify_one();
        }
    }

    fn take_back(&self, alarm: (u64, u64)) {
        let waker = self.0.lock().waiting.remove(&alarm);
        drop(waker);
    }

    /// Wakes all whose tick has come, and returns when the next one's comes. When there is none, nobody serves them any
    /// more: whoever comes next finds that out under the same lock.
    fn fire(&self) -> Option<Instant> {
        let now = self.now();
        let mut alarms = self.0.lock();
        let later = alarms.waiting.split_off(&(now.saturating_add(1), 0));
        let due = mem::replace(&mut alarms.waiting, later);
        let next = alarms.waiting.first_key_value().map(|(&(tick, _), _)| tick);
        alarms.is_served = next.is_some();
        drop(alarms);
        due.into_values().for_each(Waker::wake);
        next.map(|tick| self.beginning_of(tick))
    }

    fn beginning_of(&self, tick: u64) -> Instant {
        self.0.origin + Duration::from_nanos(self.0.period.saturating_mul(tick))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("period", &Duration::from_nanos(self.0.period))
            .finish_non_exhaustive()
    }
}

/// A duration in nanoseconds; 584 years at most.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Fires alarms until there is none.
async fn serve(clock: Clock) {
    while let Some(next) = clock.fire() {
        select! {
            () = sleep_until(next) => {}
            () = clock.0.earlier.notified() => {}
        }
    }
}

impl Alarm {
    /// Sets it to a number of ticks from now.
    pub(crate) fn set_after(&mut self, ticks: u64) {
        self.set(self.clock.now().saturating_add(ticks));
    }

    /// Sets it to the next tick whose number is a multiple: all that wait for the same multiple wake together.
    pub(crate) fn set_to_next_multiple(&mut self, of: u64) {
        self.set((self.clock.now() / of + 1).saturating_mul(of));
    }

    fn set(&mut self, due: u64) {
        self.unset();
        self.due = Some(due);
    }

    /// Makes it wait for nothing.
    pub(crate) fn unset(&mut self) {
        if let (Some(due), Some(_)) = (self.due.take(), self.left.take()) {
            self.clock.take_back((due, self.id));
        }
    }

    /// Polls for its tick; ready at once if it is not set. It is not set after it was ready.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.due else {
            return Poll::Ready(());
        };
        if self.clock.now() >= due {
            self.unset();
            return Poll::Ready(());
        }
        let waker = cx.waker();
        if !self.left.as_ref().is_some_and(|left| left.will_wake(waker)) {
            self.clock.leave((due, self.id), waker.clone());
            self.left = Some(waker.clone());
        }
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.unset();
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm")
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
