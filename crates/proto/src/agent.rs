//! Owns the conversation with the agent of a workspace: a prompt and its receipt, what the agent is, what it announces.
//!
//! It must never know how a prompt is checked, queued or executed.

use serde::{Deserialize, Serialize};

use crate::{
    Blob, CatwalkModel, MessageId, RunId, RunState, SelectedModel, Seq, Session, SessionId, Todo,
    wire::{is_false, maybe_id, nullable, number, words},
};

mod event;

pub use self::event::{AgentEvent, AgentEventKind};

/// Asks the agent to run a prompt: the body of `POST /v1/workspaces/{id}/agent` (semantics 2.1).
///
/// Decoding accepts what a contract client can send, also a body that will be refused: an empty prompt and a missing
/// session have their own answers.
///
/// # Examples
///
/// ```
/// use runwright_proto::{AgentMessage, BusyPolicy};
///
/// let json = r#"{"session_id":"00000000-0000-4000-8000-000000000003","prompt":"hello","run_id":null}"#;
/// let message: AgentMessage = serde_json::from_str(json)?;
/// assert_eq!(message.prompt, "hello");
/// assert_eq!(message.busy_policy(), BusyPolicy::Steer);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentMessage {
    /// The session to run in; absent on the wire, `null` or empty when the client gave none.
    #[serde(default, with = "maybe_id")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub session_id: Option<SessionId>,
    /// The caller's name for the run, which also makes the request idempotent.
    #[serde(default, with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// What to do.
    #[serde(default, deserialize_with = "nullable")]
    pub prompt: String,
    /// Files that belong to the prompt.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attachments: Vec<Attachment>,
    /// What to do when the session is busy. Ours; contract clients never send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_busy: Option<BusyPolicy>,
}

impl AgentMessage {
    /// Returns what to do when the session is busy: what the caller said, or else `queue` for a prompt with a run id and
    /// `steer` for one without, which is what contract clients expect (semantics 2.1).
    #[must_use]
    pub fn busy_policy(&self) -> BusyPolicy {
        self.when_busy.unwrap_or(if self.run_id.is_some() {
            BusyPolicy::Queue
        } else {
            BusyPolicy::Steer
        })
    }
}

/// Is a file that belongs to a prompt.
///
/// # Examples
///
/// ```
/// use runwright_proto::Attachment;
///
/// let json = r#"{"file_path":"/tmp/a.txt","file_name":"a.txt","mime_type":"text/plain","content":"aGk="}"#;
/// let attachment: Attachment = serde_json::from_str(json)?;
/// assert_eq!(attachment.content.as_bytes(), b"hi");
/// assert!(attachment.is_text());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attachment {
    /// Where it is at the client.
    #[serde(default, deserialize_with = "nullable")]
    pub file_path: String,
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub file_name: String,
    /// What it is, for example `image/png`.
    #[serde(default, deserialize_with = "nullable")]
    pub mime_type: String,
    /// Its content.
    #[serde(default, deserialize_with = "nullable")]
    pub content: Blob,
}

impl Attachment {
    /// Tells whether it is text, so that a prompt may be empty beside it.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.mime_type.starts_with("text/")
    }
}

words! {
    /// Says what happens to a prompt whose session is busy (semantics 2.1).
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::BusyPolicy;
    ///
    /// assert_eq!("steer".parse(), Ok(BusyPolicy::Steer));
    /// assert!("drop".parse::<BusyPolicy>().is_err());
    /// ```
    #[derive(Default)]
    pub enum BusyPolicy("busy policy") {
        /// It waits for its turn.
        #[default]
        Queue = "queue",
        /// It is refused.
        Reject = "reject",
        /// The active run is cancelled, then it runs.
        Interrupt = "interrupt",
        /// It is folded into the active turn before its next model step; if the turn ends first it runs as its own.
        Steer = "steer",
    }
}

/// Promises that an accepted prompt will run and end: the body of the 202 (semantics 2.1).
///
/// # Examples
///
/// ```
/// use runwright_proto::{Receipt, RunId, RunState, Seq, SessionId};
///
/// let receipt = Receipt {
///     run_id: RunId::generate(),
///     session_id: SessionId::random(),
///     state: RunState::Queued,
///     position: 2,
///     seq: Seq(41),
/// };
/// let json = serde_json::to_string(&receipt)?;
/// assert_eq!(serde_json::from_str::<Receipt>(&json)?, receipt);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The run, under the caller's name for it or ours.
    pub run_id: RunId,
    /// The session it runs in.
    pub session_id: SessionId,
    /// Where it stood when it was accepted: `queued` or `running`.
    pub state: RunState,
    /// How many runs of the session come before it; zero when it runs.
    pub position: u32,
    /// The place in the workspace's story at the moment of acceptance: everything about this run comes after it.
    pub seq: Seq,
}

