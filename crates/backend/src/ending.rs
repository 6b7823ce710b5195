//! The end of a run: closes what it left open in the history, records the end and publishes the terminal event. It must
//! never know why the run ended; that is in `verdict.rs`.

use std::time::Duration;

use runwright_agent::{
    AgentCall, CancelReason, EventSink, JournalError, Pace, RunEnd, TranscriptError,
};
use runwright_proto::{Finish, Message, MessageId, Part, Role, RunState};

use crate::supervise::{Ended, caught};
use crate::verdict::Verdict;
use crate::workspace::Workspace;

/// How long to wait before the end of a run is recorded once more, when the storage has failed. Together they are
/// shorter than the time that a shutdown gives to aborted runs (semantics 2.3: 2 s).
const FINISH_AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

impl Workspace {
    /// Writes the prompt of a run into the history.
    pub(crate) async fn write_prompt(&self, call: &AgentCall) -> Result<(), TranscriptError> {
        let prompt = call.user_message(self.now());
        let run = Some(call.run_id());
        self.opened.transcript.create_message(run, prompt).await
    }

    /// Turns what became of the runner's task into the end of the run, and closes what the run left open.
    pub(crate) async fn end_of(&self, call: &AgentCall, ended: Ended) -> RunEnd {
        let verdict = Verdict::of(ended);
        let closed = self.close(call, &verdict).await;
        let mut end = verdict.into_end();
        if let Some(message) = closed {
            end.text = message.text().cloned();
            end.message_id = Some(message.id);
        }
        end
    }

    /// The end of a run that was cancelled before its turn came: its prompt is part of the history all the same
    /// (semantics 2.3).
    pub(crate) async fn end_unstarted(&self, call: &AgentCall, reason: CancelReason) -> RunEnd {
        if let Err(error) = self.write_prompt(call).await {
            log_transcript(&error);
        }
        self.end_of(call, Ended::NeverStarted(reason)).await
    }

    /// Stores the end and publishes the terminal event, exactly once: whoever is second learns that it lost. When the
    /// storage fails again and again, the event is published without it: those who follow the run are told.
    pub(crate) async fn finish(&self, call: &AgentCall, mut end: RunEnd) {
        if let Ok(Ok(Some(session))) =
            caught(self.opened.transcript.session(call.session_id())).await
        {
            end.session_title = session.title;
        }
        let mut pauses = FINISH_AGAIN.into_iter();
        while !self.recorded(call, &end).await {
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return self.announce_unrecorded(call, &end).await,
            }
        }
    }

    /// Records the end. Returns whether it is recorded now, by this call or by an earlier one.
    async fn recorded(&self, call: &AgentCall, end: &RunEnd) -> bool {
        let (run, state) = (call.run_id(), end.state);
        match caught(self.opened.journal.finish(run, end.clone())).await {
            Ok(Ok(true)) => tracing::debug!(%state, "run ended"),
            Ok(Ok(false)) => tracing::debug!(%state, "run had ended already"),
            Ok(Err(error)) => {
                log_journal(&error);
                return false;
            }
            Err(panic) => {
                tracing::error!(
                    panic,
                    "the end of a run was not recorded: the storage panicked"
                );
                return false;
            }
        }
        true
    }

    /// The record still has the run as running; the next start of the process finds it there and repairs it. Unless it
    /// was the answers that were lost: then the end is recorded, and published with it.
    async fn announce_unrecorded(&self, call: &AgentCall, end: &RunEnd) {
        let record = caught(self.opened.journal.run(call.run_id())).await;
        if matches!(record, Ok(Ok(Some(run))) if run.state.is_terminal()) {
            return;
        }
        for publication in end.events(call) {
            self.log.publish(publication);
        }
    }

    /// Closes what the run left open; a run that did not end well and has no assistant message gets one that says so.
    async fn close(&self, call: &AgentCall, verdict: &Verdict) -> Option<Message> {
        let finish = verdict.finish();
        let closed = self
            .opened
            .transcript
            .close_run(call.run_id(), finish.clone())
            .await;
        match closed {
            Ok(None) if verdict.state != RunState::Completed => self.add_ending(call, finish).await,
            Ok(last) => last,
            Err(error) => {
                log_transcript(&error);
                None
            }
        }
    }

    async fn add_ending(&self, call: &AgentCall, finish: Finish) -> Option<Message> {
        let now = self.now();
        let model = self
            .runner()
            .map(|runner| runner.model().config)
            .unwrap_or_default();
        let mut message = Message::new(
            MessageId::generate(),
            call.session_id().clone(),
            Role::Assistant,
            now,
        );
        message.model = model.model.as_str().into();
        message.provider = model.provider.as_str().into();
        let transcript = &self.opened.transcript;
        // Created empty and finished by an update, as in every turn, so that a client shows it the same way.
        let created = transcript
            .create_message(Some(call.run_id()), message.clone())
            .await;
        message.parts.push(Part::Finish(Finish {
            time: now,
            ..finish
        }));
        let updated = match created {
            Ok(()) => transcript.update_message(message.clone(), Pace::Now).await,
            Err(error) => Err(error),
        };
        updated.map_or_else(
            |error| {
                log_transcript(&error);
                None
            },
            |()| Some(message),
        )
    }

    fn now(&self) -> i64 {
        self.opened.clock.now().seconds()
    }
}

fn log_journal(error: &JournalError) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the end of a run was not recorded"
    );
}

fn log_transcript(error: &TranscriptError) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the history of a run was not written"
    );
}
