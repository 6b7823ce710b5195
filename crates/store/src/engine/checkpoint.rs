//! When the write-ahead log is moved into the database. A log that has been moved starts anew with the next change,
//! unless somebody still reads from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::fault;
use super::options::EngineOptions;
use super::stats::Counters;

/// With this many pages the log is moved at the first idle moment; with fewer, only after a longer one.
const WORTH_A_MOMENT: u64 = 256;

/// The log of one connection.
pub(super) struct Checkpoint {
    page_bytes: u64,
    /// Pages in use, as the connection told after its last commit.
    told: Arc<AtomicU64>,
    used: u64,
    /// How many of them are in the database already.
    moved: u64,
    /// How many there may be before they are moved although there is other work.
    threshold: u64,
    /// How much more there may be when moving did not let the log start anew.
    step: u64,
}

impl Checkpoint {
    /// Follows the log of a connection from now on.
    pub(super) fn of(
        connection: &mut Connection,
        options: &EngineOptions,
        counters: &Arc<Counters>,
    ) -> rusqlite::Result<Self> {
        let page_bytes: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let page_bytes = u64::from(page_bytes);
        let told = Arc::new(AtomicU64::new(0));
        let (pages, counters) = (Arc::clone(&told), Arc::clone(counters));
        connection.wal_hook(Some(move |_: &mut _, count: std::ffi::c_int| {
            pages.store(u64::try_from(count).unwrap_or(0), Relaxed);
            Counters::add(&counters.flushes, 1);
            Ok(())
        }))?;
        let step = options.checkpoint_bytes / page_bytes;
        Ok(Self {
            page_bytes,
            told,
            used: 0,
            moved: 0,
            threshold: step,
            step,
        })
    }

    /// Bytes of the log that are in use.
    pub(super) fn bytes(&self) -> u64 {
        self.used * self.page_bytes
    }

    /// Whether the log is worth moving after a short pause.
    pub(super) fn is_worth_a_moment(&self) -> bool {
        self.used - self.moved >= WORTH_A_MOMENT
    }

    /// Whether there is anything to move.
    pub(super) fn is_behind(&self) -> bool {
        self.used > self.moved
    }

    /// Takes in what a commit wrote, and moves the log if it has become too long. Returns whether all of it was moved.
    pub(super) fn after_commit(&mut self, connection: &Connection) -> bool {
        let used = self.told.load(Relaxed);
        if used < self.used {
            // It has started anew.
            self.moved = 0;
            self.threshold = self.step;
        }
        self.used = used;
        used > self.threshold && self.run(connection, CheckpointMode::PASSIVE)
    }

    /// Moves what nobody needs in the log any more. A failure is logged and harms nothing: the log keeps everything.
    pub(super) fn run(&mut self, connection: &Connection, mode: CheckpointMode) -> bool {
        match connection.wal_checkpoint_v2(None::<&str>, mode) {
            Ok((used, moved)) => {
                self.used = u64::try_from(used).unwrap_or(0);
                self.moved = u64::try_from(moved).unwrap_or(0);
            }
            Err(error) => {
                let cause = fault::cause(&error);
                tracing::warn!(%cause, "write-ahead log could not be moved into the database");
            }
        }
        if self.used > self.threshold && self.threshold > self.step {
            tracing::warn!(
                bytes = self.bytes(),
                moved = self.moved * self.page_bytes,
                "write-ahead log grows because somebody has been reading from it for long"
            );
        }
        self.threshold = self.used.max(self.threshold) + self.step;
        !self.is_behind()
    }
}
