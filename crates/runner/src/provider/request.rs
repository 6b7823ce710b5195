//! What a model is asked, in a form that every protocol can say. It must never know in which JSON.

mod check;

use std::sync::Arc;

use runwright_proto::Blob;

/// One request to a model.
///
/// Its messages are well-formed for every protocol: the first and the last are not the model's, no two of the same
/// speaker follow each other, none is empty, no two calls have the same id, and each is answered once, in the order of
/// the calls, in the very next message. [`ModelRequest::problem`] says whether that is so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelRequest {
    /// The id of the model at its provider.
    pub model: Arc<str>,
    /// What the model is told before everything else; empty for nothing.
    pub system: String,
    /// The conversation, the oldest message first.
    pub messages: Vec<RequestMessage>,
    /// How many tokens the answer may have; the provider's own limit without it.
    pub max_output_tokens: Option<u32>,
    /// Keeps the requests of one conversation together in the provider's cache; tells nothing about it.
    pub cache_key: Option<String>,
}

/// A message of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestMessage {
    /// What people said, and the files that came with it.
    User(Vec<UserPart>),
    /// What the model answered, in its order.
    Assistant(Vec<AssistantPart>),
    /// What its tools gave back, in the order of the calls.
    Tools(Vec<ToolAnswer>),
}

/// A part of what people said.
#[derive(Debug, Clone, PartialEq)]
pub enum UserPart {
    /// Text; never empty.
    Text(String),
    /// A picture.
    Image {
        /// What it is, for example `image/png`.
        mime_type: Arc<str>,
        /// Its bytes.
        data: Blob,
    },
}

/// A part of what the model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssistantPart {
    /// Text; never empty.
    Text(String),
    /// Thoughts. Providers that sign them want them back as they were.
    Reasoning {
        /// The thoughts.
        text: String,
        /// The provider's signature; empty where it gave none.
        signature: Arc<str>,
    },
    /// A tool that the model wanted to use.
    ToolCall {
        /// The id of the call.
        id: Arc<str>,
        /// The name of the tool.
        name: Arc<str>,
        /// The arguments: the text of a JSON object.
        input: Arc<str>,
    },
}

/// What a tool gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolAnswer {
    /// The call that this answers.
    pub call_id: Arc<str>,
    /// The name of the tool.
    pub name: Arc<str>,
    /// What the model reads; never empty.
    pub content: String,
    /// Whether the tool failed.
    pub is_error: bool,
}
