//! Which runs have started, as the record has it: no process begins them a second time. It must never know why that is
//! asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runwright_proto::RunId;

use crate::workspace::Workspace;

/// The runs of a workspace that have started and are not over.
#[derive(Debug, Default)]
pub(crate) struct StartedRuns(Mutex<BTreeSet<RunId>>);

/// A run that has started. It counts as started until this is dropped.
pub(crate) struct Started {
    workspace: Arc<Workspace>,
    run: RunId,
}

impl StartedRuns {
    /// Whether the run has started. One that is over has left the reservations before it is forgotten here.
    pub(crate) fn contains(&self, run: &RunId) -> bool {
        self.lock().contains(run)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<RunId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Started {
    /// The start of the run is on record.
    pub(crate) fn note(workspace: &Arc<Workspace>, run: &RunId) -> Self {
        workspace.started.lock().insert(run.clone());
        workspace.tasks.ended.tell();
        Self {
            workspace: workspace.clone(),
            run: run.clone(),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.workspace.started.lock().remove(&self.run);
    }
}
