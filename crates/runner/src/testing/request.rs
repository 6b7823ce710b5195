//! A request as it was received, and what can be read from it without knowing more than its path. It must never know
//! what is answered.

use serde_json::Value;
use tokio::time::Instant;

use super::Protocol;

/// A request as it was received.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, if there is one.
    pub query: Option<String>,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body. `null` when there is none, or when it is not JSON.
    pub body: Value,
    /// When the last byte had come.
    pub arrived: Instant,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Answer { protocol: Protocol, streamed: bool },
    Models(Protocol),
    Unknown,
}

impl Request {
    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self
            .headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    /// The model that was asked for: in the body, or in Gemini's path.
    #[must_use]
    pub fn model(&self) -> &str {
        let in_path = || {
            let (_, model) = self.path.rsplit_once("/models/")?;
            Some(model.split(':').next().unwrap_or(model))
        };
        let in_body = self.body.get("model").and_then(Value::as_str);
        in_body.or_else(in_path).unwrap_or_default()
    }

    /// What the user said last: the text of the last message of the user that has any.
    #[must_use]
    pub fn last_user_text(&self) -> String {
        let lists = ["messages", "input", "contents"];
        let said = lists.iter().find_map(|name| self.body.get(name));
        let mut texts = match said {
            Some(Value::String(text)) => return text.clone(),
            Some(Value::Array(messages)) => messages
                .iter()
                .rev()
                .filter(|message| message["role"] == "user")
                .map(text_of),
            _ => return String::new(),
        };
        texts.find(|text| !text.is_empty()).unwrap_or_default()
    }

    pub(super) fn ask(&self) -> Ask {
        let path = self.path.as_str();
        if path.contains("//") {
            return Ask::Unknown;
        }
        match self.method.as_str() {
            "GET" if path.ends_with("/api/tags") => Ask::Models(Protocol::Ollama),
            "GET" if path.ends_with("/models") => Ask::Models(self.vendor()),
            "POST" => self.answer(path),
            _ => Ask::Unknown,
        }
    }

    fn answer(&self, path: &str) -> Ask {
        let streamed = |by_default| self.body["stream"].as_bool().unwrap_or(by_default);
        let (protocol, streamed) = if path.ends_with("/chat/completions") {
            (Protocol::OpenAi, streamed(false))
        } else if path.ends_with("/responses") {
            (Protocol::OpenAiResponses, streamed(false))
        } else if path.ends_with("/messages") {
            (Protocol::Anthropic, streamed(false))
        } else if path.ends_with("/api/chat") {
            (Protocol::Ollama, streamed(true))
        } else if path.contains("/models/") && path.ends_with(":generateContent") {
            (Protocol::Gemini, false)
        } else if path.contains("/models/") && path.ends_with(":streamGenerateContent") {
            // Without `alt=sse` Gemini streams one JSON array, which nobody here asks for.
            match &self.query {
                Some(query) if query.split('&').any(|pair| pair == "alt=sse") => {
                    (Protocol::Gemini, true)
                }
                _ => return Ask::Unknown,
            }
        } else {
            return Ask::Unknown;
        };
        Ask::Answer { protocol, streamed }
    }

    /// Whose list of models is asked for, when three vendors have it at the same path.
    fn vendor(&self) -> Protocol {
        if self.header("anthropic-version").is_some() {
            Protocol::Anthropic
        } else if self.header("x-goog-api-key").is_some() || self.path.contains("/v1beta/") {
            Protocol::Gemini
        } else {
            Protocol::OpenAi
        }
    }
}

/// The text of a message: a string, or the `text` of its parts.
fn text_of(message: &Value) -> String {
    match message.get("content").or_else(|| message.get("parts")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
