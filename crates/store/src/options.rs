//! What can be set about a store. Must never know where the settings come from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use runwright_agent::{Clock, SystemClock};

use crate::engine::EngineOptions;

/// How a store works.
///
/// ```
/// use std::time::Duration;
///
/// use runwright_store::{Retention, StoreOptions};
///
/// let options = StoreOptions {
///     retention: Retention { age: Some(Duration::from_secs(86_400)), ..Retention::default() },
///     ..StoreOptions::default()
/// };
/// assert_eq!(options.stream_delay, Duration::from_millis(200));
/// ```
#[derive(Clone)]
pub struct StoreOptions {
    /// How much of the event logs is kept.
    pub retention: Retention,
    /// The time, as people read it.
    pub clock: Arc<dyn Clock>,
    /// How long streamed text waits at most before it is on its way to the disk: what a crash may cost of an answer.
    pub stream_delay: Duration,
    /// How long nothing must wait to be stored before the store looks after itself: joins rows of events, deletes old
    /// ones.
    pub idle_after: Duration,
    /// While the disk has not answered for longer, new prompts are refused.
    pub stalled_after: Duration,
}

/// How much of the event logs is kept. What is beyond a limit goes, the oldest first; sessions, messages and runs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Events that are older go.
    pub age: Option<Duration>,
    /// So many bytes of events are kept of each workspace.
    pub workspace_bytes: u64,
    /// So many bytes of events are kept of all workspaces together.
    pub total_bytes: u64,
}

impl Default for Retention {
    /// Thirty days, 64 MiB of each workspace, 1 GiB in all.
    fn default() -> Self {
        Self {
            age: Some(Duration::from_secs(30 * 86_400)),
            workspace_bytes: 64 << 20,
            total_bytes: 1 << 30,
        }
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        let engine = EngineOptions::default();
        Self {
            retention: Retention::default(),
            clock: Arc::new(SystemClock),
            stream_delay: engine.lazy_delay,
            idle_after: engine.idle_after,
            stalled_after: engine.stalled_after,
        }
    }
}

impl StoreOptions {
    pub(crate) fn engine(&self) -> EngineOptions {
        EngineOptions {
            lazy_delay: self.stream_delay,
            idle_after: self.idle_after,
            stalled_after: self.stalled_after,
            ..EngineOptions::default()
        }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoreOptions")
            .field("retention", &self.retention)
            .field("stream_delay", &self.stream_delay)
            .field("idle_after", &self.idle_after)
            .field("stalled_after", &self.stalled_after)
            .finish_non_exhaustive()
    }
}
