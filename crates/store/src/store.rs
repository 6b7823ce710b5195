//! A data directory that is open: the workspaces in it, what is known of them, and the way to open one. Must never know
//! who asks.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runwright_agent::{AgentCall, EventLog, EventSink, RunJournal, Transcript};
use runwright_proto::{ClientId, Epoch, OnLastDetach, Seq, WorkspaceId};
use rusqlite::Connection;

use crate::directory::{self, LogStart};
use crate::engine::{Batch, Engine, Idle, IdleBudget};
use crate::error::{OpenStoreError, StoreError};
use crate::event_log::{StoredLog, upkeep::Upkeep};
use crate::journal::Journal;
use crate::maintenance::restored;
use crate::options::StoreOptions;
use crate::recovery::{self, RecoveryReport};
use crate::stats::StoreStats;
use crate::transcript::History;
use crate::workspace::{Commons, Nowhere, WorkspaceBatch, WorkspaceState};

/// A data directory that is open: durable workspaces behind the ports of `runwright-agent`. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    commons: Arc<Commons>,
    recovered: RecoveryReport,
    /// Workspaces whose numbers have been reserved, and which are not open yet.
    starting: Mutex<HashMap<WorkspaceId, LogStart>>,
}

/// What is kept of a workspace besides its history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// Its directory, absolute and without symbolic links.
    pub path: PathBuf,
    /// The channels on which its clients agreed.
    pub channels: Vec<String>,
    /// What happens to its runs when the last client leaves.
    pub on_last_detach: OnLastDetach,
}

/// An open workspace, and what the process before this one left behind.
#[derive(Clone)]
pub struct StoredWorkspace {
    /// The record of its runs.
    pub journal: Arc<dyn RunJournal>,
    /// Its history.
    pub transcript: Arc<dyn Transcript>,
    /// The stored part of its log.
    pub events: Arc<dyn EventLog>,
    /// The prompts that were accepted and have not started, in their order.
    pub queued: Vec<Arc<AgentCall>>,
    /// The clients that followed it when it was cut off and have not come back since, each with the last number that
    /// it may have seen.
    pub clients: Vec<(ClientId, Seq)>,
    /// The last number that anybody may have seen before it was opened.
    pub seen: Seq,
}

impl Store {
    /// Opens a data directory, which is made if it is missing: takes its lock, checks it, brings its schema up to date,
    /// and ends the runs that another process left running. Blocking: it is done before a server answers anybody.
    ///
    /// # Errors
    /// [`OpenStoreError`]; nothing is held then.
    pub fn open(directory: &Path, options: StoreOptions) -> Result<Self, OpenStoreError> {
        let engine = Engine::open(directory, options.engine())?;
        restored::begin_anew(&engine).map_err(OpenStoreError::Store)?;
        let upkeep = Arc::new(Upkeep::new(options.retention, options.clock.clone()));
        let commons = Arc::new(Commons {
            engine,
            clock: options.clock,
            upkeep: upkeep.clone(),
            rooms: Arc::default(),
        });
        let recovered = recovery::recover(&commons).map_err(OpenStoreError::Store)?;
        let work = move |batch: &mut Batch<'_, _>, budget: &IdleBudget<'_>| {
            upkeep.step(batch.connection(), &|| budget.is_spent())
        };
        commons.engine.when_idle("upkeep of the event logs", work);
        let shared = Shared {
            commons,
            recovered,
            starting: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// What the process before this one left behind, and what became of it.
    #[must_use]
    pub fn recovered(&self) -> &RecoveryReport {
        &self.shared.recovered
    }

    /// Prepares the log of a workspace, which is made if it is new: its epoch, and the number of its next event. No
    /// process will use a number twice, also if this one dies.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Cancel safety
    /// A dropped future may have reserved numbers, which are then not used.
    pub async fn log_start(
        &self,
        id: WorkspaceId,
        path: &Path,
    ) -> Result<(Epoch, Seq), StoreError> {
        let start = self.start(id, path).await?;
        Ok((start.place.epoch, start.place.next))
    }

    async fn start(&self, id: WorkspaceId, path: &Path) -> Result<LogStart, StoreError> {
        if let Some(start) = self.starting().get(&id) {
            return Ok(start.clone());
        }
        let (path, now) = (path.to_owned(), self.shared.commons.clock.now());
        let start = move |batch: &mut Batch<'_, _>| {
            directory::start_log(batch.connection(), id, &path, now)
        };
        let start = self.engine().write(start).await?;
        self.starting().insert(id, start.clone());
        Ok(start)
    }

    /// Opens a workspace, of which [`log_start`](Self::log_start) has said where its numbers go on; its events go to
    /// `sink`. Nobody else has it open.
    ///
    /// # Errors
    /// [`StoreError`]; it is not open then.
    ///
    /// # Cancel safety
    /// A dropped future has opened nothing; it may have reserved numbers, which are then not used.
    pub async fn open_workspace(
        &self,
        id: WorkspaceId,
        settings: WorkspaceSettings,
        sink: Arc<dyn EventSink>,
    ) -> Result<StoredWorkspace, StoreError> {
        let LogStart { place, seen } = self.start(id, &settings.path).await?;
        let row = place.row;
        let read = move |connection: &_| directory::left_behind(connection, row, seen);
        let left = self.engine().read(read).await?;
        self.starting().remove(&id);
        let state = Arc::new(WorkspaceState::new(&self.shared.commons, place, sink));
        // Nobody has to wait for it: a process that dies before it is stored leaves the clients to the next one.
        state.change_lazily(
            "settings of a workspace were not stored",
            move |connection, _| directory::note_open(connection, row, seen, &settings),
        );
        Ok(StoredWorkspace {
            journal: Arc::new(Journal::new(state.clone())),
            transcript: Arc::new(History::new(state.clone())),
            events: Arc::new(StoredLog::new(state)),
            queued: left.queued,
            clients: left.clients,
            seen,
        })
    }

    /// What is known of a workspace, if it is.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn known(&self, id: WorkspaceId) -> Result<Option<WorkspaceSettings>, StoreError> {
        let read = move |connection: &_| directory::settings(connection, id);
        self.engine().read(read).await
    }

