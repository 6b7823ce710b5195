//! The model that answers when no provider is configured: deterministic, without a network. It decides what to say in
//! `answer.rs` and says it word by word in `speech.rs`.

mod answer;
mod directives;
mod files;
mod speech;

use async_trait::async_trait;
use runwright_agent::{RunContext, RunError, RunOutcome, Runner, RunnerModel, SessionChange};
use runwright_proto::{CatwalkModel, SelectedModel};

use self::answer::{Answer, Ending};
use self::directives::Directives;
use self::speech::Speech;
use crate::title;

/// The name under which the model and its provider appear in messages.
const MODEL: &str = "offline";
const PROVIDER: &str = "runwright";

/// The agent for a machine without a model provider.
///
/// It answers questions about the workspace (which files, what is in one, how many lines), and understands directives
/// in a prompt, so that everybody can watch a run at work:
///
/// | directive | what it does |
/// |---|---|
/// | `[[say N]]` | says N words |
/// | `[[delay MS]]` | waits so many milliseconds before each word |
/// | `[[steps N]]` | works in N steps, each a message of its own; prompts that steer are taken in between them |
/// | `[[fail TEXT]]` | fails with this text after it has said what it was to say |
/// | `[[panic]]` | panics then |
/// | `[[hang]]` | hangs then, and does not hear when it is asked to stop |
#[derive(Debug, Clone, Default)]
pub struct OfflineModel {}

impl OfflineModel {
    /// Makes the model.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

#[async_trait]
impl Runner for OfflineModel {
    fn model(&self) -> RunnerModel {
        RunnerModel {
            model: CatwalkModel {
                id: MODEL.into(),
                name: "Offline model (no provider is configured)".into(),
                context_window: 200_000,
                default_max_tokens: 8_000,
                ..CatwalkModel::default()
            },
            config: SelectedModel {
                model: MODEL.into(),
                provider: PROVIDER.into(),
                ..SelectedModel::default()
            },
        }
    }

    async fn run(&self, cx: RunContext) -> Result<RunOutcome, RunError> {
        let directives = Directives::of(cx.call.prompt());
        let answer = Answer::to(&cx, &directives).await;
        let mut usage = None;
        for step in 1..=answer.steps {
            cx.steering.fold().await?;
            let speech = Speech::begin(&cx).await?;
            if step == 1 {
                give_title(&cx, &directives).await?;
            }
            let ends_well = step < answer.steps || answer.ending == Ending::Well;
            usage = Some(speech.say(&answer, ends_well).await?);
        }
        match answer.ending {
            Ending::Well => Ok(RunOutcome {
                usage,
                reason: None,
            }),
            Ending::Fail(text) => Err(RunError::failed("Offline model failure", text)),
            Ending::Panic => panic!("the prompt asked for a panic"),
            Ending::Hang => std::future::pending().await,
        }
    }
}

/// Names a session after its first prompt.
async fn give_title(cx: &RunContext, directives: &Directives) -> Result<(), RunError> {
    let said = cx
        .transcript
        .user_messages(Some(cx.call.session_id()))
        .await?;
    if said.len() > 1 {
        return Ok(());
    }
    let words = if directives.rest.is_empty() {
        cx.call.prompt()
    } else {
        &directives.rest
    };
    let change = SessionChange {
        title: Some(title::of_prompt(words)),
        ..SessionChange::default()
    };
    cx.transcript
        .change_session(cx.call.session_id(), change)
        .await?;
    Ok(())
}
