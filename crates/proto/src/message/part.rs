//! Owns the kinds of parts a message is made of (contract 3.4).
//!
//! It must never know how a part is encoded; `part_serde` does.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Blob, Text,
    wire::{is_false, is_zero, nullable, words},
};

/// Is one part of a message, `{"type", "data"}` on the wire.
///
/// A kind that this version does not know is kept as it came, so that an older reader passes it on unharmed.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Part, UnknownPart};
///
/// let json = r#"{"type":"text","data":{"text":"hello"}}"#;
/// let part: Part = serde_json::from_str(json)?;
/// assert_eq!(part, Part::text("hello"));
/// assert_eq!(serde_json::to_string(&part)?, json);
///
/// let later = r#"{"type":"hologram","data":{"depth":3}}"#;
/// let part: Part = serde_json::from_str(later)?;
/// assert!(matches!(&part, Part::Unknown(UnknownPart { kind, .. }) if &**kind == "hologram"));
/// assert_eq!(serde_json::to_string(&part)?, later);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// `text`: what is said.
    Text(TextPart),
    /// `reasoning`: what the model thought before it spoke.
    Reasoning(Reasoning),
    /// `tool_call`: a tool the model wants to use.
    ToolCall(ToolCall),
    /// `tool_result`: what the tool gave back.
    ToolResult(ToolResult),
    /// `finish`: how the message ended.
    Finish(Finish),
    /// `image_url`: an image that is somewhere else.
    ImageUrl(ImageUrl),
    /// `binary`: an attachment.
    Binary(Binary),
    /// `shell_command`: a command the user ran, and its output.
    ShellCommand(ShellCommand),
    /// A kind of a later version.
    Unknown(UnknownPart),
}

impl Part {
    /// Makes a text part.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(TextPart { text: text.into() })
    }

    /// Returns the kind as it is named on the wire.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "text",
            Self::Reasoning(_) => "reasoning",
            Self::ToolCall(_) => "tool_call",
            Self::ToolResult(_) => "tool_result",
            Self::Finish(_) => "finish",
            Self::ImageUrl(_) => "image_url",
            Self::Binary(_) => "binary",
            Self::ShellCommand(_) => "shell_command",
            Self::Unknown(part) => &part.kind,
        }
    }
}

/// Is what is said.
///
/// # Examples
///
/// ```
/// use runwright_proto::TextPart;
///
/// let part = TextPart { text: "hello".into() };
/// assert_eq!(serde_json::to_string(&part).unwrap(), r#"{"text":"hello"}"#);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TextPart {
    /// The text, possibly still growing.
    #[serde(default, deserialize_with = "nullable")]
    pub text: Text,
}

/// Is what the model thought before it spoke.
///
/// # Examples
///
/// ```
/// use runwright_proto::Reasoning;
///
/// let part = Reasoning { thinking: "hm".into(), started_at: 7, ..Reasoning::default() };
/// let json = r#"{"thinking":"hm","signature":"","started_at":7}"#;
/// assert_eq!(serde_json::to_string(&part).unwrap(), json);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reasoning {
    /// The thoughts, possibly still growing.
    #[serde(default, deserialize_with = "nullable")]
    pub thinking: Text,
    /// The provider's proof that the thoughts are its own; goes back to it unchanged.
    #[serde(default, deserialize_with = "nullable")]
    pub signature: Arc<str>,
    /// When the thinking began, in Unix seconds; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub started_at: i64,
    /// When the thinking ended, in Unix seconds; zero, while it goes on, is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub finished_at: i64,
}

/// Is a tool the model wants to use.
///
/// # Examples
///
/// ```
/// use runwright_proto::ToolCall;
///
/// let begun = ToolCall { id: "call_7".into(), name: "bash".into(), ..ToolCall::default() };
/// let json = r#"{"id":"call_7","name":"bash","input":""}"#;
/// assert_eq!(serde_json::to_string(&begun).unwrap(), json);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToolCall {
    /// The provider's id of the call; the result names it.
    #[serde(default, deserialize_with = "nullable")]
    pub id: Arc<str>,
    /// The name of the tool.
    #[serde(default, deserialize_with = "nullable")]
    pub name: Arc<str>,
    /// The arguments as JSON text; empty until they are complete.
    #[serde(default, deserialize_with = "nullable")]
    pub input: Arc<str>,
    /// Reserved by the contract, never set by its server; empty is left out.
    #[serde(
        rename = "type",
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub kind: Arc<str>,
    /// Whether the arguments are complete; `false` is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub finished: bool,
}

