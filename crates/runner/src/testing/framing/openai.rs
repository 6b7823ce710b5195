//! The frames of OpenAI's chat completions, which many others speak too, and OpenAI's errors. It must never know the
//! state of a connection.

use super::super::Failure;
use super::super::failure::Kind;
use super::super::script::Piece;
use super::whole::Call;
use super::{About, CREATED, Framing, Protocol, Usage, Whole, list, quoted};
use crate::StopReason;

/// One streamed completion.
pub(super) struct Chat {
    about: About,
    /// How many tool calls have begun.
    calls: usize,
}

impl Chat {
    pub(super) fn new(about: About) -> Self {
        Self { about, calls: 0 }
    }

    fn delta(&self, delta: &str) -> String {
        self.chunk(&format!(
            r#"[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}]"#
        ))
    }

    /// A chunk with these choices. Who asked for the usage is told `null` until it comes.
    fn chunk(&self, choices: &str) -> String {
        let usage = if self.about.include_usage {
            r#","usage":null"#
        } else {
            ""
        };
        self.data(&format!(r#""choices":{choices}{usage}"#))
    }

    fn data(&self, fields: &str) -> String {
        let model = quoted(&self.about.model);
        format!(
            "data: {{\"id\":\"chatcmpl-scripted\",\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\"model\":{model},{fields}}}\n\n"
        )
    }

    /// The index of the call that was begun last.
    fn call(&self) -> usize {
        let index = self.calls.checked_sub(1);
        index.expect("the script begins a call before its input")
    }
}

impl Framing for Chat {
    fn frame(&mut self, piece: &Piece) -> String {
        match piece {
            Piece::Begin => self.delta(r#"{"role":"assistant","content":""}"#),
            Piece::Ping => ": keep-alive\n\n".to_owned(),
            Piece::Text(text) => self.delta(&format!(r#"{{"content":{}}}"#, quoted(text))),
            Piece::Reasoning(text) => {
                self.delta(&format!(r#"{{"reasoning_content":{}}}"#, quoted(text)))
            }
            Piece::Signature(_) | Piece::CallEnd => String::new(),
            Piece::CallBegin { id, name } => {
                self.calls += 1;
                let (index, id, name) = (self.call(), quoted(id), quoted(name));
                self.delta(&format!(
                    r#"{{"tool_calls":[{{"index":{index},"id":{id},"type":"function","function":{{"name":{name},"arguments":""}}}}]}}"#
                ))
            }
            Piece::CallInput(more) => {
                let (index, more) = (self.call(), quoted(more));
                self.delta(&format!(
                    r#"{{"tool_calls":[{{"index":{index},"function":{{"arguments":{more}}}}}]}}"#
                ))
            }
            Piece::Stop(reason) => self.chunk(&format!(
                r#"[{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":{}}}]"#,
                quoted(finish_reason(reason))
            )),
            Piece::End => {
                let usage = self.about.usage.filter(|_| self.about.include_usage);
                let told = usage.map(|usage| {
                    let usage = usage_json(&usage);
                    self.data(&format!(r#""choices":[],"usage":{usage}"#))
                });
                told.unwrap_or_default() + "data: [DONE]\n\n"
            }
        }
    }

    fn error(&mut self, failure: &Failure) -> String {
        let refusal = Protocol::OpenAi.refuse(failure, &self.about.model);
        format!("data: {}\n\n", refusal.body)
    }

    fn garbage(&self) -> String {
        "data: {not JSON\n\n".to_owned()
    }
}

pub(super) fn whole(about: &About, whole: &Whole) -> String {
    let model = quoted(&about.model);
    let content = if whole.text.is_empty() {
        "null".to_owned()
    } else {
        quoted(&whole.text)
    };
    let reasoning = if whole.reasoning.is_empty() {
        String::new()
    } else {
        format!(r#","reasoning_content":{}"#, quoted(&whole.reasoning))
    };
    let calls = if whole.calls.is_empty() {
        String::new()
    } else {
        format!(r#","tool_calls":[{}]"#, list(whole.calls.iter().map(call)))
    };
    let reason = whole.stop.as_ref().map(finish_reason).map(quoted);
    let reason = reason.unwrap_or_else(|| "null".to_owned());
    let usage = about.usage.as_ref().map(usage_json);
    let usage = usage.map(|usage| format!(r#","usage":{usage}"#));
    format!(
        r#"{{"id":"chatcmpl-scripted","object":"chat.completion","created":{CREATED},"model":{model},"choices":[{{"index":0,"message":{{"role":"assistant","content":{content}{reasoning}{calls}}},"logprobs":null,"finish_reason":{reason}}}]{}}}"#,
        usage.unwrap_or_default()
    )
}

pub(super) fn models(models: &[String]) -> String {
    let model = |id: &String| {
        let id = quoted(id);
        format!(r#"{{"id":{id},"object":"model","created":{CREATED},"owned_by":"scripted"}}"#)
    };
    format!(
        r#"{{"object":"list","data":[{}]}}"#,
        list(models.iter().map(model))
    )
}

/// An error as both of OpenAI's protocols have it.
pub(super) struct Refused {
    status: u16,
    kind: &'static str,
    param: Option<String>,
    pub(super) code: Option<&'static str>,
    pub(super) message: String,
}

/// The error of this kind. `field` is the field of the request that carries the conversation.
pub(super) fn refused(kind: &Kind, model: &str, field: &str) -> Refused {
    let refused = |status, kind, code, message: String| Refused {
        status,
        kind,
        param: None,
        code,
        message,
    };
    let invalid = "invalid_request_error";
    let server = "server_error";
    match kind {
        Kind::BadKey => refused(401, invalid, Some("invalid_api_key"), "Incorrect API key provided: sk-scrip*****key. You can find your API key at https://platform.openai.com/account/api-keys.".to_owned()),
        Kind::UnknownModel => {
            let message = format!("The model `{model}` does not exist or you do not have access to it.");
            refused(404, invalid, Some("model_not_found"), message)
        }
        Kind::ContextTooLong => {
            let message = match field {
                "messages" => "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. Please reduce the length of the messages.",
                _ => "Your input exceeds the context window of this model. Please adjust your input and try again.",
            };
            let code = Some("context_length_exceeded");
            Refused {
                param: Some(field.to_owned()),
                ..refused(400, invalid, code, message.to_owned())
            }
        }
        Kind::RateLimited => {
            let message = format!("Rate limit reached for {model} in organization org-scripted on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more.");
            refused(429, "requests", Some("rate_limit_exceeded"), message)
        }
        Kind::OutOfQuota => {
            let quota = "insufficient_quota";
            refused(429, quota, Some(quota), "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.".to_owned())
        }
        Kind::Internal => refused(500, server, None, "The server had an error while processing your request. Sorry about that!".to_owned()),
        Kind::Overloaded => refused(503, server, None, "The engine is currently overloaded, please try again later".to_owned()),
        Kind::Status(status, message) => refused(*status, kind_of(*status), None, message.clone()),
    }
}

pub(super) fn refusal(kind: &Kind, model: &str, field: &str) -> (u16, String) {
    let refused = refused(kind, model, field);
    let or_null = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), quoted);
    let body = format!(
        r#"{{"error":{{"message":{},"type":{},"param":{},"code":{}}}}}"#,
        quoted(&refused.message),
        quoted(refused.kind),
        or_null(refused.param.as_deref()),
        or_null(refused.code),
    );
    (refused.status, body)
}

fn kind_of(status: u16) -> &'static str {
    match status {
        429 => "requests",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

fn call(call: &Call) -> String {
    let (id, name, input) = (quoted(&call.id), quoted(&call.name), quoted(&call.input));
    format!(r#"{{"id":{id},"type":"function","function":{{"name":{name},"arguments":{input}}}}}"#)
}

fn finish_reason(reason: &StopReason) -> &str {
    match reason {
        StopReason::EndTurn => "stop",
        StopReason::MaxTokens => "length",
        StopReason::ToolUse => "tool_calls",
        StopReason::ContentFilter => "content_filter",
        StopReason::Other(word) => word,
    }
}

fn usage_json(usage: &Usage) -> String {
    let tokens = usage.tokens;
    let prompt = tokens.input + tokens.cache_read + tokens.cache_write;
    format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{},"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":{},"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#,
        tokens.output,
        prompt + tokens.output,
        tokens.cache_read,
        usage.reasoning,
    )
}
