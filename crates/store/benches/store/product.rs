//! Owns the store under measurement, with one workspace open. It must never know what is measured.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use runwright_agent::{EventSink, Publication};
use runwright_proto::{OnLastDetach, Seq, WorkspaceId};
use runwright_store::{Retention, Store, StoreOptions, StoredWorkspace, WorkspaceSettings};

use crate::Result;

/// A store, and its one workspace.
pub(crate) struct Product {
    pub(crate) store: Store,
    pub(crate) workspace: StoredWorkspace,
    log: Arc<Counted>,
}

/// A log that keeps nothing but the number of its last event.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl Product {
    /// Opens the store in a directory and a workspace in it. It keeps all events that are measured here.
    pub(crate) async fn open(dir: &Path) -> Result<Self> {
        let options = StoreOptions {
            retention: Retention {
                workspace_bytes: 1 << 30,
                ..Retention::default()
            },
            ..StoreOptions::default()
        };
        let store = Store::open(dir, options)?;
        let (log, workspace) = open_workspace(&store).await?;
        Ok(Self {
            store,
            workspace,
            log,
        })
    }

    /// The number of the last event.
    pub(crate) fn head(&self) -> Seq {
        self.log.head()
    }

    /// Ends it in good order, so that everything is in the database itself.
    pub(crate) async fn close(self) {
        self.workspace.events.close().await;
        self.store.close().await;
    }
}

async fn open_workspace(store: &Store) -> Result<(Arc<Counted>, StoredWorkspace)> {
    let path = Path::new("/srv/code");
    let id = WorkspaceId::of_path(path);
    let (_, next) = store.log_start(id, path).await?;
    let log = Arc::new(Counted(AtomicU64::new(next.0 - 1)));
    let settings = WorkspaceSettings {
        path: path.to_owned(),
        channels: Vec::new(),
        on_last_detach: OnLastDetach::Keep,
    };
    let workspace = store.open_workspace(id, settings, log.clone()).await?;
    Ok((log, workspace))
}

impl EventSink for Counted {
    fn publish(&self, _: Publication) -> Seq {
        Seq(self.0.fetch_add(1, Relaxed) + 1)
    }

    fn publish_at(&self, seq: Seq, _: Publication) {
        self.0.store(seq.0, Relaxed);
    }

    fn head(&self) -> Seq {
        Seq(self.0.load(Relaxed))
    }
}
