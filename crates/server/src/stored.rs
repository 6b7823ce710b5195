//! The durable store in a server: it is opened before anybody is answered, hosts the workspaces, and is closed last. It
//! must never know how anything is stored, nor which agent works.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runwright_agent::Runner;
use runwright_backend::{
    Backend, KnownWorkspace, LogStart, MakeRunner, OpenError, Recovered, WorkspaceFactory,
    WorkspaceParts, WorkspaceSpec,
};
use runwright_proto::{Config, WorkspaceId};
use runwright_server::audit::{AuditLine, AuditSink};
use runwright_server::config::{Retention, ServeConfig, StorageConfig};
use runwright_store::{
    AuditEntry, OpenStoreError, Store, StoreError, StoreOptions, WorkspaceSettings,
};
use tokio::time::timeout;

/// Makes workspaces whose record, history and log are in a store.
pub(crate) struct StoreFactory {
    store: Store,
    make_runner: MakeRunner,
    config: Arc<Config>,
    data_dir: PathBuf,
}

impl StoreFactory {
    /// Makes a factory. `config` is what clients are told about the agent, `data_dir` where they are told that data is.
    pub(crate) fn new(
        store: Store,
        make_runner: MakeRunner,
        config: Config,
        data_dir: PathBuf,
    ) -> Self {
        Self {
            store,
            make_runner,
            config: Arc::new(config),
            data_dir,
        }
    }
}

#[async_trait]
impl WorkspaceFactory for StoreFactory {
    async fn open(&self, spec: WorkspaceSpec) -> Result<WorkspaceParts, OpenError> {
        let settings = settings(KnownWorkspace::of(&spec));
        let (runner, data_dir) = (
            (self.make_runner)(&spec.path),
            spec.data_dir(&self.data_dir),
        );
        let opening = self.store.open_workspace(spec.id, settings, spec.sink);
        let stored = opening.await.map_err(failed)?;
        Ok(WorkspaceParts {
            journal: stored.journal,
            transcript: stored.transcript,
            runner,
            data_dir,
            config: self.config.clone(),
            events: Some(stored.events),
            recovered: Recovered {
                queued: stored.queued,
                clients: stored.clients,
            },
        })
    }

    async fn log(&self, id: WorkspaceId, path: &Path) -> Result<LogStart, OpenError> {
        let (epoch, next) = self.store.log_start(id, path).await.map_err(failed)?;
        Ok(LogStart { epoch, next })
    }

    async fn known(&self, id: WorkspaceId) -> Result<Option<KnownWorkspace>, OpenError> {
        let known = self.store.known(id).await.map_err(failed)?;
        Ok(known.map(|settings| KnownWorkspace {
            path: settings.path,
            channels: settings.channels,
            on_last_detach: settings.on_last_detach,
        }))
    }

    async fn runner(&self, path: &Path) -> Result<Option<Arc<dyn Runner>>, OpenError> {
        Ok((self.make_runner)(path))
    }
}

/// Opens the store of a server that has one, and says what the last process left behind. Blocking.
///
/// # Errors
///
/// [`OpenStoreError`]; it says what to do.
pub(crate) fn open(config: &ServeConfig) -> Result<Option<Store>, OpenStoreError> {
    let StorageConfig::Durable { retention, .. } = &config.storage else {
        return Ok(None);
    };
    let store = Store::open(&config.data_dir, options(retention))?;
    let recovered = store.recovered();
    if let Some(owner) = &recovered.left_by {
        tracing::warn!("the last server on this folder did not stop in good order: {owner}");
    }
    tracing::info!(
        data_dir = %config.data_dir.display(),
        interrupted = recovered.interrupted,
        queued = recovered.queued,
        "store opened"
    );
    Ok(Some(store))
}

/// Keeps the audit log in the store.
pub(crate) struct StoreAudit(pub(crate) Store);

impl AuditSink for StoreAudit {
    fn keep(&mut self, lines: Vec<AuditLine>) {
        let entry = |line: AuditLine| AuditEntry {
            time_ms: line.time_ms,
            json: line.json,
        };
        self.0.append_audit(lines.into_iter().map(entry).collect());
    }
}

/// Opens every workspace in which accepted runs wait, so that they go on; one after the other, because the server has
/// clients by now.
pub(crate) async fn resume_queued(store: &Store, backend: &Backend) {
    let waiting = match store.with_queued_runs().await {
        Ok(waiting) => waiting,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "accepted runs wait until their workspace is used");
            return;
        }
    };
    for workspace in waiting {
        if let Err(error) = backend.workspace(workspace).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(%workspace, error, "accepted runs wait until their workspace is used");
        }
    }
}

/// Closes the store, after everything that writes to it. A disk that does not answer is left alone: the next start
/// repairs what is missing.
pub(crate) async fn close(store: &Store, within: Duration) {
    if timeout(within, store.close()).await.is_err() {
        tracing::error!("the store was not closed in time: the disk does not answer");
    }
}

fn options(retention: &Retention) -> StoreOptions {
    StoreOptions {
        retention: runwright_store::Retention {
            age: Some(retention.age),
            workspace_bytes: retention.workspace_bytes,
            total_bytes: retention.total_bytes,
        },
        ..StoreOptions::default()
    }
}

fn settings(known: KnownWorkspace) -> WorkspaceSettings {
    WorkspaceSettings {
        path: known.path,
        channels: known.channels,
        on_last_detach: known.on_last_detach,
    }
}

fn failed(error: StoreError) -> OpenError {
    OpenError::Storage(Box::new(error))
}
