//! Work that a turn starts and that may outlive it. It must never know what the work is, nor when a run is over.

use std::fmt;
use std::sync::Arc;

use runwright_agent::{Background, BackgroundWork};
use tracing::Instrument;

use crate::supervise::caught;
use crate::workspace::Workspace;

/// Starts work as a task of the workspace.
pub(crate) struct TasksOfWorkspace(pub(crate) Arc<Workspace>);

impl Background for TasksOfWorkspace {
    fn spawn(&self, work: BackgroundWork) {
        let cancel = self.0.tasks.cancel.clone();
        let transcript = self.0.opened.transcript.clone();
        // It holds no workspace: a task must not keep alive what is to end it.
        let task = async move {
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                done = caught(async { work(transcript).await }) => {
                    if let Err(panic) = done {
                        tracing::error!(panic, "work beside a turn panicked; nothing else is affected");
                    }
                }
            }
        };
        self.0.tasks.tracker.spawn(task.in_current_span());
    }
}

impl fmt::Debug for TasksOfWorkspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TasksOfWorkspace").finish_non_exhaustive()
    }
}