/// Says what the agent of a workspace is and whether it works.
///
/// # Examples
///
/// ```
/// use runwright_proto::AgentInfo;
///
/// // What a workspace answers before its agent is initialized: zero values, every member present.
/// let json = serde_json::to_value(AgentInfo::default())?;
/// assert_eq!(json["is_ready"], false);
/// assert_eq!(json["model"]["context_window"], 0);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentInfo {
    /// Whether any run of the workspace is active.
    #[serde(default, deserialize_with = "nullable")]
    pub is_busy: bool,
    /// Whether it takes prompts.
    #[serde(default, deserialize_with = "nullable")]
    pub is_ready: bool,
    /// The large model as its provider describes it.
    #[serde(default, deserialize_with = "nullable")]
    pub model: CatwalkModel,
    /// The large model as it is configured.
    #[serde(default, deserialize_with = "nullable")]
    pub model_cfg: SelectedModel,
}

/// Asks for the agent of a workspace to be made: the body of `POST …/agent/init`, which may be missing.
///
/// # Examples
///
/// ```
/// use runwright_proto::AgentInit;
///
/// let request: AgentInit = serde_json::from_str(r#"{"interactive":true}"#)?;
/// assert!(request.interactive);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentInit {
    /// Whether somebody is there who can answer questions and approve.
    #[serde(default, deserialize_with = "nullable")]
    pub interactive: bool,
    /// Whether runs of this client may use tools without approval (semantics 6). Ours; `false` is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub auto_approve: bool,
}

/// Is a session as the agent sees it: the reply of `GET …/agent/sessions/{sid}`.
///
/// The same members as [`Session`], in the order that the contract has here.
///
/// # Examples
///
/// ```
/// use runwright_proto::{AgentSession, Session, SessionId};
///
/// let session = Session::new(SessionId::random(), "title".to_owned(), 0);
/// let seen = AgentSession { is_busy: true, ..AgentSession::from(session) };
/// assert!(serde_json::to_string(&seen)?.ends_with(r#""attached_clients":0,"is_busy":true}"#));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentSession {
    /// Its own id.
    pub id: SessionId,
    /// The session whose tool call started this one; on the wire the empty text when there is none.
    #[serde(default, with = "maybe_id")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub parent_session_id: Option<SessionId>,
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub title: String,
    /// How many messages it has.
    #[serde(default, deserialize_with = "nullable")]
    pub message_count: u64,
    /// Tokens the model read in the last step.
    #[serde(default, deserialize_with = "nullable")]
    pub prompt_tokens: u64,
    /// Tokens the model wrote in the last step.
    #[serde(default, deserialize_with = "nullable")]
    pub completion_tokens: u64,
    /// The message that sums up everything before it; on the wire the empty text when there is none.
    #[serde(default, with = "maybe_id")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub summary_message_id: Option<MessageId>,
    /// What all its steps cost, in US dollars.
    #[serde(default, with = "number")]
    pub cost: f64,
    /// The agent's to-do list; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub todos: Vec<Todo>,
    /// When it was made, in Unix seconds.
    #[serde(default, deserialize_with = "nullable")]
    pub created_at: i64,
    /// When it last changed, in Unix seconds.
    #[serde(default, deserialize_with = "nullable")]
    pub updated_at: i64,
    /// How many clients with a live stream look at it.
    #[serde(default, deserialize_with = "nullable")]
    pub attached_clients: u64,
    /// Whether the agent works in it.
    #[serde(default, deserialize_with = "nullable")]
    pub is_busy: bool,
}

impl From<Session> for AgentSession {
    fn from(session: Session) -> Self {
        Self {
            id: session.id,
            parent_session_id: session.parent_session_id,
            title: session.title,
            message_count: session.message_count,
            prompt_tokens: session.prompt_tokens,
            completion_tokens: session.completion_tokens,
            summary_message_id: session.summary_message_id,
            cost: session.cost,
            todos: session.todos,
            created_at: session.created_at,
            updated_at: session.updated_at,
            attached_clients: session.attached_clients,
            is_busy: session.is_busy,
        }
    }
}
