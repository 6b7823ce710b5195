//! What every [`EventLog`] must do, together with the [record of runs](RunJournal) and the [history](Transcript) that
//! publish through the same order, as one suite.

mod publishing;
mod reading;
mod survival;

use std::collections::BTreeMap;
use std::sync::Arc;

use runwright_proto::{
    AgentEvent, Change, ChangeKind, EnvelopeRef, Epoch, Event, Message, MessageId, Part, Role,
    RunId, Seq, SessionId, write_frame, write_frame_id,
};

use crate::clock::{Clock, Timestamp};
use crate::event_log::{EventLog, LogQuery};
use crate::events::{EventSink, Pace, Publication};
use crate::journal::RunJournal;
use crate::testing::calls::session_id;
use crate::testing::{ManualClock, RecordingSink};
use crate::transcript::{NewSession, Transcript};

/// An open workspace, as a store gives it.
#[derive(Clone)]
pub struct OpenWorkspace {
    /// The record of its runs.
    pub journal: Arc<dyn RunJournal>,
    /// Its history.
    pub transcript: Arc<dyn Transcript>,
    /// The stored part of its log.
    pub events: Arc<dyn EventLog>,
    /// The epoch of its log.
    pub epoch: Epoch,
}

/// Checks all that [`EventLog`] promises while its workspace is open, each promise with a workspace of its own from
/// `open`, which must be empty and must publish to the sink and tell the time by the clock that it is given.
///
/// # Panics
/// When the log does not keep a promise; the message says which.
pub async fn conforms(open: impl AsyncFn(Arc<dyn EventSink>, Arc<dyn Clock>) -> OpenWorkspace) {
    publishing::numbers_rise_from_the_first_event_on(fresh(&open).await).await;
    publishing::what_is_announced_is_stored_and_what_is_told_is_not(fresh(&open).await).await;
    publishing::the_events_of_an_end_are_stored(fresh(&open).await).await;
    reading::of_what_carries_a_state_the_last_is_read(fresh(&open).await).await;
    reading::what_is_being_streamed_is_read_as_it_is(fresh(&open).await).await;
    reading::a_deleted_session_leaves_no_states(fresh(&open).await).await;
    reading::a_log_is_read_after_any_number_and_up_to_any(fresh(&open).await).await;
    reading::a_long_log_is_read_in_pages(fresh(&open).await).await;
    reading::a_run_is_read_alone(fresh(&open).await).await;
}

/// Checks what must be there after a workspace was closed in good order and is opened again. Each call of `open` opens
/// the same workspace, after the one before was [closed](EventLog::close) and dropped; the first finds it empty.
///
/// # Panics
/// When something is missing or different; the message says what.
pub async fn survives(open: impl AsyncFn(Arc<dyn EventSink>, Arc<dyn Clock>) -> OpenWorkspace) {
    survival::what_was_stored_is_there_again(&open).await;
}

/// A workspace, its log and its clock.
struct Fresh {
    journal: Arc<dyn RunJournal>,
    transcript: Arc<dyn Transcript>,
    events: Arc<dyn EventLog>,
    epoch: Epoch,
    sink: Arc<RecordingSink>,
    clock: Arc<ManualClock>,
}

async fn fresh(open: &impl AsyncFn(Arc<dyn EventSink>, Arc<dyn Clock>) -> OpenWorkspace) -> Fresh {
    let sink = Arc::new(RecordingSink::default());
    let clock = Arc::new(ManualClock::new(Timestamp(1_795_357_488_123)));
    let opened = open(sink.clone(), clock.clone()).await;
    Fresh {
        journal: opened.journal,
        transcript: opened.transcript,
        events: opened.events,
        epoch: opened.epoch,
        sink,
        clock,
    }
}

impl Fresh {
    async fn session(&self, name: &str) {
        let new = NewSession {
            title: name.to_owned(),
            id: Some(session_id(name)),
            parent: None,
        };
        let made = self.transcript.create_session(new).await;
        made.expect("create_session");
    }

