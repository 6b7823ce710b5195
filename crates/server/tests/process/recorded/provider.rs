//! The provider behind a recorded conversation: it does what prompts say, as the one that was recorded with, and keeps
//! titles back until they are wanted.

use runwright_runner::testing::{Gate, MODEL, Protocol, SMALL_MODEL, Script, ScriptedProvider};

pub(super) struct Provider {
    base_url: String,
    title: Gate,
    _scripted: ScriptedProvider,
}

impl Provider {
    pub(super) async fn start() -> Self {
        let scripted = ScriptedProvider::start().await;
        scripted.obey_prompts();
        let title = Gate::new();
        let script = Script::new().hold(&title).text("Title.").tokens(10, 1);
        let stop = runwright_runner::StopReason::EndTurn;
        scripted.small().script(script.stop(stop));
        Self {
            base_url: scripted.base_url(Protocol::OpenAi),
            title,
            _scripted: scripted,
        }
    }

    /// What a server is told that asks it. The limit is the recorded one.
    pub(super) fn flags(&self) -> Vec<&str> {
        let mut flags = vec!["--base-url", &self.base_url];
        flags.extend(["--model", MODEL, "--small-model", SMALL_MODEL]);
        flags.extend(["--max-output-tokens", "8000", "--retry-pause", "1"]);
        flags
    }

    pub(super) fn make_title(&self) {
        self.title.release();
    }
}
