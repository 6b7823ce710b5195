//! What a batch does in one workspace: which numbers it uses, which events it stores and publishes, and what memory
//! learns when it is on disk. Must never know what a change says.

use std::collections::HashSet;
use std::sync::Arc;

use runwright_agent::Publication;
use runwright_proto::{ChangeKind, Message, MessageId, RunId, Seq, SessionId};
use rusqlite::Connection;

use super::WorkspaceState;
use crate::engine::Participant;
use crate::event_log::{self, chunk::ChunkWriter};
use crate::journal::names::{Knowledge, NameHash};
use crate::journal::untold::BatchEnds;
use crate::live::{LiveChanges, Stored};
use crate::rows;
use crate::transcript::cache::SessionChanged;
use crate::transcript::{messages, pieces};

/// One workspace in one batch.
pub(crate) struct WorkspaceBatch {
    state: Arc<WorkspaceState>,
    /// The number of its next event, once it has taken the numbers.
    next: Option<Seq>,
    /// What is published when it is on disk, in this order.
    publications: Vec<(Seq, Publication)>,
    chunks: ChunkWriter,
    /// The rows of events that it has written, and their bytes.
    written: (usize, u64),
    reserve: Option<Seq>,
    live: LiveChanges,
    sessions: Vec<SessionChanged>,
    names: HashSet<NameHash>,
    ends: BatchEnds,
    is_closed: bool,
    closes: bool,
}

impl WorkspaceBatch {
    pub(super) fn new(state: &Arc<WorkspaceState>) -> Self {
        Self {
            state: Arc::clone(state),
            next: None,
            publications: Vec::new(),
            chunks: ChunkWriter::default(),
            written: (0, 0),
            reserve: None,
            live: LiveChanges::default(),
            sessions: Vec::new(),
            names: HashSet::new(),
            ends: BatchEnds::new(&state.untold),
            is_closed: state.story().is_closed,
            closes: false,
        }
    }

    /// Whether the workspace is closed, or will be with this batch.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The number that the next event of the batch will have.
    pub(crate) fn next_seq(&mut self) -> Seq {
        let begin = || self.state.story().sequence.begin_batch();
        *self.next.get_or_insert_with(begin)
    }

    /// Stores an event with the batch, and publishes it when the batch is on disk.
    pub(crate) fn publish(&mut self, publication: Publication) {
        let seq = self.number();
        let Publication { event, run, .. } = &publication;
        self.chunks
            .push(seq, &self.state.epoch, run.as_ref(), event);
        self.publications.push((seq, publication));
    }

    /// The same for a change whose payload is at hand as JSON.
    pub(crate) fn publish_json(
        &mut self,
        publication: Publication,
        change: ChangeKind,
        payload: &[u8],
    ) {
        let seq = self.number();
        let Publication { event, run, .. } = &publication;
        let (epoch, run, kind) = (&self.state.epoch, run.as_ref(), event.kind());
        self.chunks
            .push_change(seq, epoch, run, kind, change, payload);
        self.publications.push((seq, publication));
    }

    /// Publishes an event when the batch is on disk; the row that changed carries its number and stands for it in the
    /// log.
    pub(crate) fn publish_row(&mut self, publication: Publication) {
        let seq = self.number();
        self.publications.push((seq, publication));
    }

    /// Reserves numbers.
    pub(super) fn reserve(&mut self, reserved: Seq) {
        self.reserve = self.reserve.max(Some(reserved));
    }

    /// A session has changed.
    pub(crate) fn session_changed(&mut self, change: SessionChanged) {
        self.sessions.push(change);
    }

    /// A session was deleted, with its messages.
    pub(crate) fn session_deleted(&mut self, id: SessionId) {
        self.live.forgotten(id.clone());
        self.sessions.push(SessionChanged::Gone(id));
    }

    /// A request was recorded under these names.
    pub(crate) fn named(&mut self, names: impl IntoIterator<Item = NameHash>) {
        self.names.extend(names);
    }

    /// A run ends with the batch.
    pub(crate) fn run_ended(&mut self, run: &RunId) {
        self.ends.add(run);
    }

    /// Whether a request of one of these names may be known, from before the batch or from the batch.
    pub(crate) fn may_know(&self, names: &[NameHash]) -> bool {
        self.state.names.look_up(names) != Knowledge::New
            || names.iter().any(|name| self.names.contains(name))
    }

    /// A message may be streamed from now on.
    pub(crate) fn message_opened(&mut self, stored: Stored) {
        self.live.opened(stored);
    }

