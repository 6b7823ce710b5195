//! Owns what a run looks like from outside: its states, its record, its end.
//!
//! It must never know which transitions are allowed, nor who makes them.

use serde::{Deserialize, Serialize};

use crate::{
    MessageId, RunId, SessionId, Text,
    wire::{is_false, is_zero, maybe_id, nullable, number, words},
};

words! {
    /// Says where a run stands (semantics 2).
    ///
    /// `queued` → `running` ⇄ `requires_action` → one of `completed`, `failed`, `cancelled`, `interrupted`.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::RunState;
    ///
    /// assert!(!RunState::RequiresAction.is_terminal());
    /// assert!(RunState::Interrupted.is_terminal());
    /// ```
    pub enum RunState("run state") {
        /// Accepted, and waiting for its turn.
        Queued = "queued",
        /// At work.
        Running = "running",
        /// Waiting for an approval or an answer.
        RequiresAction = "requires_action",
        /// Ended well.
        Completed = "completed",
        /// Ended with its own error.
        Failed = "failed",
        /// Ended because somebody cancelled it.
        Cancelled = "cancelled",
        /// Ended because the process died under it, or because a drain had to be cut.
        Interrupted = "interrupted",
    }
}

impl RunState {
    /// Tells whether a run in this state has ended for good.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Cancelled | Self::Interrupted
        )
    }
}

/// Counts what a run used.
///
/// # Examples
///
/// ```
/// use runwright_proto::Usage;
///
/// let usage = Usage { input_tokens: 1_200, output_tokens: 80, ..Usage::default() };
/// let json = serde_json::to_string(&usage)?;
/// assert_eq!(json, r#"{"input_tokens":1200,"output_tokens":80,"cost":0}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Tokens the model read, without those it had in its cache.
    #[serde(default, deserialize_with = "nullable")]
    pub input_tokens: u64,
    /// Tokens the model wrote.
    #[serde(default, deserialize_with = "nullable")]
    pub output_tokens: u64,
    /// Tokens the model read from its cache; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub cache_read_tokens: u64,
    /// Tokens the model put into its cache; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub cache_write_tokens: u64,
    /// What it cost, in US dollars.
    #[serde(default, with = "number")]
    pub cost: f64,
}

/// Is the record of a run: one element of `GET …/runs`, the reply of `GET …/runs/{run_id}`.
///
/// Times are Unix **milliseconds** and say so in their names.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Run, RunId, RunState, SessionId};
///
/// let run = Run::new(RunId::generate(), SessionId::random(), RunState::Queued, 1_795_357_488_000);
/// let json = serde_json::to_value(&run)?;
/// assert_eq!(json["state"], "queued");
/// assert_eq!(json.get("ended_at_ms"), None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// The caller's name for it, or ours.
    pub run_id: RunId,
    /// The session it runs in.
    pub session_id: SessionId,
    /// Where it stands.
    pub state: RunState,
    /// How many runs of the session come before it, while it is queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// When it was accepted, in Unix milliseconds.
    #[serde(default, deserialize_with = "nullable")]
    pub created_at_ms: i64,
    /// When it first ran, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<i64>,
    /// When it ended, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<i64>,
    /// Its own error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it ended as it did, as a short stable word where the state does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last message the model wrote in it.
    #[serde(default, with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The text of that message; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Text::is_empty"
    )]
    pub text: Text,
    /// The run whose turn took this one's prompt in.
    #[serde(default, with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub folded_into: Option<RunId>,
    /// What it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl Run {
    /// Makes the record of a run that was accepted at `created_at_ms` (Unix milliseconds) and has nothing else to tell.
    #[must_use]
    pub const fn new(
        run_id: RunId,
        session_id: SessionId,
        state: RunState,
        created_at_ms: i64,
    ) -> Self {
        Self {
            run_id,
            session_id,
            state,
            position: None,
            created_at_ms,
            started_at_ms: None,
            ended_at_ms: None,
            error: None,
            reason: None,
            message_id: None,
            text: Text::new(),
            folded_into: None,
            usage: None,
        }
    }
}

