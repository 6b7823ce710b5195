//! What can be set about the engine. The defaults are for a server; tests make times short.

use std::time::Duration;

/// How the engine works.
#[derive(Debug, Clone)]
pub(crate) struct EngineOptions {
    /// How long a change waits for the write lock when another process has it.
    pub(crate) busy_timeout: Duration,
    /// How long a lazy change waits at most for a batch that has to be written anyway.
    pub(crate) lazy_delay: Duration,
    /// A transaction or a checkpoint that takes longer is logged.
    pub(crate) slow: Duration,
    /// While one takes longer than this, [`accept_write`](super::Engine::accept_write) refuses.
    pub(crate) stalled_after: Duration,
    /// While more changes wait, [`accept_write`](super::Engine::accept_write) refuses.
    pub(crate) accept_limit: usize,
    /// While more changes wait, every change is refused.
    pub(crate) queue_limit: usize,
    /// How long nothing must wait before the time counts as idle.
    pub(crate) idle_after: Duration,
    /// How long one step of idle work may take.
    pub(crate) idle_budget: Duration,
    /// Idle work that has been due for longer takes a step although somebody waits.
    pub(crate) idle_at_least_every: Duration,
    /// How long nothing must wait before a write-ahead log is moved into the database that is still short.
    pub(crate) log_idle_after: Duration,
    /// A write-ahead log of more bytes is moved into the database also when the writer is not idle.
    pub(crate) checkpoint_bytes: u64,
    /// A write-ahead log that has grown beyond this many bytes is cut when it starts anew.
    pub(crate) log_limit_bytes: u64,
    /// How many read-only connections are kept; as many tasks read at once.
    pub(crate) readers: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(1),
            lazy_delay: Duration::from_millis(200),
            slow: Duration::from_secs(1),
            stalled_after: Duration::from_secs(5),
            accept_limit: 8 * 1024,
            queue_limit: 64 * 1024,
            idle_after: Duration::from_millis(50),
            idle_budget: Duration::from_millis(10),
            idle_at_least_every: Duration::from_secs(1),
            log_idle_after: Duration::from_secs(2),
            checkpoint_bytes: 4 << 20,
            log_limit_bytes: 16 << 20,
            readers: 4,
        }
    }
}
