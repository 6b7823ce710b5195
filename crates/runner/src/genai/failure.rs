//! What a provider or the network said, as one of our own errors: kind, words, time to wait. Pure. It must never pass
//! on a key, a URL or the text of a request.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::retry_after;
use crate::provider::{ProviderError, ProviderErrorKind};

/// How many characters of a provider's words are kept.
const MESSAGE_CHARS: usize = 500;

/// How providers say that a conversation is longer than the model can see. In lower case.
const TOO_LONG: &[&str] = &[
    "context_length_exceeded",
    "context length",
    "context window",
    "context size",
    "context limit",
    "exceed_context_size",
    "context the overflows",
    "prompt is too long",
    "input is too long",
    "input token count",
    "maximum prompt length",
    "exceeded model token limit",
    "too large for model with",
];

/// How providers say that there is nothing left to use. In lower case.
const USED_UP: &[&str] = &[
    "insufficient_quota",
    "exceeded your current quota, please check your plan",
    "credit balance",
    "billing_hard_limit",
    "insufficient balance",
    "insufficient credits",
    "usage limit",
];

/// How providers say in another way than by 401 that they do not know a key. In lower case.
const BAD_KEY: &[&str] = &["api_key_invalid", "api key not valid", "invalid_api_key"];

/// What takes the key out of a text and cuts it to a sane length.
#[derive(Debug, Clone, Default)]
pub(super) struct Scrub {
    key: Option<runwright_proto::Secret>,
}

impl Scrub {
    pub(super) fn new(key: Option<runwright_proto::Secret>) -> Self {
        // Taking a very short text out of everything would only destroy words; no provider has such keys.
        let key = key.filter(|key| key.expose().trim().len() >= 6);
        Self { key }
    }

    /// The text on one line, without the key, at most 500 characters of it.
    pub(super) fn text(&self, text: &str) -> String {
        // Before anything is cut or joined: half a key could not be found any more.
        let text = match &self.key {
            Some(key) => Cow::from(text.replace(key.expose().trim(), "…")),
            None => Cow::from(text),
        };
        let mut line = String::new();
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
            if word.is_empty() {
                continue;
            }
            // Four bytes are the longest character.
            if line.len() > MESSAGE_CHARS * 4 {
                break;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if line.chars().count() > MESSAGE_CHARS {
            line = line.chars().take(MESSAGE_CHARS).collect();
            line.push('…');
        }
        line
    }
}

/// What a provider says in an error, wherever its protocol has it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    message: String,
    /// Its codes, types and reasons.
    codes: Vec<String>,
    /// A status in the body, where an error comes in the middle of an answer.
    status: Option<u16>,
    /// A time to wait in the body.
    wait: Option<Duration>,
}

/// The error for an answer with a status that is no success.
pub(super) fn refused(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    scrub: &Scrub,
) -> ProviderError {
    let said =
        serde_json::from_slice(body).map_or_else(|_| Said::default(), |body| Said::of(&body));
    let kind = said.kind(Some(status.as_u16()));
    let message = if said.message.is_empty() {
        match status.canonical_reason() {
            Some(reason) => format!("{} {reason}", status.as_u16()),
            None => format!("status {}", status.as_u16()),
        }
    } else {
        scrub.text(&said.message)
    };
    let wait = retry_after::wait(headers).or(said.wait);
    ProviderError::new(kind, message).with_retry_after(wait)
}

/// The error that a provider tells in the middle of an answer.
pub(super) fn told(error: &Value, scrub: &Scrub) -> ProviderError {
    let said = Said::of(error);
    let message = match (said.message.is_empty(), said.codes.first()) {
        (false, _) => scrub.text(&said.message),
        (true, Some(code)) => scrub.text(code),
        (true, None) => "the provider reported an error without a word".to_owned(),
    };
    ProviderError::new(said.kind(said.status), message).with_retry_after(said.wait)
}

/// The error for what nobody can read. What it was is not repeated: it may be a part of the conversation.
pub(super) fn unreadable(what: &str) -> ProviderError {
    ProviderError::new(
        ProviderErrorKind::Provider,
        format!("the provider sent what cannot be read: {what}"),
    )
}

/// The error for a stream that is over before the answer is.
pub(super) fn cut_off() -> ProviderError {
    ProviderError::new(
        ProviderErrorKind::Network,
        "the answer was cut off: the connection ended before the model had stopped",
    )
}