/// Is one page of runs, newest first.
///
/// # Examples
///
/// ```
/// use runwright_proto::RunList;
///
/// let last_page = RunList::default();
/// assert_eq!(serde_json::to_string(&last_page)?, r#"{"runs":[]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunList {
    /// The runs of this page.
    #[serde(default, deserialize_with = "nullable")]
    pub runs: Vec<Run>,
    /// What to give as `after` for the next page; absent on the last one. Opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Is the terminal event of a run: exactly one for each (semantics 2.4).
///
/// The contract's own form has no `state`; it is then read out of `error` and `cancelled`.
///
/// # Examples
///
/// ```
/// use runwright_proto::{RunComplete, RunId, RunState, SessionId};
///
/// let end = RunComplete::new(SessionId::random(), RunId::generate(), RunState::Cancelled);
/// let json = serde_json::to_value(&end)?;
/// assert_eq!(json["cancelled"], true);
/// assert_eq!(json["message_id"], "");
///
/// let contract = r#"{"session_id":"s","message_id":"m","error":"bad request"}"#;
/// assert_eq!(serde_json::from_str::<RunComplete>(contract)?.state, RunState::Failed);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "RunCompleteWire")]
pub struct RunComplete {
    /// The session it ran in.
    pub session_id: SessionId,
    /// The run; absent only in a contract server's events about prompts without one.
    #[serde(with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The last message the model wrote in it; always on the wire, the empty text when there is none.
    #[serde(with = "maybe_id")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub message_id: Option<MessageId>,
    /// The text of that message; empty is left out.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub text: Text,
    /// The run's own error; empty is left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// Whether it was cancelled; `false` is left out.
    #[serde(skip_serializing_if = "is_false")]
    pub cancelled: bool,
    /// How it ended.
    pub state: RunState,
    /// Why it ended as it did, as a short stable word where the state does not say it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The run whose turn took this one's prompt in.
    #[serde(with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub folded_into: Option<RunId>,
    /// What it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl RunComplete {
    /// Makes the terminal event of a run that ended in `state` and has nothing else to tell.
    #[must_use]
    pub const fn new(session_id: SessionId, run_id: RunId, state: RunState) -> Self {
        Self {
            session_id,
            run_id: Some(run_id),
            message_id: None,
            text: Text::new(),
            error: String::new(),
            cancelled: matches!(state, RunState::Cancelled),
            state,
            reason: None,
            folded_into: None,
            usage: None,
        }
    }
}

/// What is read of a terminal event, ours or a contract server's.
#[derive(Deserialize)]
struct RunCompleteWire {
    session_id: SessionId,
    #[serde(default, with = "maybe_id")]
    run_id: Option<RunId>,
    #[serde(default, with = "maybe_id")]
    message_id: Option<MessageId>,
    #[serde(default, deserialize_with = "nullable")]
    text: Text,
    #[serde(default, deserialize_with = "nullable")]
    error: String,
    #[serde(default, deserialize_with = "nullable")]
    cancelled: bool,
    state: Option<RunState>,
    reason: Option<String>,
    #[serde(default, with = "maybe_id")]
    folded_into: Option<RunId>,
    usage: Option<Usage>,
}

impl From<RunCompleteWire> for RunComplete {
    fn from(wire: RunCompleteWire) -> Self {
        let state = wire
            .state
            .unwrap_or(match (wire.cancelled, wire.error.is_empty()) {
                (true, _) => RunState::Cancelled,
                (false, false) => RunState::Failed,
                (false, true) => RunState::Completed,
            });
        Self {
            session_id: wire.session_id,
            run_id: wire.run_id,
            message_id: wire.message_id,
            text: wire.text,
            error: wire.error,
            cancelled: wire.cancelled,
            state,
            reason: wire.reason,
            folded_into: wire.folded_into,
            usage: wire.usage,
        }
    }
}
