//! The way of a prompt from a client to an accepted run: validate, enter the gate, reserve, record, and only then
//! say so. What the run does afterwards is in `carry.rs`.

use std::sync::Arc;

use runwright_agent::{Acceptance, AgentCall, Earlier, NewRun, Refusal, Runner};
use runwright_proto::{AgentMessage, Receipt};
use tokio::sync::oneshot;

use crate::admitted::{AdmitError, Admitted};
use crate::carry::{OwedRun, carry};
use crate::error::DispatchError;
use crate::recording::Recording;
use crate::workspace::Workspace;

/// A prompt that was taken on.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// What the client is told.
    pub receipt: Receipt,
    /// Whether the same request was made before, and this one has started nothing.
    pub replayed: bool,
}

impl Workspace {
    /// Accepts a prompt, or says why not; the first check that fails is reported (semantics 2.1).
    ///
    /// # Errors
    /// [`DispatchError`]; nothing has happened then.
    ///
    /// # Cancel safety
    /// A dropped future leaves a whole accepted run or nothing. What is accepted runs, whoever asked for it.
    pub async fn send_message(
        self: &Arc<Self>,
        message: AgentMessage,
        idempotency_key: Option<Arc<str>>,
    ) -> Result<Submitted, DispatchError> {
        let runner = self.runner().ok_or(DispatchError::AgentNotReady)?;
        let call = validated(message, idempotency_key)?;
        if self
            .opened
            .transcript
            .session(call.session_id())
            .await?
            .is_none()
        {
            return Err(DispatchError::SessionNotFound(call.session_id().clone()));
        }
        let recording = match self.first_or_earlier(&call).await? {
            Ok(recording) => recording,
            Err(earlier) => return replay(earlier),
        };
        let owed = OwedRun::new(self.clone(), self.admit(&call)?);
        let (reply, answer) = oneshot::channel();
        // From here the run belongs to the workspace: a caller that goes away changes nothing.
        let accepting = self.clone().accept(recording, owed, call, runner, reply);
        self.tasks.tracker.spawn(accepting);
        answer.await.unwrap_or(Err(DispatchError::Lost))
    }

    fn admit(&self, call: &Arc<AgentCall>) -> Result<Admitted<Arc<AgentCall>>, DispatchError> {
        let (session, run) = (call.session_id(), call.run_id().clone());
        Admitted::admit(
            &self.gate,
            &self.reservations,
            session,
            run,
            call.when_busy(),
            call.clone(),
        )
        .map_err(|error| match error {
            AdmitError::Closing(_) => DispatchError::Closing(self.id),
            AdmitError::Refused(Refusal::Busy { runs }) => DispatchError::SessionBusy { runs },
            AdmitError::Refused(Refusal::QueueFull { position }) => {
                DispatchError::QueueFull { position }
            }
        })
    }

    /// Records the run, says so, and carries it to its end. On a refusal `owed` is dropped
    /// first, which undoes the reservation, and then `recording`: who waited for it finds the place free.
    async fn accept(
        self: Arc<Self>,
        recording: Recording,
        owed: OwedRun,
        call: Arc<AgentCall>,
        runner: Arc<dyn Runner>,
        reply: oneshot::Sender<Result<Submitted, DispatchError>>,
    ) {
        let new = NewRun {
            call: call.clone(),
            position: owed.admitted.run().position(),
        };
        let submitted = match self.opened.journal.accept(new).await {
            Ok(Acceptance::Accepted(receipt)) => receipt,
            Ok(Acceptance::Known(earlier)) => return answer(reply, replay(earlier)),
            Err(error) => return answer(reply, Err(error.into())),
        };
        owed.admitted.run().confirm();
        drop(recording);
        answer(
            reply,
            Ok(Submitted {
                receipt: submitted,
                replayed: false,
            }),
        );
        // Boxed, because it is large, and this future is moved into its task by every accept.
        Box::pin(carry(&self, owed, &call, runner)).await;
    }
}

fn validated(
    message: AgentMessage,
    key: Option<Arc<str>>,
) -> Result<Arc<AgentCall>, DispatchError> {
    let call = AgentCall::try_from(message)?;
    Ok(Arc::new(match key {
        Some(key) => call.with_idempotency_key(key),
        None => call,
    }))
}

fn replay(earlier: Earlier) -> Result<Submitted, DispatchError> {
    match earlier {
        Earlier::Same(receipt) => Ok(Submitted {
            receipt,
            replayed: true,
        }),
        Earlier::Different(run) => Err(DispatchError::IdempotencyMismatch(run)),
    }
}

fn answer(
    reply: oneshot::Sender<Result<Submitted, DispatchError>>,
    result: Result<Submitted, DispatchError>,
) {
    if reply.send(result).is_err() {
        tracing::debug!("the client left before it was answered");
    }
}
