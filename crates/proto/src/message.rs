//! Owns a message of a session and the people or things that write one.
//!
//! It must never know how a message is stored, streamed or shown.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    MessageId, SessionId, Text,
    wire::{is_false, nullable, words},
};

mod part;
mod part_serde;

pub use self::part::{
    Binary, Finish, FinishReason, ImageUrl, Part, Reasoning, ShellCommand, TextPart, ToolCall,
    ToolResult, UnknownPart,
};

/// Is one message of a session: its parts in order, and who wrote it.
///
/// A message that is being streamed is cloned for each of its snapshots; the clone shares all text, so its cost is the
/// number of parts, not their length. Times are Unix seconds.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Message, MessageId, Part, Role, SessionId};
///
/// let mut message = Message::new(MessageId::generate(), SessionId::random(), Role::User, 1_795_357_488);
/// message.parts.push(Part::text("hello"));
///
/// let json = serde_json::to_value(&message)?;
/// assert_eq!(json["parts"][0]["data"]["text"], "hello");
/// assert_eq!(json["role"], "user");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// What the message says, in order. Always on the wire: a client of the contract drops a message without it.
    #[serde(deserialize_with = "nullable")]
    pub parts: Vec<Part>,
    /// Its own id.
    pub id: MessageId,
    /// Who wrote it.
    pub role: Role,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// The model that wrote it, empty unless the role is `assistant`.
    #[serde(default, deserialize_with = "nullable")]
    pub model: Arc<str>,
    /// The provider of that model, empty unless the role is `assistant`.
    #[serde(default, deserialize_with = "nullable")]
    pub provider: Arc<str>,
    /// When it was made, in Unix seconds.
    #[serde(default, deserialize_with = "nullable")]
    pub created_at: i64,
    /// When it was last changed, in Unix seconds.
    #[serde(default, deserialize_with = "nullable")]
    pub updated_at: i64,
    /// Whether it is the summary that stands for all messages before it.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub is_summary_message: bool,
}

impl Message {
    /// Makes a message without parts, model and provider, made and changed at `now` (Unix seconds).
    #[must_use]
    pub fn new(id: MessageId, session_id: SessionId, role: Role, now: i64) -> Self {
        Self {
            parts: Vec::new(),
            id,
            role,
            session_id,
            model: Arc::default(),
            provider: Arc::default(),
            created_at: now,
            updated_at: now,
            is_summary_message: false,
        }
    }

    /// Returns the first text part, which is what a terminal event quotes.
    #[must_use]
    pub fn text(&self) -> Option<&Text> {
        self.parts.iter().find_map(|part| {
            if let Part::Text(part) = part {
                Some(&part.text)
            } else {
                None
            }
        })
    }

    /// Returns how the message ended, or nothing while it is being written.
    #[must_use]
    pub fn finish(&self) -> Option<&Finish> {
        self.parts.iter().rev().find_map(|part| {
            if let Part::Finish(finish) = part {
                Some(finish)
            } else {
                None
            }
        })
    }

    /// Iterates over the tool calls in it.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| {
            if let Part::ToolCall(call) = part {
                Some(call)
            } else {
                None
            }
        })
    }

    /// Iterates over the tool results in it.
    pub fn tool_results(&self) -> impl Iterator<Item = &ToolResult> {
        self.parts.iter().filter_map(|part| {
            if let Part::ToolResult(result) = part {
                Some(result)
            } else {
                None
            }
        })
    }
}

words! {
    /// Says who wrote a message.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::Role;
    ///
    /// assert_eq!(Role::Assistant.as_str(), "assistant");
    /// ```
    pub enum Role("role") {
        /// The person, or the program, that asks.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// A tool that a model called.
        Tool = "tool",
        /// The server, speaking to the model.
        System = "system",
    }
}
