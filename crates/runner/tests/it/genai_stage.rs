//! What the tests of the adapter share: the scripted provider in each protocol, an adapter that asks it, and an answer
//! put together.

use std::time::Duration;

use futures_util::StreamExt;
use runwright_proto::Secret;
use runwright_runner::testing::{self, Script, ScriptedProvider};
use runwright_runner::{
    AnswerEvent, AnswerLimits, AnswerStream, GenaiProvider, ModelRequest, Protocol, Provider,
    ProviderError, ProviderSettings, RequestMessage, UserPart,
};

/// The key of all requests.
pub(crate) const KEY: &str = "sk-sentinel-key";

/// A protocol as it is configured, and where the scripted provider speaks it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) protocol: Protocol,
    pub(crate) spoken: testing::Protocol,
    /// Another base path than the vendor's.
    path: Option<&'static str>,
}

/// All protocols, and chat completions once more under another path.
pub(crate) const CASES: [Case; 6] = [
    case(Protocol::OpenAi, testing::Protocol::OpenAi),
    case(
        Protocol::OpenAiResponses,
        testing::Protocol::OpenAiResponses,
    ),
    case(Protocol::Anthropic, testing::Protocol::Anthropic),
    case(Protocol::Gemini, testing::Protocol::Gemini),
    case(Protocol::Ollama, testing::Protocol::Ollama),
    Case {
        protocol: Protocol::OpenAiCompat,
        spoken: testing::Protocol::OpenAi,
        path: Some("/gateway/llm"),
    },
];

const fn case(protocol: Protocol, spoken: testing::Protocol) -> Case {
    Case {
        protocol,
        spoken,
        path: None,
    }
}

/// A scripted provider and an adapter that asks it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) server: ScriptedProvider,
    pub(crate) provider: GenaiProvider,
}

/// What an answer came to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) events: Vec<AnswerEvent>,
    pub(crate) error: Option<ProviderError>,
}

impl Case {
    pub(crate) async fn stage(self) -> Stage {
        self.stage_with(AnswerLimits::default()).await
    }

    pub(crate) async fn stage_with(self, limits: AnswerLimits) -> Stage {
        let server = ScriptedProvider::start().await;
        let base_url = match self.path {
            Some(path) => server.url(path),
            None => server.base_url(self.spoken),
        };
        let provider = provider(self.protocol, &base_url, limits);
        Stage { server, provider }
    }

    /// What an answer comes to that the provider gives in this way.
    pub(crate) async fn told(self, script: Script) -> Told {
        let stage = self.stage().await;
        stage.server.script(script);
        stage.told().await
    }
}

impl Stage {
    pub(crate) fn ask(&self) -> AnswerStream {
        self.provider.answer(asking("hi"))
    }

    pub(crate) async fn told(&self) -> Told {
        told(self.ask()).await
    }
}

impl Told {
    /// The text, put together.
    pub(crate) fn text(&self) -> String {
        let text = |event: &AnswerEvent| {
            let AnswerEvent::Text(text) = event else {
                return None;
            };
            Some(text.clone())
        };
        self.events.iter().filter_map(text).collect()
    }

    /// The tool calls, put together: id, name, input.
    pub(crate) fn calls(&self) -> Vec<(String, String, String)> {
        let mut calls: Vec<(String, String, String)> = Vec::new();
        for event in &self.events {
            let AnswerEvent::ToolCall(piece) = event else {
                continue;
            };
            match calls.iter_mut().find(|(id, _, _)| *id == piece.id) {
                Some((_, name, input)) => {
                    assert_eq!(*name, piece.name);
                    input.push_str(&piece.input);
                }
                None => calls.push((piece.id.clone(), piece.name.clone(), piece.input.clone())),
            }
        }
        calls
    }

    /// The error, if there was one.
    pub(crate) fn error(&self) -> &ProviderError {
        self.error.as_ref().unwrap()
    }
}

/// An adapter.
pub(crate) fn provider(protocol: Protocol, base_url: &str, limits: AnswerLimits) -> GenaiProvider {
    GenaiProvider::new(ProviderSettings {
        limits,
        ..settings(protocol, base_url)
    })
    .unwrap()
}

/// The settings of an adapter.
pub(crate) fn settings(protocol: Protocol, base_url: &str) -> ProviderSettings {
    ProviderSettings {
        protocol,
        base_url: Some(base_url.to_owned()),
        api_key: Some(Secret::from(KEY.to_owned())),
        connect_timeout: Duration::from_secs(10),
        limits: AnswerLimits::default(),
    }
}

/// A request with one prompt.
pub(crate) fn asking(prompt: &str) -> ModelRequest {
    ModelRequest {
        model: testing::MODEL.into(),
        messages: vec![RequestMessage::User(vec![UserPart::Text(
            prompt.to_owned(),
        )])],
        ..ModelRequest::default()
    }
}

/// Reads an answer to its end, and makes sure that it has only one.
pub(crate) async fn told(mut answer: AnswerStream) -> Told {
    let mut told = Told::default();
    while let Some(next) = answer.next().await {
        assert_eq!(told.error, None, "something came after an error");
        assert!(
            !matches!(told.events.last(), Some(AnswerEvent::End(_))),
            "something came after the end"
        );
        match next {
            Ok(event) => told.events.push(event),
            Err(error) => told.error = Some(error),
        }
    }
    let has_ended = matches!(told.events.last(), Some(AnswerEvent::End(_)));
    assert!(has_ended != told.error.is_some(), "{told:?}");
    told
}
