//! The shutdown of one workspace: its order, its deadlines, and that it ends whatever its runs, its agent and its storage
//! do.

use std::sync::Arc;

use runwright_backend::testing::{Call, FakeRunner, TestBackend, TestWorkspace, Turn};
use runwright_backend::{BackendOptions, ShutdownMode, ShutdownReport};
use runwright_proto::{EndReason, RunState, SessionId};
use tokio::time::{Duration, Instant};

use crate::poll::{pass, poll_once};

const SECOND: Duration = Duration::from_secs(1);

fn drained() -> ShutdownReport {
    ShutdownReport {
        drained: true,
        held_up: Vec::new(),
    }
}

/// A workspace with one active run.
async fn busy(backend: &TestBackend) -> (TestWorkspace, SessionId, Turn) {
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    (workspace, session, turn)
}

async fn shut_down(
    workspace: &TestWorkspace,
    mode: ShutdownMode,
    within: Duration,
) -> ShutdownReport {
    workspace
        .shutdown(mode, within, EndReason::WorkspaceClosed)
        .await
}

#[tokio::test(start_paused = true)]
async fn an_idle_workspace_shuts_down_at_once() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let mut events = workspace.recorder();
    let asked = Instant::now();
    for mode in [ShutdownMode::Drain, ShutdownMode::Cancel] {
        let report = shut_down(&workspace, mode, 30 * SECOND).await;
        assert_eq!((report, asked.elapsed()), (drained(), Duration::ZERO));
    }
    events.over().await;
    assert_eq!(events.story(), ["end: workspace_closed"], "told once");
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_runs_that_were_accepted() {
    let backend = TestBackend::new();
    let (workspace, session, turn) = busy(&backend).await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r2", "and then?").await.unwrap();
    let mut closing = Box::pin(shut_down(&workspace, ShutdownMode::Drain, 30 * SECOND));
    assert!(poll_once(&mut closing).is_pending());
    workspace
        .send(&session, "r3", "too late")
        .await
        .unwrap_err();
    let ends_well = async {
        pass(10 * SECOND).await;
        turn.release();
        let turn = backend.runner().entered().await;
        pass(10 * SECOND).await;
        turn.release();
    };
    let asked = Instant::now();
    let (report, ()) = tokio::join!(closing, ends_well);
    assert_eq!((report, asked.elapsed()), (drained(), 20 * SECOND));
    events.over().await;
    events.assert_orderly();
    let ends: Vec<_> = events.ends().into_iter().map(|end| end.state).collect();
    assert_eq!(ends, [RunState::Completed; 2]);
    assert_eq!(
        events.story().last().map(String::as_str),
        Some("end: workspace_closed"),
        "after the last terminal event"
    );
}

#[tokio::test(start_paused = true)]
async fn a_drain_cancels_what_is_left_shortly_before_its_deadline() {
    let backend = TestBackend::new();
    let (workspace, session, turn) = busy(&backend).await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r2", "and then?").await.unwrap();
    turn.say("hel").await;
    let asked = Instant::now();
    let report = shut_down(&workspace, ShutdownMode::Drain, 30 * SECOND).await;
    // The runs get the time of a cancel before the deadline, and one that obeys needs none of it.
    assert_eq!((report, asked.elapsed()), (drained(), 25 * SECOND));
    events.over().await;
    events.assert_orderly();
    let ends: Vec<_> = events.ends().into_iter().map(|end| end.state).collect();
    assert_eq!(ends, [RunState::Interrupted; 2]);
    assert_eq!(backend.runner().began().len(), 1, "the queue did not start");
}

