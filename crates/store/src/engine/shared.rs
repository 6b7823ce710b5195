//! What the handles of an engine and its writer's thread share.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::database::Database;
use super::idle::IdleWork;
use super::options::EngineOptions;
use super::queue::{BoxedJob, Queue, Refusal};
use super::readers::Readers;
use super::stats::Counters;
use super::time::now;
use crate::error::{StoreError, StoreErrorKind};

pub(super) struct Shared<P> {
    pub(super) database: Arc<Database>,
    pub(super) options: EngineOptions,
    pub(super) queue: Queue<P>,
    pub(super) readers: Readers,
    pub(super) idle: IdleWork<P>,
    pub(super) counters: Arc<Counters>,
    pub(super) under_way: UnderWay,
}

/// Since when the writer has been at the disk, with a transaction or a checkpoint.
pub(super) struct UnderWay {
    origin: Instant,
    /// Microseconds after the origin, plus one; zero while it is not.
    since: AtomicU64,
    /// Whether it has been said this time that it is stuck.
    reported: AtomicBool,
}

impl<P> Shared<P> {
    pub(super) fn new(database: Database, options: EngineOptions) -> Self {
        let database = Arc::new(database);
        Self {
            queue: Queue::new(options.lazy_delay, options.queue_limit),
            readers: Readers::new(Arc::clone(&database), options.readers),
            idle: IdleWork::new(),
            counters: Arc::default(),
            under_way: UnderWay::new(),
            database,
            options,
        }
    }

    pub(super) fn file(&self) -> &Arc<Path> {
        self.database.file()
    }

    pub(super) fn enqueue(&self, job: BoxedJob<P>) -> Result<(), StoreError> {
        let pushed = self.queue.push(job);
        pushed.map_err(|(_, refusal)| self.refused(refusal))
    }

    pub(super) fn enqueue_lazily(&self, job: BoxedJob<P>) {
        if let Err((job, refusal)) = self.queue.push_lazily(job) {
            job.end(Err(&self.refused(refusal)));
        }
    }

    pub(super) fn enqueue_then(&self, job: BoxedJob<P>) {
        if let Err((job, refusal)) = self.queue.push(job) {
            job.end(Err(&self.refused(refusal)));
        }
    }

    /// Whether more work may be taken on.
    pub(super) fn admit(&self) -> Result<(), StoreError> {
        let stalled = self.under_way.time() >= Some(self.options.stalled_after);
        if !stalled && self.queue.len() < self.options.accept_limit {
            return Ok(());
        }
        if stalled && self.under_way.report() {
            let seconds = self.options.stalled_after.as_secs();
            tracing::error!(
                database = %self.file().display(), seconds,
                "disk has not answered: new work is refused until it does"
            );
        }
        Err(self.refused(Refusal::Full))
    }

    /// Notes that the writer is done with the disk, and says so if that took long.
    pub(super) fn end_under_way(&self, what: &'static str) {
        let took = self.under_way.end();
        if took > self.options.slow {
            let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(database = %self.file().display(), milliseconds, "{what} took long");
        }
    }

    /// The error of whoever comes after the end.
    pub(super) fn closed(&self) -> StoreError {
        StoreError::new(StoreErrorKind::Closed, self.file(), None)
    }

    fn refused(&self, refusal: Refusal) -> StoreError {
        match refusal {
            Refusal::Full => {
                Counters::add(&self.counters.refused, 1);
                StoreError::new(StoreErrorKind::Overloaded, self.file(), None)
            }
            Refusal::Closed => self.closed(),
        }
    }
}

impl UnderWay {
    fn new() -> Self {
        Self {
            origin: now(),
            since: AtomicU64::new(0),
            reported: AtomicBool::new(false),
        }
    }

    /// Notes that the writer is at the disk from now on.
    pub(super) fn begin(&self) {
        let micros = self.origin.elapsed().as_micros();
        let since = u64::try_from(micros).unwrap_or(u64::MAX).saturating_add(1);
        self.since.store(since, Ordering::Relaxed);
    }

    /// Notes that it is not any longer; returns how long it was.
    fn end(&self) -> Duration {
        let time = self.time().unwrap_or_default();
        self.since.store(0, Ordering::Relaxed);
        self.reported.store(false, Ordering::Relaxed);
        time
    }

    /// How long it has been there.
    fn time(&self) -> Option<Duration> {
        let since = self.since.load(Ordering::Relaxed).checked_sub(1)?;
        Some(
            self.origin
                .elapsed()
                .saturating_sub(Duration::from_micros(since)),
        )
    }

    /// Whether nobody has reported it yet.
    fn report(&self) -> bool {
        !self.reported.swap(true, Ordering::Relaxed)
    }
}
