//! Owns sessions: the conversations of a workspace, their to-do lists, and the requests that make or change one.
//!
//! It must never know the messages in them.

use serde::{Deserialize, Serialize};

use crate::{
    MessageId, SessionId,
    wire::{maybe_id, nullable, number, words},
};

/// Is one conversation of a workspace. Times are Unix seconds.
///
/// `is_busy` and `attached_clients` are filled in for replies; in events they are `false` and zero.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Session, SessionId};
///
/// let session = Session::new(SessionId::random(), "Fix the parser".to_owned(), 1_795_357_488);
/// assert_eq!(serde_json::to_value(&session)?["parent_session_id"], "");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
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
    /// Whether a run is active in it.
    #[serde(default, deserialize_with = "nullable")]
    pub is_busy: bool,
    /// How many clients with a live stream look at it.
    #[serde(default, deserialize_with = "nullable")]
    pub attached_clients: u64,
}

impl Session {
    /// Makes an empty session, made and changed at `now` (Unix seconds).
    #[must_use]
    pub const fn new(id: SessionId, title: String, now: i64) -> Self {
        Self {
            id,
            parent_session_id: None,
            title,
            message_count: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            summary_message_id: None,
            cost: 0.0,
            todos: Vec::new(),
            created_at: now,
            updated_at: now,
            is_busy: false,
            attached_clients: 0,
        }
    }
}

/// Is one line of the agent's to-do list.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Todo, TodoStatus};
///
/// let json = r#"{"content":"write it","status":"in_progress","active_form":"Writing it"}"#;
/// let todo: Todo = serde_json::from_str(json)?;
/// assert_eq!(todo.status, TodoStatus::InProgress);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Todo {
    /// What is to be done.
    #[serde(default, deserialize_with = "nullable")]
    pub content: String,
    /// How far it is.
    #[serde(default, deserialize_with = "nullable")]
    pub status: TodoStatus,
    /// The words for it while it is being done.
    #[serde(default, deserialize_with = "nullable")]
    pub active_form: String,
}

words! {
    /// Says how far a to-do is.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::TodoStatus;
    ///
    /// assert_eq!(TodoStatus::InProgress.as_str(), "in_progress");
    /// ```
    #[derive(Default)]
    pub enum TodoStatus("to-do status") {
        /// Not begun.
        #[default]
        Pending = "pending",
        /// Being done.
        InProgress = "in_progress",
        /// Done.
        Completed = "completed",
    }
}

/// Asks for a new session. Contract clients send a whole session, of which only the title counts.
///
/// # Examples
///
/// ```
/// use runwright_proto::CreateSession;
///
/// let request: CreateSession = serde_json::from_str(r#"{"id":"","title":"New Session","cost":0}"#)?;
/// assert_eq!(request.title, "New Session");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateSession {
    /// What it is to be called.
    #[serde(default, deserialize_with = "nullable")]
    pub title: String,
}

/// Asks for a change of a session; what is absent or `null` stays as it is.
///
/// Contract clients send the whole session they know. Its counters, its summary and its id are not taken from there: a
/// stale copy must not undo what runs have written since.
///
/// # Examples
///
/// ```
/// use runwright_proto::UpdateSession;
///
/// let request: UpdateSession = serde_json::from_str(r#"{"id":"x","title":"renamed","prompt_tokens":0}"#)?;
/// assert_eq!(request, UpdateSession { title: Some("renamed".to_owned()), ..UpdateSession::default() });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateSession {
    /// The new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The new to-do list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub todos: Option<Vec<Todo>>,
    /// What all steps have cost, in US dollars.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub cost: Option<f64>,
}
