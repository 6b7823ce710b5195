//! Owns the events of a workspace's stream: the closed set of their kinds and the envelope around each.
//!
//! It must never know how an event is ordered, kept or delivered.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    AgentEvent, ConfigChanged, Epoch, File, LspEvent, McpEvent, Message, MessageId,
    PermissionNotification, PermissionRequest, QuestionNotification, QuestionRequest, RunComplete,
    Seq, Session, SkillsEvent, UpdateAvailable,
    wire::{nullable, words},
};

mod envelope;
mod frame;

pub use self::{
    envelope::{Envelope, EnvelopeRef},
    frame::{FRAME_OVERHEAD, write_change_frame, write_frame, write_frame_id},
};

/// Is something that happened in a workspace.
///
/// Contract events are a [`Change`] of a payload. `gap`, `end` and `message_delta` are ours and have a flat payload.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Change, Event, RunComplete, RunId, RunState, SessionId};
///
/// let end = RunComplete::new(SessionId::random(), RunId::generate(), RunState::Completed);
/// let event = Event::RunComplete(Change::updated(end));
/// assert_eq!(event.kind(), "run_complete");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// `message`: a message began, grew, ended or was deleted. Carries the whole message.
    Message(Change<Message>),
    /// `session`: a session was made, changed or deleted.
    Session(Change<Session>),
    /// `file`: a session wrote a version of a file.
    File(Change<File>),
    /// `permission_request`: a tool asks for approval.
    PermissionRequest(Change<PermissionRequest>),
    /// `permission_notification`: how a request for approval stands.
    PermissionNotification(Change<PermissionNotification>),
    /// `question_batch_request`: a run asks its user.
    QuestionRequest(Change<QuestionRequest>),
    /// `question_batch_notification`: those questions are not open any more.
    QuestionNotification(Change<QuestionNotification>),
    /// `agent_event`: the agent announces something.
    AgentEvent(Change<AgentEvent>),
    /// `run_complete`: the terminal event of a run.
    RunComplete(Change<RunComplete>),
    /// `config_changed`: clients fetch the workspace again.
    ConfigChanged(Change<ConfigChanged>),
    /// `lsp_event`: something about a language server changed.
    LspEvent(Change<LspEvent>),
    /// `mcp_event`: something about an MCP server changed.
    McpEvent(Change<McpEvent>),
    /// `skills_event`: the skills were read again.
    SkillsEvent(Change<SkillsEvent>),
    /// `update_available`: there is a newer version.
    UpdateAvailable(Change<UpdateAvailable>),
    /// `message_delta`: a message grew; instead of `message`, for a reader that asked for it.
    MessageDelta(MessageDelta),
    /// `gap`: a part of the story is lost to this reader.
    Gap(Gap),
    /// `end`: the stream ends here, in good order.
    End(End),
    /// A kind of a later version.
    Unknown(UnknownEvent),
}

impl Event {
    /// Returns the kind as it is named on the wire.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Message(_) => "message",
            Self::Session(_) => "session",
            Self::File(_) => "file",
            Self::PermissionRequest(_) => "permission_request",
            Self::PermissionNotification(_) => "permission_notification",
            Self::QuestionRequest(_) => "question_batch_request",
            Self::QuestionNotification(_) => "question_batch_notification",
            Self::AgentEvent(_) => "agent_event",
            Self::RunComplete(_) => "run_complete",
            Self::ConfigChanged(_) => "config_changed",
            Self::LspEvent(_) => "lsp_event",
            Self::McpEvent(_) => "mcp_event",
            Self::SkillsEvent(_) => "skills_event",
            Self::UpdateAvailable(_) => "update_available",
            Self::MessageDelta(_) => "message_delta",
            Self::Gap(_) => "gap",
            Self::End(_) => "end",
            Self::Unknown(event) => &event.kind,
        }
    }
}

/// Is what happened to a payload, and the payload after it.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Change, SkillsEvent};
///
/// let change = Change::updated(SkillsEvent::default());
/// assert_eq!(serde_json::to_string(&change)?, r#"{"type":"updated","payload":{"states":[]}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change<T> {
    /// What happened. Comes first, so that a reader that fails on the payload still knows it (contract 3.2).
    #[serde(rename = "type")]
    pub kind: ChangeKind,
    /// The payload after it; for `deleted`, before.
    pub payload: T,
}

