//! The runs that a process before this one had accepted and not started: they are taken back when their workspace
//! opens, before anybody can send it a prompt. It must never know how they were kept.

use std::sync::Arc;

use runwright_agent::AgentCall;
use runwright_proto::BusyPolicy;

use crate::admitted::Admitted;
use crate::carry::{OwedRun, carry_on};
use crate::workspace::Workspace;

impl Workspace {
    /// Takes these runs back, in the order of their turns. They are accepted, so no bound refuses them, and they keep
    /// the workspace open like any other run. Without an agent they wait for one.
    pub(crate) fn resume(self: &Arc<Self>, queued: Vec<Arc<AgentCall>>) {
        if queued.is_empty() {
            return;
        }
        tracing::info!(workspace = %self.id, runs = queued.len(), "accepted runs go on");
        for call in by_turn(queued) {
            let (session, run) = (call.session_id(), call.run_id().clone());
            let admitted =
                Admitted::readmit(&self.gate, &self.reservations, session, run, call.clone());
            // A workspace that closes already leaves the rest to its next life.
            let Ok(admitted) = admitted else { return };
            let owed = OwedRun::new(self.clone(), admitted);
            self.tasks.tracker.spawn(carry_on(self.clone(), owed, call));
        }
    }
}

/// Runs are kept in the order in which they were recorded, and a prompt that interrupts goes before those that wait:
/// what it interrupted is gone.
fn by_turn(mut queued: Vec<Arc<AgentCall>>) -> Vec<Arc<AgentCall>> {
    queued.sort_by_key(|call| call.when_busy() != BusyPolicy::Interrupt);
    queued
}
