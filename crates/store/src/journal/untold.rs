//! The ends of runs that are being stored and are not published yet: between its commit and its publication an end can
//! be read already, and whoever finds it waits the moment that the publication takes. Must never know how a run ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runwright_proto::RunId;
use tokio::sync::watch;

/// The ends of a workspace that are being stored, or are stored and not published yet.
#[derive(Debug, Default)]
pub(crate) struct UntoldEnds(Mutex<HashMap<RunId, watch::Receiver<()>>>);

/// Those of one batch. They are told, or undone, when this is dropped.
#[derive(Debug)]
pub(crate) struct BatchEnds {
    all: Arc<UntoldEnds>,
    runs: Vec<RunId>,
    /// Made with the first of them. Nothing is ever sent: its end is the message.
    over: Option<watch::Sender<()>>,
}

impl UntoldEnds {
    /// Waits until the end of a run that was read from disk is published. It is not the disk that this waits for: what
    /// can be read has been committed, and only what the writer does after a commit is left.
    pub(crate) async fn told(&self, run: &RunId) {
        let untold = self.lock().get(run).cloned();
        if let Some(mut untold) = untold {
            let _told = untold.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, watch::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BatchEnds {
    pub(crate) fn new(all: &Arc<UntoldEnds>) -> Self {
        Self {
            all: Arc::clone(all),
            runs: Vec::new(),
            over: None,
        }
    }

    /// A run ends with this batch. Called before anybody can read that it has.
    pub(crate) fn add(&mut self, run: &RunId) {
        let over = self.over.get_or_insert_with(|| watch::channel(()).0);
        let untold = over.subscribe();
        self.all.lock().insert(run.clone(), untold);
        self.runs.push(run.clone());
    }
}

impl Drop for BatchEnds {
    fn drop(&mut self) {
        let mut untold = self.all.lock();
        for run in &self.runs {
            untold.remove(run);
        }
    }
}
