//! Looks at each frame before the library sees it, and notes or mends what the library would lose: errors it skips,
//! an end it cannot read, numbers it would overflow on. Pure. It must never know how a frame came.
//!
//! What is here is what tests of the hazards pin, and no more: how text, thoughts and tool calls are put into frames
//! is the library's knowledge.

mod gemini;
mod openai;
mod responses;

use bytes::Bytes;
use serde_json::Value;

use super::failure::{self, Scrub};
use super::framing::Framing;
use crate::provider::{Protocol, ProviderError, TokenUsage};

/// Numbers of tokens above this are none, and the library adds them up in 32 bits.
const MOST_TOKENS: u64 = 500_000_000;

/// What is to be done with a frame.
#[derive(Debug, PartialEq)]
pub(super) enum Look {
    /// Pass it on as it is.
    Pass,
    /// The library has no use for it, or would stumble over it.
    Skip,
    /// Pass this on instead.
    Mended(Bytes),
}

/// What the frames so far have said that the library may not tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Noted {
    /// Why the model stopped, in the provider's words.
    pub(super) stop: Option<String>,
    /// What the answer used.
    pub(super) usage: Option<TokenUsage>,
}

/// Looks at the frames of one answer.
#[derive(Debug)]
pub(super) struct Watch {
    protocol: Protocol,
    scrub: Scrub,
    noted: Noted,
}

impl Watch {
    pub(super) fn new(protocol: Protocol, scrub: Scrub) -> Self {
        Self {
            protocol,
            scrub,
            noted: Noted::default(),
        }
    }

    /// How the protocol ends its frames.
    pub(super) fn framing(&self) -> Framing {
        match self.protocol {
            Protocol::Ollama => Framing::Lines,
            Protocol::OpenAi
            | Protocol::OpenAiCompat
            | Protocol::OpenAiResponses
            | Protocol::Anthropic
            | Protocol::Gemini => Framing::Events,
        }
    }

    /// What was noted so far.
    pub(super) fn noted(&self) -> &Noted {
        &self.noted
    }

    /// Looks at a frame.
    ///
    /// # Errors
    /// What the provider reports in it, or that it cannot be read.
    pub(super) fn look(&mut self, frame: &[u8]) -> Result<Look, ProviderError> {
        let text = std::str::from_utf8(frame)
            .map_err(|_| failure::unreadable("a frame that is no UTF-8"))?;
        let data = match self.framing() {
            Framing::Lines => text.trim().to_owned(),
            Framing::Events => event_data(text),
        };
        if data.is_empty() {
            return Ok(Look::Skip);
        }
        if data == "[DONE]" {
            return Ok(match self.protocol {
                Protocol::OpenAi | Protocol::OpenAiCompat => Look::Pass,
                Protocol::OpenAiResponses
                | Protocol::Anthropic
                | Protocol::Gemini
                | Protocol::Ollama => Look::Skip,
            });
        }
        let value: Value = serde_json::from_str(&data)
            .map_err(|_| failure::unreadable("a frame that is no JSON"))?;
        self.look_at(value)
    }

    /// Looks at what is left when no more bytes come: a last frame whose end the provider did not care to send, or a
    /// piece of one, which is nothing.
    pub(super) fn look_at_rest(&mut self, rest: &[u8]) -> Result<Look, ProviderError> {
        let is_whole = std::str::from_utf8(rest).is_ok_and(|text| {
            let data = match self.framing() {
                Framing::Lines => text.trim().to_owned(),
                Framing::Events => event_data(text),
            };
            data == "[DONE]" || serde_json::from_str::<serde::de::IgnoredAny>(&data).is_ok()
        });
        if is_whole {
            self.look(rest)
        } else {
            Ok(Look::Skip)
        }
    }

    fn look_at(&mut self, mut value: Value) -> Result<Look, ProviderError> {
        if let Some(error) = error_in(&value) {
            return Err(failure::told(error, &self.scrub));
        }
        if !tokens_are_possible(&value) {
            return Err(failure::unreadable("numbers of tokens that cannot be"));
        }
        match self.protocol {
            Protocol::OpenAi | Protocol::OpenAiCompat => {
                openai::note(&value, &mut self.noted)?;
                Ok(Look::Pass)
            }
            Protocol::OpenAiResponses => responses::mend(&mut value, &mut self.noted),
            Protocol::Anthropic => Ok(anthropic(&value)),
            Protocol::Gemini => Ok(gemini::note(&value, &mut self.noted)),
            Protocol::Ollama => {
                // Older servers say that they are done, and not why.
                if value.get("done") == Some(&Value::Bool(true)) {
                    let reason = value.get("done_reason").and_then(Value::as_str);
                    self.noted.stop = Some(reason.unwrap_or("stop").to_owned());
                }
                Ok(Look::Pass)
            }
        }
    }
}

/// The deltas of a kind that was never asked for, over which the library stumbles: citations.
fn anthropic(frame: &Value) -> Look {
    let kind = frame.pointer("/delta/type").and_then(Value::as_str);
    let is_delta = frame.get("type").and_then(Value::as_str) == Some("content_block_delta");
    match kind {
        Some("text_delta" | "thinking_delta" | "signature_delta" | "input_json_delta") | None => {
            Look::Pass
        }
        Some(_) if is_delta => Look::Skip,
        Some(_) => Look::Pass,
    }
}

/// The lines of data of an event, put together as the specification says.
fn event_data(frame: &str) -> String {
    let mut data = String::new();
    for line in frame.split(['\r', '\n']) {
        if let Some(line) = line.strip_prefix("data:") {
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(line.trim());
        }
    }
    data
}

/// The error that a frame reports, wherever its protocol has it.
fn error_in(frame: &Value) -> Option<&Value> {
    if let Some(error) = frame.get("error").filter(|error| !error.is_null()) {
        return Some(error);
    }
    let kind = frame.get("type").and_then(Value::as_str);
    match kind {
        Some("error") => Some(frame),
        Some("response.failed") => Some(frame.pointer("/response/error").unwrap_or(frame)),
        _ => (frame.get("object").and_then(Value::as_str) == Some("error")).then_some(frame),
    }
}

/// Whether the numbers of tokens in a frame can be.
fn tokens_are_possible(frame: &Value) -> bool {
    let places = [
        frame.get("usage"),
        frame.get("usageMetadata"),
        frame.pointer("/message/usage"),
    ];
    places.into_iter().flatten().all(numbers_are_possible)
        && ["prompt_eval_count", "eval_count"]
            .into_iter()
            .filter_map(|name| frame.get(name))
            .all(numbers_are_possible)
}

fn numbers_are_possible(value: &Value) -> bool {
    match value {
        Value::Number(number) => number
            .as_f64()
            .is_some_and(|number| (0.0..=MOST_TOKENS as f64).contains(&number)),
        Value::Object(fields) => fields.values().all(numbers_are_possible),
        Value::Array(list) => list.iter().all(numbers_are_possible),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// A number of tokens in a frame; none is zero.
fn tokens(usage: &Value, pointer: &str) -> u64 {
    usage
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
