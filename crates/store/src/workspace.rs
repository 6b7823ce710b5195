//! An open workspace, as its journal, its history and its log share it: one order of numbers, the messages that are
//! being streamed, and what is known without the disk. Must never know what a change says.

mod batch;
mod sink;
mod story;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runwright_agent::{Clock, EventSink, Pace, Publication, Timestamp};
use runwright_proto::{Epoch, Message, Seq, WorkspaceId};
use rusqlite::Connection;

pub(crate) use self::batch::WorkspaceBatch;
pub(crate) use self::sink::Nowhere;
use self::story::{Story, Wants};
use crate::engine::{Answer, Batch, Engine};
use crate::error::{StoreError, StoreErrorKind};
use crate::event_log::{room::Rooms, upkeep::Upkeep};
use crate::journal::{names::Names, untold::UntoldEnds};
use crate::live::Streaming;
use crate::rows;
use crate::transcript::cache::SessionCache;

/// What the workspaces of a store share.
pub(crate) struct Commons {
    pub(crate) engine: Engine<WorkspaceBatch>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) upkeep: Arc<Upkeep>,
    pub(crate) rooms: Arc<Rooms>,
}

/// An open workspace.
pub(crate) struct WorkspaceState {
    pub(crate) id: WorkspaceId,
    /// `workspaces.id`.
    pub(crate) row: i64,
    pub(crate) epoch: Epoch,
    pub(crate) commons: Arc<Commons>,
    pub(crate) sessions: SessionCache,
    pub(crate) names: Names,
    pub(crate) untold: Arc<UntoldEnds>,
    sink: Arc<dyn EventSink>,
    story: Mutex<Story>,
}

/// Whether a message could be streamed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StreamOutcome {
    Done,
    /// The message is not among those that may be streamed.
    NotOpen(Message),
    /// The workspace is closed.
    Closed,
}

impl WorkspaceState {
    /// Opens a workspace whose numbers go on at `next` and are reserved up to `reserved`.
    pub(crate) fn new(commons: &Arc<Commons>, place: Place, sink: Arc<dyn EventSink>) -> Self {
        Self {
            id: place.id,
            row: place.row,
            epoch: place.epoch,
            commons: Arc::clone(commons),
            sessions: SessionCache::default(),
            names: Names::default(),
            untold: Arc::default(),
            sink,
            story: Mutex::new(Story::new(place.next, place.reserved)),
        }
    }

    /// The database.
    pub(crate) fn engine(&self) -> &Engine<WorkspaceBatch> {
        &self.commons.engine
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.commons.clock.now()
    }

    /// The number of the last event that readers may have seen.
    pub(crate) fn head(&self) -> Seq {
        self.sink.head()
    }

    /// Makes a change in the next batch.
    pub(crate) async fn change<T, F>(self: &Arc<Self>, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut WorkspaceBatch) -> rusqlite::Result<T> + Send + 'static,
    {
        let answer = self.engine().write(self.guarded(change));
        self.answered(answer).await
    }

    /// Like [`change`](Self::change), for a thread that may wait.
    pub(crate) fn change_blocking<T, F>(self: &Arc<Self>, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut WorkspaceBatch) -> rusqlite::Result<T> + Send + 'static,
    {
        let changed = self.engine().write_blocking(self.guarded(change))?;
        changed.ok_or_else(|| self.engine().closed())
    }

    /// Like [`change`](Self::change), but refused at once while the disk does not answer.
    pub(crate) async fn accept<T, F>(self: &Arc<Self>, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut WorkspaceBatch) -> rusqlite::Result<T> + Send + 'static,
    {
        let answer = self.engine().accept_write(self.guarded(change));
        self.answered(answer).await
    }