#[tokio::test(start_paused = true)]
async fn without_a_drain_the_runs_are_cancelled_at_once() {
    let backend = TestBackend::new();
    let (workspace, _session, _turn) = busy(&backend).await;
    let mut events = workspace.recorder();
    let asked = Instant::now();
    let report = shut_down(&workspace, ShutdownMode::Cancel, 30 * SECOND).await;
    assert_eq!((report, asked.elapsed()), (drained(), Duration::ZERO));
    let end = events.end_of("r1").await;
    assert_eq!(
        (end.state, end.reason.as_deref()),
        (RunState::Interrupted, Some("closing"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_ignores_the_shutdown_is_aborted_at_the_deadline_and_named_in_the_report() {
    for mode in [ShutdownMode::Drain, ShutdownMode::Cancel] {
        let backend = TestBackend::new();
        let (workspace, session, turn) = busy(&backend).await;
        turn.ignore_cancel().await;
        let obedient = workspace.new_session().await;
        workspace.send(&obedient, "r2", "hello").await.unwrap();
        let mut events = workspace.recorder();
        let asked = Instant::now();
        let report = shut_down(&workspace, mode, 4 * SECOND).await;
        let expected = ShutdownReport {
            drained: false,
            held_up: vec![session.clone()],
        };
        assert_eq!((report, asked.elapsed()), (expected, 4 * SECOND));
        events.over().await;
        events.assert_orderly();
        let end = events.end_of("r1").await;
        assert_eq!(
            (end.state, end.reason.as_deref()),
            (RunState::Interrupted, Some("aborted"))
        );
        assert_eq!(
            workspace.history(&session).await,
            [
                "user `hello` [stop]",
                "assistant [error: Interrupted: the workspace was closed]"
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn later_callers_wait_for_the_same_shutdown() {
    let backend = TestBackend::new();
    let (workspace, session, turn) = busy(&backend).await;
    turn.ignore_cancel().await;
    let first = shut_down(&workspace, ShutdownMode::Cancel, 4 * SECOND);
    let second = async {
        pass(SECOND).await;
        // Neither a longer deadline nor a milder mode changes what was begun.
        shut_down(&workspace, ShutdownMode::Drain, 300 * SECOND).await
    };
    let asked = Instant::now();
    let (first, second) = tokio::join!(first, second);
    assert_eq!(asked.elapsed(), 4 * SECOND);
    assert_eq!((&first, &first.held_up), (&second, &vec![session]));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_whose_caller_went_away_is_carried_on_by_the_next() {
    let backend = TestBackend::new();
    let (workspace, session, turn) = busy(&backend).await;
    {
        let mut closing = Box::pin(shut_down(&workspace, ShutdownMode::Drain, 30 * SECOND));
        assert!(poll_once(&mut closing).is_pending());
    }
    workspace
        .send(&session, "r2", "too late")
        .await
        .unwrap_err();
    turn.release();
    let report = shut_down(&workspace, ShutdownMode::Drain, 30 * SECOND).await;
    assert_eq!(report, drained());
}

#[tokio::test(start_paused = true)]
async fn every_reader_is_given_the_reason_and_then_the_end() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let mut readers = [workspace.recorder(), workspace.recorder()];
    let reason = EndReason::ServerShutdown;
    workspace
        .shutdown(ShutdownMode::Cancel, SECOND, reason)
        .await;
    for reader in &mut readers {
        reader.over().await;
        assert_eq!(reader.story(), ["end: server_shutdown"]);
    }
    assert!(
        workspace
            .log()
            .subscribe(runwright_pubsub::From::Now)
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_shutdown_ends_although_a_run_never_yields() {
    let backend = TestBackend::with(TestBackend::short_figures(), FakeRunner::new());
    let (workspace, session, turn) = busy(&backend).await;
    let mut events = workspace.recorder();
    let blocked = turn.block().await;
    let report = shut_down(&workspace, ShutdownMode::Cancel, SECOND / 10).await;
    // The run itself ends in time, without its task.
    assert_eq!(report, drained());
    events.over().await;
    events.assert_orderly();
    assert_eq!(
        workspace.history(&session).await,
        [
            "user `hello` [stop]",
            "assistant [error: Interrupted: the workspace was closed]"
        ]
    );
    assert!(!blocked.release_saying("too late").await);
}

/// Storage that hangs can keep a run from its end, and nothing can be done about that; it cannot keep the server.
#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_although_the_storage_hangs() {
    for call in [Call::Finish, Call::CloseRun] {
        let backend = TestBackend::new();
        let (workspace, session, turn) = busy(&backend).await;
        let mut events = workspace.recorder();
        let mut hanging = backend.faults().hold(call);
        turn.release();
        hanging.reached().await;
        let asked = Instant::now();
        let report = shut_down(&workspace, ShutdownMode::Drain, 10 * SECOND).await;
        let expected = ShutdownReport {
            drained: false,
            held_up: vec![session],
        };
        // The deadline, then the time of two aborts for the run, and of one for the tasks.
        assert_eq!((report, asked.elapsed()), (expected, 16 * SECOND));
        events.over().await;
    }
}

/// Whatever is admitted while the gate closes is either refused or ends: no prompt is lost in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn prompts_that_race_with_a_shutdown_are_refused_or_end() {
    for round in 0..50 {
        let backend = TestBackend::with(TestBackend::roomy_figures(), FakeRunner::answering());
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        let mut events = workspace.recorder();
        let start = Arc::new(tokio::sync::Barrier::new(9));
        let mut requests = tokio::task::JoinSet::new();
        for n in 0..8 {
            let (workspace, session, start) = (workspace.clone(), session.clone(), start.clone());
            requests.spawn(async move {
                start.wait().await;
                let name = format!("r{n}");
                let sent = workspace.send(&session, &name, "hello").await;
                sent.ok().map(|_| name)
            });
        }
        start.wait().await;
        let report = shut_down(&workspace, ShutdownMode::Cancel, 30 * SECOND).await;
        assert_eq!(report, drained(), "round {round}");
        let accepted = requests.join_all().await;
        let mut accepted: Vec<_> = accepted.into_iter().flatten().collect();
        events.over().await;
        events.assert_orderly();
        let ends = events.ends().into_iter().map(|end| end.run_id.unwrap());
        let mut ended: Vec<_> = ends.map(|run| run.to_string()).collect();
        accepted.sort();
        ended.sort();
        assert_eq!(ended, accepted, "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_its_clients_left_closes_within_its_own_deadline() {
    let options = BackendOptions {
        close_deadline: 3 * SECOND,
        ..BackendOptions::default()
    };
    let backend = TestBackend::with(options, FakeRunner::answering());
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    events.end_of("r1").await;
    backend.release(workspace.id(), workspace.client);
    let left = Instant::now();
    events.over().await;
    assert_eq!(
        left.elapsed(),
        30 * SECOND,
        "the linger, and nothing to wait for"
    );
}
