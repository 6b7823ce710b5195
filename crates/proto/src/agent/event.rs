//! Owns what the agent announces beside messages and terminal events: `agent_event`.
//!
//! It must never know who listens.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Message, MessageId, RunId, SessionId,
    wire::{is_false, maybe_id, nullable, words},
};

/// Is something the agent announces (contract 3.5).
///
/// # Examples
///
/// ```
/// use runwright_proto::{AgentEvent, RunId, SessionId};
///
/// let failed = AgentEvent::error(SessionId::random(), RunId::generate(), "bad request");
/// let json = serde_json::to_value(&failed)?;
/// assert_eq!(json["type"], "error");
/// assert_eq!(json["message"]["parts"], serde_json::json!([]));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentEvent {
    /// What went wrong; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub error: Arc<str>,
    /// What is announced.
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    pub kind: AgentEventKind,
    /// Always on the wire, because contract clients decode it; without a message it is one of empty texts and zeros.
    #[serde(default, with = "maybe_message")]
    #[cfg_attr(feature = "openapi", schema(value_type = Message))]
    pub message: Option<Message>,
    /// The run it is about.
    #[serde(default, with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The session it is about.
    #[serde(default, with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The title of that session; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub session_title: Arc<str>,
    /// How far a summary is, in words; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub progress: Arc<str>,
    /// Whether a summary is done; `false` is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub done: bool,
    /// The command that renews a sign-on; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub aws_sso_command: Arc<str>,
    /// The page of that sign-on; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub aws_sso_url: Arc<str>,
}

impl AgentEvent {
    /// Announces that a run failed. A contract client that waits for `run_id` ends with this error.
    pub fn error(session_id: SessionId, run_id: RunId, error: impl Into<Arc<str>>) -> Self {
        Self {
            error: error.into(),
            kind: AgentEventKind::Error,
            run_id: Some(run_id),
            session_id: Some(session_id),
            ..Self::default()
        }
    }

    /// Announces that the agent has come to rest in a session.
    pub fn finished(session_id: SessionId, session_title: impl Into<Arc<str>>) -> Self {
        Self {
            kind: AgentEventKind::AgentFinished,
            session_id: Some(session_id),
            session_title: session_title.into(),
            ..Self::default()
        }
    }
}

words! {
    /// Says what the agent announces.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::AgentEventKind;
    ///
    /// assert_eq!("agent_finished".parse(), Ok(AgentEventKind::AgentFinished));
    /// ```
    #[derive(Default)]
    pub enum AgentEventKind("agent event") {
        /// The agent has come to rest in a session.
        AgentFinished = "agent_finished",
        /// A run failed.
        Error = "error",
        /// A provider wants the user to sign in again.
        ReAuthenticate = "re_authenticate",
        /// A sign-on is needed, and how.
        AwsSsoAuth = "aws_sso_auth",
        /// How that sign-on ended.
        AwsSsoAuthResult = "aws_sso_auth_result",
        /// Declared by the contract, not used.
        Response = "response",
        /// Declared by the contract, not used.
        Summarize = "summarize",
        ;
        /// Something of a later version.
        #[default]
        else Unknown = "unknown",
    }
}

/// The member `message`: absent is written as a message of empty texts and zeros, and that is read as absent.
mod maybe_message {
    use super::{Deserialize, Deserializer, Message, MessageId, Serialize, Serializer, maybe_id};

    #[derive(Serialize)]
    struct Empty {
        parts: [(); 0],
        id: &'static str,
        role: &'static str,
        session_id: &'static str,
        model: &'static str,
        provider: &'static str,
        created_at: i64,
        updated_at: i64,
    }

    const EMPTY: Empty = Empty {
        parts: [],
        id: "",
        role: "",
        session_id: "",
        model: "",
        provider: "",
        created_at: 0,
        updated_at: 0,
    };

    pub(super) fn serialize<S: Serializer>(
        message: &Option<Message>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match message {
            Some(message) => message.serialize(serializer),
            None => EMPTY.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Message>, D::Error> {
        #[derive(Deserialize)]
        struct Id {
            #[serde(default, with = "maybe_id")]
            id: Option<MessageId>,
        }

        // Looked at as a value first: whether there is a message shows only in its id.
        let value = serde_json::Value::deserialize(deserializer)?;
        let id = Option::<Id>::deserialize(&value)
            .map_err(serde::de::Error::custom)?
            .and_then(|message| message.id);
        id.map(|_| Message::deserialize(value).map_err(serde::de::Error::custom))
            .transpose()
    }
}
