//! The figures of a backend, each with its source. It must never know where a value was configured.

use std::time::Duration;

use runwright_pubsub::TopicOptions;

use crate::registry::LifecycleOptions;

/// The figures of a backend.
#[derive(Debug, Clone)]
pub struct BackendOptions {
    /// When workspaces come and go.
    pub lifecycle: LifecycleOptions,
    /// How its runs are bounded and stopped.
    pub runs: RunOptions,
    /// What the log of a workspace keeps in memory.
    pub log: TopicOptions,
    /// Within what a workspace that is torn down must end (semantics 5: 30 s).
    pub close_deadline: Duration,
}

/// How runs are bounded and stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOptions {
    /// How many runs may wait behind the first of a session (semantics 2.1: 64).
    pub max_queued: usize,
    /// How long a cancelled run may take to return by itself before its task is aborted (semantics 2.3: 5 s).
    pub cancel_grace: Duration,
    /// How long an aborted task may take to be gone before the run ends without it: a task that never yields cannot be
    /// aborted, and its run must end all the same (semantics 2.3: 2 s).
    pub abort_grace: Duration,
    /// How long a cancel waits until the storage has it (like a prompt: 5 s).
    pub store_within: Duration,
}

impl Default for BackendOptions {
    fn default() -> Self {
        Self {
            lifecycle: LifecycleOptions::default(),
            runs: RunOptions::default(),
            log: TopicOptions::default(),
            close_deadline: Duration::from_secs(30),
        }
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            max_queued: 64,
            cancel_grace: Duration::from_secs(5),
            abort_grace: Duration::from_secs(2),
            store_within: Duration::from_secs(5),
        }
    }
}
