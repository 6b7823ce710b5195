//! The tool calls of one answer: pieces made of what the library repeats from the beginning each time, and ids that no
//! other call has. Pure.

use std::collections::HashSet;
use std::sync::Arc;

use genai::chat::ToolCall;
use serde_json::Value;
use uuid::Uuid;

use crate::genai::failure;
use crate::provider::{Protocol, ProviderError, ToolCallPiece};

/// The most calls of one answer.
const MOST_CALLS: usize = 256;
/// The longest id that is taken over, in bytes. OpenAI takes 64 back.
const LONGEST_ID: usize = 64;
/// The longest name of a tool, in bytes.
const LONGEST_NAME: usize = 256;

/// The calls so far.
#[derive(Debug)]
pub(super) struct Calls {
    protocol: Protocol,
    limit: usize,
    /// How many bytes of input all calls have.
    bytes: usize,
    known: HashSet<Arc<str>>,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// The provider's id, under which the library tells more of the call.
    theirs: String,
    id: String,
    name: String,
    input: String,
}

impl Calls {
    pub(super) fn new(protocol: Protocol, limit: usize, known: HashSet<Arc<str>>) -> Self {
        Self {
            protocol,
            limit,
            bytes: 0,
            known,
            calls: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Takes a call as far as it has come, and gives back what is new.
    pub(super) fn take(&mut self, call: ToolCall) -> Result<Option<ToolCallPiece>, ProviderError> {
        let input = text(call.fn_arguments);
        let place = match self.protocol {
            // Each chunk is a whole call, and its id was made up by the library.
            Protocol::Gemini | Protocol::Ollama => None,
            Protocol::OpenAi
            | Protocol::OpenAiCompat
            | Protocol::OpenAiResponses
            | Protocol::Anthropic => self.place(&call.call_id, &call.fn_name, &input),
        };
        match place {
            Some(place) => self.go_on(place, &input),
            None => self.begin(call.call_id, call.fn_name, input).map(Some),
        }
    }

    /// Takes a call that is complete, of which pieces may have come.
    pub(super) fn complete(
        &mut self,
        call: ToolCall,
    ) -> Result<Option<ToolCallPiece>, ProviderError> {
        let Some(begun) = self.calls.iter().find(|begun| begun.theirs == call.call_id) else {
            return self
                .begin(call.call_id, call.fn_name, text(call.fn_arguments))
                .map(Some);
        };
        // The same input, even if it is not written in the same way.
        let whole = &call.fn_arguments;
        let is_same = whole.as_str() == Some(&*begun.input)
            || serde_json::from_str::<Value>(&begun.input).is_ok_and(|got| got == *whole);
        if is_same {
            Ok(None)
        } else {
            Err(failure::unreadable(
                "a tool call that differs from its pieces",
            ))
        }
    }

    /// Which call goes on. A provider that gives an id twice begins another call.
    fn place(&self, id: &str, name: &str, input: &str) -> Option<usize> {
        let place = self.calls.iter().rposition(|call| call.theirs == id)?;
        let call = &self.calls[place];
        let goes_on = (name.is_empty() || call.name == name) && input.starts_with(&call.input);
        goes_on.then_some(place)
    }

    fn go_on(&mut self, place: usize, input: &str) -> Result<Option<ToolCallPiece>, ProviderError> {
        let call = &mut self.calls[place];
        let new = input[call.input.len()..].to_owned();
        if new.is_empty() {
            return Ok(None);
        }
        call.input.push_str(&new);
        let piece = ToolCallPiece {
            id: call.id.clone(),
            name: call.name.clone(),
            input: new,
        };
        self.count(piece.input.len())?;
        Ok(Some(piece))
    }

    fn begin(
        &mut self,
        theirs: String,
        name: String,
        input: String,
    ) -> Result<ToolCallPiece, ProviderError> {
        if self.calls.len() >= MOST_CALLS {
            return Err(failure::unreadable("more tool calls than anybody can make"));
        }
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(failure::unreadable("a tool call without a possible name"));
        }
        self.count(input.len())?;
        let piece = ToolCallPiece {
            id: self.id(&theirs),
            name: name.clone(),
            input: input.clone(),
        };
        self.calls.push(Call {
            theirs,
            id: piece.id.clone(),
            name,
            input,
        });
        Ok(piece)
    }

    /// The provider's id where it can be the only one of its kind, otherwise one of ours.
    fn id(&self, theirs: &str) -> String {
        let is_made_up = match self.protocol {
            Protocol::Gemini | Protocol::Ollama => true,
            // What the library says when there is no id.
            Protocol::OpenAi | Protocol::OpenAiCompat => theirs
                .strip_prefix("call_")
                .is_some_and(|index| index.len() < 4 && index.bytes().all(|b| b.is_ascii_digit())),
            Protocol::OpenAiResponses | Protocol::Anthropic => false,
        };
        let is_used =
            self.known.contains(theirs) || self.calls.iter().any(|call| call.id == theirs);
        if is_made_up || is_used || theirs.is_empty() || theirs.len() > LONGEST_ID {
            format!("call_{}", Uuid::new_v4().simple())
        } else {
            theirs.to_owned()
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), ProviderError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limit {
            return Err(failure::too_much("input of tool calls", self.limit as u64));
        }
        Ok(())
    }
}

/// The input as text: what was streamed is text already, what came as a whole is JSON.
fn text(input: Value) -> String {
    match input {
        Value::String(text) => text,
        Value::Null => String::new(),
        whole @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            whole.to_string()
        }
    }
}
