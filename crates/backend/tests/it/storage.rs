//! Runs whose record or history fails, panics or loses its answers: each has its one end all the same.

use runwright_backend::testing::{Call, EventRecorder, FakeRunner, TestBackend, TestWorkspace};
use runwright_backend::{BackendOptions, RunError, ShutdownMode, ShutdownReport};
use runwright_proto::{EndReason, RunState, SessionId};
use runwright_pubsub::From;
use tokio::time::{Duration, Instant};

use crate::poll::pass;
use crate::supervision::over;

/// Were its turn to begin, the run would be carried out once more after a crash.
#[tokio::test(start_paused = true)]
async fn a_run_whose_start_is_not_recorded_fails_before_its_turn_begins() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    backend.faults().fail(Call::Start);
    workspace.send(&session, "r1", "hello").await.unwrap();
    let end = events.end_of("r1").await;
    assert_eq!(
        (end.state, end.error.as_str()),
        (RunState::Failed, "storage failed: run storage failed")
    );
    assert_eq!(backend.runner().began(), []);
    events.assert_orderly();
}

/// Both are on their way to the storage at the same time, and the turn waits for both.
#[tokio::test(start_paused = true)]
async fn a_turn_begins_when_its_start_and_its_prompt_are_recorded() {
    for first in [Call::Start, Call::CreateMessage] {
        let backend = TestBackend::new();
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        let mut start = backend.faults().hold(Call::Start);
        let mut prompt = backend.faults().hold(Call::CreateMessage);
        workspace.send(&session, "r1", "hello").await.unwrap();
        start.reached().await;
        prompt.reached().await;
        let (one, other) = if first == Call::Start {
            (start, prompt)
        } else {
            (prompt, start)
        };
        one.release();
        pass(Duration::from_secs(60)).await;
        assert_eq!(backend.runner().began(), [], "only {first:?} is recorded");
        other.release();
        backend.runner().entered().await.release();
    }
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
    pass(Duration::from_secs(10)).await;
    backend.faults().repair(Call::FinishAnswer);
    over(&workspace, &session, "r1").await;
    events.assert_orderly();
    assert_eq!(events.ends().len(), 1);
}

