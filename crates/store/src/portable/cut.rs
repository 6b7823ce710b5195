//! What a run that is not over had said when its session was written to a file: it is ended there, so that the file has
//! a history that a provider accepts. The run itself goes on where it is, and so does its history. It is pure.

use std::collections::HashSet;

use runwright_agent::{Closing, ClosingStep, Timestamp};
use runwright_proto::{Finish, FinishReason, Message, RunId};

use super::{PortableMessage, PortableRun, PortableSession};

/// What is said of an answer that was cut off.
const DETAILS: &str = "the session was exported before the run had ended";

/// Ends what the runs have written that are not among these.
pub(super) fn end(sessions: &mut [PortableSession], over: &[PortableRun], now: Timestamp) {
    for run in cut(sessions, over) {
        let entries = sessions.iter().flat_map(|session| &session.messages);
        let of_run = entries.filter(|entry| entry.run_id.as_ref() == Some(&run));
        let written = of_run.map(|entry| entry.message.clone()).collect();
        let finish = Finish {
            reason: FinishReason::Error,
            time: now.seconds(),
            message: "Interrupted".into(),
            details: DETAILS.into(),
        };
        for step in Closing::of(written, &finish, now).steps {
            take(sessions, &run, step);
        }
    }
}

/// The runs that wrote something and are not over, in the order in which they began to write.
fn cut(sessions: &[PortableSession], over: &[PortableRun]) -> Vec<RunId> {
    let mut known: HashSet<&RunId> = over.iter().map(|run| &run.run.run_id).collect();
    let entries = sessions.iter().flat_map(|session| &session.messages);
    let runs = entries.filter_map(|entry| entry.run_id.as_ref());
    runs.filter(|run| known.insert(run)).cloned().collect()
}

fn take(sessions: &mut [PortableSession], run: &RunId, step: ClosingStep) {
    let (ClosingStep::Replace(message) | ClosingStep::Add(message)) = &step;
    let home = |session: &&mut PortableSession| session.session.id == message.session_id;
    let Some(session) = sessions.iter_mut().find(home) else {
        return;
    };
    match step {
        ClosingStep::Replace(message) => replace(&mut session.messages, message),
        ClosingStep::Add(message) => session.messages.push(PortableMessage {
            run_id: Some(run.clone()),
            message,
        }),
    }
}

fn replace(entries: &mut [PortableMessage], message: Message) {
    let is_it = |entry: &&mut PortableMessage| entry.message.id == message.id;
    if let Some(entry) = entries.iter_mut().find(is_it) {
        entry.message = message;
    }
}
