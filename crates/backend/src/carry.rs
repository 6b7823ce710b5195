//! The way of an accepted run to its end: its turn, its execution, and the one place where every end passes. It must
//! never know how a prompt was accepted, nor what is written when a run is over; that is in `ending.rs`.

use std::sync::Arc;

use runwright_agent::{AgentCall, RunContext, RunEnd, RunError, Runner, Start};
use runwright_proto::RunState;
use tracing::Instrument;

use crate::admitted::Admitted;
use crate::run_transcript::RunTranscript;
use crate::steering::FoldIntoTurn;
use crate::supervise::{Ended, caught, supervise};
use crate::verdict::Verdict;
use crate::workspace::Workspace;

/// A run that was admitted, and the word that is owed to those who wait for its end. The fields drop in this order:
/// who is told looks at the reservation and at the gate.
pub(crate) struct OwedRun {
    pub(crate) admitted: Admitted<Arc<AgentCall>>,
    _over: TellOver,
}

/// Says that a run is over when it is dropped, so that it is said however the run ends, also when it came to nothing.
struct TellOver(Arc<Workspace>);

impl OwedRun {
    pub(crate) fn new(workspace: Arc<Workspace>, admitted: Admitted<Arc<AgentCall>>) -> Self {
        Self {
            admitted,
            _over: TellOver(workspace),
        }
    }
}

impl Drop for TellOver {
    fn drop(&mut self) {
        self.0.tasks.ended.tell();
        if self.0.gate.active() == 0 {
            (self.0.tasks.on_idle)();
        }
    }
}

/// Carries an accepted run to its end. When this returns its terminal event is published, the session belongs to the
/// next run, and the gate knows one run less.
pub(crate) async fn carry(
    workspace: &Arc<Workspace>,
    owed: OwedRun,
    call: &Arc<AgentCall>,
    runner: Arc<dyn Runner>,
) {
    let span = tracing::info_span!("run", run = %call.run_id(), session = %call.session_id());
    async {
        let end = caught(workspace.run_to_end(&owed.admitted, call, runner)).await;
        let end = end.unwrap_or_else(|panic| Verdict::broken(&panic).into_end());
        workspace.finish(call, end).await;
        drop(owed);
    }
    .instrument(span)
    .await;
}

impl Workspace {
    async fn run_to_end(
        self: &Arc<Self>,
        admitted: &Admitted<Arc<AgentCall>>,
        call: &Arc<AgentCall>,
        runner: Arc<dyn Runner>,
    ) -> RunEnd {
        match admitted.run().turn().await {
            Start::Active => self.execute(admitted, call, runner).await,
            Start::Cancelled(reason) => self.end_unstarted(call, reason).await,
            Start::Folded { into } => RunEnd {
                folded_into: Some(into),
                ..RunEnd::new(RunState::Completed)
            },
        }
    }

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
        if let Err(error) = self.write_prompt(call).await {
            return self.end_of(call, Ended::Returned(Err(error.into()))).await;
        }
        let token = admitted.run().cancel_token().clone();
        let transcript = Arc::new(RunTranscript::new(self.opened.transcript.clone()));
        let steering = FoldIntoTurn::new(self.clone(), admitted.run().steering());
        let context = RunContext {
            call: call.clone(),
            cancel: token.clone(),
            transcript: transcript.clone(),
            steering: Arc::new(steering),
            workspace: self.opened.context.clone(),
            clock: self.opened.clock.clone(),
        };
        let turn = async move {
            // A cancel that came while the prompt was written is in time: the agent is not even asked.
            if context.cancel.is_cancelled() {
                return Err(RunError::Cancelled);
            }
            runner.run(context).await
        };
        let task = self.tasks.tracker.spawn(turn.in_current_span());
        let options = self.opened.options;
        let ended = supervise(task, &token, &self.tasks.abort, options).await;
        transcript.close(options.abort_grace).await;
        self.end_of(call, ended).await
    }
}
