//! The way of an accepted run to its end: its turn, its execution, and the one place where every end passes. It must
//! never know how a prompt was accepted, nor what is written when a run is over; that is in `ending.rs`.

use std::sync::{Arc, OnceLock};

use runwright_agent::{AgentCall, RunContext, RunError, Runner, Start};
use tracing::Instrument;

use crate::admitted::Admitted;
use crate::background::TasksOfWorkspace;
use crate::ending::Ending;
use crate::run_transcript::RunTranscript;
use crate::started_runs::Started;
use crate::steering::FoldIntoTurn;
use crate::supervise::{Ended, caught, supervise};
use crate::workspace::Workspace;

/// A run that was admitted, and the word that is owed to those who wait for its end. The fields drop in this order:
/// who is told looks at the reservation and at the gate.
pub(crate) struct OwedRun {
    pub(crate) admitted: Admitted<Arc<AgentCall>>,
    started: OnceLock<Started>,
    _over: TellOver,
}

/// Says that a run is over when it is dropped, so that it is said however the run ends, also when it came to nothing.
struct TellOver(Arc<Workspace>);

impl OwedRun {
    pub(crate) fn new(workspace: Arc<Workspace>, admitted: Admitted<Arc<AgentCall>>) -> Self {
        Self {
            admitted,
            started: OnceLock::new(),
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
    let span = span_of(call);
    async {
        let turn = workspace.take_turn(&owed, call, runner);
        workspace.end_after(turn, call).await;
        drop(owed);
    }
    .instrument(span)
    .await;
}

/// Carries a run to its end that another process had accepted, once there is an agent. Until then it can still be taken
/// out of the queue.
pub(crate) async fn carry_on(workspace: Arc<Workspace>, owed: OwedRun, call: Arc<AgentCall>) {
    let token = owed.admitted.run().cancel_token().clone();
    let runner = tokio::select! {
        biased;
        runner = workspace.agent() => runner,
        reason = token.cancelled() => {
            let ending = async { Ending::unstarted(workspace.prompt_of(&call), reason) };
            workspace.end_after(ending, &call).instrument(span_of(&call)).await;
            return drop(owed);
        }
    };
    owed.admitted.run().confirm();
    carry(&workspace, owed, &call, runner).await;
}

fn span_of(call: &AgentCall) -> tracing::Span {
    tracing::info_span!("run", run = %call.run_id(), session = %call.session_id())
}

impl Workspace {
    /// The one place where every end passes.
    async fn end_after(&self, turn: impl Future<Output = Ending>, call: &AgentCall) {
        let ending = caught(turn).await;
        let ending = ending.unwrap_or_else(|panic| Ending::broken(&panic));
        self.end(call, ending).await;
    }

    async fn take_turn(
        self: &Arc<Self>,
        owed: &OwedRun,
        call: &Arc<AgentCall>,
        runner: Arc<dyn Runner>,
    ) -> Ending {
        match owed.admitted.run().turn().await {
            Start::Active => Ending::of_turn(self.execute(owed, call, runner).await),
            Start::Cancelled(reason) => Ending::unstarted(self.prompt_of(call), reason),
            Start::Folded { into } => Ending::folded(into),
        }
    }

    async fn execute(
        self: &Arc<Self>,
        owed: &OwedRun,
        call: &Arc<AgentCall>,
        runner: Arc<dyn Runner>,
    ) -> Ended {
        if let Err(error) = self.begin(call).await {
            return Ended::Returned(Err(error));
        }
        let run = owed.admitted.run();
        owed.started
            .get_or_init(|| Started::note(self, call.run_id()));
        let token = run.cancel_token().clone();
        let transcript = Arc::new(RunTranscript::new(self.opened.transcript.clone()));
        let steering = FoldIntoTurn::new(self.clone(), run.steering());
        let context = RunContext {
            call: call.clone(),
            cancel: token.clone(),
            transcript: transcript.clone(),
            steering: Arc::new(steering),
            background: Arc::new(TasksOfWorkspace(self.clone())),
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
        ended
    }

    /// Records that the run has started and writes its prompt, both on their way to the storage at the same time. No
    /// turn begins before both are there: a run that went on as `queued` would be carried out once more after a crash.
    async fn begin(&self, call: &AgentCall) -> Result<(), RunError> {
        let (journal, transcript) = (&self.opened.journal, &self.opened.transcript);
        let run = call.run_id();
        let (started, written) = tokio::join!(
            // In this order: a prompt that is there belongs to a run that has started.
            biased;
            journal.start(run),
            transcript.create_message(Some(run), self.prompt_of(call)),
        );
        started?;
        Ok(written?)
    }
}
