//! Makes the conversation that a model is given of the history of a session, well-formed for every protocol, whatever
//! the history looks like (contract 5.7). Pure; it must never know a wire format.

mod results;
mod user_parts;

use std::collections::HashSet;
use std::sync::Arc;

use runwright_proto::{Message, MessageId, Part, Role, ToolCall};

use self::results::Results;
use self::user_parts::user_parts;
use super::ModelSpec;
use crate::provider::{AssistantPart, RequestMessage, ToolAnswer, UserPart};

/// Stands before a conversation that begins with an answer.
const BEGINS_LATER: &str = "(The beginning of this conversation is not shown.)";

/// Stands behind a conversation that ends with an answer.
const GO_ON: &str = "Please go on.";

/// Who reads the conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The name of its provider.
    pub(super) provider: &'a str,
    /// The model.
    pub(super) model: &'a ModelSpec,
}

/// The conversation so far. `summary` is the message that stands for all before it, if there is one.
pub(super) fn conversation(
    history: &[Message],
    summary: Option<&MessageId>,
    reader: Reader<'_>,
) -> Vec<RequestMessage> {
    let history = since(history, summary);
    let results = Results::of(history);
    let is_user = |message: &Message| message.role == Role::User;
    let last_user = history.iter().rposition(is_user).unwrap_or(0);
    let mut conversation = Conversation::default();
    for (at, message) in history.iter().enumerate() {
        match message.role {
            Role::User | Role::System => {
                conversation.user(user_parts(message, reader.model.images));
            }
            Role::Assistant if Some(&message.id) == summary => {
                conversation.user(texts(message).map(UserPart::Text).collect());
            }
            Role::Assistant => {
                // Thoughts only matter within the turn that goes on, and only to the model whose they are.
                let thoughts_count = at > last_user
                    && *message.provider == *reader.provider
                    && *message.model == *reader.model.id;
                conversation.assistant(message, thoughts_count, |call| results.of_call(at, call));
            }
            // Their results were taken where they belong.
            Role::Tool => {}
        }
    }
    conversation.closed()
}

fn since<'a>(history: &'a [Message], summary: Option<&MessageId>) -> &'a [Message] {
    let is_summary = |message: &Message| Some(&message.id) == summary;
    history
        .iter()
        .position(is_summary)
        .map_or(history, |at| &history[at..])
}

fn texts(message: &Message) -> impl Iterator<Item = String> {
    message.parts.iter().filter_map(|part| {
        let Part::Text(part) = part else { return None };
        let text = String::from(&part.text);
        (!text.trim().is_empty()).then_some(text)
    })
}

/// A conversation that is being put together: what the same speaker says in a row becomes one message.
#[derive(Default)]
struct Conversation {
    messages: Vec<RequestMessage>,
    call_ids: HashSet<Arc<str>>,
}

impl Conversation {
    fn user(&mut self, parts: Vec<UserPart>) {
        if parts.is_empty() {
            return;
        }
        if let Some(RequestMessage::User(last)) = self.messages.last_mut() {
            last.extend(parts);
        } else {
            self.messages.push(RequestMessage::User(parts));
        }
    }

    /// Adds an answer and, behind it, one result for each of its calls.
    fn assistant(
        &mut self,
        message: &Message,
        thoughts_count: bool,
        result_of: impl Fn(usize) -> ToolAnswer,
    ) {
        let (mut parts, mut answers) = (Vec::new(), Vec::new());
        let mut says_something = false;
        for part in &message.parts {
            match part {
                Part::Text(part) => {
                    let text = String::from(&part.text);
                    if !text.trim().is_empty() {
                        parts.push(AssistantPart::Text(text));
                        says_something = true;
                    }
                }
                Part::Reasoning(thoughts) if thoughts_count && !thoughts.signature.is_empty() => {
                    parts.push(AssistantPart::Reasoning {
                        text: String::from(&thoughts.thinking),
                        signature: thoughts.signature.clone(),
                    });
                }
                Part::ToolCall(call) => {
                    let mut answer = result_of(answers.len());
                    answer.call_id = self.unique(&call.id);
                    parts.push(called(call, answer.call_id.clone()));
                    answers.push(answer);
                    says_something = true;
                }
                Part::Reasoning(_)
                | Part::ToolResult(_)
                | Part::Finish(_)
                | Part::ImageUrl(_)
                | Part::Binary(_)
                | Part::ShellCommand(_)
                | Part::Unknown(_) => {}
            }
        }
        if !says_something {
            return;
        }
        if let Some(RequestMessage::Assistant(last)) = self.messages.last_mut() {
            last.extend(parts);
        } else {
            self.messages.push(RequestMessage::Assistant(parts));
        }
        if !answers.is_empty() {
            self.messages.push(RequestMessage::Tools(answers));
        }
    }

    /// The id under which a call goes to the provider: some count their calls from zero in each answer.
    fn unique(&mut self, id: &Arc<str>) -> Arc<str> {
        let mut unique = if id.is_empty() {
            "call".into()
        } else {
            id.clone()
        };
        let mut again = 1;
        while !self.call_ids.insert(unique.clone()) {
            again += 1;
            unique = format!("{id}_{again}").into();
        }
        unique
    }

    /// The conversation, begun and ended by somebody else than the model.
    fn closed(mut self) -> Vec<RequestMessage> {
        let said = |text: &str| RequestMessage::User(vec![UserPart::Text(text.to_owned())]);
        if let Some(RequestMessage::Assistant(_)) = self.messages.first() {
            self.messages.insert(0, said(BEGINS_LATER));
        }
        if let None | Some(RequestMessage::Assistant(_)) = self.messages.last() {
            self.messages.push(said(GO_ON));
        }
        self.messages
    }
}

fn called(call: &ToolCall, id: Arc<str>) -> AssistantPart {
    let is_object = serde_json::from_str::<serde_json::Map<_, _>>(&call.input).is_ok();
    AssistantPart::ToolCall {
        id,
        name: named(&call.name),
        input: if is_object {
            call.input.clone()
        } else {
            "{}".into()
        },
    }
}

/// The name of a tool; no protocol takes an empty one.
fn named(name: &Arc<str>) -> Arc<str> {
    if name.is_empty() {
        "unknown".into()
    } else {
        name.clone()
    }
}

#[cfg(test)]
mod tests;
