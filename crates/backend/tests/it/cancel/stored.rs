//! A cancel outlives the process: whoever is told that it is done finds nothing started again after a crash.

use std::task::Poll;

use runwright_backend::testing::{Call, TestBackend, TestWorkspace};
use runwright_backend::{RunError, ShutdownMode};
use runwright_proto::{EndReason, RunState, SessionId};
use tokio::time::{Duration, Instant};

use super::{SECOND, run, send, state};
use crate::poll::{pass, poll_once};

/// Cancels a session as a request does.
async fn cancel(workspace: &TestWorkspace, session: &SessionId) -> Result<(), RunError> {
    workspace.cancel_session(session);
    let runs = workspace.stopping(session);
    workspace.never_start(session, &runs).await
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_done_when_the_record_has_the_ends_of_those_that_waited() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    send(&workspace, &session, &["r1", "r2", "r3"]).await;
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    let mut held = backend.faults().hold(Call::Finish);
    let mut cancelling = Box::pin(cancel(&workspace, &session));
    assert!(poll_once(&mut cancelling).is_pending());
    held.reached().await;
    assert!(poll_once(&mut cancelling).is_pending());
    let asked = Instant::now();
    held.release();
    cancelling.await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO, "the turn goes on");
    let states = [
        state(&workspace, "r1").await,
        state(&workspace, "r2").await,
        state(&workspace, "r3").await,
    ];
    assert_eq!(
        states,
        [RunState::Running, RunState::Cancelled, RunState::Cancelled]
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancel_waits_for_the_start_of_a_run_that_is_just_being_recorded() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let mut starting = backend.faults().hold(Call::Start);
    send(&workspace, &session, &["r1"]).await;
    starting.reached().await;
    assert_eq!(state(&workspace, "r1").await, RunState::Queued);
    let mut cancelling = Box::pin(cancel(&workspace, &session));
    assert!(poll_once(&mut cancelling).is_pending());
    starting.release();
    cancelling.await.unwrap();
    assert_ne!(state(&workspace, "r1").await, RunState::Queued);
    assert_eq!(events.end_of("r1").await.state, RunState::Cancelled);
    assert_eq!(backend.runner().began(), []);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_waits_for_a_run_that_is_just_being_accepted() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut recording = backend.faults().hold(Call::Accept);
    let mut sending = Box::pin(workspace.send(&session, "r1", "hello"));
    assert!(poll_once(&mut sending).is_pending());
    recording.reached().await;
    let mut cancelling = Box::pin(cancel(&workspace, &session));
    assert!(poll_once(&mut cancelling).is_pending());
    recording.release();
    sending.await.unwrap();
    cancelling.await.unwrap();
    assert_eq!(state(&workspace, "r1").await, RunState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_with_nothing_to_stop_or_only_a_turn_is_done_at_once() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut idle = Box::pin(cancel(&workspace, &session));
    assert!(matches!(poll_once(&mut idle), Poll::Ready(Ok(()))));
    send(&workspace, &session, &["r1"]).await;
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    // Also while nothing can be stored: the run is on record as one that has started.
    backend.faults().break_down(Call::Finish);
    let mut busy = Box::pin(cancel(&workspace, &session));
    assert!(matches!(poll_once(&mut busy), Poll::Ready(Ok(()))));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_the_storage_does_not_take_says_so_and_stops_all_the_same() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2"]).await;
    let turn = backend.runner().entered().await;
    backend.faults().break_down(Call::Finish);
    let asked = Instant::now();
    let refused = cancel(&workspace, &session).await;
    assert!(matches!(refused, Err(RunError::NotStored)), "{refused:?}");
    assert_eq!(asked.elapsed(), 5 * SECOND);
    // Whoever asks again is not told that there is nothing to cancel.
    for _ in 0..2 {
        let again = cancel(&workspace, &session).await;
        assert!(matches!(again, Err(RunError::NotStored)), "{again:?}");
        let again = workspace.cancel_queued(&run("r2")).await;
        assert!(matches!(again, Err(RunError::NotStored)), "{again:?}");
    }
    assert_eq!(state(&workspace, "r2").await, RunState::Queued);
    backend.faults().repair(Call::Finish);
    cancel(&workspace, &session).await.unwrap();
    assert_eq!(state(&workspace, "r2").await, RunState::Cancelled);
    assert_eq!(events.end_of("r2").await.state, RunState::Cancelled);
    assert_eq!(backend.runner().began(), [run("r1")]);
    drop(turn);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_taken_out_of_the_queue_is_waited_for() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    send(&workspace, &session, &["r1", "r2"]).await;
    let _turn = backend.runner().entered().await;
    let mut held = backend.faults().hold(Call::Finish);
    let r2 = run("r2");
    let mut taken = Box::pin(workspace.cancel_queued(&r2));
    assert!(poll_once(&mut taken).is_pending());
    held.reached().await;
    assert!(poll_once(&mut taken).is_pending());
    held.release();
    taken.await.unwrap();
    assert_eq!(state(&workspace, "r2").await, RunState::Cancelled);
    // The next process does not start r2, so it is not queued any more.
    let again = workspace.cancel_queued(&r2).await;
    assert!(matches!(again, Err(RunError::NotQueued(_))), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_during_a_shutdown_that_cannot_be_stored_says_so() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    send(&workspace, &session, &["r1", "r2"]).await;
    let _turn = backend.runner().entered().await;
    backend.faults().break_down(Call::Finish);
    let closing = workspace.shutdown(ShutdownMode::Cancel, SECOND, EndReason::WorkspaceClosed);
    let mut closing = Box::pin(closing);
    assert!(poll_once(&mut closing).is_pending());
    pass(SECOND / 2).await;
    let cancelled = cancel(&workspace, &session);
    let (cancelled, _) = tokio::join!(cancelled, closing);
    assert!(
        matches!(cancelled, Err(RunError::NotStored)),
        "{cancelled:?}"
    );
}
