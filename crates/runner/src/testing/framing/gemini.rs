//! The frames of Gemini: each a candidate with parts, and a call is always whole. It must never know the state of a
//! connection.

use super::super::Failure;
use super::super::failure::Kind;
use super::super::script::Piece;
use super::whole::{Call, OpenCall};
use super::{About, Framing, Protocol, Usage, Whole, arguments, list, quoted};
use crate::StopReason;

/// One streamed candidate.
pub(super) struct Candidate {
    about: About,
    call: OpenCall,
    /// What the next part proves.
    signature: Option<String>,
}

impl Candidate {
    pub(super) fn new(about: About) -> Self {
        Self {
            about,
            call: OpenCall::default(),
            signature: None,
        }
    }

    /// A part with these fields, and the signature if there is one.
    fn part(&mut self, fields: &str) -> String {
        let signature = self.signature.take().map(|it| signature_field(&it));
        format!("{{{fields}{}}}", signature.unwrap_or_default())
    }

    /// A frame with these parts. Until it stops, only the prompt is counted.
    fn parts(&self, parts: &str) -> String {
        let prompt = self.about.usage.as_ref().map(|usage| {
            let prompt = prompt_tokens(usage);
            format!(
                r#""usageMetadata":{{"promptTokenCount":{prompt},"totalTokenCount":{prompt}}},"#
            )
        });
        self.data(&format!(
            r#""candidates":[{{"content":{{"parts":[{parts}],"role":"model"}},"index":0}}],{}"#,
            prompt.unwrap_or_default()
        ))
    }

    fn data(&self, fields: &str) -> String {
        let model = quoted(&self.about.model);
        frame(&format!(
            r#"{{{fields}"modelVersion":{model},"responseId":"scripted"}}"#
        ))
    }
}

