//! The port through which stored changes become events, and the events that end a run. It knows no broker and no
//! reader.

use runwright_proto::{
    AgentEvent, Change, Event, MessageId, RunComplete, RunId, RunState, Seq, SessionId, Text, Usage,
};

use crate::call::AgentCall;

/// How soon readers are shown an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// At once.
    #[default]
    Now,
    /// With the next tick, and only if nothing newer has taken its place: a snapshot of a message that goes on. It need
    /// not be stored before readers are shown it.
    Streamed,
    /// At once, and else like [`Streamed`](Self::Streamed): the first snapshot of a message that goes on, for which people
    /// wait.
    Begun,
}

/// An event on its way to the log of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// What happened.
    pub event: Event,
    /// The run it belongs to, if it belongs to one.
    pub run: Option<RunId>,
    /// How soon readers are shown it.
    pub pace: Pace,
}

/// The log of a workspace, as those who write to it see it.
///
/// ```
/// use std::sync::Mutex;
///
/// use runwright_agent::{EventSink, Pace, Publication};
/// use runwright_proto::{AgentEvent, Change, Event, Seq, SessionId};
///
/// #[derive(Default)]
/// struct Printed(Mutex<Vec<String>>);
///
/// impl EventSink for Printed {
///     fn publish(&self, publication: Publication) -> Seq {
///         self.0.lock().unwrap().push(publication.event.kind().to_owned());
///         self.head()
///     }
///
///     fn publish_at(&self, _: Seq, publication: Publication) {
///         self.publish(publication);
///     }
///
///     fn head(&self) -> Seq {
///         Seq(self.0.lock().unwrap().len() as u64)
///     }
/// }
///
/// let log = Printed::default();
/// let finished = AgentEvent::finished(SessionId::random(), "title");
/// let event = Event::AgentEvent(Change::created(finished));
/// assert_eq!(log.publish(Publication { event, run: None, pace: Pace::Now }), Seq(1));
/// ```
pub trait EventSink: Send + Sync {
    /// Appends an event and returns its number. Never waits and never calls back, so it may be called under the lock
    /// that orders the changes.
    fn publish(&self, publication: Publication) -> Seq;

    /// Appends an event under a number that the caller gave it, because it is on disk under that number already.
    /// Numbers rise, and may jump. Who numbers a log in this way is the only one who does. Never waits and never calls
    /// back.
    fn publish_at(&self, seq: Seq, publication: Publication);

    /// The number of the last event, zero when there is none.
    fn head(&self) -> Seq;
}

/// How a run ended.
///
/// ```
/// use runwright_agent::{AgentCall, RunEnd};
/// use runwright_proto::{AgentMessage, RunState};
///
/// let call = AgentCall::try_from(AgentMessage {
///     session_id: Some("2f4e4b5e-8f0a-4c39-9f0e-2f2c7c1f4c11".parse()?),
///     prompt: "hello".to_owned(),
///     ..AgentMessage::default()
/// })?;
/// let end = RunEnd {
///     error: Some("the provider refused the request".to_owned()),
///     ..RunEnd::new(RunState::Failed)
/// };
/// let kinds: Vec<_> = end.events(&call).iter().map(|event| event.event.kind().to_owned()).collect();
/// assert_eq!(kinds, ["agent_event", "run_complete"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// The terminal state.
    pub state: RunState,
    /// The run's last assistant message, if it wrote one.
    pub message_id: Option<MessageId>,
    /// What that message says.
    pub text: Option<Text>,
    /// Why it failed, in words a person understands.
    pub error: Option<String>,
    /// A word for why it ended, where the state alone does not tell.
    pub reason: Option<String>,
    /// The run whose turn took the prompt in.
    pub folded_into: Option<RunId>,
    /// What it used.
    pub usage: Option<Usage>,
    /// The title of the session when the run ended, for those who show a notice.
    pub session_title: String,
}

impl RunEnd {
    /// An end with nothing but its state.
    #[must_use]
    pub fn new(state: RunState) -> Self {
        Self {
            state,
            message_id: None,
            text: None,
            error: None,
            reason: None,
            folded_into: None,
            usage: None,
            session_title: String::new(),
        }
    }

    /// The events that announce this end, in their order; the journal publishes them in the step in which it stores
    /// the end. A failure is also an `agent_event` error, which contract clients show; a cancel is not one (semantics
    /// 2.4). A turn that went well is followed by the contract's notice that the agent has finished.
    #[must_use]
    pub fn events(&self, call: &AgentCall) -> Vec<Publication> {
        self.events_of(call.session_id(), call.run_id())
    }

    /// The same events for a run of which only the names are at hand.
    #[must_use]
    pub fn events_of(&self, session: &SessionId, run: &RunId) -> Vec<Publication> {
        let complete = Event::RunComplete(Change::updated(self.run_complete(session, run)));
        let mut events = vec![complete];
        if let (Some(error), RunState::Failed) = (&self.error, self.state) {
            let failed = AgentEvent::error(session.clone(), run.clone(), error.as_str());
            events.insert(0, Event::AgentEvent(Change::created(failed)));
        } else if self.state == RunState::Completed && self.folded_into.is_none() {
            let finished = AgentEvent::finished(session.clone(), self.session_title.as_str());
            events.push(Event::AgentEvent(Change::created(finished)));
        }
        let publish = |event| Publication {
            event,
            run: Some(run.clone()),
            pace: Pace::Now,
        };
        events.into_iter().map(publish).collect()
    }

    fn run_complete(&self, session: &SessionId, run: &RunId) -> RunComplete {
        RunComplete {
            message_id: self.message_id.clone(),
            text: self.text.clone().unwrap_or_default(),
            error: self.error.clone().unwrap_or_default(),
            reason: self.reason.clone(),
            folded_into: self.folded_into.clone(),
            usage: self.usage,
            ..RunComplete::new(session.clone(), run.clone(), self.state)
        }
    }
}