    /// Adds a message of an assistant.
    async fn answer(&self, run: Option<&RunId>, session: &str, text: &str) -> Message {
        let now = self.clock.now().seconds();
        let message = Message {
            parts: vec![Part::text(text)],
            ..Message::new(
                MessageId::generate(),
                session_id(session),
                Role::Assistant,
                now,
            )
        };
        let added = self.transcript.create_message(run, message.clone()).await;
        added.expect("create_message");
        message
    }

    /// Replaces the text of a message.
    async fn say(&self, message: &Message, text: &str, pace: Pace) -> Message {
        let message = Message {
            parts: vec![Part::text(text)],
            ..message.clone()
        };
        let updated = self.transcript.update_message(message.clone(), pace).await;
        updated.expect("update_message");
        message
    }

    async fn flush(&self) {
        self.events.flush().await.expect("flush");
    }

    /// What was published so far, as it is read later: everything that must arrive and was not merely told, and the
    /// last state of each thing.
    fn stored(&self, told: &[Seq]) -> Vec<(Seq, Publication)> {
        let mut published = self.sink.numbered();
        published.retain(|(seq, _)| !told.contains(seq));
        let mut last = BTreeMap::new();
        for (seq, publication) in &published {
            if let Some(key) = state_key(&publication.event) {
                last.insert(key, *seq);
            }
        }
        published.retain(|(seq, publication)| {
            state_key(&publication.event).is_none_or(|key| last.get(&key) == Some(seq))
        });
        published
    }

    fn frames(&self, events: &[(Seq, Publication)]) -> String {
        let mut frames = Vec::new();
        for (seq, publication) in events {
            write_frame_id(&mut frames, &self.epoch, *seq);
            let envelope = EnvelopeRef {
                event: &publication.event,
                seq: Some(*seq),
                epoch: Some(&self.epoch),
            };
            write_frame(&mut frames, envelope);
        }
        text(&frames)
    }

    /// Reads all pages of a part of the log; none may be empty before the last, nor say that something is lost.
    async fn read(&self, query: LogQuery) -> String {
        let (mut frames, mut after) = (Vec::new(), query.after);
        loop {
            let page = self
                .events
                .read(LogQuery {
                    after,
                    ..query.clone()
                })
                .await;
            let page = page.expect("read");
            assert_eq!(page.lost, None, "nothing is lost: {query:?}");
            frames.extend_from_slice(&page.frames);
            if page.through == query.until {
                return text(&frames);
            }
            let moves_on = page.through > after && page.through < query.until;
            assert!(
                moves_on,
                "page through {} after {after}: {query:?}",
                page.through
            );
            after = page.through;
        }
    }

    /// Checks that this is what is read after a number.
    async fn check(&self, query: LogQuery, expected: &[(Seq, Publication)]) {
        let read = self.read(query.clone()).await;
        assert_eq!(read, self.frames(expected), "{query:?}");
    }

    /// Everything there is.
    fn whole(&self) -> LogQuery {
        LogQuery {
            after: Seq::ZERO,
            until: self.sink.head(),
            run: None,
            finished_only: false,
        }
    }
}

/// The thing that an event carries the state of, if it carries one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum StateKey {
    Message(MessageId),
    Session(SessionId),
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not known to carry a whole state must arrive"
)]
fn state_key(event: &Event) -> Option<StateKey> {
    match event {
        Event::Message(change) if change.kind == ChangeKind::Updated => {
            Some(StateKey::Message(change.payload.id.clone()))
        }
        Event::Session(change) if change.kind == ChangeKind::Updated => {
            Some(StateKey::Session(change.payload.id.clone()))
        }
        _ => None,
    }
}

/// An event that belongs to nothing that is stored otherwise.
fn anything(title: &str) -> Publication {
    let finished = AgentEvent::finished(session_id("other"), title);
    Publication {
        event: Event::AgentEvent(Change::created(finished)),
        run: None,
        pace: Pace::Now,
    }
}

fn text(frames: &[u8]) -> String {
    String::from_utf8(frames.to_vec()).expect("invariant: frames are text")
}
