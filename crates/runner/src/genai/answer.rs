//! One answer, from the library's events to ours: pieces of tool calls instead of ever longer ones, ids that no other
//! call has, limits, and an end only where the provider gave one. Pure. It must never know how the events came.

mod calls;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use genai::chat::{ChatStreamEvent, StopReason as Stopped, StreamEnd, Usage};

use self::calls::Calls;
use super::failure;
use super::watch::Noted;
use crate::provider::{AnswerEvent, AnswerLimits, Protocol, ProviderError, StopReason, TokenUsage};

/// How much of an unknown reason to stop is kept, in characters.
const REASON_CHARS: usize = 64;

/// What becomes of an answer while it comes.
#[derive(Debug)]
pub(super) struct Answer {
    protocol: Protocol,
    limit: usize,
    /// How many bytes of text and thoughts there are.
    said: usize,
    /// A signature that is still coming.
    signature: String,
    calls: Calls,
    events: VecDeque<AnswerEvent>,
}

impl Answer {
    /// Begins an answer. `known` are the ids of the calls that the conversation already has.
    pub(super) fn new(protocol: Protocol, limits: AnswerLimits, known: HashSet<Arc<str>>) -> Self {
        Self {
            protocol,
            limit: limits.answer_bytes,
            said: 0,
            signature: String::new(),
            calls: Calls::new(protocol, limits.tool_input_bytes, known),
            events: VecDeque::new(),
        }
    }

    /// What is to be told next.
    pub(super) fn next_event(&mut self) -> Option<AnswerEvent> {
        self.events.pop_front()
    }

    /// Takes an event of the library. Whether it was the last one.
    pub(super) fn take(
        &mut self,
        event: ChatStreamEvent,
        noted: &Noted,
    ) -> Result<bool, ProviderError> {
        match event {
            ChatStreamEvent::Start | ChatStreamEvent::Heartbeat => {}
            ChatStreamEvent::Chunk(chunk) => self.say(chunk.content, AnswerEvent::Text)?,
            ChatStreamEvent::ReasoningChunk(chunk) => {
                self.say(chunk.content, AnswerEvent::Reasoning)?;
            }
            ChatStreamEvent::ThoughtSignatureChunk(chunk) => {
                self.count(chunk.content.len())?;
                // Anthropic sends a signature in pieces, the others send each as a whole.
                if self.protocol != Protocol::Anthropic {
                    self.sign();
                }
                self.signature.push_str(&chunk.content);
            }
            ChatStreamEvent::ToolCallChunk(chunk) => {
                self.sign();
                let piece = self.calls.take(chunk.tool_call)?;
                self.events.extend(piece.map(AnswerEvent::ToolCall));
            }
            ChatStreamEvent::End(end) => {
                self.end(Some(end), noted)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends an answer whose stream is over without an end of the library's. What the frames said is enough, where
    /// they said why the model stopped; otherwise it was cut off.
    pub(super) fn finish(&mut self, noted: &Noted) -> Result<(), ProviderError> {
        self.end(None, noted)
    }

    fn end(&mut self, end: Option<StreamEnd>, noted: &Noted) -> Result<(), ProviderError> {
        let (usage, stopped, content) = match end {
            Some(end) => (
                end.captured_usage,
                end.captured_stop_reason,
                end.captured_content,
            ),
            None => (None, None, None),
        };
        // Our own note knows more where there is one: it has the reason why a response is incomplete.
        let stopped = noted
            .stop
            .clone()
            .map(Stopped::from)
            .or(stopped)
            .filter(|stopped| !stopped.raw().is_empty())
            .ok_or_else(failure::cut_off)?;
        self.sign();
        if self.protocol == Protocol::OpenAiResponses {
            let whole = content
                .into_iter()
                .flat_map(|content| content.into_tool_calls());
            for call in whole {
                let piece = self.calls.complete(call)?;
                self.events.extend(piece.map(AnswerEvent::ToolCall));
            }
        }
        let reason = self.reason(stopped)?;
        let usage = noted.usage.or(usage.as_ref().map(used)).unwrap_or_default();
        if usage != TokenUsage::default() {
            self.events.push_back(AnswerEvent::Usage(usage));
        }
        self.events.push_back(AnswerEvent::End(reason));
        Ok(())
    }

    /// Why the model stopped. Gemini and Ollama, and some who are compatible, say nothing about tools.
    fn reason(&self, stopped: Stopped) -> Result<StopReason, ProviderError> {
        let has_calls = !self.calls.is_empty();
        Ok(match stopped {
            Stopped::Completed(_) | Stopped::StopSequence(_) if has_calls => StopReason::ToolUse,
            Stopped::Completed(_) | Stopped::StopSequence(_) => StopReason::EndTurn,
            Stopped::ToolCall(_) if has_calls => StopReason::ToolUse,
            Stopped::ToolCall(_) => {
                return Err(failure::unreadable(
                    "the announcement of a tool call that did not come",
                ));
            }
            Stopped::MaxTokens(_) => StopReason::MaxTokens,
            Stopped::ContentFilter(_) => StopReason::ContentFilter,
            Stopped::Other(reason) => {
                StopReason::Other(reason.chars().take(REASON_CHARS).collect())
            }
        })
    }

    fn say(&mut self, text: String, event: fn(String) -> AnswerEvent) -> Result<(), ProviderError> {
        self.sign();
        if text.is_empty() {
            return Ok(());
        }
        self.count(text.len())?;
        self.events.push_back(event(text));
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), ProviderError> {
        self.said = self.said.saturating_add(bytes);
        if self.said > self.limit {
            return Err(failure::too_much("an answer", self.limit as u64));
        }
        Ok(())
    }

    /// Tells the signature that is complete now, with the name of who can read it: another provider would refuse the
    /// conversation because of it.
    fn sign(&mut self) {
        if !self.signature.is_empty() {
            let signature = format!("{}:{}", self.protocol, self.signature);
            self.signature.clear();
            self.events
                .push_back(AnswerEvent::ReasoningSignature(signature));
        }
    }
}

/// What the library counted: it has the cached tokens among the others.
fn used(usage: &Usage) -> TokenUsage {
    let count = |number: Option<i32>| number.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let details = usage.prompt_tokens_details.as_ref();
    let cache_read = count(details.and_then(|details| details.cached_tokens));
    let cache_write = count(details.and_then(|details| details.cache_creation_tokens));
    TokenUsage {
        input: count(usage.prompt_tokens).saturating_sub(cache_read + cache_write),
        output: count(usage.completion_tokens),
        cache_read,
        cache_write,
    }
}

#[cfg(test)]
mod tests;
