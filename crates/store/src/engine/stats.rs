//! Counts what the engine does.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the engine has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct EngineStats {
    /// Batches of changes that were stored.
    pub(crate) commits: u64,
    /// Commits that wrote to the write-ahead log, also those of idle work: each is one flush.
    pub(crate) flushes: u64,
    /// Changes in these batches.
    pub(crate) changes: u64,
    /// The largest number of changes in one batch.
    pub(crate) largest_batch: u64,
    /// Transactions that were undone.
    pub(crate) rolled_back: u64,
    /// Changes that were refused because too much waited or the writer was stuck.
    pub(crate) refused: u64,
    /// Bytes of the write-ahead log that are in use.
    pub(crate) log_bytes: u64,
    /// How often the write-ahead log was moved into the database, all of it.
    pub(crate) checkpoints: u64,
    /// How often somebody who read kept a part of it from being moved.
    pub(crate) checkpoints_cut: u64,
    /// How often the database was opened again after a fault.
    pub(crate) reopened: u64,
}

/// The same, as it is counted. Nobody decides by these, so they need no order.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) flushes: AtomicU64,
    pub(super) changes: AtomicU64,
    pub(super) largest_batch: AtomicU64,
    pub(super) rolled_back: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) log_bytes: AtomicU64,
    pub(super) checkpoints: AtomicU64,
    pub(super) checkpoints_cut: AtomicU64,
    pub(super) reopened: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> EngineStats {
        EngineStats {
            commits: self.commits.load(Relaxed),
            flushes: self.flushes.load(Relaxed),
            changes: self.changes.load(Relaxed),
            largest_batch: self.largest_batch.load(Relaxed),
            rolled_back: self.rolled_back.load(Relaxed),
            refused: self.refused.load(Relaxed),
            log_bytes: self.log_bytes.load(Relaxed),
            checkpoints: self.checkpoints.load(Relaxed),
            checkpoints_cut: self.checkpoints_cut.load(Relaxed),
            reopened: self.reopened.load(Relaxed),
        }
    }

    /// Notes a batch that was stored.
    pub(super) fn batch(&self, changes: usize) {
        Self::add(&self.commits, 1);
        Self::add(&self.changes, changes);
        self.largest_batch.fetch_max(changes as u64, Relaxed);
    }

    pub(super) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Relaxed);
    }
}
