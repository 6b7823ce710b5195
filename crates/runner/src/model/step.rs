//! One step of a turn: a request, made again while that helps, and the assistant message that it becomes (contract
//! 5.6). It must never know how many steps a turn has.

use runwright_agent::{Pace, RunContext, RunError, SessionChange, TranscriptError};
use runwright_proto::{FinishReason, Message, MessageId, Role, Session};

use super::ModelRunner;
use super::attempt::{Attempt, attempt};
use super::cost::{Spending, spent};
use super::draft::{CompleteCall, Draft};
use super::history::{Reader, conversation};
use super::{instructions, session_title, tools};
use crate::provider::{
    AssistantPart, ModelRequest, ProviderError, RequestMessage, StopReason, UserPart,
};

/// The longest reason of a provider's own that is passed on, in characters.
const REASON_CHARS: usize = 100;

/// What a step came to.
pub(super) enum Stepped {
    /// The model has said what it had to say.
    Ended {
        /// Why it stopped, where that is worth telling.
        reason: Option<String>,
    },
    /// The model called tools and wants to read what they gave back.
    CalledTools,
}

impl ModelRunner {
    /// Takes one step. `prompts` is how many prompts began the turn, in its first step.
    pub(super) async fn step(
        &self,
        cx: &RunContext,
        prompts: Option<usize>,
        spending: &mut Spending,
    ) -> Result<Stepped, RunError> {
        let history = cx.transcript.messages(cx.call.session_id()).await?;
        let session = cx.transcript.session(cx.call.session_id()).await?;
        let request = self.request(cx, &history, session.as_ref());
        let mut draft = Draft::new(self.begin_message(cx).await?);
        if let (Some(prompts), Some(session)) = (prompts, &session)
            && session_title::is_wanted(session, &history, prompts)
        {
            session_title::ask_for(self, cx);
        }
        let asked = size_of(&request);
        let reason = self.answer(cx, request, &mut draft, spending).await?;
        self.close(cx, draft, reason, asked, spending).await
    }

    fn request(
        &self,
        cx: &RunContext,
        history: &[Message],
        session: Option<&Session>,
    ) -> ModelRequest {
        let model = &self.options.large;
        let summary = session.and_then(|session| session.summary_message_id.as_ref());
        let reader = Reader {
            provider: self.provider.name(),
            model,
        };
        ModelRequest {
            model: model.id.as_str().into(),
            system: instructions::of_workspace(&cx.workspace.path),
            messages: conversation(history, summary, reader),
            max_output_tokens: model.max_output_tokens,
            cache_key: Some(cx.call.session_id().to_string()),
        }
    }

    /// Begins the assistant message, empty.
    async fn begin_message(&self, cx: &RunContext) -> Result<Message, TranscriptError> {
        let now = cx.clock.now().seconds();
        let session = cx.call.session_id().clone();
        let mut message = Message::new(MessageId::generate(), session, Role::Assistant, now);
        message.model = self.options.large.id.as_str().into();
        message.provider = self.provider.name().into();
        let run = Some(cx.call.run_id());
        cx.transcript.create_message(run, message.clone()).await?;
        Ok(message)
    }

    /// Asks until there is an answer, or none is to be had. What a failed request had streamed is withdrawn before the
    /// next one, so that nobody reads it twice; that of the last one stays.
    async fn answer(
        &self,
        cx: &RunContext,
        request: ModelRequest,
        draft: &mut Draft,
        spending: &mut Spending,
    ) -> Result<StopReason, RunError> {
        let mut failures = 0;
        loop {
            let answer = self.provider.answer(request.clone());
            let error = match attempt(cx, answer, draft, self.options.time_limits).await? {
                Attempt::Answered(reason) => return Ok(reason),
                Attempt::Cancelled => return Err(RunError::Cancelled),
                Attempt::Failed(error) => error,
            };
            let cost = spending.add(draft.usage(), self.options.large.prices);
            failures += 1;
            let pause = self.options.retry.pause(failures, &error, fastrand::f64());
            let kind = error.kind;
            tracing::info!(
                ?kind,
                failures,
                ?pause,
                "a request to the model provider failed"
            );
            let Some(pause) = pause else {
                self.account(cx, cost).await?;
                return Err(failed(error, failures));
            };
            tokio::select! {
                _reason = cx.cancel.cancelled() => return Err(RunError::Cancelled),
                () = tokio::time::sleep(pause) => {}
            }
            draft.withdraw();
            cx.transcript
                .update_message(draft.message(), Pace::Now)
                .await?;
            self.account(cx, cost).await?;
        }
    }

