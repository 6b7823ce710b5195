//! An assistant message while a provider streams it: pieces go in, the parts of the contract come out (5.6). Pure; it
//! must never know when the message is shown to anybody.

use std::sync::Arc;

use runwright_proto::{Finish, FinishReason, Message, Part, Reasoning, Text, TextPart, ToolCall};

use crate::provider::{AnswerEvent, StopReason, TokenUsage, ToolCallPiece};

/// An answer that is being written.
pub(super) struct Draft {
    message: Message,
    /// The input of the calls so far, in the order of their parts; a part shows it once it is complete.
    calls: Vec<(Arc<str>, String)>,
    usage: Option<TokenUsage>,
    /// How much was said, in bytes, for an estimate of its tokens.
    said: usize,
}

/// What a piece of an answer did to the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taken {
    /// There is more to be seen.
    Shown,
    /// Nothing that anybody sees.
    Silent,
    /// The answer is complete.
    Ended(StopReason),
}

/// A tool call with its whole input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CompleteCall {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    /// Whether the input was the text of a JSON object; it is an empty one now if it was not.
    pub(super) is_valid: bool,
}

impl Draft {
    /// Begins with a message without parts.
    pub(super) fn new(message: Message) -> Self {
        Self {
            message,
            calls: Vec::new(),
            usage: None,
            said: 0,
        }
    }

    /// The message as it is; it shares its text with the draft.
    pub(super) fn message(&self) -> Message {
        self.message.clone()
    }

    /// What the provider said that the answer used.
    pub(super) fn usage(&self) -> Option<TokenUsage> {
        self.usage
    }

    /// How much was said, in bytes.
    pub(super) fn said(&self) -> usize {
        self.said
    }

    /// Takes in a piece at this time, in Unix seconds.
    pub(super) fn take(&mut self, event: AnswerEvent, now: i64) -> Taken {
        match event {
            AnswerEvent::Text(piece) => self.text(&piece, now),
            AnswerEvent::Reasoning(piece) => self.reasoning(&piece, now),
            AnswerEvent::ReasoningSignature(signature) => self.signature(&signature, now),
            AnswerEvent::ToolCall(piece) => self.tool_call(piece, now),
            AnswerEvent::Usage(usage) => {
                self.usage = Some(usage);
                Taken::Silent
            }
            AnswerEvent::End(reason) => {
                self.end_reasoning(now);
                Taken::Ended(reason)
            }
        }
    }

    /// Takes back all that was said, because the provider is asked again.
    pub(super) fn withdraw(&mut self) {
        self.message.parts.clear();
        self.calls.clear();
        self.usage = None;
        self.said = 0;
    }

    /// Completes the tool calls, and returns them.
    pub(super) fn complete_calls(&mut self) -> Vec<CompleteCall> {
        let mut inputs = std::mem::take(&mut self.calls).into_iter();
        let mut complete_calls = Vec::with_capacity(inputs.len());
        for part in &mut self.message.parts {
            if let Part::ToolCall(call) = part
                && let Some((_, input)) = inputs.next()
            {
                complete_calls.push(complete(call, &input));
            }
        }
        complete_calls
    }

    /// Says how the answer ended.
    pub(super) fn finish(&mut self, reason: FinishReason, now: i64) {
        self.message.parts.push(Part::Finish(Finish {
            reason,
            time: now,
            ..Finish::default()
        }));
    }

    fn text(&mut self, piece: &str, now: i64) -> Taken {
        self.end_reasoning(now);
        if let Some(Part::Text(part)) = self.message.parts.last_mut() {
            part.text.push_str(piece);
        } else {
            // Some models begin with an empty line (contract 5.6).
            let piece = piece.strip_prefix('\n').unwrap_or(piece);
            if piece.is_empty() {
                return Taken::Silent;
            }
            let text = Text::from(piece);
            self.message.parts.push(Part::Text(TextPart { text }));
        }
        self.said += piece.len();
        Taken::Shown
    }

    fn reasoning(&mut self, piece: &str, now: i64) -> Taken {
        self.said += piece.len();
        self.thoughts(now).thinking.push_str(piece);
        Taken::Shown
    }

    /// A signature ends the thoughts that it signs. There may be no thoughts to be seen.
    fn signature(&mut self, signature: &str, now: i64) -> Taken {
        let thoughts = self.thoughts(now);
        thoughts.signature = signature.into();
        thoughts.finished_at = now;
        Taken::Shown
    }

    /// The thoughts that go on, or new ones.
    fn thoughts(&mut self, now: i64) -> &mut Reasoning {
        let parts = &mut self.message.parts;
        if !matches!(parts.last(), Some(Part::Reasoning(last)) if last.finished_at == 0) {
            parts.push(Part::Reasoning(Reasoning {
                started_at: now,
                ..Reasoning::default()
            }));
        }
        match parts.last_mut() {
            Some(Part::Reasoning(last)) => last,
            _ => unreachable!("invariant: the last part was just looked at"),
        }
    }

    fn end_reasoning(&mut self, now: i64) {
        if let Some(Part::Reasoning(last)) = self.message.parts.last_mut()
            && last.finished_at == 0
        {
            last.finished_at = now;
        }
    }

    fn tool_call(&mut self, piece: ToolCallPiece, now: i64) -> Taken {
        self.end_reasoning(now);
        self.said += piece.input.len();
        if let Some((_, input)) = self.calls.iter_mut().find(|(id, _)| **id == *piece.id) {
            input.push_str(&piece.input);
            return Taken::Silent;
        }
        let id: Arc<str> = piece.id.into();
        self.calls.push((id.clone(), piece.input));
        self.message.parts.push(Part::ToolCall(ToolCall {
            id,
            name: piece.name.into(),
            ..ToolCall::default()
        }));
        Taken::Shown
    }
}

fn complete(call: &mut ToolCall, input: &str) -> CompleteCall {
    // A tool without arguments is called with none at all by some providers.
    let input = if input.is_empty() { "{}" } else { input };
    let is_valid = serde_json::from_str::<serde_json::Map<_, _>>(input).is_ok();
    call.input = if is_valid { input } else { "{}" }.into();
    call.finished = true;
    CompleteCall {
        id: call.id.clone(),
        name: call.name.clone(),
        is_valid,
    }
}

#[cfg(test)]
mod tests;