/// The error for more than is taken.
pub(super) fn too_much(what: &str, limit: u64) -> ProviderError {
    ProviderError::new(
        ProviderErrorKind::TooMuch,
        format!("the provider sent {what} of more than {limit} bytes"),
    )
}

impl Said {
    /// Reads an error object, or what is around one.
    fn of(body: &Value) -> Self {
        // Gemini wraps an error in a list when it was asked for a stream in another form.
        let body = match body {
            Value::Array(list) => list.first().unwrap_or(&Value::Null),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => body,
        };
        let error = body
            .get("error")
            .filter(|error| !error.is_null())
            .unwrap_or(body);
        let mut said = Self::default();
        if let Value::String(message) = error {
            said.message.clone_from(message);
        }
        for name in ["message", "detail", "error"] {
            if let Some(Value::String(message)) = error.get(name)
                && said.message.is_empty()
            {
                said.message.clone_from(message);
            }
        }
        for name in ["code", "type", "status"] {
            match error.get(name) {
                Some(Value::String(code)) => said.codes.push(code.clone()),
                Some(Value::Number(code)) => {
                    let code = code.as_u64().and_then(|code| u16::try_from(code).ok());
                    said.status = said
                        .status
                        .or(code.filter(|code| (400..600).contains(code)));
                }
                _ => {}
            }
        }
        for detail in error
            .get("details")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(Value::String(reason)) = detail.get("reason") {
                said.codes.push(reason.clone());
            }
            if let Some(Value::String(delay)) = detail.get("retryDelay") {
                said.wait = said
                    .wait
                    .or_else(|| retry_after::seconds(delay.trim_end_matches('s')));
            }
        }
        said
    }

    /// The kind of the error. A status is the least that is known; the words know better.
    fn kind(&self, status: Option<u16>) -> ProviderErrorKind {
        let words = self.words();
        let says = |list: &[&str]| list.iter().any(|known| words.contains(known));
        // Google says the same of a minute and of a month, but a time to wait only of what waiting helps against.
        if says(USED_UP) && self.wait.is_none() {
            return ProviderErrorKind::Refused;
        }
        if says(TOO_LONG) && !matches!(status, Some(401 | 403 | 429)) {
            return ProviderErrorKind::ContextLength;
        }
        if says(BAD_KEY) {
            return ProviderErrorKind::Auth;
        }
        match status {
            Some(status) => kind_of_status(status),
            None => self
                .codes
                .iter()
                .find_map(|code| kind_of_code(code))
                .unwrap_or(ProviderErrorKind::Provider),
        }
    }

    fn words(&self) -> String {
        let head: String = self.message.chars().take(MESSAGE_CHARS * 4).collect();
        format!("{head} {}", self.codes.join(" ")).to_lowercase()
    }
}

fn kind_of_status(status: u16) -> ProviderErrorKind {
    match status {
        401 | 403 => ProviderErrorKind::Auth,
        429 => ProviderErrorKind::RateLimit,
        408 | 425 | 500.. => ProviderErrorKind::Provider,
        _ => ProviderErrorKind::Refused,
    }
}

/// The kind of an error that has only a name: the types of Anthropic and OpenAI, the states of Google.
fn kind_of_code(code: &str) -> Option<ProviderErrorKind> {
    Some(match code {
        "authentication_error"
        | "permission_error"
        | "invalid_api_key"
        | "UNAUTHENTICATED"
        | "PERMISSION_DENIED" => ProviderErrorKind::Auth,
        "rate_limit_error" | "rate_limit_exceeded" | "RESOURCE_EXHAUSTED" => {
            ProviderErrorKind::RateLimit
        }
        "invalid_request_error"
        | "invalid_prompt"
        | "billing_error"
        | "not_found_error"
        | "model_not_found"
        | "request_too_large"
        | "INVALID_ARGUMENT"
        | "FAILED_PRECONDITION"
        | "NOT_FOUND" => ProviderErrorKind::Refused,
        "api_error" | "overloaded_error" | "server_error" | "timeout_error" | "UNAVAILABLE"
        | "INTERNAL" | "DEADLINE_EXCEEDED" => ProviderErrorKind::Provider,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
