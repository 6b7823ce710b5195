//! The history of a workspace in memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use runwright_proto::{
    Change, ChangeKind, Event, File, Finish, Message, MessageId, Role, RunId, Session, SessionId,
};

use crate::clock::{Clock, Timestamp};
use crate::closing::{Closing, ClosingStep};
use crate::events::{EventSink, Pace, Publication};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::transcript::{NewSession, SessionChange, Transcript, TranscriptError};

/// The history of one workspace, in memory.
///
/// A change and its event are one step under one lock, so the order of the events is the order of the changes. The
/// sink it publishes to never calls back.
///
/// ```
/// use std::sync::Arc;
///
/// use runwright_agent::{
///     MemoryTranscript, NewSession, SessionChange, Spent, SystemClock, Transcript,
/// };
/// use runwright_proto::{Finish, Message, MessageId, Role, RunId};
/// # use runwright_agent::{EventSink, Publication};
/// # use runwright_proto::Seq;
/// # struct Log;
/// # impl EventSink for Log {
/// #     fn publish(&self, _: Publication) -> Seq { Seq(1) }
/// #     fn publish_at(&self, _: Seq, _: Publication) {}
/// #     fn head(&self) -> Seq { Seq(0) }
/// # }
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transcript = MemoryTranscript::new(Arc::new(Log), Arc::new(SystemClock));
/// let session = transcript.create_session(NewSession::default()).await?;
/// let step = SessionChange {
///     spent: Some(Spent { prompt_tokens: 1_200, completion_tokens: 80, cost: 0.01 }),
///     ..SessionChange::default()
/// };
/// transcript.change_session(&session.id, step).await?;
///
/// let run = RunId::generate();
/// let answer = Message::new(MessageId::generate(), session.id.clone(), Role::Assistant, 0);
/// transcript.create_message(Some(&run), answer).await?;
/// let ended = transcript.close_run(&run, Finish::stop()).await?;
/// assert!(ended.is_some_and(|answer| answer.finish().is_some()), "nothing is left unfinished");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).expect("nothing waits here")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryTranscript {
    sink: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    history: Mutex<History>,
}

#[derive(Default)]
struct History {
    sessions: BTreeMap<SessionId, Conversation>,
    /// Where each message is.
    messages: BTreeMap<MessageId, Place>,
    /// What each run wrote, in order.
    of_run: BTreeMap<RunId, Vec<MessageId>>,
    /// Grows with every change: the order of changes must not depend on the clock.
    changes: u64,
}

struct Conversation {
    session: Session,
    messages: Vec<Message>,
    read: BTreeMap<String, Read>,
    changed: u64,
}

struct Place {
    session: SessionId,
    index: usize,
    run: Option<RunId>,
    added: u64,
}

/// When a file was read last.
struct Read {
    at: Timestamp,
    change: u64,
}

