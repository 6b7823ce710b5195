//! Says an answer word by word into one assistant message (contract 5.6). It must never know why it says it.

use std::time::Duration;

use runwright_agent::{Pace, RunContext, RunError, SessionChange, Spent};
use runwright_proto::{
    Finish, FinishReason, Message, MessageId, Part, Role, Text, TextPart, Usage,
};

use super::answer::Answer;
use super::{MODEL, PROVIDER};

/// One assistant message while it is being said.
pub(super) struct Speech<'a> {
    cx: &'a RunContext,
    message: Message,
    text: Text,
}

impl<'a> Speech<'a> {
    /// Begins a message, empty.
    pub(super) async fn begin(cx: &'a RunContext) -> Result<Self, RunError> {
        let now = cx.clock.now().seconds();
        let session = cx.call.session_id().clone();
        let mut message = Message::new(MessageId::generate(), session, Role::Assistant, now);
        message.model = MODEL.into();
        message.provider = PROVIDER.into();
        let run = Some(cx.call.run_id());
        cx.transcript.create_message(run, message.clone()).await?;
        Ok(Self {
            cx,
            message,
            text: Text::new(),
        })
    }

    /// Says the answer, and finishes the message if this step `ends_well`. A message that is left open, also by an
    /// error, is finished by whoever runs the runner.
    pub(super) async fn say(mut self, answer: &Answer, ends_well: bool) -> Result<Usage, RunError> {
        let transcript = &self.cx.transcript;
        for word in &answer.words {
            self.pause(answer.delay).await?;
            self.text.push_str(word);
            self.show();
            transcript
                .update_message(self.message.clone(), Pace::Streamed)
                .await?;
        }
        if !ends_well {
            return Ok(Usage::default());
        }
        let usage = self.spend(answer).await?;
        self.show();
        self.message.parts.push(Part::Finish(Finish {
            reason: FinishReason::EndTurn,
            time: self.cx.clock.now().seconds(),
            ..Finish::default()
        }));
        transcript.update_message(self.message, Pace::Now).await?;
        Ok(usage)
    }

    /// Waits before the next word, and hears when it is asked to stop.
    async fn pause(&self, delay: Duration) -> Result<(), RunError> {
        if self.cx.cancel.is_cancelled() {
            return Err(RunError::Cancelled);
        }
        if delay.is_zero() {
            // So that a long answer does not keep its thread from others.
            tokio::task::yield_now().await;
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => Ok(()),
            _ = self.cx.cancel.cancelled() => Err(RunError::Cancelled),
        }
    }

    /// Puts a snapshot of the text so far into the message; it shares the text.
    fn show(&mut self) {
        self.message.parts = vec![Part::Text(TextPart {
            text: self.text.clone(),
        })];
    }

    /// Accounts for the step: a word counts as a token, and nothing costs anything.
    async fn spend(&self, answer: &Answer) -> Result<Usage, RunError> {
        let prompt_tokens = self.cx.call.prompt().split_whitespace().count() as u64;
        let completion_tokens = answer.words.len() as u64;
        let spent = Spent {
            prompt_tokens,
            completion_tokens,
            cost: 0.0,
        };
        let change = SessionChange {
            spent: Some(spent),
            ..SessionChange::default()
        };
        self.cx
            .transcript
            .change_session(self.cx.call.session_id(), change)
            .await?;
        Ok(Usage {
            input_tokens: prompt_tokens,
            output_tokens: completion_tokens,
            ..Usage::default()
        })
    }
}
