//! Requests that are just being recorded, by their names: a repeated one waits for the first, so that it is answered
//! like it and never refused for a place that the first one took. It must never know what is recorded, or where.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runwright_agent::{AgentCall, Earlier, JournalError};
use runwright_proto::RunId;
use tokio::sync::watch;

use crate::workspace::Workspace;

/// The named requests of a workspace that are being recorded.
#[derive(Debug, Default)]
pub(crate) struct Recordings(Mutex<BTreeMap<Name, watch::Receiver<()>>>);

/// A name under which a request may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Run(RunId),
    Key(Arc<str>),
}

/// The right to record a request. Dropping it lets those go on that wait under one of its names.
pub(crate) struct Recording {
    workspace: Arc<Workspace>,
    names: Vec<Name>,
    /// Nothing is ever sent: its end is the message.
    _over: watch::Sender<()>,
}

impl Workspace {
    /// Claims the names of a request, or finds the request that had one of them before. While another one of the same
    /// name is being recorded this waits: before that is over nobody knows which of the two it is.
    pub(crate) async fn first_or_earlier(
        self: &Arc<Self>,
        call: &AgentCall,
    ) -> Result<Result<Recording, Earlier>, JournalError> {
        loop {
            let claimed = Recording::claim(self, call);
            if let Some(earlier) = self.opened.journal.find(call).await? {
                return Ok(Err(earlier));
            }
            match claimed {
                Ok(recording) => return Ok(Ok(recording)),
                Err(mut first) => {
                    let _over = first.changed().await;
                }
            }
        }
    }
}

impl Recording {
    fn claim(workspace: &Arc<Workspace>, call: &AgentCall) -> Result<Self, watch::Receiver<()>> {
        let names = names(call);
        let (over, waits) = watch::channel(());
        let mut claimed = workspace.recordings.lock();
        if let Some(first) = names.iter().find_map(|name| claimed.get(name)) {
            return Err(first.clone());
        }
        claimed.extend(names.iter().map(|name| (name.clone(), waits.clone())));
        drop(claimed);
        Ok(Self {
            workspace: workspace.clone(),
            names,
            _over: over,
        })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let mut claimed = self.workspace.recordings.lock();
        for name in &self.names {
            claimed.remove(name);
        }
    }
}

impl Recordings {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Name, watch::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Under which names the request can be repeated; the name that we gave a run is nobody else's.
fn names(call: &AgentCall) -> Vec<Name> {
    let run = call.is_named().then(|| Name::Run(call.run_id().clone()));
    let key = call.idempotency_key().cloned().map(Name::Key);
    run.into_iter().chain(key).collect()
}
