//! Stop means stop: what a cancel covers, what it leaves alone, and how long one may wait for it.

mod stored;

use runwright_backend::testing::{Call, TestBackend, TestWorkspace};
use runwright_backend::{RunError, ShutdownMode};
use runwright_proto::{EndReason, RunId, RunState, SessionId};
use tokio::time::{Duration, Instant};

use crate::{
    ids,
    poll::{pass, poll_once},
};

const SECOND: Duration = Duration::from_secs(1);

fn run(name: &str) -> RunId {
    name.parse().unwrap()
}

async fn state(workspace: &TestWorkspace, name: &str) -> RunState {
    workspace.run(&run(name)).await.unwrap().state
}

async fn send(workspace: &TestWorkspace, session: &SessionId, names: &[&str]) {
    for name in names {
        workspace.send(session, name, "hello").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_covers_the_active_run_the_queue_and_what_is_being_recorded() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2"]).await;
    let _turn = backend.runner().entered().await;
    let mut recording = backend.faults().hold(Call::Accept);
    let mut sending = Box::pin(workspace.send(&session, "r3", "hello"));
    assert!(poll_once(&mut sending).is_pending());
    recording.reached().await;

    assert_eq!(
        workspace.cancel_session(&session),
        [run("r1"), run("r2"), run("r3")]
    );
    recording.release();
    sending.await.unwrap();
    for name in ["r1", "r2", "r3"] {
        assert_eq!(events.end_of(name).await.state, RunState::Cancelled);
        assert_eq!(state(&workspace, name).await, RunState::Cancelled);
    }
    events.assert_orderly();
    assert_eq!(backend.runner().began(), [run("r1")]);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_is_accepted_after_a_cancel_runs() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2"]).await;
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    workspace.cancel_session(&session);
    // The cancelled run is still there, and so is the mark that covers it.
    send(&workspace, &session, &["r3"]).await;
    turn.stop();
    backend.runner().entered_by("r3").await.release();
    let ends = [
        events.end_of("r1").await.state,
        events.end_of("r2").await.state,
        events.end_of("r3").await.state,
    ];
    assert_eq!(
        ends,
        [
            RunState::Cancelled,
            RunState::Cancelled,
            RunState::Completed
        ]
    );
    assert_eq!(backend.runner().began(), [run("r1"), run("r3")]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_remembers_no_cancel() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    assert_eq!(workspace.cancel_session(&session), []);
    assert_eq!(workspace.clear_queue(&session), []);
    assert_eq!(workspace.cancel_session(&ids::session(1)), []);
    assert_eq!(events.story(), [""; 0]);

    send(&workspace, &session, &["r1"]).await;
    backend.runner().entered().await.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
    // The same after a run: what was cancelled is over, and forgotten.
    assert_eq!(workspace.cancel_session(&session), []);
    send(&workspace, &session, &["r2"]).await;
    backend.runner().entered().await.release();
    assert_eq!(events.end_of("r2").await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_second_cancel_changes_nothing() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1"]).await;
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    let asked = Instant::now();
    assert_eq!(workspace.cancel_session(&session), [run("r1")]);
    pass(3 * SECOND).await;
    assert_eq!(workspace.cancel_session(&session), []);
    assert!(!workspace.cancel_run(&run("r1")).await.unwrap());
    events.end_of("r1").await;
    assert_eq!(asked.elapsed(), 5 * SECOND, "counted from the first");
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_cancel_of_one_session_leaves_the_others() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let (one, other) = (workspace.new_session().await, workspace.new_session().await);
    let mut events = workspace.recorder();
    send(&workspace, &one, &["r1"]).await;
    send(&workspace, &other, &["r2", "r3"]).await;
    let bystander = backend.runner().entered_by("r2").await;
    workspace.cancel_session(&one);
    assert_eq!(events.end_of("r1").await.state, RunState::Cancelled);
    bystander.release();
    backend.runner().entered_by("r3").await.release();
    assert_eq!(events.end_of("r3").await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn cancelling_the_active_run_leaves_the_queue() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2"]).await;
    let _turn = backend.runner().entered().await;
    assert!(workspace.cancel_run(&run("r1")).await.unwrap());
    backend.runner().entered_by("r2").await.release();
    assert_eq!(events.end_of("r2").await.state, RunState::Completed);
    assert_eq!(state(&workspace, "r1").await, RunState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_queued_run_leaves_the_others() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2", "r3"]).await;
    let turn = backend.runner().entered().await;
    assert!(workspace.cancel_run(&run("r2")).await.unwrap());
    // Its end does not wait for the run before it.
    assert_eq!(events.end_of("r2").await.state, RunState::Cancelled);
    assert_eq!(workspace.queue_len(&session), 1);
    turn.release();
    backend.runner().entered_by("r3").await.release();
    events.end_of("r3").await;
    assert_eq!(backend.runner().began(), [run("r1"), run("r3")]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_stays_as_it_is() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1"]).await;
    backend.runner().entered().await.release();
    events.end_of("r1").await;
    workspace
        .ended(&session, &[run("r1")], SECOND)
        .await
        .unwrap();
    assert!(!workspace.cancel_run(&run("r1")).await.unwrap());
    assert_eq!(state(&workspace, "r1").await, RunState::Completed);
    assert_eq!(events.ends().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_a_run_that_waits_can_be_taken_out_of_the_queue() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2"]).await;
    let turn = backend.runner().entered().await;
    let refused = workspace.cancel_queued(&run("r1")).await.unwrap_err();
    assert_eq!(refused.to_string(), "run `r1` is not queued");
    workspace.cancel_queued(&run("r2")).await.unwrap();
    let refused = workspace.cancel_queued(&run("r2")).await.unwrap_err();
    assert_eq!(refused.to_string(), "run `r2` is not queued");
    turn.release();
    events.end_of("r1").await;
    assert!(matches!(
        workspace.cancel_queued(&run("r1")).await,
        Err(RunError::NotQueued(_))
    ));
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nobody_knows_cannot_be_cancelled() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let unknown = run("r1");
    let refusals = [
        workspace.cancel_run(&unknown).await.unwrap_err(),
        workspace.cancel_queued(&unknown).await.unwrap_err(),
        workspace.run(&unknown).await.unwrap_err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.to_string(), "run `r1` not found");
    }
    backend.faults().break_down(Call::ReadRuns);
    assert!(matches!(
        workspace.cancel_run(&unknown).await,
        Err(RunError::Journal(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn clearing_the_queue_leaves_the_active_run() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2", "r3"]).await;
    let turn = backend.runner().entered().await;
    assert_eq!(workspace.clear_queue(&session), [run("r2"), run("r3")]);
    assert_eq!(events.end_of("r2").await.state, RunState::Cancelled);
    assert_eq!(events.end_of("r3").await.state, RunState::Cancelled);
    turn.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
    assert_eq!(backend.runner().began(), [run("r1")]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_cancelled_run_can_be_waited_for() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2"]).await;
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    let cancelled = workspace.cancel_session(&session);

    let asked = Instant::now();
    let late = workspace.ended(&session, &cancelled, 2 * SECOND).await;
    assert!(matches!(late, Err(RunError::StillEnding)));
    assert_eq!(asked.elapsed(), 2 * SECOND);
    let waited = workspace.ended(&session, &cancelled, 60 * SECOND).await;
    waited.unwrap();
    assert_eq!(asked.elapsed(), 5 * SECOND);
    assert_eq!(events.ends().len(), 2, "both ends are told by then");
}

#[tokio::test(start_paused = true)]
async fn there_is_nothing_to_wait_for_in_an_idle_session() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let cancelled = workspace.cancel_session(&session);
    let mut waiting = Box::pin(workspace.ended(&session, &cancelled, SECOND));
    assert!(matches!(
        poll_once(&mut waiting),
        std::task::Poll::Ready(Ok(()))
    ));
}

/// A run that is cancelled and then not recorded never was one; who waits for its end must not wait in vain.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_run_that_is_not_recorded_after_all_can_be_waited_for() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut recording = backend.faults().hold(Call::Accept);
    let mut sending = Box::pin(workspace.send(&session, "r1", "hello"));
    assert!(poll_once(&mut sending).is_pending());
    recording.reached().await;
    let cancelled = workspace.cancel_session(&session);
    let asked = Instant::now();
    let mut waiting = Box::pin(workspace.ended(&session, &cancelled, SECOND));
    assert!(poll_once(&mut waiting).is_pending());
    recording.fail();
    waiting.await.unwrap();
    sending.await.unwrap_err();
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_by_another_client_is_no_error_to_anybody() {
    let backend = TestBackend::new();
    let poster = backend.open("demo").await;
    let other = backend.open("demo").await;
    let session = poster.new_session().await;
    let mut events = poster.recorder();
    send(&poster, &session, &["r1"]).await;
    let _turn = backend.runner().entered().await;
    other.cancel_session(&session);
    let end = events.end_of("r1").await;
    assert!(end.cancelled);
    let errors = events.story().into_iter();
    let errors: Vec<_> = errors.filter(|line| line.starts_with("r1 error")).collect();
    assert_eq!(errors, [""; 0]);
}

/// A cancel of everything holds for what comes later too: a run that passed the gate before it was closed, and is
/// recorded after all runs were cancelled, does not start.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_recorded_during_a_shutdown_does_not_start() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let mut recording = backend.faults().hold(Call::Accept);
    let mut sending = Box::pin(workspace.send(&session, "r1", "hello"));
    assert!(poll_once(&mut sending).is_pending());
    recording.reached().await;
    let (mode, reason) = (ShutdownMode::Cancel, EndReason::WorkspaceClosed);
    let mut closing = Box::pin(workspace.shutdown(mode, 60 * SECOND, reason));
    assert!(poll_once(&mut closing).is_pending(), "it waits for the run");
    recording.release();
    sending.await.unwrap();
    assert!(closing.await.drained);
    assert_eq!(
        events.story(),
        [
            "r1 message created: user `hello` [stop]",
            "r1 message created: assistant",
            "r1 message updated: assistant [error: Interrupted: the workspace was closed]",
            "r1 run_complete interrupted error: interrupted: the workspace was closed reason: closing",
            "end: workspace_closed",
        ]
    );
    assert_eq!(backend.runner().began(), []);
}
