//! The protocols: which there are, and how each frames the pieces of an answer. It must never know a socket, a clock or
//! a script; everything here is text in, text out.

mod anthropic;
mod gemini;
mod ollama;
mod openai;
mod responses;
mod whole;

pub(super) use self::whole::Whole;
use super::failure::{Kind, Said};
use super::script::Piece;
use super::{Failure, Usage};

/// When everything was made, in the protocols that say so.
const CREATED: u64 = 1_700_000_000;
const CREATED_AT: &str = "2023-11-14T22:13:20Z";
const JSON: &str = "application/json";

/// A protocol that the provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Chat completions, of OpenAI and of everything compatible with it.
    OpenAi,
    /// OpenAI's Responses.
    OpenAiResponses,
    /// Anthropic's Messages.
    Anthropic,
    /// Gemini's `generateContent`.
    Gemini,
    /// Ollama's own `/api/chat`.
    Ollama,
}

/// What an answer says of itself in its frames.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) model: String,
    pub(super) usage: Option<Usage>,
    /// Whether the request asked for the usage, where it has to.
    pub(super) include_usage: bool,
}

/// One answer in the frames of its protocol.
pub(super) trait Framing: Send {
    /// Frames a piece. Empty when the protocol has no frame for it.
    fn frame(&mut self, piece: &Piece) -> String;

    /// Frames an error inside the answer.
    fn error(&mut self, failure: &Failure) -> String;

    /// A frame that looks right and holds no JSON.
    fn garbage(&self) -> String;
}

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: String,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::OpenAi,
        Self::OpenAiResponses,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
    ];

    /// The path under which the vendor serves it.
    pub(super) fn base_path(self) -> &'static str {
        match self {
            Self::OpenAi | Self::OpenAiResponses | Self::Anthropic => "/v1",
            Self::Gemini => "/v1beta",
            Self::Ollama => "",
        }
    }

    pub(super) fn stream_type(self) -> &'static str {
        match self {
            Self::OpenAi | Self::OpenAiResponses | Self::Anthropic => {
                "text/event-stream; charset=utf-8"
            }
            Self::Gemini => "text/event-stream",
            Self::Ollama => "application/x-ndjson",
        }
    }

    pub(super) fn framing(self, about: About) -> Box<dyn Framing> {
        match self {
            Self::OpenAi => Box::new(openai::Chat::new(about)),
            Self::OpenAiResponses => Box::new(responses::Response::new(about)),
            Self::Anthropic => Box::new(anthropic::Message::new(about)),
            Self::Gemini => Box::new(gemini::Candidate::new(about)),
            Self::Ollama => Box::new(ollama::Chat::new(about)),
        }
    }

    /// An answer that is not streamed.
    pub(super) fn whole(self, about: &About, whole: &Whole) -> String {
        match self {
            Self::OpenAi => openai::whole(about, whole),
            Self::OpenAiResponses => responses::whole(about, whole),
            Self::Anthropic => anthropic::whole(about, whole),
            Self::Gemini => gemini::whole(about, whole),
            Self::Ollama => ollama::whole(about, whole),
        }
    }

    /// The list of models.
    pub(super) fn models(self, models: &[String]) -> String {
        match self {
            Self::OpenAi | Self::OpenAiResponses => openai::models(models),
            Self::Anthropic => anthropic::models(models),
            Self::Gemini => gemini::models(models),
            Self::Ollama => ollama::models(models),
        }
    }

    /// An error response.
    pub(super) fn refuse(self, failure: &Failure, model: &str) -> Refusal {
        match &failure.said {
            Said::Kind(kind) => {
                let (status, body) = self.refusal(kind, model);
                Refusal {
                    status,
                    content_type: JSON.to_owned(),
                    body,
                }
            }
            Said::Body {
                status,
                content_type,
                body,
            } => Refusal {
                status: *status,
                content_type: content_type.clone(),
                body: body.clone(),
            },
        }
    }

    fn refusal(self, kind: &Kind, model: &str) -> (u16, String) {
        match self {
            Self::OpenAi => openai::refusal(kind, model, "messages"),
            Self::OpenAiResponses => openai::refusal(kind, model, "input"),
            Self::Anthropic => anthropic::refusal(kind, model),
            Self::Gemini => gemini::refusal(kind, model),
            Self::Ollama => ollama::refusal(kind, model),
        }
    }
}

/// The JSON string of a text.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("invariant: any text is a JSON string")
}

/// One server-sent event that has a name.
fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// The JSON of the arguments of a call that is sent whole. No arguments are an empty object; what is no JSON stays as
/// it is, and so spoils its frame.
fn arguments(input: &str) -> &str {
    if input.is_empty() { "{}" } else { input }
}

/// JSON values, joined.
fn list(values: impl IntoIterator<Item = String>) -> String {
    values.into_iter().collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
