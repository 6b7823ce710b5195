//! What every [`Transcript`] must do, as one suite.

mod closing;
mod messages;
mod reading;
mod sessions;

use std::sync::Arc;

use runwright_proto::{
    Change, ChangeKind, Event, Message, MessageId, Part, Role, RunId, Session, SessionId,
};

use crate::clock::{Clock, Timestamp};
use crate::events::{EventSink, Pace, Publication};
use crate::testing::calls::session_id;
use crate::testing::{ManualClock, RecordingSink};
use crate::transcript::{NewSession, Transcript};

/// Checks all that [`Transcript`] promises, each promise with a history of its own from `open`, which must be empty
/// and must publish to the sink and tell the time by the clock that it is given.
///
/// Some promises are about changes at the same moment: the suite makes them in one task without waiting in between.
/// Whether the history stands several threads is for its own tests.
///
/// # Panics
/// When the history does not keep a promise; the message says which.
pub async fn conforms(
    open: impl AsyncFn(Arc<dyn EventSink>, Arc<dyn Clock>) -> Arc<dyn Transcript>,
) {
    sessions::a_session_is_made(fresh(&open).await).await;
    sessions::a_session_that_exists_is_not_made_again(fresh(&open).await).await;
    sessions::the_session_that_changed_last_is_first(fresh(&open).await).await;
    sessions::a_change_touches_only_its_fields(fresh(&open).await).await;
    sessions::changes_at_the_same_moment_lose_nothing(fresh(&open).await).await;
    sessions::a_deleted_session_is_gone_with_all_that_is_in_it(fresh(&open).await).await;
    messages::a_message_is_added_to_the_end_of_its_session(fresh(&open).await).await;
    messages::events_are_in_the_order_of_the_changes(fresh(&open).await).await;
    messages::a_message_is_replaced_at_its_place(fresh(&open).await).await;
    messages::what_people_said_is_listed_last_first(fresh(&open).await).await;
    closing::a_run_that_wrote_nothing_has_nothing_to_end(fresh(&open).await).await;
    closing::what_is_finished_stays_as_it_is(fresh(&open).await).await;
    closing::what_a_run_left_open_is_ended_once(fresh(&open).await).await;
    closing::a_result_answers_one_call(fresh(&open).await).await;
    closing::only_this_run_is_ended(fresh(&open).await).await;
    closing::what_a_sub_agent_wrote_is_ended_and_is_not_the_answer(fresh(&open).await).await;
    reading::the_file_read_last_is_first(fresh(&open).await).await;
    reading::an_untouched_session_has_no_files(fresh(&open).await).await;
}

/// An empty history, its log and its clock.
struct Fresh {
    transcript: Arc<dyn Transcript>,
    sink: Arc<RecordingSink>,
    clock: Arc<ManualClock>,
}

async fn fresh(
    open: &impl AsyncFn(Arc<dyn EventSink>, Arc<dyn Clock>) -> Arc<dyn Transcript>,
) -> Fresh {
    let sink = Arc::new(RecordingSink::default());
    let clock = Arc::new(ManualClock::new(Timestamp(1_795_357_488_123)));
    let transcript = open(sink.clone(), clock.clone()).await;
    Fresh {
        transcript,
        sink,
        clock,
    }
}

impl Fresh {
    fn now(&self) -> i64 {
        self.clock.now().seconds()
    }

    /// Makes a session of this name, with the name as its title.
    async fn session(&self, name: &str) -> Session {
        let new = NewSession {
            title: name.to_owned(),
            id: Some(session_id(name)),
            parent: None,
        };
        let made = self.transcript.create_session(new).await;
        made.expect("create_session")
    }

    async fn found(&self, session: &str) -> Option<Session> {
        let found = self.transcript.session(&session_id(session)).await;
        found.expect("session")
    }

    async fn messages(&self, session: &str) -> Vec<Message> {
        let messages = self.transcript.messages(&session_id(session)).await;
        messages.expect("messages")
    }

    async fn add(&self, run: Option<&RunId>, message: &Message) {
        let added = self.transcript.create_message(run, message.clone()).await;
        added.expect("create_message");
    }

    /// Adds a message of these parts and returns it.
    async fn write(
        &self,
        run: Option<&RunId>,
        session: &str,
        role: Role,
        parts: Vec<Part>,
    ) -> Message {
        let message = Message {
            parts,
            ..Message::new(MessageId::generate(), session_id(session), role, self.now())
        };
        self.add(run, &message).await;
        message
    }
}

fn session_event(kind: ChangeKind, session: &Session) -> Publication {
    Publication {
        event: Event::Session(Change {
            kind,
            payload: session.clone(),
        }),
        run: None,
        pace: Pace::Now,
    }
}

fn message_event(
    kind: ChangeKind,
    message: &Message,
    run: Option<&RunId>,
    pace: Pace,
) -> Publication {
    Publication {
        event: Event::Message(Change {
            kind,
            payload: message.clone(),
        }),
        run: run.cloned(),
        pace,
    }
}

/// What is compared when only the order matters.
fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.id.clone()).collect()
}

fn session_ids(sessions: &[Session]) -> Vec<SessionId> {
    sessions.iter().map(|session| session.id.clone()).collect()
}
