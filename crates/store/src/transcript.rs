//! The history of a workspace on disk: its sessions, their messages, the files they read. Must never know who writes
//! them or why.

pub(crate) mod cache;
mod files;
pub(crate) mod messages;
mod overlay;
mod pending;
pub(crate) mod pieces;
pub(crate) mod sessions;

use std::sync::Arc;

use async_trait::async_trait;
use runwright_agent::{
    Closing, ClosingStep, NewSession, Pace, SessionChange, Timestamp, Transcript, TranscriptError,
};
use runwright_proto::{File, Finish, Message, RunId, Session, SessionId};
use rusqlite::Connection;

use self::overlay::Overlay;
use self::pending::{Pending, PendingMessages};
use crate::error::StoreError;
use crate::live::Stored;
use crate::workspace::{StreamOutcome, WorkspaceBatch, WorkspaceState};

/// The history of one workspace.
#[derive(Debug)]
pub(crate) struct History {
    state: Arc<WorkspaceState>,
    pending: PendingMessages,
}

impl History {
    pub(crate) fn new(state: Arc<WorkspaceState>) -> Self {
        Self {
            state,
            pending: PendingMessages::default(),
        }
    }

    /// Reads messages, each in its newest state.
    async fn newest<F>(
        &self,
        wanted: impl Fn(&Message) -> bool + Copy + Send,
        read: F,
    ) -> Result<Vec<Message>, StoreError>
    where
        F: FnOnce(&Connection, i64) -> rusqlite::Result<Vec<Stored>> + Send + 'static,
    {
        let (state, workspace) = (&self.state, self.state.row);
        let mut before = Overlay::new(state.streaming(wanted));
        let rows = state
            .engine()
            .read(move |connection| read(connection, workspace))
            .await?;
        let mut after = Overlay::new(state.streaming(wanted));
        Ok(Overlay::newest(&mut before, &mut after, rows))
    }

    /// Publishes a state of a message that goes on, and stores it soon.
    async fn stream(&self, message: Message, pace: Pace) -> Result<(), TranscriptError> {
        let (id, mut next) = (message.id.clone(), message);
        loop {
            next = match self.state.stream(next, pace) {
                StreamOutcome::Done => return Ok(()),
                StreamOutcome::Closed => return Err(self.state.engine().closed().into()),
                StreamOutcome::NotOpen(message) => message,
            };
            // It was finished, or written by an earlier process.
            let (workspace, wanted) = (self.state.row, id.clone());
            let open = move |connection: &_, batch: &mut _| {
                messages::open(connection, batch, workspace, &wanted)
            };
            if !self.state.change(open).await? {
                return Err(TranscriptError::UnknownMessage(id));
            }
        }
    }
}

