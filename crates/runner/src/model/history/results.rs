//! Finds the result of each tool call of a history. It must never know where in a request a result goes.

use std::collections::HashMap;
use std::sync::Arc;

use runwright_proto::{Message, ToolCall, ToolResult};

use super::named;
use crate::provider::ToolAnswer;

/// What the model is told of a call that nobody answered.
pub(super) const UNANSWERED: &str = "There is no result: the run ended before this tool call did.";

/// What the model is told of a tool that gave nothing back.
const NOTHING: &str = "(no output)";

/// The calls of a history, each with its result where it has one. A call is known by the index of its message and its
/// place among the calls of that message.
pub(super) struct Results<'a>(HashMap<(usize, usize), (&'a ToolCall, Option<&'a ToolResult>)>);

impl<'a> Results<'a> {
    /// Gives each result to the last call of its id that has none yet: some providers count their calls from zero in
    /// each answer, and other messages may stand between a call and its result.
    pub(super) fn of(history: &'a [Message]) -> Self {
        let mut calls: HashMap<(usize, usize), (&ToolCall, Option<&ToolResult>)> = HashMap::new();
        let mut open: HashMap<&str, Vec<(usize, usize)>> = HashMap::new();
        for (at, message) in history.iter().enumerate() {
            for result in message.tool_results() {
                let call = open.get_mut(&*result.tool_call_id).and_then(Vec::pop);
                if let Some((_, answer)) = call.and_then(|call| calls.get_mut(&call)) {
                    *answer = Some(result);
                }
            }
            for (nth, call) in message.tool_calls().enumerate() {
                calls.insert((at, nth), (call, None));
                open.entry(&call.id).or_default().push((at, nth));
            }
        }
        Self(calls)
    }

    /// The answer to the nth call of a message, under the name that it has in the request.
    pub(super) fn of_call(&self, message: usize, nth: usize) -> ToolAnswer {
        let (call, result) = match self.0.get(&(message, nth)) {
            Some((call, result)) => (Some(call), *result),
            None => (None, None),
        };
        ToolAnswer {
            call_id: Arc::default(),
            name: call.map_or_else(Arc::default, |call| named(&call.name)),
            content: result.map_or_else(|| UNANSWERED.to_owned(), content),
            is_error: result.is_none_or(|result| result.is_error),
        }
    }
}

fn content(result: &ToolResult) -> String {
    if result.content.trim().is_empty() {
        NOTHING.to_owned()
    } else {
        result.content.to_string()
    }
}
