//! A request as the library wants it: which part of a conversation each protocol takes, and how. Pure. It must never
//! know where the request goes or with which key.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use genai::adapter::AdapterKind;
use genai::chat::{
    Binary, CacheControl, ChatMessage, ChatOptions, ChatRequest, ContentPart, CustomPart,
    MessageContent, MessageOptions, Tool, ToolCall, ToolChoice, ToolResponse,
};
use genai::resolver::{AuthData, Endpoint};
use genai::{ModelIden, ServiceTarget};
use serde_json::{Map, Value, json};

use crate::provider::{
    AssistantPart, ModelRequest, Protocol, RequestMessage, ToolAnswer, UserPart,
};

/// What the library is asked.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) target: ServiceTarget,
    pub(super) request: ChatRequest,
    pub(super) options: ChatOptions,
}

impl Ask {
    /// Makes a request of ours one of the library's.
    ///
    /// The library infers nothing of it: neither a provider from the name of a model, nor a key from the environment,
    /// nor how hard to think from the last part of a name.
    pub(super) fn new(protocol: Protocol, request: &ModelRequest) -> Self {
        Self {
            target: ServiceTarget {
                // Where it really goes, and with which key, is the relay's.
                endpoint: Endpoint::from_static("http://relay/"),
                auth: AuthData::from_single("none"),
                model: ModelIden::new(kind(protocol), plain_name(protocol, &request.model)),
            },
            options: options(protocol, request),
            request: conversation(protocol, request),
        }
    }
}

/// The ids of the calls that the conversation has.
pub(super) fn call_ids(request: &ModelRequest) -> HashSet<Arc<str>> {
    request
        .messages
        .iter()
        .filter_map(|message| match message {
            RequestMessage::Assistant(parts) => Some(parts),
            RequestMessage::User(_) | RequestMessage::Tools(_) => None,
        })
        .flatten()
        .filter_map(|part| match part {
            AssistantPart::ToolCall { id, .. } => Some(Arc::clone(id)),
            AssistantPart::Text(_) | AssistantPart::Reasoning { .. } => None,
        })
        .collect()
}

fn kind(protocol: Protocol) -> AdapterKind {
    match protocol {
        Protocol::OpenAi | Protocol::OpenAiCompat => AdapterKind::OpenAI,
        Protocol::OpenAiResponses => AdapterKind::OpenAIResp,
        Protocol::Anthropic => AdapterKind::Anthropic,
        Protocol::Gemini => AdapterKind::Gemini,
        Protocol::Ollama => AdapterKind::Ollama,
    }
}

/// The name of a model as the library may see it: it takes off what stands before the first `::`, and often a `-max` or
/// `-high` at the end. Where it does that, it only has to know the family: the real name is in the options or in the path.
fn plain_name(protocol: Protocol, model: &str) -> String {
    match protocol {
        Protocol::Ollama => format!("ollama::{model}"),
        Protocol::OpenAi
        | Protocol::OpenAiCompat
        | Protocol::OpenAiResponses
        | Protocol::Anthropic
        | Protocol::Gemini => format!("model::{model}-"),
    }
}

fn options(protocol: Protocol, request: &ModelRequest) -> ChatOptions {
    let mut options = ChatOptions::default()
        .with_capture_usage(true)
        // The library puts the pieces of these protocols together only if it is to keep them.
        .with_capture_tool_calls(matches!(
            protocol,
            Protocol::OpenAi | Protocol::OpenAiCompat | Protocol::OpenAiResponses
        ))
        .with_extra_body(json!({"model": &*request.model}));
    options.max_tokens = request.max_output_tokens;
    if protocol == Protocol::Gemini {
        // Its model is in the path.
        options.extra_body = None;
        // Thoughts are told only to who asks for them, and only these models have any.
        options.capture_reasoning_content = Some(thinks(&request.model));
    }
    // A compatible server may refuse a field that it does not know.
    if matches!(protocol, Protocol::OpenAi | Protocol::OpenAiResponses) {
        options.prompt_cache_key.clone_from(&request.cache_key);
    }
    if protocol == Protocol::Anthropic && has_tools(request) {
        options.tool_choice = Some(ToolChoice::None);
    }
    options
}

/// Whether a model of Gemini thinks, and takes being asked for its thoughts.
fn thinks(model: &str) -> bool {
    ["gemini-2.5", "gemini-3"]
        .iter()
        .any(|family| model.contains(family))
}

