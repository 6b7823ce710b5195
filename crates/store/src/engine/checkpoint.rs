//! When the write-ahead log is moved into the database. A log that has been moved starts anew with the next change,
//! unless somebody still reads from it.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::Connection;
use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;

use super::fault;
use super::options::EngineOptions;
use super::stats::Counters;

/// With this many pages to move the log is moved at the first idle moment; with fewer, only after a longer one.
const WORTH_A_MOMENT: u64 = 256;

/// The log of one connection. All counts are pages.
pub(super) struct Checkpoint {
    page_bytes: u64,
    /// In use, as the connection told after its last commit.
    told: Arc<AtomicU64>,
    used: u64,
    /// How many of them are in the database already.
    moved: u64,
    /// How many were in use when it was last tried to move them: without a further commit, trying again is no use.
    tried: u64,
    /// With more in use they are moved although there is other work.
    threshold: u64,
    /// How many more there may be when the log could not start anew.
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
        let told = Arc::new(AtomicU64::new(0));
        let (pages, counters) = (Arc::clone(&told), Arc::clone(counters));
        connection.wal_hook(Some(move |_: &mut Wal, used: c_int| {
            pages.store(count(used), Relaxed);
            Counters::add(&counters.flushes, 1);
            Ok(())
        }))?;
        let step = options.checkpoint_bytes / u64::from(page_bytes);
        Ok(Self {
            page_bytes: page_bytes.into(),
            told,
            used: 0,
            moved: 0,
            tried: 0,
            threshold: step,
            step,
        })
    }

    /// Bytes of the log that are in use.
    pub(super) fn bytes(&self) -> u64 {
        self.used * self.page_bytes
    }

    /// Whether there is anything to move.
    pub(super) fn is_behind(&self) -> bool {
        self.used > self.moved && self.used != self.tried
    }

    /// Whether there is so much to move that a short pause will do for it.
    pub(super) fn is_far_behind(&self) -> bool {
        self.is_behind() && self.used - self.moved >= WORTH_A_MOMENT
    }

    /// Takes in what the last commit wrote, and says whether the log must be moved although there is other work.
    pub(super) fn is_too_long(&mut self) -> bool {
        let used = self.told.load(Relaxed);
        if used < self.used {
            // It has started anew.
            self.moved = 0;
            self.tried = 0;
            self.threshold = self.step;
        }
        self.used = used;
        used > self.threshold
    }

    /// Moves what nobody needs in the log any more; returns whether that was all. A failure is logged and harms
    /// nothing: what was not moved stays in the log.
    pub(super) fn run(&mut self, connection: &Connection, mode: CheckpointMode) -> bool {
        match connection.wal_checkpoint_v2(None::<&str>, mode) {
            Ok((used, moved)) => {
                self.used = count(used);
                self.moved = count(moved);
            }
            Err(error) => {
                let cause = fault::cause(&error);
                tracing::warn!(%cause, "write-ahead log could not be moved into the database");
            }
        }
        self.tried = self.used;
        if self.used > self.threshold {
            if self.threshold > self.step {
                let (bytes, moved) = (self.bytes(), self.moved * self.page_bytes);
                tracing::warn!(
                    bytes,
                    moved,
                    "write-ahead log grows: somebody has been reading from it for long"
                );
            }
            self.threshold = self.used + self.step;
        }
        self.used == self.moved
    }
}

/// SQLite counts from zero, and says -1 for a database without a log.
fn count(pages: c_int) -> u64 {
    u64::try_from(pages).unwrap_or(0)
}