#[async_trait]
impl Transcript for History {
    async fn create_session(&self, new: NewSession) -> Result<Session, TranscriptError> {
        let (workspace, now) = (self.state.row, self.state.now());
        let create = move |connection: &_, batch: &mut _| {
            sessions::create(connection, batch, workspace, &new, now)
        };
        Ok(self.state.change(create).await?)
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, TranscriptError> {
        let missed = match self.state.sessions.get(id) {
            Ok(session) => return Ok(Some(session)),
            Err(missed) => missed,
        };
        let (workspace, id) = (self.state.row, id.clone());
        let read = move |connection: &_| sessions::find(connection, workspace, &id);
        let found = self.state.engine().read(read).await?;
        if let Some(session) = &found {
            self.state.sessions.keep(missed, session);
        }
        Ok(found)
    }

    async fn sessions(&self) -> Result<Vec<Session>, TranscriptError> {
        let workspace = self.state.row;
        let read = move |connection: &_| sessions::list(connection, workspace);
        Ok(self.state.engine().read(read).await?)
    }

    async fn change_session(
        &self,
        id: &SessionId,
        change: SessionChange,
    ) -> Result<Session, TranscriptError> {
        let (workspace, now, wanted) = (self.state.row, self.state.now(), id.clone());
        let change = move |connection: &_, batch: &mut _| {
            sessions::change(connection, batch, workspace, &wanted, &change, now)
        };
        let changed = self.state.change(change).await?;
        changed.ok_or_else(|| TranscriptError::UnknownSession(id.clone()))
    }

    async fn delete_session(&self, id: &SessionId) -> Result<(), TranscriptError> {
        let (workspace, wanted) = (self.state.row, id.clone());
        let delete = move |connection: &_, batch: &mut _| {
            sessions::delete(connection, batch, workspace, &wanted)
        };
        known_session(self.state.change(delete).await?, id)
    }

    async fn create_message(
        &self,
        run: Option<&RunId>,
        message: Message,
    ) -> Result<(), TranscriptError> {
        let (workspace, now, run) = (self.state.row, self.state.now(), run.cloned());
        let session = message.session_id.clone();
        let body = messages::body(&message);
        let pending = run.clone().map(|run| self.pending.add(Pending::New(run)));
        let create = move |connection: &_, batch: &mut _| {
            let _until_it_is_stored = &pending;
            messages::create(
                connection,
                batch,
                workspace,
                run.as_ref(),
                (&message, &body),
                now,
            )
        };
        known_session(self.state.change(create).await?, &session)
    }

    async fn update_message(
        &self,
        mut message: Message,
        pace: Pace,
    ) -> Result<(), TranscriptError> {
        message.updated_at = self.state.now().seconds();
        if pace != Pace::Now {
            return self.stream(message, pace).await;
        }
        let (workspace, id) = (self.state.row, message.id.clone());
        let body = messages::body(&message);
        let pending = self.pending.add(Pending::State(id.clone()));
        let replace = move |connection: &_, batch: &mut _| {
            let _until_it_is_stored = &pending;
            messages::replace(connection, batch, workspace, (&message, &body))
        };
        if self.state.change(replace).await? {
            return Ok(());
        }
        Err(TranscriptError::UnknownMessage(id))
    }

    async fn messages(&self, session: &SessionId) -> Result<Vec<Message>, TranscriptError> {
        let wanted = session.clone();
        let read =
            move |connection: &_, workspace| messages::of_session(connection, workspace, &wanted);
        let is_of_it = |message: &Message| message.session_id == *session;
        Ok(self.newest(is_of_it, read).await?)
    }

    async fn user_messages(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<Message>, TranscriptError> {
        let wanted = session.cloned();
        let read = move |connection: &_, workspace| {
            messages::of_people(connection, workspace, wanted.as_ref())
        };
        Ok(self.newest(|_| true, read).await?)
    }

    async fn close_run(
        &self,
        run: &RunId,
        finish: Finish,
    ) -> Result<Option<Message>, TranscriptError> {
        let (now, wanted) = (self.state.now(), run.clone());
        // What a runner that was aborted has left in the queue is not there to be read yet.
        let pending = self.pending.now();
        let read =
            move |connection: &_, workspace| messages::of_run(connection, workspace, &wanted);
        let written = self.newest(|_| true, read).await?;
        // Most runs leave nothing open, and the writer has better things to do than to read what they wrote.
        let is_all = !pending.is_of(run, &written);
        let closing = Closing::of(written, &finish, now);
        if is_all && closing.steps.is_empty() {
            return Ok(closing.answer);
        }
        // Behind everything that waits.
        let (workspace, run) = (self.state.row, run.clone());
        let close = move |connection: &_, batch: &mut _| {
            close_run(connection, batch, workspace, &run, &finish, now)
        };
        Ok(self.state.change(close).await?)
    }

    async fn files(&self, _session: &SessionId) -> Result<Vec<File>, TranscriptError> {
        // Nothing that runs on this transcript changes files yet, so there are no versions to tell of.
        Ok(Vec::new())
    }

    async fn mark_read(&self, session: &SessionId, path: &str) -> Result<(), TranscriptError> {
        let (workspace, now) = (self.state.row, self.state.now());
        let (wanted, path) = (session.clone(), path.to_owned());
        let mark = move |connection: &_, _: &mut _| {
            files::mark_read(connection, workspace, &wanted, &path, now)
        };
        known_session(self.state.change(mark).await?, session)
    }

    async fn files_read(
        &self,
        session: &SessionId,
    ) -> Result<Vec<(String, Timestamp)>, TranscriptError> {
        let (workspace, session) = (self.state.row, session.clone());
        let read = move |connection: &_| files::read(connection, workspace, &session);
        Ok(self.state.engine().read(read).await?)
    }
}

/// Ends what a run wrote, and returns its answer as it is now.
pub(crate) fn close_run(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    run: &RunId,
    finish: &Finish,
    now: Timestamp,
) -> rusqlite::Result<Option<Message>> {
    let rows = messages::of_run(connection, workspace, run)?;
    let newest = |row: Stored| batch.newest(&row.message.id).unwrap_or(row.message);
    let written = rows.into_iter().map(newest).collect();
    let closing = Closing::of(written, finish, now);
    for step in closing.steps {
        match step {
            ClosingStep::Replace(message) => {
                let body = messages::body(&message);
                messages::replace(connection, batch, workspace, (&message, &body))?;
            }
            ClosingStep::Add(message) => {
                let body = messages::body(&message);
                let entry = (&message, body.as_str());
                messages::create(connection, batch, workspace, Some(run), entry, now)?;
            }
        }
    }
    Ok(closing.answer)
}

fn known_session(found: bool, id: &SessionId) -> Result<(), TranscriptError> {
    if found {
        Ok(())
    } else {
        Err(TranscriptError::UnknownSession(id.clone()))
    }
}
