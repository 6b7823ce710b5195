//! Runs whose record or history fails, panics or loses its answers: each has its one end all the same.

use runwright_backend::BackendOptions;
use runwright_backend::testing::{Call, FakeRunner, TestBackend};
use runwright_proto::RunState;

use crate::supervision::over;

#[tokio::test(start_paused = true)]
async fn a_start_that_is_not_recorded_does_not_stop_the_run() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    backend.faults().fail(Call::Start);
    workspace.send(&session, "r1", "hello").await.unwrap();
    backend.runner().entered().await.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_cannot_be_written_fails_its_run() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    backend.faults().fail(Call::CreateMessage);
    workspace.send(&session, "r1", "hello").await.unwrap();
    let end = events.end_of("r1").await;
    assert_eq!(
        (end.state, end.error.as_str()),
        (RunState::Failed, "storage failed: history storage failed")
    );
    assert_eq!(backend.runner().began(), []);
    events.assert_orderly();
}

/// A write that fails once, or whose answer is lost, changes nothing: the end is recorded at the second try.
#[tokio::test(start_paused = true)]
async fn an_end_whose_record_fails_is_told_once() {
    for fault in [Call::Finish, Call::FinishAnswer] {
        let backend = TestBackend::new();
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        let mut events = workspace.recorder();
        backend.faults().fail(fault);
        workspace.send(&session, "r1", "hello").await.unwrap();
        workspace.send(&session, "r2", "go on").await.unwrap();
        backend.runner().entered_by("r1").await.release();
        backend.runner().entered_by("r2").await.release();
        events.end_of("r2").await;
        events.assert_orderly();
        let states: Vec<_> = events.ends().into_iter().map(|end| end.state).collect();
        assert_eq!(states, [RunState::Completed; 2], "{fault:?}");
        let record = workspace.run(&"r1".parse().unwrap()).await.unwrap();
        assert_eq!(record.state, RunState::Completed);
    }
}

/// The answers may be lost again and again: that is no reason to tell of the end twice.
#[tokio::test(start_paused = true)]
async fn an_end_whose_answers_are_lost_is_told_once() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    backend.faults().fail(Call::Finish);
    backend.faults().fail_nth(Call::Finish, 2);
    backend.faults().break_down(Call::FinishAnswer);
    turn.release();
    events.end_of("r1").await;
    over(&workspace, &session, "r1").await;
    events.assert_orderly();
    assert_eq!(backend.faults().made(Call::Finish), 3);
    assert_eq!(events.ends().len(), 1);
}

/// Whoever follows the run is told, although the record cannot be written; recovery puts the record right later.
#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_recorded_is_told_all_the_same() {
    for panics in [false, true] {
        let backend = TestBackend::new();
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        let mut events = workspace.recorder();
        workspace.send(&session, "r1", "hello").await.unwrap();
        let turn = backend.runner().entered_by("r1").await;
        backend.faults().break_down(Call::Finish);
        if panics {
            backend.faults().panic(Call::Finish);
        }
        turn.release();
        events.end_of("r1").await;
        over(&workspace, &session, "r1").await;
        let record = workspace.run(&"r1".parse().unwrap()).await.unwrap();
        assert_eq!(record.state, RunState::Running);
        backend.faults().repair(Call::Finish);
        workspace.send(&session, "r2", "go on").await.unwrap();
        backend.runner().entered_by("r2").await.release();
        events.end_of("r2").await;
        events.assert_orderly();
        assert_eq!(events.ends().len(), 2);
    }
}

/// A port that panics is somebody else's mistake; the run ends all the same, and so do those behind it.
#[tokio::test(start_paused = true)]
async fn a_history_that_panics_fails_only_the_run_it_was_written_for() {
    for call in [Call::CreateMessage, Call::CloseRun, Call::Start] {
        let backend = TestBackend::with(BackendOptions::default(), FakeRunner::answering());
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        let mut events = workspace.recorder();
        backend.faults().panic(call);
        workspace.send(&session, "r1", "hello").await.unwrap();
        workspace.send(&session, "r2", "go on").await.unwrap();
        events.end_of("r2").await;
        events.assert_orderly();
        let ends: Vec<_> = events
            .ends()
            .into_iter()
            .map(|end| (end.state, end.error))
            .collect();
        let panicked = format!("storage panicked: the test let `{call:?}` fail");
        assert_eq!(
            ends,
            [
                (RunState::Failed, panicked),
                (RunState::Completed, String::new())
            ]
        );
        assert!(!workspace.has_runs());
    }
}
