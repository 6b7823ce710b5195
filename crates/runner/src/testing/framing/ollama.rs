//! The lines of Ollama's own chat: one JSON object each, and a call is always whole. It must never know the state of a
//! connection.

use super::super::Failure;
use super::super::failure::Kind;
use super::super::script::Piece;
use super::whole::{Call, OpenCall};
use super::{About, CREATED_AT, Framing, Protocol, Usage, Whole, arguments, list, quoted};
use crate::StopReason;

/// One streamed chat.
pub(super) struct Chat {
    about: About,
    call: OpenCall,
    /// How many tool calls have begun.
    calls: usize,
}

impl Chat {
    pub(super) fn new(about: About) -> Self {
        Self {
            about,
            call: OpenCall::default(),
            calls: 0,
        }
    }

    /// A line with a message of this content and these further fields.
    fn line(&self, content: &str, fields: &str) -> String {
        let message = message(content, fields);
        line(&self.about, &format!(r#""message":{message},"done":false"#))
    }
}

impl Framing for Chat {
    fn frame(&mut self, piece: &Piece) -> String {
        match piece {
            Piece::Begin | Piece::Signature(_) | Piece::End => String::new(),
            Piece::Ping => self.line("", ""),
            Piece::Text(text) => self.line(text, ""),
            Piece::Reasoning(text) => self.line("", &format!(r#","thinking":{}"#, quoted(text))),
            Piece::CallBegin { id, name } => {
                self.calls += 1;
                self.call.begin(id, name);
                String::new()
            }
            Piece::CallInput(more) => {
                self.call.push(more);
                String::new()
            }
            Piece::CallEnd => {
                let call = self.call.end();
                let calls = call_json(self.calls - 1, &call);
                self.line("", &format!(r#","tool_calls":[{calls}]"#))
            }
            Piece::Stop(reason) => {
                let fields = done_fields(self.about.usage.as_ref(), Some(reason));
                line(
                    &self.about,
                    &format!(r#""message":{},{fields}"#, message("", "")),
                )
            }
        }
    }

    fn error(&mut self, failure: &Failure) -> String {
        let refusal = Protocol::Ollama.refuse(failure, &self.about.model);
        refusal.body + "\n"
    }

    fn garbage(&self) -> String {
        "{not JSON\n".to_owned()
    }
}

pub(super) fn whole(about: &About, whole: &Whole) -> String {
    let mut fields = String::new();
    if !whole.reasoning.is_empty() {
        fields += &format!(r#","thinking":{}"#, quoted(&whole.reasoning));
    }
    if !whole.calls.is_empty() {
        let calls = whole.calls.iter().enumerate();
        let calls = list(calls.map(|(index, call)| call_json(index, call)));
        fields += &format!(r#","tool_calls":[{calls}]"#);
    }
    let message = message(&whole.text, &fields);
    let done = done_fields(about.usage.as_ref(), whole.stop.as_ref());
    line(about, &format!(r#""message":{message},{done}"#))
        .trim_end()
        .to_owned()
}

pub(super) fn models(models: &[String]) -> String {
    let model = |name: &String| {
        let name = quoted(name);
        format!(
            r#"{{"name":{name},"model":{name},"modified_at":"{CREATED_AT}","size":1,"digest":"scripted","details":{{"parent_model":"","format":"gguf","family":"scripted","families":["scripted"],"parameter_size":"1B","quantization_level":"Q4_K_M"}}}}"#
        )
    };
    format!(r#"{{"models":[{}]}}"#, list(models.iter().map(model)))
}

pub(super) fn refusal(kind: &Kind, model: &str) -> (u16, String) {
    let no_model = format!("model '{model}' not found");
    let (status, message) = match kind {
        Kind::BadKey => (401, "unauthorized"),
        Kind::UnknownModel => (404, no_model.as_str()),
        Kind::ContextTooLong => (400, "the input length exceeds the context length"),
        Kind::RateLimited => (429, "too many requests"),
        Kind::OutOfQuota => (
            429,
            "you've reached your hourly usage limit, please upgrade to continue",
        ),
        Kind::Internal => (500, "llama runner process has terminated: exit status 2"),
        Kind::Overloaded => (
            503,
            "server busy, please try again.  maximum pending requests exceeded",
        ),
        Kind::Status(status, message) => (*status, message.as_str()),
    };
    (status, format!(r#"{{"error":{}}}"#, quoted(message)))
}

fn line(about: &About, fields: &str) -> String {
    let model = quoted(&about.model);
    format!("{{\"model\":{model},\"created_at\":\"{CREATED_AT}\",{fields}}}\n")
}

fn message(content: &str, fields: &str) -> String {
    let content = quoted(content);
    format!(r#"{{"role":"assistant","content":{content}{fields}}}"#)
}

fn call_json(index: usize, call: &Call) -> String {
    let (id, name, input) = (quoted(&call.id), quoted(&call.name), arguments(&call.input));
    format!(r#"{{"id":{id},"function":{{"index":{index},"name":{name},"arguments":{input}}}}}"#)
}

fn done_fields(usage: Option<&Usage>, reason: Option<&StopReason>) -> String {
    let reason = reason.map(|reason| format!(r#","done_reason":{}"#, quoted(done_reason(reason))));
    let usage = usage.map(|usage| {
        let tokens = usage.tokens;
        let prompt = tokens.input + tokens.cache_read + tokens.cache_write;
        let cached = match tokens.cache_read {
            0 => String::new(),
            count => format!(r#","prompt_eval_cached_count":{count}"#),
        };
        format!(
            r#","prompt_eval_count":{prompt}{cached},"prompt_eval_duration":1000000,"eval_count":{},"eval_duration":1000000"#,
            tokens.output
        )
    });
    format!(
        r#""done":true{},"total_duration":3000000,"load_duration":1000000{}"#,
        reason.unwrap_or_default(),
        usage.unwrap_or_default(),
    )
}

fn done_reason(reason: &StopReason) -> &str {
    match reason {
        StopReason::EndTurn | StopReason::ToolUse | StopReason::ContentFilter => "stop",
        StopReason::MaxTokens => "length",
        StopReason::Other(word) => word,
    }
}