    /// Adds what a failed request cost, if anybody knows.
    async fn account(&self, cx: &RunContext, cost: f64) -> Result<(), TranscriptError> {
        if cost > 0.0 {
            let change = SessionChange {
                spent: Some(runwright_agent::Spent {
                    cost,
                    ..runwright_agent::Spent::default()
                }),
                ..SessionChange::default()
            };
            cx.transcript
                .change_session(cx.call.session_id(), change)
                .await?;
        }
        Ok(())
    }

    /// Ends the message: answers its tool calls, accounts for the step, and says why the model stopped, in this order
    /// (contract 5.6).
    async fn close(
        &self,
        cx: &RunContext,
        mut draft: Draft,
        reason: StopReason,
        asked: usize,
        spending: &mut Spending,
    ) -> Result<Stepped, RunError> {
        let calls = draft.complete_calls();
        if !calls.is_empty() {
            cx.transcript
                .update_message(draft.message(), Pace::Now)
                .await?;
            refuse(cx, &calls, &draft.message()).await?;
        }
        let cost = spending.add(draft.usage(), self.options.large.prices);
        let change = SessionChange {
            spent: Some(spent(draft.usage(), cost, asked, draft.said())),
            ..SessionChange::default()
        };
        cx.transcript
            .change_session(cx.call.session_id(), change)
            .await?;
        let goes_on =
            !calls.is_empty() && matches!(reason, StopReason::EndTurn | StopReason::ToolUse);
        let finish = if goes_on {
            FinishReason::ToolUse
        } else {
            finish_reason(&reason)
        };
        draft.finish(finish, cx.clock.now().seconds());
        cx.transcript
            .update_message(draft.message(), Pace::Now)
            .await?;
        Ok(if goes_on {
            Stepped::CalledTools
        } else {
            Stepped::Ended {
                reason: worth_telling(reason),
            }
        })
    }
}

async fn refuse(
    cx: &RunContext,
    calls: &[CompleteCall],
    answer: &Message,
) -> Result<(), TranscriptError> {
    for call in calls {
        let result = tools::refused(call, answer, cx.clock.now().seconds());
        cx.transcript
            .create_message(Some(cx.call.run_id()), result)
            .await?;
    }
    Ok(())
}

fn finish_reason(reason: &StopReason) -> FinishReason {
    match reason {
        // Without a call there is nothing to wait for.
        StopReason::EndTurn | StopReason::ToolUse => FinishReason::EndTurn,
        StopReason::MaxTokens => FinishReason::MaxTokens,
        StopReason::ContentFilter => FinishReason::ContentFilter,
        StopReason::Other(_) => FinishReason::Unknown,
    }
}

fn worth_telling(reason: StopReason) -> Option<String> {
    match reason {
        StopReason::EndTurn | StopReason::ToolUse => None,
        StopReason::MaxTokens => Some("max_tokens".to_owned()),
        StopReason::ContentFilter => Some("content_filter".to_owned()),
        StopReason::Other(word) => Some(word.chars().take(REASON_CHARS).collect()),
    }
}

/// What people read of a request that failed for good.
fn failed(error: ProviderError, tries: u32) -> RunError {
    let title = error.kind.title();
    if tries == 1 {
        RunError::failed(title, error.message)
    } else {
        RunError::failed(title, format!("{} (tried {tries} times)", error.message))
    }
}

/// How much a model is given to read, in bytes, for an estimate of its tokens.
fn size_of(request: &ModelRequest) -> usize {
    let of_message = |message: &RequestMessage| -> usize {
        match message {
            RequestMessage::User(parts) => parts.iter().map(size_of_user_part).sum(),
            RequestMessage::Assistant(parts) => parts.iter().map(size_of_assistant_part).sum(),
            RequestMessage::Tools(answers) => {
                answers.iter().map(|answer| answer.content.len()).sum()
            }
        }
    };
    request.system.len() + request.messages.iter().map(of_message).sum::<usize>()
}

fn size_of_user_part(part: &UserPart) -> usize {
    match part {
        UserPart::Text(text) => text.len(),
        UserPart::Image { .. } => 0,
    }
}

fn size_of_assistant_part(part: &AssistantPart) -> usize {
    match part {
        AssistantPart::Text(text) | AssistantPart::Reasoning { text, .. } => text.len(),
        AssistantPart::ToolCall { name, input, .. } => name.len() + input.len(),
    }
}
