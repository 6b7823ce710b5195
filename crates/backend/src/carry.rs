//! The way of an accepted run to its end: its turn, its execution, and the one place where every end passes and the
//! terminal event is published. It must never know how a prompt was accepted.

use std::sync::Arc;

use runwright_agent::{
    AgentCall, CancelReason, Pace, RunContext, RunEnd, RunError, Runner, Start, TranscriptError,
};
use runwright_proto::{Finish, FinishReason, Message, MessageId, Part, Role, RunState, Usage};
use tracing::Instrument;

use crate::admitted::Admitted;
use crate::steering::FoldIntoTurn;
use crate::supervise::{Ended, supervise};
use crate::workspace::Workspace;

/// Carries an accepted run to its end. When this returns its terminal event is published, the session belongs to the
/// next run, and the gate knows one run less.
pub(crate) async fn carry(
    workspace: &Arc<Workspace>,
    admitted: Admitted<Arc<AgentCall>>,
    call: &Arc<AgentCall>,
    runner: Arc<dyn Runner>,
) {
    let span = tracing::info_span!("run", run = %call.run_id(), session = %call.session_id());
    async {
        let end = match admitted.run().turn().await {
            Start::Active => workspace.execute(&admitted, call, runner).await,
            Start::Cancelled(reason) => workspace.end_unstarted(call, reason).await,
            Start::Folded { into } => RunEnd {
                folded_into: Some(into),
                ..RunEnd::new(RunState::Completed)
            },
        };
        workspace.finish(call, end).await;
        drop(admitted);
        workspace.run_ended();
    }
    .instrument(span)
    .await;
}

impl Workspace {
    async fn execute(
        self: &Arc<Self>,
        admitted: &Admitted<Arc<AgentCall>>,
        call: &Arc<AgentCall>,
        runner: Arc<dyn Runner>,
    ) -> RunEnd {
        if let Err(error) = self.opened.journal.start(call.run_id()).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the start of a run was not recorded"
            );
        }
        let prompt = call.user_message(self.now());
        if let Err(error) = self
            .opened
            .transcript
            .create_message(Some(call.run_id()), prompt)
            .await
        {
            return self.end_of(call, Ended::Returned(Err(error.into()))).await;
        }
        let token = admitted.run().cancel_token().clone();
        let steering = FoldIntoTurn::new(self.clone(), admitted.run().steering());
        let context = RunContext {
            call: call.clone(),
            cancel: token.clone(),
            transcript: self.opened.transcript.clone(),
            steering: Arc::new(steering),
            workspace: self.opened.context.clone(),
            clock: self.opened.clock.clone(),
        };
        let turn = async move { runner.run(context).await }.in_current_span();
        let task = self.tasks.tracker.spawn(turn);
        let ended = supervise(task, &token, &self.tasks.abort, self.opened.options).await;
        self.end_of(call, ended).await
    }

    /// Turns what became of the runner's task into the end of the run, and closes what the run left open.
    async fn end_of(&self, call: &AgentCall, ended: Ended) -> RunEnd {
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
    async fn end_unstarted(&self, call: &AgentCall, reason: CancelReason) -> RunEnd {
        let prompt = call.user_message(self.now());
        if let Err(error) = self
            .opened
            .transcript
            .create_message(Some(call.run_id()), prompt)
            .await
        {
            log_transcript(&error);
        }
        self.end_of(call, Ended::NeverStarted(reason)).await
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

    /// Stores the end and publishes the terminal event, exactly once: whoever is second learns that it lost.
    async fn finish(&self, call: &AgentCall, mut end: RunEnd) {
        if let Ok(Some(session)) = self.opened.transcript.session(call.session_id()).await {
            end.session_title = session.title;
        }
        let state = end.state;
        match self.opened.journal.finish(call.run_id(), end).await {
            Ok(true) => tracing::debug!(%state, "run ended"),
            Ok(false) => tracing::debug!(%state, "run had ended already"),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the end of a run was not recorded"
                );
            }
        }
    }

    /// After the reservation and the permit are gone: tells those who wait for this.
    fn run_ended(&self) {
        self.tasks.ended.send_modify(|count| *count += 1);
        if self.gate.active() == 0 {
            (self.tasks.on_idle)();
        }
    }

    fn now(&self) -> i64 {
        self.opened.clock.now().seconds()
    }
}

/// How a run ended, in the words of people.
struct Verdict {
    state: RunState,
    title: String,
    details: String,
    usage: Option<Usage>,
    reason: Option<String>,
}

impl Verdict {
    fn of(ended: Ended) -> Self {
        match ended {
            Ended::Returned(Ok(outcome)) => Self {
                usage: outcome.usage,
                reason: outcome.reason,
                ..Self::new(RunState::Completed, "", "")
            },
            Ended::Returned(Err(error)) => Self::failure(&error),
            Ended::Cancelled(reason) | Ended::NeverStarted(reason) => Self::cancelled(reason, None),
            Ended::Aborted(reason) => Self::cancelled(reason, Some("aborted")),
            Ended::Panicked(text) => {
                tracing::error!(
                    panic = text,
                    "the agent panicked; only this run is affected"
                );
                Self::new(RunState::Failed, "Agent panicked", &text)
            }
        }
    }

    fn new(state: RunState, title: &str, details: &str) -> Self {
        Self {
            state,
            title: title.to_owned(),
            details: details.to_owned(),
            usage: None,
            reason: None,
        }
    }

    fn failure(error: &RunError) -> Self {
        match error {
            RunError::Cancelled => Self::new(
                RunState::Failed,
                "Agent stopped",
                "it stopped without being asked to",
            ),
            RunError::Failed {
                title,
                details,
                cause,
            } => {
                tracing::warn!(
                    title,
                    details,
                    cause = cause.as_deref().map(tracing::field::display),
                    "run failed"
                );
                Self::new(RunState::Failed, title, details)
            }
        }
    }

    /// A run that its server or workspace cut off is interrupted, every other one that was asked to stop is cancelled
    /// (semantics 2).
    fn cancelled(reason: CancelReason, how: Option<&str>) -> Self {
        let verdict = match reason {
            CancelReason::Closing => Self::new(
                RunState::Interrupted,
                "Interrupted",
                "the workspace was closed",
            ),
            CancelReason::Requested | CancelReason::Superseded | CancelReason::Abandoned => {
                Self::new(RunState::Cancelled, "User canceled request", "")
            }
        };
        let word = match reason {
            CancelReason::Requested => None,
            CancelReason::Superseded => Some("superseded"),
            CancelReason::Abandoned => Some("abandoned"),
            CancelReason::Closing => Some("closing"),
        };
        Self {
            reason: how.or(word).map(str::to_owned),
            ..verdict
        }
    }

    /// The finish part of the message that the run left unfinished.
    fn finish(&self) -> Finish {
        let reason = match self.state {
            RunState::Completed => FinishReason::EndTurn,
            RunState::Cancelled => FinishReason::Canceled,
            _ => FinishReason::Error,
        };
        Finish {
            reason,
            time: 0,
            message: self.title.as_str().into(),
            details: self.details.as_str().into(),
        }
    }

    fn into_end(self) -> RunEnd {
        let error = match self.state {
            RunState::Failed => Some(format!("{}: {}", self.title.to_lowercase(), self.details)),
            RunState::Interrupted => Some(format!("interrupted: {}", self.details)),
            _ => None,
        };
        RunEnd {
            error,
            reason: self.reason,
            usage: self.usage,
            ..RunEnd::new(self.state)
        }
    }
}

fn log_transcript(error: &TranscriptError) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the history of a run was not written"
    );
}
