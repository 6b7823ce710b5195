//! The binary with a real model behind it, which here is a scripted provider on a socket of this machine: what clients
//! see of an answer, of a provider that fails, of a cancel and of a restart; what is told of the configuration; and what
//! is never told.

mod answers;
mod cancels;
mod commands;
mod secrets;

use runwright_runner::testing::{MODEL, Protocol, SMALL_MODEL, ScriptedProvider};
use serde_json::Value;

use crate::server::{Server, Start};

/// A provider, and a server that asks it.
struct Stage {
    provider: ScriptedProvider,
    server: Server,
}

impl Stage {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these flags, besides the two that are enough. Failed requests are made again at once.
    async fn with(flags: &[&str]) -> Self {
        let provider = ScriptedProvider::start().await;
        let server = Server::start_with(&Start {
            flags: &[&["--retry-pause", "0"], flags].concat(),
            env: &settings(&provider.base_url(Protocol::OpenAi)),
            ..Start::default()
        });
        Self { provider, server }
    }
}

/// The two variables of the README, and one so that a title does not take the script of a turn.
fn settings(base_url: &str) -> [(&str, &str); 3] {
    [
        ("RUNWRIGHT_BASE_URL", base_url),
        ("RUNWRIGHT_MODEL", MODEL),
        ("RUNWRIGHT_SMALL_MODEL", SMALL_MODEL),
    ]
}

/// Whether the event is a state of an answer with this text.
fn says(text: &str) -> impl Fn(&Value) -> bool {
    move |event| {
        let payload = &event["payload"]["payload"];
        payload["role"] == "assistant" && text_of(payload) == text
    }
}

fn text_of(message: &Value) -> String {
    let parts = message["parts"].as_array().into_iter().flatten();
    parts
        .filter_map(|part| part["data"]["text"].as_str())
        .collect()
}
