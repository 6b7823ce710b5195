//! The pieces in which an answer comes. It must never know in which frames a provider sends them.

/// A piece of an answer, or what is to be said about it.
///
/// Text and reasoning are appended to what came before. A piece is never empty.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerEvent {
    /// More of what the model says.
    Text(String),
    /// More of what the model thinks before it speaks.
    Reasoning(String),
    /// The provider's proof that the thoughts so far are its own; goes back to it unchanged.
    ReasoningSignature(String),
    /// More of a tool call.
    ToolCall(ToolCallPiece),
    /// What the answer has used, in all; the last one holds.
    Usage(TokenUsage),
    /// The model has stopped. Nothing comes after it.
    End(StopReason),
}

/// A piece of a tool call. The first piece of an id begins the call, further ones continue its input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCallPiece {
    /// The id of the call; no other call of any answer has it.
    pub id: String,
    /// The name of the tool, complete in each piece.
    pub name: String,
    /// More of the arguments: JSON text once all pieces are put together. May be empty.
    pub input: String,
}

/// What an answer used, in tokens. What a provider does not tell is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// Read by the model, without those it had in its cache.
    pub input: u64,
    /// Written by the model, with those of its thoughts.
    pub output: u64,
    /// Read from the model's cache.
    pub cache_read: u64,
    /// Put into the model's cache.
    pub cache_write: u64,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// It had said what it had to say.
    EndTurn,
    /// The answer reached its longest length.
    MaxTokens,
    /// It waits for its tools.
    ToolUse,
    /// The provider's filter stopped it, or the model refused.
    ContentFilter,
    /// Another reason, in the provider's words.
    Other(String),
}
