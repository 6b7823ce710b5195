//! A run that the gate let in and the session accepted: both proofs in one value, so that moving it into a task
//! cannot change the order in which they end.

use runwright_agent::{AcceptedRun, Refusal, Reservations};
use runwright_proto::{BusyPolicy, RunId, SessionId};

use crate::gate::{Closing, RunGate, RunPermit};

/// A run that is admitted and accepted.
///
/// The fields drop in this order: the reservation ends before the gate can drain, so that a drained gate has no
/// reservation (model-checked in `tests/loom.rs`).
#[derive(Debug)]
#[must_use = "dropping it ends the run"]
pub struct Admitted<P> {
    run: AcceptedRun<P>,
    _permit: RunPermit,
}

/// Why a prompt was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// The workspace is closing.
    #[error(transparent)]
    Closing(#[from] Closing),
    /// The session does not take it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl<P: Clone> Admitted<P> {
    /// Enters the gate, then accepts: in the other order a refused prompt would leave a reservation behind for a
    /// moment on a gate that has drained.
    ///
    /// # Errors
    /// [`AdmitError`]; nothing has happened then.
    pub fn admit(
        gate: &RunGate,
        reservations: &Reservations<P>,
        session: &SessionId,
        run: RunId,
        policy: BusyPolicy,
        payload: P,
    ) -> Result<Self, AdmitError> {
        let permit = gate.enter()?;
        let run = reservations.accept(session, run, policy, payload)?;
        Ok(Self {
            run,
            _permit: permit,
        })
    }

    /// Takes back a run that was accepted before, in another life of the workspace: only the gate may refuse it.
    ///
    /// # Errors
    /// [`Closing`]; nothing has happened then.
    pub fn readmit(
        gate: &RunGate,
        reservations: &Reservations<P>,
        session: &SessionId,
        run: RunId,
        payload: P,
    ) -> Result<Self, Closing> {
        let permit = gate.enter()?;
        let run = reservations.readmit(session, run, payload);
        Ok(Self {
            run,
            _permit: permit,
        })
    }

    /// The reservation.
    pub fn run(&self) -> &AcceptedRun<P> {
        &self.run
    }
}
