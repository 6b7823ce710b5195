//! A data directory that goes with the test, and a workspace in it whose log is kept for comparison.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runwright_agent::Timestamp;
use runwright_agent::testing::{ManualClock, RecordingSink};
use runwright_proto::{Epoch, Seq, WorkspaceId};
use runwright_store::{Store, StoreOptions, StoredWorkspace, WorkspaceSettings};
use tempfile::TempDir;

/// The directory of the workspace that most tests use.
pub(crate) const DEMO: &str = "/home/user/demo";

/// An open store.
pub(crate) struct Stage {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: Arc<TempDir>,
}

/// An open workspace of it.
pub(crate) struct Opened {
    pub(crate) parts: StoredWorkspace,
    pub(crate) sink: Arc<RecordingSink>,
    pub(crate) epoch: Epoch,
    /// The number of its first event.
    pub(crate) next: Seq,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A fresh store with these options.
    pub(crate) fn with(set: impl FnOnce(&mut StoreOptions)) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        Self::at(directory, set)
    }

    /// The store of a directory.
    pub(crate) fn at(directory: Arc<TempDir>, set: impl FnOnce(&mut StoreOptions)) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp(1_795_357_488_123)));
        let mut options = StoreOptions {
            clock: clock.clone(),
            ..StoreOptions::default()
        };
        set(&mut options);
        let store = Store::open(directory.path(), options).unwrap();
        Self {
            store,
            clock,
            directory,
        }
    }

    /// Opens the usual workspace.
    pub(crate) async fn open(&self) -> Opened {
        self.open_path(DEMO).await
    }

    pub(crate) async fn open_path(&self, path: &str) -> Opened {
        let sink = Arc::new(RecordingSink::default());
        let (id, settings) = (workspace(path), settings(path));
        let (epoch, next) = self.store.log_start(id, &settings.path).await.unwrap();
        let parts = self.store.open_workspace(id, settings, sink.clone());
        Opened {
            parts: parts.await.unwrap(),
            sink,
            epoch,
            next,
        }
    }

    /// Closes the store in good order and opens it again.
    pub(crate) async fn reopen(self) -> Self {
        self.store.close().await;
        drop(self.store);
        Self::at(self.directory, |_| {})
    }
}

pub(crate) fn workspace(path: &str) -> WorkspaceId {
    WorkspaceId::of_path(Path::new(path))
}

pub(crate) fn settings(path: &str) -> WorkspaceSettings {
    WorkspaceSettings {
        path: PathBuf::from(path),
        ..WorkspaceSettings::default()
    }
}
