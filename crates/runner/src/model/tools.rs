//! Answers the calls of tools, of which there are none yet. It must never know who asked for one.

use runwright_proto::{Finish, Message, MessageId, Part, Role, ToolResult};

use super::draft::CompleteCall;

/// The message that answers a call (contract 5.6).
pub(super) fn refused(call: &CompleteCall, answer: &Message, now: i64) -> Message {
    let content = if call.is_valid {
        format!(
            "There is no tool `{}`: no tools are available here.",
            call.name
        )
    } else {
        "The arguments are not the text of a JSON object.".to_owned()
    };
    let session = answer.session_id.clone();
    let mut message = Message::new(MessageId::generate(), session, Role::Tool, now);
    message.parts = vec![
        Part::ToolResult(ToolResult {
            tool_call_id: call.id.clone(),
            name: call.name.clone(),
            content: content.into(),
            is_error: true,
            ..ToolResult::default()
        }),
        Part::Finish(Finish::stop()),
    ];
    message
}
