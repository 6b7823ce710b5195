//! A prompt that has been checked: the only form in which the rest of the house knows one. It must never know how a
//! prompt arrives or what carries it out.

use std::sync::Arc;

use runwright_proto::{
    AgentMessage, Attachment, Binary, BusyPolicy, Finish, Message, MessageId, Part, Role, RunId,
    SessionId,
};

/// A validated prompt. To have one is the proof that it may be accepted.
///
/// ```
/// use runwright_agent::{AgentCall, CallError};
/// use runwright_proto::AgentMessage;
///
/// let empty = AgentMessage::default();
/// assert_eq!(AgentCall::try_from(empty).unwrap_err(), CallError::EmptyPrompt);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCall {
    session_id: SessionId,
    run_id: RunId,
    named: bool,
    idempotency_key: Option<Arc<str>>,
    prompt: Arc<str>,
    attachments: Vec<Attachment>,
    when_busy: BusyPolicy,
}

/// Why a prompt is not valid. The checks are in this order, the first that fails is reported (semantics 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There is no prompt, and no `text/*` attachment that could stand for it.
    #[error("prompt is empty")]
    EmptyPrompt,
    /// No session is named.
    #[error("session id is missing")]
    SessionMissing,
}

impl AgentCall {
    /// Adds the value of an `Idempotency-Key` header: a second name under which a repeated request is recognised.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// The call of a run that is on record: `named` says whether it was the caller who had named it, which the message
    /// of a record does not tell.
    ///
    /// # Errors
    /// [`CallError`], which the call of no record gives.
    pub fn of_record(message: AgentMessage, named: bool) -> Result<Self, CallError> {
        Ok(Self {
            named,
            ..Self::try_from(message)?
        })
    }

    /// The session to run in.
    #[must_use]
    pub fn session_id(&self) -> &SessionId {
        &self.session_id
    }

    /// The run: the caller's name for it, or ours where the caller gave none.
    #[must_use]
    pub fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// Whether the caller named the run, and so may send the request again without starting a second one.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// The caller's other name for the request.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&Arc<str>> {
        self.idempotency_key.as_ref()
    }

    /// What to do; empty when an attachment stands for it.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// The files that belong to the prompt.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// What happens when the session is busy.
    #[must_use]
    pub fn when_busy(&self) -> BusyPolicy {
        self.when_busy
    }

    /// Whether the other call asks for the same thing, whatever the run is called: a repeated request with the same
    /// key must be the same request (semantics 2.1).
    #[must_use]
    pub fn same_request(&self, other: &Self) -> bool {
        self.session_id == other.session_id
            && self.prompt == other.prompt
            && self.attachments == other.attachments
            && self.when_busy == other.when_busy
    }

    /// The message that stands for the prompt in the history of the session: the text, one part per attachment, and
    /// a finish part (contract 5.6).
    #[must_use]
    pub fn user_message(&self, now_seconds: i64) -> Message {
        let mut message = Message::new(
            MessageId::generate(),
            self.session_id.clone(),
            Role::User,
            now_seconds,
        );
        message.parts.push(Part::text(&*self.prompt));
        message.parts.extend(self.attachments.iter().map(attached));
        message.parts.push(Part::Finish(Finish::stop()));
        message
    }
}

impl TryFrom<AgentMessage> for AgentCall {
    type Error = CallError;

    fn try_from(message: AgentMessage) -> Result<Self, CallError> {
        let when_busy = message.busy_policy();
        if message.prompt.is_empty() && !message.attachments.iter().any(Attachment::is_text) {
            return Err(CallError::EmptyPrompt);
        }
        let session_id = message.session_id.ok_or(CallError::SessionMissing)?;
        Ok(Self {
            session_id,
            named: message.run_id.is_some(),
            run_id: message.run_id.unwrap_or_else(RunId::generate),
            idempotency_key: None,
            prompt: message.prompt.into(),
            attachments: message.attachments,
            when_busy,
        })
    }
}

fn attached(file: &Attachment) -> Part {
    Part::Binary(Binary {
        path: file.file_path.as_str().into(),
        mime_type: file.mime_type.as_str().into(),
        data: file.content.clone(),
    })
}