    /// Like [`change`](Self::change), but nobody waits: a failure is logged.
    pub(crate) fn change_unseen<F>(self: &Arc<Self>, what: &'static str, mut change: F)
    where
        F: FnMut(&Connection, &mut WorkspaceBatch) -> rusqlite::Result<()> + Send + 'static,
    {
        let mut change = self.guarded(move |connection, batch| change(connection, batch));
        let workspace = self.id;
        self.engine().write_then(
            move |batch| change(batch).map(drop),
            move |result| log_failure(workspace, what, result),
        );
    }

    /// Like [`change_unseen`](Self::change_unseen), with a batch that is written anyway, or soon.
    pub(crate) fn change_lazily<F>(self: &Arc<Self>, what: &'static str, mut change: F)
    where
        F: FnMut(&Connection, &mut WorkspaceBatch) -> rusqlite::Result<()> + Send + 'static,
    {
        let mut change = self.guarded(move |connection, batch| change(connection, batch));
        let workspace = self.id;
        self.engine().write_lazily(
            move |batch| change(batch).map(drop),
            move |result| log_failure(workspace, what, result),
        );
    }

    /// A change as the engine takes it. Nothing is changed in a workspace that is closed: its numbers are given away.
    fn guarded<T, F>(
        self: &Arc<Self>,
        mut change: F,
    ) -> impl FnMut(&mut Batch<'_, WorkspaceBatch>) -> rusqlite::Result<Option<T>> + Send + 'static
    where
        F: FnMut(&Connection, &mut WorkspaceBatch) -> rusqlite::Result<T> + Send + 'static,
    {
        let state = Arc::clone(self);
        move |batch| {
            let connection = batch.connection();
            let mine = batch.participant(state.row, || WorkspaceBatch::new(&state));
            if mine.is_closed() {
                return Ok(None);
            }
            change(connection, mine).map(Some)
        }
    }

    async fn answered<T>(&self, answer: Answer<Option<T>>) -> Result<T, StoreError> {
        answer.await?.ok_or_else(|| self.engine().closed())
    }

    /// Publishes an event without storing it: at once, or when the batch that has the numbers is on disk.
    pub(crate) fn tell(self: &Arc<Self>, publication: Publication) {
        let wants = self.story().tell(publication, &*self.sink);
        self.fulfil(wants);
    }

    /// Takes in a state of a message that goes on, and publishes it like [`tell`](Self::tell). It is on disk soon.
    pub(crate) fn stream(self: &Arc<Self>, message: Message, pace: Pace) -> StreamOutcome {
        let mut story = self.story();
        let (outcome, wants) = story.stream(message, pace, &*self.sink);
        drop(story);
        self.fulfil(wants);
        outcome
    }

    /// What is being streamed, as far as it is wanted.
    pub(crate) fn streaming(&self, wanted: impl Fn(&Message) -> bool) -> Vec<Streaming> {
        self.story().live.streaming(wanted)
    }

    fn fulfil(self: &Arc<Self>, wants: Wants) {
        if wants.flush {
            self.flush_soon();
        }
        if let Some(reserved) = wants.reserve {
            self.reserve(reserved);
        }
    }

    /// Adds what was streamed to what is on disk, soon; again and again, if that fails.
    fn flush_soon(self: &Arc<Self>) {
        let (state, is_early) = (Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let found = Arc::clone(&is_early);
        let mut change = self.guarded(move |connection, batch| {
            // It was done a moment ago: a busy server need not do it with each batch.
            let is_early = !state.story().begin_flush();
            found.store(is_early, Ordering::Relaxed);
            if is_early {
                return Ok(());
            }
            batch.flush(connection)
        });
        let state = Arc::clone(self);
        self.engine().write_lazily(
            move |batch| change(batch).map(drop),
            // Once, however often the change had to be tried: each time would add one more to the next batch.
            move |result| match result {
                Ok(()) if is_early.load(Ordering::Relaxed) => state.flush_soon(),
                result => state.flush_ended(result),
            },
        );
    }

    fn flush_ended(self: &Arc<Self>, result: Result<(), &StoreError>) {
        let Err(error) = result else {
            return self.story().flush_ended();
        };
        if error.kind() == StoreErrorKind::Closed {
            return;
        }
        if self.story().flush_failed() {
            log_failure(self.id, "streamed text was not stored", result);
        }
        // Who was refused at once would be refused again at once, and again.
        if error.kind() != StoreErrorKind::Overloaded {
            let wants = self.story().wants();
            self.fulfil(wants);
        }
    }

    /// Reserves numbers on disk.
    fn reserve(self: &Arc<Self>, reserved: Seq) {
        let (state, workspace) = (Arc::clone(self), self.id);
        let mut change = self.guarded(move |_, batch| {
            batch.reserve(reserved);
            Ok(())
        });
        self.engine().write_then(
            move |batch| change(batch).map(drop),
            move |result| {
                log_failure(workspace, "numbers of events were not reserved", result);
                state.story().reserving_ended();
            },
        );
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a workspace is on disk, and where its numbers go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) id: WorkspaceId,
    pub(crate) row: i64,
    pub(crate) epoch: Epoch,
    pub(crate) next: Seq,
    /// The numbers up to this one may be used.
    pub(crate) reserved: Seq,
}

impl fmt::Debug for WorkspaceState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WorkspaceState")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Writes where the numbers go on after a clean close.
pub(crate) fn store_clean_end(
    connection: &Connection,
    row: i64,
    next: Seq,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE workspaces SET next_seq = ?2, reserved_seq = ?2 - 1, is_open = 0 WHERE id = ?1",
        )?
        .execute((row, rows::number(next)))?;
    Ok(())
}

fn log_failure(workspace: WorkspaceId, what: &'static str, result: Result<(), &StoreError>) {
    match result {
        Ok(()) => {}
        Err(error) if error.kind() == StoreErrorKind::Closed => {
            tracing::debug!(%workspace, "{what}: the store is closed");
        }
        Err(error) => {
            let error = error as &dyn std::error::Error;
            tracing::error!(%workspace, error, "{what}");
        }
    }
}

#[cfg(test)]
mod tests;
