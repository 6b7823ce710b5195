//! Events and messages as short lines without times and made-up ids, so that a test compares a whole story with what it
//! expects.

use runwright_proto::{Change, Event, Message, Part, RunComplete};

use crate::log::WorkspaceEvent;

/// One event in one line, which begins with the run it belongs to.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of the other kinds only the name is told"
)]
pub(super) fn line(event: &WorkspaceEvent) -> String {
    let what = match event.event() {
        Event::Message(Change { kind, payload }) => {
            format!("message {kind}: {}", message(payload))
        }
        Event::Session(Change { kind, payload }) => {
            format!("session {kind}: `{}`", payload.title)
        }
        Event::RunComplete(Change { payload, .. }) => run_complete(payload),
        Event::AgentEvent(Change { payload, .. }) if payload.error.is_empty() => {
            payload.kind.to_string()
        }
        Event::AgentEvent(Change { payload, .. }) => {
            format!("{}: {}", payload.kind, payload.error)
        }
        Event::End(end) => format!("end: {}", end.reason),
        other => other.kind().to_owned(),
    };
    match event.run() {
        Some(run) => format!("{run} {what}"),
        None => what,
    }
}

/// One message in one line: who, what, and how it ended.
pub(super) fn message(message: &Message) -> String {
    let parts = message.parts.iter().map(part).collect::<String>();
    format!("{}{parts}", message.role)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of the other kinds only the name is told"
)]
fn part(part: &Part) -> String {
    match part {
        Part::Text(part) => format!(" `{}`", part.text),
        Part::ToolCall(call) if call.finished => format!(" calls {} with {}", call.id, call.input),
        Part::ToolCall(call) => format!(" calls {}", call.id),
        Part::ToolResult(result) => {
            let ok = if result.is_error { "error" } else { "result" };
            format!(" {ok} of {}: {}", result.tool_call_id, result.content)
        }
        Part::Finish(finish) => {
            let why = [&finish.message, &finish.details];
            let why = why.into_iter().filter(|text| !text.is_empty());
            let why = why.map(|text| format!(": {text}")).collect::<String>();
            format!(" [{}{why}]", finish.reason)
        }
        other => format!(" ({})", other.kind()),
    }
}

fn run_complete(end: &RunComplete) -> String {
    let mut line = format!("run_complete {}", end.state);
    if !end.text.is_empty() {
        line += &format!(" `{}`", end.text);
    }
    if !end.error.is_empty() {
        line += &format!(" error: {}", end.error);
    }
    if let Some(reason) = &end.reason {
        line += &format!(" reason: {reason}");
    }
    if let Some(into) = &end.folded_into {
        line += &format!(" folded into {into}");
    }
    line
}