    /// The workspaces in which runs wait to be started.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn with_queued_runs(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        self.engine().read(directory::with_queued_runs).await
    }

    /// Joins rows of events and deletes what is beyond the limits of retention, as far as there is anything to do. A
    /// store does so by itself when nothing else is to be done, a little at a time; this does not stop before the end.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Cancel safety
    /// A dropped future does not stop what is under way.
    pub async fn look_after(&self) -> Result<(), StoreError> {
        loop {
            let upkeep = self.shared.commons.upkeep.clone();
            let step = move |batch: &mut Batch<'_, _>| upkeep.step(batch.connection(), &|| false);
            if self.engine().write(step).await? != Idle::More {
                return Ok(());
            }
        }
    }

    /// Makes a change in a workspace that nobody has open, which is made if it is unknown, and closes it again. Blocking.
    pub(crate) fn in_workspace<T, F>(
        &self,
        id: WorkspaceId,
        path: &Path,
        mut change: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut WorkspaceBatch, i64) -> rusqlite::Result<T> + Send + 'static,
    {
        let (path, now) = (path.to_owned(), self.shared.commons.clock.now());
        let start = move |batch: &mut Batch<'_, _>| {
            directory::start_log(batch.connection(), id, &path, now)
        };
        let LogStart { place, seen } = self.engine().write_blocking(start)?;
        let row = place.row;
        let state = WorkspaceState::new(&self.shared.commons, place, Arc::new(Nowhere));
        Arc::new(state).change_blocking(move |connection, batch| {
            let changed = change(connection, batch, row)?;
            batch.close_unseen(connection, seen)?;
            Ok(changed)
        })
    }

    /// Like [`close`](Self::close), for a thread that may wait.
    pub(crate) fn close_blocking(&self) {
        self.engine().close_blocking();
    }

    /// What the store has done since it was opened.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.engine().stats().into()
    }

    /// Stores what waits and gives the directory back. Workspaces are closed before; what is written later is refused.
    ///
    /// # Cancel safety
    /// A dropped future does not stop the closing.
    pub async fn close(&self) {
        self.engine().close().await;
    }

    pub(crate) fn engine(&self) -> &Engine<WorkspaceBatch> {
        &self.shared.commons.engine
    }

    fn starting(&self) -> MutexGuard<'_, HashMap<WorkspaceId, LogStart>> {
        let starting = self.shared.starting.lock();
        starting.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

impl fmt::Debug for StoredWorkspace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoredWorkspace")
            .field("queued", &self.queued.len())
            .field("clients", &self.clients)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}