fn conversation(protocol: Protocol, request: &ModelRequest) -> ChatRequest {
    let mut messages: Vec<ChatMessage> = Vec::new();
    for message in &request.messages {
        match message {
            RequestMessage::User(parts) => {
                messages.push(ChatMessage::user(content(protocol, parts.iter().map(user))));
            }
            RequestMessage::Assistant(parts) => {
                let said = parts.iter().flat_map(|part| said(protocol, part));
                messages.push(ChatMessage::assistant(content(protocol, said)));
            }
            // The library would pass on only the last answer of a message.
            RequestMessage::Tools(answers) if protocol == Protocol::Ollama => {
                messages.extend(
                    answers.iter().map(|answer| {
                        ChatMessage::tool(MessageContent::from(gave(protocol, answer)))
                    }),
                );
            }
            RequestMessage::Tools(answers) => {
                let gave = answers.iter().map(|answer| gave(protocol, answer));
                messages.push(ChatMessage::tool(content(protocol, gave)));
            }
        }
    }
    if protocol == Protocol::Anthropic
        && request.cache_key.is_some()
        && let Some(last) = messages.last_mut()
    {
        // Everything before a mark is kept, so that the next request of the conversation finds it.
        last.options = Some(MessageOptions::from(CacheControl::Ephemeral));
    }
    ChatRequest {
        system: (!request.system.is_empty()).then(|| request.system.clone()),
        messages,
        // Anthropic refuses a conversation with tools in it when no tool is declared.
        tools: (protocol == Protocol::Anthropic && has_tools(request))
            .then(|| tools_of(request).into_iter().map(declared).collect()),
        previous_response_id: None,
        store: None,
    }
}

fn content(protocol: Protocol, parts: impl Iterator<Item = ContentPart>) -> MessageContent {
    let mut parts: Vec<ContentPart> = parts.collect();
    if protocol == Protocol::Ollama {
        // The library puts texts together without anything between them.
        let mut is_first = true;
        for part in &mut parts {
            if let ContentPart::Text(text) = part {
                if !is_first {
                    text.insert_str(0, "\n\n");
                }
                is_first = false;
            }
        }
    }
    MessageContent::from_parts(parts)
}

fn user(part: &UserPart) -> ContentPart {
    match part {
        UserPart::Text(text) => ContentPart::Text(text.clone()),
        UserPart::Image { mime_type, data } => ContentPart::Binary(Binary::from_base64(
            &**mime_type,
            STANDARD.encode(data.as_bytes()),
            None,
        )),
    }
}

fn said(protocol: Protocol, part: &AssistantPart) -> Vec<ContentPart> {
    match part {
        AssistantPart::Text(text) => vec![ContentPart::Text(text.clone())],
        AssistantPart::Reasoning { text, signature } => thought(protocol, text, signature),
        AssistantPart::ToolCall { id, name, input } => vec![ContentPart::ToolCall(ToolCall {
            call_id: id.to_string(),
            fn_name: name.to_string(),
            fn_arguments: object(input),
            thought_signatures: None,
        })],
    }
}

/// Thoughts go back only to who signed them: nobody else takes them, and many refuse them.
fn thought(protocol: Protocol, text: &str, signature: &str) -> Vec<ContentPart> {
    let own = signature
        .split_once(':')
        .filter(|(signed_by, _)| *signed_by == protocol.name())
        .map(|(_, signature)| signature.to_owned());
    let Some(signature) = own else {
        return Vec::new();
    };
    match protocol {
        Protocol::Anthropic => vec![
            ContentPart::ThoughtSignature(signature),
            ContentPart::ReasoningContent(text.to_owned()),
        ],
        Protocol::OpenAiResponses | Protocol::Gemini => {
            vec![ContentPart::ThoughtSignature(signature)]
        }
        Protocol::OpenAi | Protocol::OpenAiCompat | Protocol::Ollama => Vec::new(),
    }
}

/// The input of a call. What is no object, because an answer broke off in it, is an empty one.
fn object(input: &str) -> Value {
    serde_json::from_str::<Map<String, Value>>(input).map_or_else(|_| json!({}), Value::Object)
}

fn gave(protocol: Protocol, answer: &ToolAnswer) -> ContentPart {
    if answer.is_error && protocol == Protocol::Anthropic {
        // The library has no word for a tool that failed.
        return ContentPart::Custom(CustomPart {
            model_iden: None,
            data: json!({
                "type": "tool_result",
                "tool_use_id": &*answer.call_id,
                "content": answer.content,
                "is_error": true,
            }),
        });
    }
    ContentPart::ToolResponse(ToolResponse {
        call_id: answer.call_id.to_string(),
        fn_name: Some(answer.name.to_string()),
        content: answer.content.clone(),
    })
}

fn has_tools(request: &ModelRequest) -> bool {
    !tools_of(request).is_empty()
}

/// The names of the tools in a conversation.
fn tools_of(request: &ModelRequest) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for message in &request.messages {
        match message {
            RequestMessage::User(_) => {}
            RequestMessage::Assistant(parts) => {
                names.extend(parts.iter().filter_map(|part| match part {
                    AssistantPart::ToolCall { name, .. } => Some(&**name),
                    AssistantPart::Text(_) | AssistantPart::Reasoning { .. } => None,
                }));
            }
            RequestMessage::Tools(answers) => {
                names.extend(answers.iter().map(|answer| &*answer.name));
            }
        }
    }
    names
}

fn declared(name: &str) -> Tool {
    Tool::new(name).with_schema(json!({"type": "object"}))
}