    /// The row of a message was written, all of it: what was added to the row before goes.
    pub(crate) fn message_settled(
        &mut self,
        connection: &Connection,
        stored: Stored,
    ) -> rusqlite::Result<()> {
        let id = &stored.message.id;
        let story = self.state.story();
        let has_chunks = story.live.has_chunks(id) || self.live.has_chunks(id);
        let version = story.live.version(id);
        drop(story);
        if has_chunks {
            pieces::delete(connection, stored.row)?;
        }
        self.live.settled(stored, version);
        Ok(())
    }

    /// The state of a message that is being streamed, if it is newer than the row.
    pub(crate) fn newest(&self, id: &MessageId) -> Option<Message> {
        self.state.story().live.newest(id, &self.live).cloned()
    }

    /// Adds what was streamed to what is on disk.
    pub(crate) fn flush(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let grown = self.state.story().live.grow(&self.live);
        for (id, growth) in grown {
            if !growth.steps.is_empty() {
                pieces::insert(connection, &growth)?;
            }
            self.live.grown(id, growth);
        }
        Ok(())
    }

    /// Closes the workspace with this batch: stores what is left, and where the numbers go on.
    pub(crate) fn close(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        // From here on nobody takes a number.
        self.next_seq();
        let streaming = self.state.streaming(|_| true);
        for live in streaming {
            let id = &live.message.id;
            if let Some(newest) = self.newest(id) {
                let seq = live.seq.unwrap_or_else(|| self.number());
                messages::fold(connection, live.row, &newest, seq)?;
            }
        }
        messages::still(connection, self.state.row)?;
        self.closes = true;
        self.is_closed = true;
        let next = self.next_seq();
        super::store_clean_end(connection, self.state.row, next)
    }

    /// Closes a workspace that nobody has seen open: those who followed it before have seen it up to this number.
    pub(crate) fn close_unseen(
        &mut self,
        connection: &Connection,
        seen: Seq,
    ) -> rusqlite::Result<()> {
        connection
            .prepare_cached("UPDATE workspaces SET seen_seq = ?2 WHERE id = ?1")?
            .execute((self.state.row, rows::number(seen)))?;
        self.close(connection)
    }

    fn number(&mut self) -> Seq {
        let seq = self.next_seq();
        self.next = Some(seq.next());
        seq
    }

    /// What is to be reserved with the batch: what was asked for, and enough for its own events.
    fn to_reserve(&self) -> Option<Seq> {
        let own = self
            .next
            .and_then(|next| self.state.story().sequence.to_reserve(next));
        own.max(self.reserve).filter(|_| !self.closes)
    }
}

impl Participant for WorkspaceBatch {
    fn before_commit(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let now = self.state.now().millis();
        for chunk in std::mem::take(&mut self.chunks).finish() {
            event_log::store::insert(connection, self.state.row, &chunk, now)?;
            self.written.0 += 1;
            self.written.1 += chunk.frames.len() as u64;
        }
        self.reserve = self.to_reserve();
        if let Some(reserved) = self.reserve {
            connection
                .prepare_cached(
                    "UPDATE workspaces SET reserved_seq = ?2 WHERE id = ?1 AND reserved_seq < ?2",
                )?
                .execute((self.state.row, rows::number(reserved)))?;
        }
        Ok(())
    }

    fn committed(self) {
        let state = self.state;
        // Whoever sees an event finds what it tells of.
        state.names.add(self.names);
        state.sessions.apply(self.sessions);
        let (rows, bytes) = self.written;
        if rows > 0 {
            state.commons.upkeep.wrote(state.row, rows, bytes);
        }
        if self.closes {
            state.commons.upkeep.closed(state.row);
        }
        let changes_story = self.next.is_some() || self.reserve.is_some() || self.closes;
        if !changes_story && self.live.is_empty() {
            return;
        }
        state.story().apply(self.live);
        for (seq, publication) in self.publications {
            state.sink.publish_at(seq, publication);
        }
        drop(self.ends);
        let mut story = state.story();
        if let Some(reserved) = self.reserve {
            story.sequence.reserve(reserved);
        }
        if let Some(next) = self.next {
            story.sequence.end_batch(next);
        }
        story.is_closed |= self.closes;
        let wants = story.go_on(&*state.sink);
        drop(story);
        state.fulfil(wants);
    }

    fn rolled_back(self) {
        let Some(next) = self.next else { return };
        let mut story = self.state.story();
        story.sequence.end_batch(next);
        let wants = story.go_on(&*self.state.sink);
        drop(story);
        self.state.fulfil(wants);
    }
}