/// Is what a tool gave back.
///
/// # Examples
///
/// ```
/// use runwright_proto::ToolResult;
///
/// let json = r#"{"tool_call_id":"call_7","name":"bash","content":"hi","metadata":"","is_error":false}"#;
/// let result: ToolResult = serde_json::from_str(json).unwrap();
/// assert_eq!(&*result.content, "hi");
/// assert_eq!(serde_json::to_string(&result).unwrap(), json);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToolResult {
    /// The call that this answers.
    #[serde(default, deserialize_with = "nullable")]
    pub tool_call_id: Arc<str>,
    /// The name of the tool.
    #[serde(default, deserialize_with = "nullable")]
    pub name: Arc<str>,
    /// What the model reads.
    #[serde(default, deserialize_with = "nullable")]
    pub content: Arc<str>,
    /// A picture or another medium; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Blob::is_empty"
    )]
    pub data: Blob,
    /// What `data` is, for example `image/png`; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub mime_type: Arc<str>,
    /// What a client needs to show the result, as JSON text; may be empty.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Arc<str>,
    /// Whether the tool failed.
    #[serde(default, deserialize_with = "nullable")]
    pub is_error: bool,
}

/// Says how a message ended.
///
/// # Examples
///
/// ```
/// use runwright_proto::Finish;
///
/// assert_eq!(serde_json::to_string(&Finish::stop()).unwrap(), r#"{"reason":"stop","time":0}"#);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finish {
    /// Why it ended.
    #[serde(default, deserialize_with = "nullable")]
    pub reason: FinishReason,
    /// When it ended, in Unix seconds; zero in messages that no model wrote.
    #[serde(default, deserialize_with = "nullable")]
    pub time: i64,
    /// A short text about an end that was not a success; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub message: Arc<str>,
    /// More about it; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub details: Arc<str>,
}

impl Finish {
    /// Makes the finish part that messages carry when no model wrote them.
    #[must_use]
    pub fn stop() -> Self {
        Self {
            reason: FinishReason::Stop,
            ..Self::default()
        }
    }
}

words! {
    /// Says why a message ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::FinishReason;
    ///
    /// assert_eq!("canceled".parse(), Ok(FinishReason::Canceled));
    /// assert_eq!("of a later version".parse(), Ok(FinishReason::Unknown));
    /// ```
    #[derive(Default)]
    pub enum FinishReason("finish reason") {
        /// The model had said what it had to say.
        EndTurn = "end_turn",
        /// The answer reached its longest length.
        MaxTokens = "max_tokens",
        /// The model waits for its tools.
        ToolUse = "tool_use",
        /// Somebody cancelled the run. (The wire has one `l`.)
        Canceled = "canceled",
        /// The provider failed, or the run did.
        Error = "error",
        /// The provider refused to go on.
        ContentFilter = "content_filter",
        /// The message was not written by a model, and is complete.
        Stop = "stop",
        ;
        /// Any other reason.
        #[default]
        else Unknown = "unknown",
    }
}

/// Is an image that is somewhere else.
///
/// # Examples
///
/// ```
/// use runwright_proto::ImageUrl;
///
/// let part = ImageUrl { url: "https://example.com/a.png".into(), ..ImageUrl::default() };
/// assert_eq!(serde_json::to_string(&part).unwrap(), r#"{"url":"https://example.com/a.png"}"#);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageUrl {
    /// Where it is.
    #[serde(default, deserialize_with = "nullable")]
    pub url: Arc<str>,
    /// How closely the model is to look, in the provider's words; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "str::is_empty"
    )]
    pub detail: Arc<str>,
}

/// Is an attachment. Its keys are capitalised on the wire (contract 3.4).
///
/// # Examples
///
/// ```
/// use runwright_proto::Binary;
///
/// let json = r#"{"Path":"a.txt","MIMEType":"text/plain","Data":"aGk="}"#;
/// let part: Binary = serde_json::from_str(json).unwrap();
/// assert_eq!(part.data.as_bytes(), b"hi");
/// assert_eq!(serde_json::to_string(&part).unwrap(), json);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Binary {
    /// The path or name it had at the client.
    #[serde(default, deserialize_with = "nullable")]
    pub path: Arc<str>,
    /// What it is, for example `text/plain`.
    #[serde(rename = "MIMEType", default, deserialize_with = "nullable")]
    pub mime_type: Arc<str>,
    /// Its content.
    #[serde(default, deserialize_with = "nullable")]
    pub data: Blob,
}

/// Is a command the user ran, and its output.
///
/// # Examples
///
/// ```
/// use runwright_proto::ShellCommand;
///
/// let part = ShellCommand { command: "false".into(), output: "".into(), exit_code: 1 };
/// let json = r#"{"command":"false","output":"","exit_code":1}"#;
/// assert_eq!(serde_json::to_string(&part).unwrap(), json);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShellCommand {
    /// The command line.
    #[serde(default, deserialize_with = "nullable")]
    pub command: Arc<str>,
    /// What it printed.
    #[serde(default, deserialize_with = "nullable")]
    pub output: Arc<str>,
    /// What it exited with.
    #[serde(default, deserialize_with = "nullable")]
    pub exit_code: i32,
}

/// Is a part of a kind that this version does not know, kept as it came but for the order of its members.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Part, UnknownPart};
///
/// let part = Part::Unknown(UnknownPart { kind: "later".into(), data: serde_json::json!([1]) });
/// assert_eq!(serde_json::to_string(&part).unwrap(), r#"{"type":"later","data":[1]}"#);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownPart {
    /// The kind it names.
    pub kind: Arc<str>,
    /// Its data.
    pub data: Value,
}