/// A workspace with one run whose turn is over and whose end cannot be recorded, and one that waits behind it.
async fn unrecorded(backend: &TestBackend, broken: Call) -> (TestWorkspace, SessionId) {
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    workspace.send(&session, "r2", "go on").await.unwrap();
    let turn = backend.runner().entered_by("r1").await;
    backend.faults().break_down(broken);
    turn.release();
    (workspace, session)
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_recorded_is_told_to_nobody_and_tried_until_it_can() {
    for broken in [Call::Finish, Call::CloseRun] {
        let backend = TestBackend::new();
        let (workspace, session) = unrecorded(&backend, broken).await;
        let mut events = EventRecorder::of(workspace.log().subscribe(From::Start).unwrap());
        let since = Instant::now();
        let mut tried = Vec::new();
        for tries in 1..=5 {
            while backend.faults().made(broken) < tries {
                assert!(since.elapsed() < Duration::from_secs(60), "{tried:?}");
                pass(Duration::from_millis(10)).await;
            }
            tried.push(since.elapsed().as_millis());
        }
        let expected = [0, 100, 1_100, 3_100, 5_100];
        let is_near = |(at, expected): (&u128, &u128)| at.abs_diff(*expected) <= 50;
        assert!(tried.iter().zip(&expected).all(is_near), "{tried:?}");
        assert_eq!(events.ends(), []);
        assert!(workspace.is_busy(&session), "it keeps its session");
        let record = workspace.run(&"r1".parse().unwrap()).await.unwrap();
        assert_eq!(record.state, RunState::Running);

        backend.faults().repair(broken);
        assert_eq!(events.end_of("r1").await.state, RunState::Completed);
        assert!(since.elapsed() < Duration::from_secs(8), "soon after");
        backend.runner().entered_by("r2").await.release();
        events.end_of("r2").await;
        events.assert_orderly();
        assert_eq!(
            workspace.history(&session).await,
            [
                "user `hello` [stop]",
                "assistant `answer to hello` [end_turn]",
                "user `go on` [stop]",
                "assistant `answer to go on` [end_turn]",
            ]
        );
    }
}

/// There is nothing left to stop, and no end to tell of yet.
#[tokio::test(start_paused = true)]
async fn a_cancel_of_a_run_whose_end_is_not_recorded_does_not_change_how_it_ended() {
    let backend = TestBackend::new();
    let (workspace, session) = unrecorded(&backend, Call::Finish).await;
    let mut events = workspace.recorder();
    let (r1, second) = ("r1".parse().unwrap(), Duration::from_secs(1));
    pass(second).await;
    workspace.cancel_run(&r1).await.unwrap();
    let waited = workspace.ended(&session, &[r1], second).await;
    assert!(matches!(waited, Err(RunError::StillEnding)));
    backend.faults().repair(Call::Finish);
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
    assert_eq!(events.ends().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_was_cancelled_in_the_queue_is_written_once_however_often_it_is_tried() {
    for lost in [Call::CreateMessage, Call::UpdateMessage, Call::Finish] {
        let backend = TestBackend::new();
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        let mut events = workspace.recorder();
        workspace.send(&session, "r1", "hello").await.unwrap();
        workspace.send(&session, "r2", "and then?").await.unwrap();
        let turn = backend.runner().entered().await;
        for nth in 1..=3 {
            backend.faults().fail_nth(lost, nth);
        }
        workspace.clear_queue(&session);
        assert_eq!(events.end_of("r2").await.state, RunState::Cancelled);
        assert_eq!(
            workspace.history(&session).await,
            [
                "user `hello` [stop]",
                "user `and then?` [stop]",
                "assistant [canceled: User canceled request]",
            ],
            "{lost:?}"
        );
        turn.release();
        events.end_of("r1").await;
        events.assert_orderly();
    }
}

/// A page that is broken for good must not keep a session for ever; a full disk has room again some day.
#[tokio::test(start_paused = true)]
async fn a_run_whose_history_is_broken_ends_without_it_unless_the_disk_is_only_full() {
    for full in [false, true] {
        let backend = TestBackend::new();
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        let mut events = workspace.recorder();
        workspace.send(&session, "r1", "hello").await.unwrap();
        let turn = backend.runner().entered().await;
        if full {
            backend.faults().fill_up(Call::CloseRun);
        } else {
            backend.faults().break_down(Call::CloseRun);
        }
        turn.release();
        pass(Duration::from_secs(60)).await;
        assert_eq!(events.ends().is_empty(), full);
        backend.faults().repair(Call::CloseRun);
        let end = events.end_of("r1").await;
        assert_eq!(
            (end.state, end.text.to_string().as_str()),
            (
                RunState::Completed,
                if full { "answer to hello" } else { "" }
            )
        );
        over(&workspace, &session, "r1").await;
    }
}

/// The next start of the process will find the run as running and end it as interrupted: that is what they are told.
#[tokio::test(start_paused = true)]
async fn a_workspace_that_is_aborted_tells_of_an_end_that_it_could_not_record() {
    let backend = TestBackend::new();
    let (workspace, session) = unrecorded(&backend, Call::Finish).await;
    let mut events = workspace.recorder();
    let asked = Instant::now();
    let within = Duration::from_secs(10);
    let report = workspace
        .shutdown(ShutdownMode::Drain, within, EndReason::ServerShutdown)
        .await;
    let expected = ShutdownReport {
        drained: false,
        held_up: vec![session],
    };
    assert_eq!(report, expected);
    assert_eq!(asked.elapsed(), within + Duration::from_millis(1_100));
    events.over().await;
    events.assert_orderly();
    let told: Vec<_> = events
        .ends()
        .into_iter()
        .map(|end| (end.state, end.error))
        .collect();
    let interrupted = "interrupted: the end could not be recorded".to_owned();
    assert_eq!(
        told,
        [
            (RunState::Interrupted, interrupted.clone()),
            (RunState::Interrupted, interrupted)
        ]
    );
}

/// It is recorded: the answers were lost. Whoever reads has been told.
#[tokio::test(start_paused = true)]
async fn a_workspace_that_is_aborted_does_not_tell_twice_of_an_end_whose_answer_was_lost() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    backend.faults().break_down(Call::FinishAnswer);
    turn.release();
    events.end_of("r1").await;
    let (within, reason) = (Duration::from_secs(1), EndReason::ServerShutdown);
    workspace
        .shutdown(ShutdownMode::Cancel, within, reason)
        .await;
    events.over().await;
    events.assert_orderly();
    let states: Vec<_> = events.ends().into_iter().map(|end| end.state).collect();
    assert_eq!(states, [RunState::Completed]);
}

/// A port that panics is somebody else's mistake; the run ends all the same, and so do those behind it.
#[tokio::test(start_paused = true)]
async fn a_history_that_panics_fails_only_the_run_it_was_written_for() {
    let completed = (RunState::Completed, String::new());
    let failed = |call: Call| {
        let panicked = format!("storage panicked: the test let `{call:?}` fail");
        (RunState::Failed, panicked)
    };
    for (call, expected) in [
        (Call::CreateMessage, failed(Call::CreateMessage)),
        (Call::Start, failed(Call::Start)),
        // The turn was over and well: only its end was written once more.
        (Call::CloseRun, completed.clone()),
        (Call::Finish, completed.clone()),
    ] {
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
        assert_eq!(ends, [expected, completed.clone()], "{call:?}");
        over(&workspace, &session, "r2").await;
        assert!(!workspace.has_runs());
    }
}
