//! How a run ended, in the words of people: what became of its task, turned into a state, an error and a finish part. It
//! must never know how an end is stored or announced.

use runwright_agent::{CancelReason, RunEnd, RunError};
use runwright_proto::{Finish, FinishReason, RunState, Usage};

use crate::supervise::Ended;

/// How a run ended, in the words of people.
pub(crate) struct Verdict {
    pub(crate) state: RunState,
    title: String,
    details: String,
    usage: Option<Usage>,
    reason: Option<String>,
}

impl Verdict {
    pub(crate) fn of(ended: Ended) -> Self {
        match ended {
            Ended::Returned(Ok(outcome)) => Self {
                usage: outcome.usage,
                reason: outcome.reason,
                ..Self::completed()
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

    /// A run that went well.
    pub(crate) fn completed() -> Self {
        Self::new(RunState::Completed, "", "")
    }

    /// The end of a run that the storage let down so badly that nothing else can be said of it.
    pub(crate) fn broken(panic: &str) -> Self {
        tracing::error!(
            panic,
            "the storage of a run panicked; only this run is affected"
        );
        Self::new(RunState::Failed, "Storage panicked", panic)
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
                // The details are for those who wait for the run: a provider may quote a prompt in them.
                tracing::warn!(
                    title,
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
                let details = reason.to_string();
                Self::new(RunState::Cancelled, "User canceled request", &details)
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
    pub(crate) fn finish(&self) -> Finish {
        let reason = match self.state {
            RunState::Completed => FinishReason::EndTurn,
            RunState::Cancelled => FinishReason::Canceled,
            RunState::Failed
            | RunState::Interrupted
            | RunState::Queued
            | RunState::Running
            | RunState::RequiresAction => FinishReason::Error,
        };
        // What a client shows for a cancelled message is one line (contract 5.6).
        let details = if self.state == RunState::Cancelled {
            ""
        } else {
            self.details.as_str()
        };
        Finish {
            reason,
            time: 0,
            message: self.title.as_str().into(),
            details: details.into(),
        }
    }

    pub(crate) fn to_end(&self) -> RunEnd {
        let error = match self.state {
            RunState::Failed => Some(format!("{}: {}", self.title.to_lowercase(), self.details)),
            RunState::Interrupted => Some(format!("interrupted: {}", self.details)),
            // Contract clients get a text here too, beside `cancelled` (contract 5.5).
            RunState::Cancelled => Some(self.details.clone()),
            RunState::Completed
            | RunState::Queued
            | RunState::Running
            | RunState::RequiresAction => None,
        };
        RunEnd {
            error,
            reason: self.reason.clone(),
            usage: self.usage,
            ..RunEnd::new(self.state)
        }
    }
}