impl Framing for Candidate {
    fn frame(&mut self, piece: &Piece) -> String {
        match piece {
            Piece::Begin | Piece::End => String::new(),
            Piece::Ping => ": keep-alive\r\n\r\n".to_owned(),
            Piece::Text(text) => {
                let part = self.part(&format!(r#""text":{}"#, quoted(text)));
                self.parts(&part)
            }
            Piece::Reasoning(text) => {
                let text = quoted(text);
                self.parts(&format!(r#"{{"text":{text},"thought":true}}"#))
            }
            Piece::Signature(signature) => {
                self.signature.get_or_insert_default().push_str(signature);
                String::new()
            }
            Piece::CallBegin { id, name } => {
                self.call.begin(id, name);
                String::new()
            }
            Piece::CallInput(more) => {
                self.call.push(more);
                String::new()
            }
            Piece::CallEnd => {
                let call = self.call.end();
                let part = self.part(&call_field(&call));
                self.parts(&part)
            }
            Piece::Stop(reason) => {
                let part = self.part(r#""text":"""#);
                let reason = quoted(finish_reason(reason));
                let usage = self.about.usage.as_ref().map(usage_field);
                self.data(&format!(
                    r#""candidates":[{{"content":{{"parts":[{part}],"role":"model"}},"finishReason":{reason},"index":0}}],{}"#,
                    usage.unwrap_or_default()
                ))
            }
        }
    }

    fn error(&mut self, failure: &Failure) -> String {
        frame(&Protocol::Gemini.refuse(failure, &self.about.model).body)
    }

    fn garbage(&self) -> String {
        frame("{not JSON")
    }
}

pub(super) fn whole(about: &About, whole: &Whole) -> String {
    let mut parts = Vec::new();
    let mut signature = Some(&whole.signature)
        .filter(|it| !it.is_empty())
        .map(|it| signature_field(it));
    if !whole.reasoning.is_empty() {
        let text = quoted(&whole.reasoning);
        parts.push(format!(r#"{{"text":{text},"thought":true}}"#));
    }
    if !whole.text.is_empty() {
        let signature = signature.take().unwrap_or_default();
        parts.push(format!(r#"{{"text":{}{signature}}}"#, quoted(&whole.text)));
    }
    parts.extend(whole.calls.iter().map(|call| {
        let signature = signature.take().unwrap_or_default();
        format!("{{{}{signature}}}", call_field(call))
    }));
    let reason = whole.stop.as_ref().map(finish_reason);
    let reason = reason.map(|reason| format!(r#""finishReason":{},"#, quoted(reason)));
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{}],"role":"model"}},{}"index":0}}],{}"modelVersion":{},"responseId":"scripted"}}"#,
        list(parts),
        reason.unwrap_or_default(),
        about.usage.as_ref().map(usage_field).unwrap_or_default(),
        quoted(&about.model),
    )
}

pub(super) fn models(models: &[String]) -> String {
    let model = |id: &String| {
        let (name, id) = (quoted(&format!("models/{id}")), quoted(id));
        format!(
            r#"{{"name":{name},"version":"001","displayName":{id},"inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]}}"#
        )
    };
    format!(r#"{{"models":[{}]}}"#, list(models.iter().map(model)))
}

pub(super) fn refusal(kind: &Kind, model: &str) -> (u16, String) {
    const BAD_KEY: &str = r#","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}}]"#;
    const RETRY: &str =
        r#","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"20s"}]"#;
    let no_model = format!(
        "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods."
    );
    let (code, message, status, details) = match kind {
        Kind::BadKey => (
            400,
            "API key not valid. Please pass a valid API key.",
            "INVALID_ARGUMENT",
            BAD_KEY,
        ),
        Kind::UnknownModel => (404, no_model.as_str(), "NOT_FOUND", ""),
        Kind::ContextTooLong => (
            400,
            "The input token count (1091639) exceeds the maximum number of tokens allowed (1048576).",
            "INVALID_ARGUMENT",
            "",
        ),
        Kind::RateLimited => (
            429,
            "Resource has been exhausted (e.g. check quota).",
            "RESOURCE_EXHAUSTED",
            RETRY,
        ),
        Kind::OutOfQuota => (
            429,
            "You exceeded your current quota, please check your plan and billing details.",
            "RESOURCE_EXHAUSTED",
            "",
        ),
        Kind::Internal => (
            500,
            "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
            "INTERNAL",
            "",
        ),
        Kind::Overloaded => (
            503,
            "The model is overloaded. Please try again later.",
            "UNAVAILABLE",
            "",
        ),
        Kind::Status(code, message) => (*code, message.as_str(), status_of(*code), ""),
    };
    let message = quoted(message);
    let body = format!(
        r#"{{"error":{{"code":{code},"message":{message},"status":"{status}"{details}}}}}"#
    );
    (code, body)
}

fn status_of(code: u16) -> &'static str {
    match code {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        500 => "INTERNAL",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "UNKNOWN",
    }
}

/// One server-sent event, whose lines the vendor ends in its own way.
fn frame(data: &str) -> String {
    format!("data: {data}\r\n\r\n")
}

fn signature_field(signature: &str) -> String {
    format!(r#","thoughtSignature":{}"#, quoted(signature))
}

fn call_field(call: &Call) -> String {
    let (name, args) = (quoted(&call.name), arguments(&call.input));
    format!(r#""functionCall":{{"name":{name},"args":{args}}}"#)
}

fn finish_reason(reason: &StopReason) -> &str {
    match reason {
        StopReason::EndTurn | StopReason::ToolUse => "STOP",
        StopReason::MaxTokens => "MAX_TOKENS",
        StopReason::ContentFilter => "SAFETY",
        StopReason::Other(word) => word,
    }
}

fn prompt_tokens(usage: &Usage) -> u64 {
    usage.tokens.input + usage.tokens.cache_read + usage.tokens.cache_write
}

fn usage_field(usage: &Usage) -> String {
    let (tokens, prompt) = (usage.tokens, prompt_tokens(usage));
    // Zero is left out, and thoughts are not among the tokens of the candidate.
    let some = |name: &str, count: u64| match count {
        0 => String::new(),
        count => format!(r#","{name}":{count}"#),
    };
    format!(
        r#""usageMetadata":{{"promptTokenCount":{prompt},"candidatesTokenCount":{},"totalTokenCount":{}{}{}}},"#,
        tokens.output.saturating_sub(usage.reasoning),
        prompt + tokens.output,
        some("cachedContentTokenCount", tokens.cache_read),
        some("thoughtsTokenCount", usage.reasoning),
    )
}
