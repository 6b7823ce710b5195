//! The ceilings: the same parts without the rules between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runwright_agent::{
    Acceptance, AgentCall, NewRun, RunEnd, RunError, RunJournal, RunOutcome, Transcript,
};
use runwright_proto::{Finish, RunState};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cpu::{cpu_time, runtime};
use crate::ours::message;
use crate::ports::Nothing;

/// A workspace that is nothing but its handle: a token, a tracker and a count of streams.
#[derive(Default)]
pub(crate) struct Workspace {
    cancel: CancellationToken,
    tracker: TaskTracker,
    streams: AtomicUsize,
}

/// Creates a workspace, attaches and detaches a stream, and closes it, `rounds` times.
pub(crate) fn lives(rounds: u64) -> Duration {
    runtime().block_on(async {
        let start = cpu_time();
        for _ in 0..rounds {
            let workspace = Arc::new(Workspace::default());
            let stream = workspace.clone();
            stream.streams.fetch_add(1, Ordering::Relaxed);
            stream.streams.fetch_sub(1, Ordering::Relaxed);
            drop(stream);
            workspace.cancel.cancel();
            workspace.tracker.close();
            workspace.tracker.wait().await;
        }
        cpu_time() - start
    })
}

/// Accepts a prompt and runs it to its end, `rounds` times: two tasks, a reply, and each call of the ports that a run
/// needs.
pub(crate) fn runs(rounds: u64) -> Duration {
    runtime().block_on(async {
        let workspace = Workspace::default();
        let message = message();
        let start = cpu_time();
        for _ in 0..rounds {
            let call = AgentCall::try_from(message.clone()).expect("the prompt is valid");
            let call = Arc::new(call);
            let (reply, answer) = oneshot::channel();
            let tracker = workspace.tracker.clone();
            let run = workspace.tracker.spawn(carry(tracker, call, reply));
            answer.await.expect("it is answered");
            run.await.expect("it ends");
        }
        cpu_time() - start
    })
}

async fn carry(tracker: TaskTracker, call: Arc<AgentCall>, reply: oneshot::Sender<Acceptance>) {
    let ports = Nothing;
    let (session, run) = (call.session_id(), call.run_id());
    let _session = ports.session(session).await;
    let _earlier = ports.find(&call).await;
    let new = NewRun {
        call: call.clone(),
        position: 0,
    };
    let accepted = ports.accept(new).await.expect("it is recorded");
    drop(reply.send(accepted));
    let _started = ports.start(run).await;
    let _written = ports.create_message(Some(run), call.user_message(0)).await;
    let turn = async { Ok::<_, RunError>(RunOutcome::default()) };
    let _outcome = tracker.spawn(turn).await;
    let _closed = ports.close_run(run, Finish::default()).await;
    let _session = ports.session(session).await;
    let _ended = ports.finish(run, RunEnd::new(RunState::Completed)).await;
}

/// Makes so many idle workspaces.
pub(crate) fn idle(count: usize) -> Vec<Arc<Workspace>> {
    (0..count).map(|_| Arc::new(Workspace::default())).collect()
}
