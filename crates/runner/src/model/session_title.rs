//! Asks the small model for the title of a session, beside its first turn (contract 5.9). It must never delay that turn.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use runwright_agent::{RunContext, SessionChange, Spent, Transcript};
use runwright_proto::{Message, Role, Session, SessionId};
use tokio::time::timeout;

use super::{ModelRunner, ModelSpec, instructions};
use crate::provider::{
    AnswerEvent, ModelRequest, ProviderError, ProviderErrorKind, RequestMessage, UserPart,
};
use crate::title;

/// How long a model may take for a title.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of a prompt a title is made of, in characters.
const PROMPT_CHARS: usize = 2_000;

/// How many tokens a title may have: it needs a dozen, and a model that reasons thinks first.
const MOST_TOKENS: u32 = 400;

/// How much of an answer is read, in bytes.
const MOST_BYTES: usize = 8 * 1_024;

/// Whether the session gets its title now: it works for no other, and nothing was said in it before the prompts that
/// began this turn.
pub(super) fn is_wanted(session: &Session, history: &[Message], prompts: usize) -> bool {
    let said = history.iter().filter(|message| message.role == Role::User);
    session.parent_session_id.is_none() && said.count() <= prompts
}

/// Asks for a title and sets it, as work that outlives the turn.
pub(super) fn ask_for(runner: &ModelRunner, cx: &RunContext) {
    let (runner, session) = (runner.clone(), cx.call.session_id().clone());
    let prompt = cx.call.prompt().to_owned();
    cx.background.spawn(Box::new(move |transcript| {
        Box::pin(async move { runner.name_session(&session, &prompt, transcript).await })
    }));
}

impl ModelRunner {
    async fn name_session(
        &self,
        session: &SessionId,
        prompt: &str,
        transcript: Arc<dyn Transcript>,
    ) {
        let (answered, cost) = self.title_and_cost(prompt).await;
        let spent = (cost > 0.0).then(|| Spent {
            cost,
            ..Spent::default()
        });
        let change = SessionChange {
            title: Some(answered.unwrap_or_else(|| title::of_prompt(prompt))),
            spent,
            ..SessionChange::default()
        };
        if let Err(error) = transcript.change_session(session, change).await {
            let error = &error as &dyn std::error::Error;
            tracing::info!(error, "a session keeps the title that it has");
        }
    }

    /// The title, if one of the models gives one, and what all of it cost.
    async fn title_and_cost(&self, prompt: &str) -> (Option<String>, f64) {
        let (small, large) = (&self.options.small, &self.options.large);
        let mut cost = 0.0;
        for model in [Some(small), (small.id != large.id).then_some(large)] {
            let Some(model) = model else { continue };
            let asked = timeout(PATIENCE, self.ask_for_title(model, prompt, &mut cost)).await;
            let failed = match asked {
                Ok(Ok(Some(title))) => return (Some(title), cost),
                Ok(Ok(None)) => "it said nothing".to_owned(),
                Ok(Err(error)) => format!("{:?}", error.kind),
                Err(_late) => "it took too long".to_owned(),
            };
            tracing::info!(model = model.id, failed, "a model gave no title");
        }
        (None, cost)
    }

    async fn ask_for_title(
        &self,
        model: &ModelSpec,
        prompt: &str,
        cost: &mut f64,
    ) -> Result<Option<String>, ProviderError> {
        let prompt: String = prompt.chars().take(PROMPT_CHARS).collect();
        let said = if prompt.trim().is_empty() {
            "(a file)".to_owned()
        } else {
            prompt
        };
        let mut answer = self.provider.answer(ModelRequest {
            model: model.id.as_str().into(),
            system: instructions::FOR_A_TITLE.to_owned(),
            messages: vec![RequestMessage::User(vec![UserPart::Text(said)])],
            max_output_tokens: Some(MOST_TOKENS),
            cache_key: None,
        });
        let (mut text, mut used) = (String::new(), 0.0);
        while let Some(event) = answer.next().await {
            match event? {
                AnswerEvent::Text(piece) if text.len() + piece.len() <= MOST_BYTES => {
                    text.push_str(&piece)
                }
                AnswerEvent::Text(_) => break,
                AnswerEvent::Usage(usage) => used = model.prices.cost(usage),
                AnswerEvent::End(_) => {
                    *cost += used;
                    return Ok(title::of_answer(&text));
                }
                AnswerEvent::Reasoning(_)
                | AnswerEvent::ReasoningSignature(_)
                | AnswerEvent::ToolCall(_) => {}
            }
        }
        *cost += used;
        let message = "the title was cut off";
        Err(ProviderError::new(ProviderErrorKind::Network, message))
    }
}
