//! What is left to do in the history of a run that is over, so that it is one that a provider accepts (contract 5.6).
//! It is pure: what was written goes in, what is to be written comes out. It must never know where a history is kept.

use runwright_proto::{Finish, FinishReason, Message, MessageId, Part, Role, ToolCall, ToolResult};

use crate::clock::Timestamp;

/// What [`Transcript::close_run`](crate::Transcript::close_run) does, for those who implement it.
///
/// ```
/// use runwright_agent::{Closing, ClosingStep, Timestamp};
/// use runwright_proto::{Finish, FinishReason, Message, MessageId, Part, Role, SessionId};
///
/// let session = SessionId::random();
/// let mut answer = Message::new(MessageId::generate(), session, Role::Assistant, 7);
/// answer.parts.push(Part::text("let me s"));
/// let cut = Finish { reason: FinishReason::Error, ..Finish::default() };
///
/// let closing = Closing::of(vec![answer], &cut, Timestamp(9_000));
/// let [ClosingStep::Replace(ended)] = &closing.steps[..] else {
///     panic!("it ends the answer and does nothing else");
/// };
/// assert_eq!((ended.updated_at, ended.finish().unwrap().time), (9, 9));
/// assert_eq!(closing.answer.as_ref(), Some(ended));
///
/// let again = Closing::of(closing.answer.into_iter().collect(), &cut, Timestamp(10_000));
/// assert_eq!(again.steps, [], "what is ended stays as it is");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Closing {
    /// What is to be written, in this order.
    pub steps: Vec<ClosingStep>,
    /// The answer of the run, as it is after these steps: its last assistant message in the session in which the run
    /// began.
    pub answer: Option<Message>,
}

/// A change of the history that ends what a run left open.
#[derive(Debug, Clone, PartialEq)]
pub enum ClosingStep {
    /// This takes the place of the message of the same id.
    Replace(Message),
    /// This is added to the end of its session, as part of the run.
    Add(Message),
}

impl Closing {
    /// Looks at what a run wrote, in the order in which it was added, also in the sessions of its sub-agents.
    #[must_use]
    pub fn of(written: Vec<Message>, finish: &Finish, now: Timestamp) -> Self {
        let unanswered = unanswered_calls(&written);
        let home = written.first().map(|message| message.session_id.clone());
        let (mut steps, mut answer) = (Vec::new(), None);
        for (at, message) in written.into_iter().enumerate() {
            if message.role != Role::Assistant {
                continue;
            }
            let (ended, is_changed) = ended(message, finish, now);
            if is_changed {
                steps.push(ClosingStep::Replace(ended.clone()));
            }
            let calls = unanswered.iter().filter(|(of, _)| *of == at);
            let results = calls.map(|(_, call)| error_result(&ended, call, finish, now));
            steps.extend(results.map(ClosingStep::Add));
            if home.as_ref() == Some(&ended.session_id) {
                answer = Some(ended);
            }
        }
        Self { steps, answer }
    }
}

/// Ends the reasoning, completes the tool calls and adds the finish part, where they are open. Returns the message and
/// whether anything was.
fn ended(mut message: Message, finish: &Finish, now: Timestamp) -> (Message, bool) {
    let mut is_changed = false;
    for part in &mut message.parts {
        if let Part::Reasoning(reasoning) = part
            && reasoning.finished_at == 0
        {
            reasoning.finished_at = now.seconds();
            is_changed = true;
        }
        if let Part::ToolCall(call) = part
            && !call.finished
        {
            call.input = "{}".into();
            call.finished = true;
            is_changed = true;
        }
    }
    if message.finish().is_none() {
        message.parts.push(Part::Finish(Finish {
            time: now.seconds(),
            ..finish.clone()
        }));
        is_changed = true;
    }
    if is_changed {
        message.updated_at = now.seconds();
    }
    (message, is_changed)
}

/// The tool calls that no later message answers, each with the index of its message. Some providers count their calls
/// from zero in each step, so a result answers one call of its name and not all of them.
fn unanswered_calls(written: &[Message]) -> Vec<(usize, ToolCall)> {
    let mut open: Vec<(usize, ToolCall)> = Vec::new();
    for (at, message) in written.iter().enumerate() {
        for result in message.tool_results() {
            if let Some(answered) = open
                .iter()
                .rposition(|(_, call)| call.id == result.tool_call_id)
            {
                open.remove(answered);
            }
        }
        open.extend(message.tool_calls().map(|call| (at, call.clone())));
    }
    open
}

/// The result of a tool call that nobody answered, so that the history stays valid for a provider.
fn error_result(message: &Message, call: &ToolCall, finish: &Finish, now: Timestamp) -> Message {
    let content = if finish.reason == FinishReason::Canceled {
        "The run was cancelled before this tool call ended"
    } else {
        "The run ended before this tool call did"
    };
    let mut result = Message::new(
        MessageId::generate(),
        message.session_id.clone(),
        Role::Tool,
        now.seconds(),
    );
    result.parts = vec![
        Part::ToolResult(ToolResult {
            tool_call_id: call.id.clone(),
            name: call.name.clone(),
            content: content.into(),
            is_error: true,
            ..ToolResult::default()
        }),
        Part::Finish(Finish::stop()),
    ];
    result
}