impl MemoryTranscript {
    /// Makes an empty history that publishes to `sink`.
    #[must_use]
    pub fn new(sink: Arc<dyn EventSink>, clock: Arc<dyn Clock>) -> Self {
        Self {
            sink,
            clock,
            history: Mutex::new(History::default()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    fn publish(&self, event: Event, run: Option<RunId>, pace: Pace) {
        self.sink.publish(Publication { event, run, pace });
    }

    fn publish_session(&self, kind: ChangeKind, session: &Session) {
        self.publish(
            Event::Session(Change {
                kind,
                payload: session.clone(),
            }),
            None,
            Pace::Now,
        );
    }

    fn publish_message(&self, kind: ChangeKind, message: &Message, run: Option<RunId>, pace: Pace) {
        self.publish(
            Event::Message(Change {
                kind,
                payload: message.clone(),
            }),
            run,
            pace,
        );
    }

    fn add(
        &self,
        history: &mut History,
        run: Option<&RunId>,
        message: Message,
    ) -> Result<(), TranscriptError> {
        let now = self.clock.now();
        let stamp = history.stamp();
        let conversation = history.conversation_mut(&message.session_id)?;
        conversation.session.message_count += 1;
        conversation.session.updated_at = now.seconds();
        conversation.changed = stamp;
        conversation.messages.push(message.clone());
        let place = Place {
            session: message.session_id.clone(),
            index: conversation.messages.len() - 1,
            run: run.cloned(),
            added: stamp,
        };
        self.publish_message(ChangeKind::Created, &message, run.cloned(), Pace::Now);
        if let Some(run) = run {
            let written = history.of_run.entry(run.clone()).or_default();
            written.push(message.id.clone());
        }
        history.messages.insert(message.id, place);
        Ok(())
    }

    fn replace(
        &self,
        history: &mut History,
        mut message: Message,
        pace: Pace,
    ) -> Result<(), TranscriptError> {
        message.updated_at = self.clock.now().seconds();
        let Some(place) = history.messages.get(&message.id) else {
            return Err(TranscriptError::UnknownMessage(message.id));
        };
        let (session, index, run) = (place.session.clone(), place.index, place.run.clone());
        history.conversation_mut(&session)?.messages[index] = message.clone();
        self.publish_message(ChangeKind::Updated, &message, run, pace);
        Ok(())
    }
}

#[async_trait]
impl Transcript for MemoryTranscript {
    async fn create_session(&self, new: NewSession) -> Result<Session, TranscriptError> {
        let id = new.id.unwrap_or_else(SessionId::random);
        let mut session = Session::new(id.clone(), new.title, self.clock.now().seconds());
        session.parent_session_id = new.parent;
        let mut history = self.lock();
        if let Some(known) = history.sessions.get(&id) {
            return Ok(known.session.clone());
        }
        let conversation = Conversation {
            session: session.clone(),
            messages: Vec::new(),
            read: BTreeMap::new(),
            changed: history.stamp(),
        };
        history.sessions.insert(id, conversation);
        self.publish_session(ChangeKind::Created, &session);
        Ok(session)
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, TranscriptError> {
        let history = self.lock();
        Ok(history
            .sessions
            .get(id)
            .map(|conversation| conversation.session.clone()))
    }

    async fn sessions(&self) -> Result<Vec<Session>, TranscriptError> {
        let history = self.lock();
        let mut top: Vec<_> = history
            .sessions
            .values()
            .filter(|conversation| conversation.session.parent_session_id.is_none())
            .collect();
        top.sort_by_key(|conversation| Reverse(conversation.changed));
        Ok(top
            .into_iter()
            .map(|conversation| conversation.session.clone())
            .collect())
    }

    async fn change_session(
        &self,
        id: &SessionId,
        change: SessionChange,
    ) -> Result<Session, TranscriptError> {
        let now = self.clock.now();
        let mut history = self.lock();
        let stamp = history.stamp();
        let conversation = history.conversation_mut(id)?;
        conversation.changed = stamp;
        let session = &mut conversation.session;
        change.apply_to(session);
        session.updated_at = now.seconds();
        self.publish_session(ChangeKind::Updated, session);
        Ok(session.clone())
    }

    async fn delete_session(&self, id: &SessionId) -> Result<(), TranscriptError> {
        let mut history = self.lock();
        let gone = history
            .sessions
            .remove(id)
            .ok_or_else(|| TranscriptError::UnknownSession(id.clone()))?;
        for message in &gone.messages {
            history.forget(&message.id);
        }
        self.publish_session(ChangeKind::Deleted, &gone.session);
        Ok(())
    }

    async fn create_message(
        &self,
        run: Option<&RunId>,
        message: Message,
    ) -> Result<(), TranscriptError> {
        self.add(&mut self.lock(), run, message)
    }

    async fn update_message(&self, message: Message, pace: Pace) -> Result<(), TranscriptError> {
        self.replace(&mut self.lock(), message, pace)
    }

    async fn messages(&self, session: &SessionId) -> Result<Vec<Message>, TranscriptError> {
        let history = self.lock();
        let conversation = history.sessions.get(session);
        Ok(conversation.map_or_else(Vec::new, |conversation| conversation.messages.clone()))
    }

    async fn user_messages(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<Message>, TranscriptError> {
        let history = self.lock();
        let is_said = |message: &&Message| message.role == Role::User;
        if let Some(session) = session {
            let conversation = history.sessions.get(session);
            let messages = conversation.map_or(&[][..], |found| &found.messages);
            return Ok(messages.iter().rev().filter(is_said).cloned().collect());
        }
        let mut said = history.at(history.messages.values());
        said.retain(|message| message.role == Role::User);
        said.reverse();
        Ok(said)
    }

    async fn close_run(
        &self,
        run: &RunId,
        finish: Finish,
    ) -> Result<Option<Message>, TranscriptError> {
        let now = self.clock.now();
        let mut history = self.lock();
        let closing = Closing::of(history.written_by(run), &finish, now);
        for step in closing.steps {
            match step {
                ClosingStep::Replace(message) => {
                    self.replace(&mut history, message, Pace::Now)?;
                }
                ClosingStep::Add(message) => self.add(&mut history, Some(run), message)?,
            }
        }
        Ok(closing.answer)
    }

    async fn files(&self, _session: &SessionId) -> Result<Vec<File>, TranscriptError> {
        // Nothing that runs on this transcript changes files yet, so there are no versions to tell of.
        Ok(Vec::new())
    }

    async fn mark_read(&self, session: &SessionId, path: &str) -> Result<(), TranscriptError> {
        let now = self.clock.now();
        let mut history = self.lock();
        let change = history.stamp();
        let read = &mut history.conversation_mut(session)?.read;
        read.insert(path.to_owned(), Read { at: now, change });
        Ok(())
    }

    async fn files_read(
        &self,
        session: &SessionId,
    ) -> Result<Vec<(String, Timestamp)>, TranscriptError> {
        let history = self.lock();
        let Some(conversation) = history.sessions.get(session) else {
            return Ok(Vec::new());
        };
        let mut read: Vec<_> = conversation.read.iter().collect();
        read.sort_by_key(|(_, read)| Reverse(read.change));
        Ok(read
            .into_iter()
            .map(|(path, read)| (path.clone(), read.at))
            .collect())
    }
}

impl std::fmt::Debug for MemoryTranscript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryTranscript").finish_non_exhaustive()
    }
}

impl History {
    fn stamp(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }

    fn conversation_mut(&mut self, id: &SessionId) -> Result<&mut Conversation, TranscriptError> {
        self.sessions
            .get_mut(id)
            .ok_or_else(|| TranscriptError::UnknownSession(id.clone()))
    }

    /// Forgets where a message was.
    fn forget(&mut self, message: &MessageId) {
        let run = self.messages.remove(message).and_then(|place| place.run);
        let Some((run, written)) = run.and_then(|run| {
            let written = self.of_run.get_mut(&run)?;
            Some((run, written))
        }) else {
            return;
        };
        written.retain(|id| id != message);
        if written.is_empty() {
            self.of_run.remove(&run);
        }
    }

    /// What a run wrote, in order.
    fn written_by(&self, run: &RunId) -> Vec<Message> {
        let ids = self.of_run.get(run).map_or(&[][..], Vec::as_slice);
        self.at(ids.iter().filter_map(|id| self.messages.get(id)))
    }

    /// The messages at these places, in the order in which they were added.
    fn at<'a>(&self, places: impl Iterator<Item = &'a Place>) -> Vec<Message> {
        let mut places: Vec<&Place> = places.collect();
        places.sort_by_key(|place| place.added);
        let message = |place: &Place| {
            let conversation = self.sessions.get(&place.session)?;
            conversation.messages.get(place.index).cloned()
        };
        places.into_iter().filter_map(message).collect()
    }
}
