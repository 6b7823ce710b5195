//! The frames of Anthropic's Messages: blocks that begin, grow and stop. It must never know the state of a connection.

use super::super::Failure;
use super::super::failure::Kind;
use super::super::script::Piece;
use super::{About, CREATED_AT, Framing, Protocol, Usage, Whole, arguments, event, list, quoted};
use crate::StopReason;

/// One streamed message.
pub(super) struct Message {
    about: About,
    open: Option<Block>,
    /// The index of the next block.
    next: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    Thinking,
    ToolUse,
}

impl Message {
    pub(super) fn new(about: About) -> Self {
        Self {
            about,
            open: None,
            next: 0,
        }
    }

    /// A delta in a block of this kind, which is begun if it is not the open one.
    fn delta(&mut self, block: Block, start: &str, delta: &str) -> String {
        let begun = if self.open == Some(block) {
            String::new()
        } else {
            self.begin(block, start)
        };
        begun + &self.grow(delta)
    }

    fn begin(&mut self, block: Block, start: &str) -> String {
        let stopped = self.stop_block();
        let index = self.next;
        self.open = Some(block);
        self.next += 1;
        let begun = event(
            "content_block_start",
            &format!(r#"{{"type":"content_block_start","index":{index},"content_block":{start}}}"#),
        );
        // The vendor pings after the first block has begun.
        let ping = if index == 0 { ping() } else { String::new() };
        stopped + &begun + &ping
    }

    fn grow(&self, delta: &str) -> String {
        let index = self.next - 1;
        let data = format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#);
        event("content_block_delta", &data)
    }

    fn stop_block(&mut self) -> String {
        if self.open.take().is_none() {
            return String::new();
        }
        let index = self.next - 1;
        let data = format!(r#"{{"type":"content_block_stop","index":{index}}}"#);
        event("content_block_stop", &data)
    }

    fn usage_field(&self, output: impl Fn(&Usage) -> u64) -> String {
        let usage = self.about.usage.as_ref();
        let field = usage.map(|usage| format!(r#","usage":{}"#, usage_json(usage, output(usage))));
        field.unwrap_or_default()
    }
}

impl Framing for Message {
    fn frame(&mut self, piece: &Piece) -> String {
        const TEXT: &str = r#"{"type":"text","text":""}"#;
        const THINKING: &str = r#"{"type":"thinking","thinking":"","signature":""}"#;
        match piece {
            Piece::Begin => {
                let model = quoted(&self.about.model);
                // Before it has said anything, the vendor counts one token of output.
                let usage = self.usage_field(|_| 1);
                let data = format!(
                    r#"{{"type":"message_start","message":{{"id":"msg_scripted","type":"message","role":"assistant","model":{model},"content":[],"stop_reason":null,"stop_sequence":null{usage}}}}}"#
                );
                event("message_start", &data)
            }
            Piece::Ping => ping(),
            Piece::Text(text) => {
                let delta = format!(r#"{{"type":"text_delta","text":{}}}"#, quoted(text));
                self.delta(Block::Text, TEXT, &delta)
            }
            Piece::Reasoning(text) => {
                let delta = format!(r#"{{"type":"thinking_delta","thinking":{}}}"#, quoted(text));
                self.delta(Block::Thinking, THINKING, &delta)
            }
            Piece::Signature(signature) => {
                let signature = quoted(signature);
                let delta = format!(r#"{{"type":"signature_delta","signature":{signature}}}"#);
                self.delta(Block::Thinking, THINKING, &delta)
            }
            Piece::CallBegin { id, name } => {
                let (id, name) = (quoted(id), quoted(name));
                self.begin(
                    Block::ToolUse,
                    &format!(r#"{{"type":"tool_use","id":{id},"name":{name},"input":{{}}}}"#),
                )
            }
            Piece::CallInput(more) => {
                assert!(
                    self.open == Some(Block::ToolUse),
                    "the script begins a call before its input"
                );
                let more = quoted(more);
                self.grow(&format!(
                    r#"{{"type":"input_json_delta","partial_json":{more}}}"#
                ))
            }
            Piece::CallEnd => self.stop_block(),
            Piece::Stop(reason) => {
                let stopped = self.stop_block();
                let reason = quoted(stop_reason(reason));
                let usage = self.usage_field(|usage| usage.tokens.output);
                let data = format!(
                    r#"{{"type":"message_delta","delta":{{"stop_reason":{reason},"stop_sequence":null}}{usage}}}"#
                );
                stopped + &event("message_delta", &data)
            }
            Piece::End => event("message_stop", r#"{"type":"message_stop"}"#),
        }
    }

    fn error(&mut self, failure: &Failure) -> String {
        let refusal = Protocol::Anthropic.refuse(failure, &self.about.model);
        event("error", &refusal.body)
    }

    fn garbage(&self) -> String {
        event("content_block_delta", "{not JSON")
    }
}

pub(super) fn whole(about: &About, whole: &Whole) -> String {
    let mut content = Vec::new();
    if !whole.reasoning.is_empty() || !whole.signature.is_empty() {
        let (thinking, signature) = (quoted(&whole.reasoning), quoted(&whole.signature));
        content.push(format!(
            r#"{{"type":"thinking","thinking":{thinking},"signature":{signature}}}"#
        ));
    }
    if !whole.text.is_empty() {
        content.push(format!(
            r#"{{"type":"text","text":{}}}"#,
            quoted(&whole.text)
        ));
    }
    content.extend(whole.calls.iter().map(|call| {
        let (id, name) = (quoted(&call.id), quoted(&call.name));
        let input = arguments(&call.input);
        format!(r#"{{"type":"tool_use","id":{id},"name":{name},"input":{input}}}"#)
    }));
    let reason = whole.stop.as_ref().map(stop_reason).map(quoted);
    let usage = about.usage.as_ref();
    let usage =
        usage.map(|usage| format!(r#","usage":{}"#, usage_json(usage, usage.tokens.output)));
    format!(
        r#"{{"id":"msg_scripted","type":"message","role":"assistant","model":{},"content":[{}],"stop_reason":{},"stop_sequence":null{}}}"#,
        quoted(&about.model),
        list(content),
        reason.unwrap_or_else(|| "null".to_owned()),
        usage.unwrap_or_default(),
    )
}

pub(super) fn models(models: &[String]) -> String {
    let model = |id: &String| {
        let id = quoted(id);
        format!(r#"{{"type":"model","id":{id},"display_name":{id},"created_at":"{CREATED_AT}"}}"#)
    };
    let id = |id: Option<&String>| id.map_or_else(|| "null".to_owned(), |id| quoted(id));
    format!(
        r#"{{"data":[{}],"has_more":false,"first_id":{},"last_id":{}}}"#,
        list(models.iter().map(model)),
        id(models.first()),
        id(models.last()),
    )
}

pub(super) fn refusal(kind: &Kind, model: &str) -> (u16, String) {
    let no_model = format!("model: {model}");
    let (status, kind, message) = match kind {
        Kind::BadKey => (401, "authentication_error", "invalid x-api-key"),
        Kind::UnknownModel => (404, "not_found_error", no_model.as_str()),
        Kind::ContextTooLong => (
            400,
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
        ),
        Kind::RateLimited => (
            429,
            "rate_limit_error",
            "This request would exceed your organization's rate limit of 50 requests per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits.",
        ),
        Kind::OutOfQuota => (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
        ),
        Kind::Internal => (500, "api_error", "Internal server error"),
        Kind::Overloaded => (529, "overloaded_error", "Overloaded"),
        Kind::Status(status, message) => (*status, kind_of(*status), message.as_str()),
    };
    let body = format!(
        r#"{{"type":"error","error":{{"type":{},"message":{}}},"request_id":"req_scripted"}}"#,
        quoted(kind),
        quoted(message)
    );
    (status, body)
}

fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn ping() -> String {
    event("ping", r#"{"type":"ping"}"#)
}

fn stop_reason(reason: &StopReason) -> &str {
    match reason {
        StopReason::EndTurn => "end_turn",
        StopReason::MaxTokens => "max_tokens",
        StopReason::ToolUse => "tool_use",
        StopReason::ContentFilter => "refusal",
        StopReason::Other(word) => word,
    }
}

fn usage_json(usage: &Usage, output: u64) -> String {
    let tokens = usage.tokens;
    format!(
        r#"{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},"output_tokens":{output}}}"#,
        tokens.input, tokens.cache_write, tokens.cache_read,
    )
}