impl<T> Change<T> {
    /// Makes the change that brings `payload` into being.
    pub const fn created(payload: T) -> Self {
        Self {
            kind: ChangeKind::Created,
            payload,
        }
    }

    /// Makes the change after which the payload is `payload`.
    pub const fn updated(payload: T) -> Self {
        Self {
            kind: ChangeKind::Updated,
            payload,
        }
    }

    /// Makes the change that removes `payload`.
    pub const fn deleted(payload: T) -> Self {
        Self {
            kind: ChangeKind::Deleted,
            payload,
        }
    }
}

words! {
    /// Says what happened to a payload.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::ChangeKind;
    ///
    /// assert_eq!(ChangeKind::Created.as_str(), "created");
    /// ```
    pub enum ChangeKind("change") {
        /// It came into being.
        Created = "created",
        /// It is different now.
        Updated = "updated",
        /// It is gone.
        Deleted = "deleted",
        ;
        /// Something of a later version.
        else Unknown = "unknown",
    }
}

/// Tells by how much a message grew: the event of a reader with `?deltas=1` (semantics 3).
///
/// # Examples
///
/// ```
/// use runwright_proto::MessageDelta;
///
/// let delta: MessageDelta = serde_json::from_str(r#"{"id":"m","part":1,"offset":5,"text":", world"}"#)?;
/// assert_eq!((delta.part, delta.offset), (1, 5));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageDelta {
    /// The message.
    pub id: MessageId,
    /// The index of the part that grew, from zero.
    pub part: u32,
    /// How many bytes of UTF-8 the part had before.
    pub offset: u64,
    /// What was appended.
    #[serde(default, deserialize_with = "nullable")]
    pub text: Arc<str>,
}

/// Tells a reader that a part of the story is lost to it: fetch the state again (semantics 3).
///
/// # Examples
///
/// ```
/// use runwright_proto::{Gap, Seq};
///
/// let gap = Gap { from: Seq(5), to: Seq(90), epoch: "k3v9".parse()? };
/// assert_eq!(serde_json::to_string(&gap).unwrap(), r#"{"from":5,"to":90,"epoch":"k3v9"}"#);
/// # Ok::<(), runwright_proto::ParseIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gap {
    /// The first number that is lost.
    pub from: Seq,
    /// The last number that is lost; the stream goes on behind it.
    pub to: Seq,
    /// The epoch of both numbers, which is the log's present one.
    pub epoch: Epoch,
}

/// Tells a reader that its stream ends here in good order; one that ends without it was cut (semantics 3).
///
/// # Examples
///
/// ```
/// use runwright_proto::{End, EndReason};
///
/// let end = End { reason: EndReason::WorkspaceClosed };
/// assert_eq!(serde_json::to_string(&end)?, r#"{"reason":"workspace_closed"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct End {
    /// Why it ends.
    pub reason: EndReason,
}

words! {
    /// Says why a stream ended in good order.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::EndReason;
    ///
    /// assert_eq!("client_retired".parse(), Ok(EndReason::ClientRetired));
    /// ```
    pub enum EndReason("reason") {
        /// The workspace closed.
        WorkspaceClosed = "workspace_closed",
        /// The server shuts down.
        ServerShutdown = "server_shutdown",
        /// The client of the stream was retired.
        ClientRetired = "client_retired",
        ;
        /// A reason of a later version.
        else Unknown = "unknown",
    }
}

/// Is an event of a kind that this version does not know, kept as it came but for the order of its members.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Envelope, Event};
///
/// let json = r#"{"type":"weather","seq":7,"payload":{"sun":true}}"#;
/// let envelope: Envelope = serde_json::from_str(json)?;
/// assert!(matches!(&envelope.event, Event::Unknown(event) if &*event.kind == "weather"));
/// assert_eq!(serde_json::to_string(&envelope)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownEvent {
    /// The kind it names.
    pub kind: Arc<str>,
    /// Its payload.
    pub payload: Value,
}
