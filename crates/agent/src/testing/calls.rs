//! Prompts to be recorded by the suites.

use runwright_proto::{AgentMessage, RunId, SessionId};

use crate::call::AgentCall;

/// A named prompt in a session of this name.
pub(crate) fn prompt(session: &str, run: &str, text: &str) -> AgentCall {
    let message = AgentMessage {
        session_id: Some(session_id(session)),
        run_id: Some(run_id(run)),
        prompt: text.to_owned(),
        ..AgentMessage::default()
    };
    AgentCall::try_from(message).expect("invariant: the prompts of the suites are valid")
}

pub(crate) fn session_id(name: &str) -> SessionId {
    name.parse()
        .expect("invariant: the session ids of the suites are valid")
}

pub(crate) fn run_id(name: &str) -> RunId {
    name.parse()
        .expect("invariant: the run ids of the suites are valid")
}
