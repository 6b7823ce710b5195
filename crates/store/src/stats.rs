//! What a store says of itself.

use crate::engine::EngineStats;

/// What a store has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Batches of changes that were stored.
    pub commits: u64,
    /// How often the disk was asked to keep them: at most once for each batch.
    pub flushes: u64,
    /// Changes in these batches.
    pub changes: u64,
    /// The largest number of changes in one batch.
    pub largest_batch: u64,
    /// Changes that were refused because the disk did not keep up.
    pub refused: u64,
    /// Bytes of the write-ahead log that are in use.
    pub log_bytes: u64,
    /// How often the write-ahead log was moved into the database.
    pub checkpoints: u64,
    /// How often the database was opened again after a fault.
    pub reopened: u64,
}

impl From<EngineStats> for StoreStats {
    fn from(engine: EngineStats) -> Self {
        Self {
            commits: engine.commits,
            flushes: engine.flushes,
            changes: engine.changes,
            largest_batch: engine.largest_batch,
            refused: engine.refused,
            log_bytes: engine.log_bytes,
            checkpoints: engine.checkpoints,
            reopened: engine.reopened,
        }
    }
}
