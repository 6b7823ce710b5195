//! Says what is wrong with the messages of a request. It must never know how they were put together.

use std::collections::HashSet;

use super::{AssistantPart, ModelRequest, RequestMessage, ToolAnswer, UserPart};

impl ModelRequest {
    /// What is wrong with its messages, in words, if anything is: the rules stand at the type.
    ///
    /// ```
    /// use runwright_runner::{ModelRequest, RequestMessage, UserPart};
    ///
    /// let asked = |text: &str| RequestMessage::User(vec![UserPart::Text(text.to_owned())]);
    /// let mut request = ModelRequest { messages: vec![asked("hello")], ..ModelRequest::default() };
    /// assert_eq!(request.problem(), None);
    ///
    /// request.messages.push(asked("and then?"));
    /// assert_eq!(request.problem().unwrap(), "message 1: people speak twice in a row");
    /// ```
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let mut ids = HashSet::new();
        let mut before = None;
        for (at, message) in self.messages.iter().enumerate() {
            let after = self.messages.get(at + 1);
            if let Some(problem) = problem_of(message, before, after, &mut ids) {
                return Some(format!("message {at}: {problem}"));
            }
            before = Some(message);
        }
        before.is_none().then(|| "there is no message".to_owned())
    }
}

fn problem_of<'a>(
    message: &'a RequestMessage,
    before: Option<&RequestMessage>,
    after: Option<&RequestMessage>,
    ids: &mut HashSet<&'a str>,
) -> Option<&'static str> {
    match (message, before, after) {
        (RequestMessage::User(_), Some(RequestMessage::User(_)), _) => {
            Some("people speak twice in a row")
        }
        (RequestMessage::User(parts), _, _) if parts.is_empty() => Some("it is empty"),
        (RequestMessage::User(parts), _, _) => {
            let is_blank = |part: &UserPart| matches!(part, UserPart::Text(text) if blank(text));
            parts.iter().any(is_blank).then_some("a text is empty")
        }
        (RequestMessage::Assistant(_), None, _) => Some("the model speaks first"),
        (RequestMessage::Assistant(_), _, None) => Some("the model speaks last"),
        (RequestMessage::Assistant(_), Some(RequestMessage::Assistant(_)), _) => {
            Some("the model speaks twice in a row")
        }
        (RequestMessage::Assistant(parts), _, after) => problem_of_answer(parts, after, ids),
        (RequestMessage::Tools(_), Some(RequestMessage::Assistant(_)), _) => None,
        (RequestMessage::Tools(_), _, _) => Some("tools answer where nothing was called"),
    }
}

fn problem_of_answer<'a>(
    parts: &'a [AssistantPart],
    after: Option<&RequestMessage>,
    ids: &mut HashSet<&'a str>,
) -> Option<&'static str> {
    let (mut calls, mut says_something) = (Vec::new(), false);
    for part in parts {
        match part {
            AssistantPart::Reasoning { signature, .. } if signature.is_empty() => {
                return Some("thoughts are not signed");
            }
            AssistantPart::Reasoning { .. } => continue,
            AssistantPart::Text(text) if blank(text) => return Some("a text is empty"),
            AssistantPart::Text(_) => {}
            AssistantPart::ToolCall { name, .. } if name.is_empty() => {
                return Some("a call names no tool");
            }
            AssistantPart::ToolCall { id, .. } if !ids.insert(id) => {
                return Some("two calls have the same id");
            }
            AssistantPart::ToolCall { input, .. } if !is_object(input) => {
                return Some("the input of a call is no JSON object");
            }
            AssistantPart::ToolCall { id, .. } => calls.push(&**id),
        }
        says_something = true;
    }
    if !says_something {
        return Some("the model says nothing");
    }
    let answers: &[ToolAnswer] = match after {
        Some(RequestMessage::Tools(answers)) => answers,
        _ => &[],
    };
    if answers.iter().map(|answer| &*answer.call_id).ne(calls) {
        return Some("its calls are not answered in the next message, each once");
    }
    let is_blank = |answer: &ToolAnswer| blank(&answer.content) || answer.name.is_empty();
    answers
        .iter()
        .any(is_blank)
        .then_some("the answer of a tool is empty")
}

fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<_, _>>(text).is_ok()
}
