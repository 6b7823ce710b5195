//! The end of the server: all workspaces at the same time, one deadline, one report; and when a server that nobody uses
//! may leave.

use runwright_backend::testing::{Call, FakeRunner, TestBackend};
use runwright_backend::{
    BackendOptions, BackendShutdown, CreateError, CreateRefusal, DispatchError, LifecycleOptions,
    WorkspaceError,
};
use runwright_proto::{ClientId, RunState};
use tokio::time::{Duration, Instant};

use crate::poll::{pass, poll_once};

const SECOND: Duration = Duration::from_secs(1);

fn report(drained: bool, workspaces: usize) -> BackendShutdown {
    BackendShutdown {
        drained,
        workspaces,
    }
}

fn leaving_when_idle(window: Duration) -> BackendOptions {
    BackendOptions {
        lifecycle: LifecycleOptions {
            idle_exit: Some(window),
            ..LifecycleOptions::default()
        },
        ..BackendOptions::default()
    }
}

#[track_caller]
fn assert_shutting_down<T>(created: Result<T, CreateError>) {
    assert!(matches!(
        created.err(),
        Some(CreateError::Refused(CreateRefusal::ShuttingDown))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_server_without_workspaces_shuts_down_at_once() {
    let backend = TestBackend::new();
    let asked = Instant::now();
    assert_eq!(backend.shutdown(30 * SECOND).await, report(true, 0));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_shutting_down(
        backend
            .create(ClientId::random(), backend.request("demo"))
            .await,
    );
}

#[tokio::test(start_paused = true)]
async fn all_workspaces_are_drained_at_the_same_time() {
    let backend = TestBackend::new();
    let mut readers = Vec::new();
    for name in ["one", "two", "three"] {
        let workspace = backend.open(name).await;
        let session = workspace.new_session().await;
        readers.push(workspace.recorder());
        workspace.send(&session, name, "hello").await.unwrap();
    }
    let ends_well = async {
        for _ in 0..3 {
            pass(5 * SECOND).await;
            backend.runner().entered().await.release();
        }
    };
    let asked = Instant::now();
    let (shutdown, ()) = tokio::join!(backend.shutdown(30 * SECOND), ends_well);
    assert_eq!(shutdown, report(true, 3));
    assert_eq!(asked.elapsed(), 15 * SECOND);
    for reader in &mut readers {
        assert!(reader.is_over());
        assert_eq!(reader.ends()[0].state, RunState::Completed);
        let story = reader.story();
        assert_eq!(story.last().unwrap(), "end: server_shutdown");
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_the_same_for_all() {
    let backend = TestBackend::new();
    for name in ["one", "two", "three"] {
        let workspace = backend.open(name).await;
        let session = workspace.new_session().await;
        workspace.send(&session, name, "hello").await.unwrap();
        backend.runner().entered().await.ignore_cancel().await;
    }
    let asked = Instant::now();
    assert_eq!(backend.shutdown(4 * SECOND).await, report(false, 3));
    assert_eq!(asked.elapsed(), 4 * SECOND);
    assert_eq!(backend.runner().active(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_new_is_taken_on_during_a_shutdown() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    let shutdown = backend.shutdown(30 * SECOND);
    let late = async {
        pass(SECOND).await;
        let created = backend.create(ClientId::random(), backend.request("new"));
        assert_shutting_down(created.await);
        let joined = backend.create(ClientId::random(), backend.request("demo"));
        assert_shutting_down(joined.await);
        assert!(matches!(
            workspace.send(&session, "r2", "too late").await,
            Err(DispatchError::Closing(_))
        ));
        assert!(matches!(
            backend.workspace(workspace.id()).await,
            Err(WorkspaceError::Closing(_))
        ));
        turn.release();
    };
    let (shutdown, ()) = tokio::join!(shutdown, late);
    assert_eq!(shutdown, report(true, 1));
    // Afterwards the workspace is closed, and a route may not open it again.
    assert!(matches!(
        backend.workspace(workspace.id()).await,
        Err(WorkspaceError::ShuttingDown)
    ));
}

#[tokio::test(start_paused = true)]
async fn later_callers_wait_for_the_same_shutdown_and_get_the_same_report() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    backend.runner().entered().await.ignore_cancel().await;
    let asked = Instant::now();
    {
        let mut gone = Box::pin(backend.shutdown(4 * SECOND));
        assert!(poll_once(&mut gone).is_pending());
    }
    let (second, third) = tokio::join!(
        backend.shutdown(300 * SECOND),
        backend.shutdown(Duration::ZERO)
    );
    assert_eq!((second, third), (report(false, 1), report(false, 1)));
    assert_eq!(asked.elapsed(), 4 * SECOND);
    assert_eq!(backend.shutdown(SECOND).await, report(false, 1));
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_is_being_opened_is_waited_for_and_not_kept() {
    let backend = TestBackend::new();
    let mut opening = backend.faults().hold(Call::Open);
    let mut creating = Box::pin(backend.create(ClientId::random(), backend.request("demo")));
    assert!(poll_once(&mut creating).is_pending());
    opening.reached().await;
    let mut shutdown = Box::pin(backend.shutdown(30 * SECOND));
    assert!(poll_once(&mut shutdown).is_pending());
    tokio::task::yield_now().await;
    opening.release();
    assert_shutting_down(creating.await);
    assert_eq!(shutdown.await, report(true, 0));
    assert_eq!(backend.workspaces().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_hangs_is_left_behind_at_the_deadline() {
    let backend = TestBackend::new();
    let mut opening = backend.faults().hold(Call::Open);
    let mut creating = Box::pin(backend.create(ClientId::random(), backend.request("demo")));
    assert!(poll_once(&mut creating).is_pending());
    opening.reached().await;
    let asked = Instant::now();
    assert_eq!(backend.shutdown(30 * SECOND).await, report(false, 0));
    assert_eq!(asked.elapsed(), 30 * SECOND);
}

/// A create that waits for the teardown counts as pending; when it is refused the shutdown must learn of that.
#[tokio::test(start_paused = true)]
async fn a_create_that_waits_does_not_hold_the_shutdown_up() {
    let backend = TestBackend::new();
    let mut opening = backend.faults().hold(Call::Open);
    let mut first = Box::pin(backend.create(ClientId::random(), backend.request("demo")));
    assert!(poll_once(&mut first).is_pending());
    opening.reached().await;
    let mut second = Box::pin(backend.create(ClientId::random(), backend.request("demo")));
    assert!(poll_once(&mut second).is_pending());
    let shutdown = async {
        // By now the second create waits for the first one.
        pass(SECOND).await;
        let asked = Instant::now();
        let mut shutdown = Box::pin(backend.shutdown(30 * SECOND));
        assert!(poll_once(&mut shutdown).is_pending());
        tokio::task::yield_now().await;
        opening.release();
        (shutdown.await, asked.elapsed())
    };
    let (first, second, (shutdown, took)) = tokio::join!(first, second, shutdown);
    assert_shutting_down(first);
    assert_shutting_down(second);
    assert_eq!((shutdown, took), (report(true, 0), Duration::ZERO));
}

/// The same for a create that waits for a teardown: it is refused after the last workspace is gone, and then nothing else
/// would wake the shutdown. Who of the two is woken first differs, so there are some rounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_create_that_waits_for_a_teardown_does_not_hold_the_shutdown_up() {
    for _ in 0..10 {
        let options = BackendOptions {
            lifecycle: LifecycleOptions {
                linger: Duration::ZERO,
                ..LifecycleOptions::default()
            },
            ..TestBackend::short_figures()
        };
        let backend = TestBackend::with(options, FakeRunner::new());
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        let mut events = workspace.recorder();
        workspace.send(&session, "r1", "hello").await.unwrap();
        // A thread that does not yield keeps the teardown busy.
        let blocked = backend.runner().entered().await.block().await;
        workspace.cancel_session(&session);
        events.end_of("r1").await;
        backend.release(workspace.id(), workspace.client);
        let waiting = backend.create(ClientId::random(), backend.request("demo"));
        let shutdown = async {
            let shutdown =
                tokio::join!(backend.shutdown(5 * SECOND), blocked.release_saying("late"));
            shutdown.0
        };
        let (created, shutdown) = tokio::join!(waiting, shutdown);
        assert!(shutdown.drained);
        // Whoever was quicker than the shutdown has its workspace closed by it.
        drop(created);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_leaves_on_request_only_when_nothing_lives_in_it() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    assert!(backend.exit_if_idle().is_err());
    // The refusal has changed nothing.
    let other = backend.open("other").await;
    let mut events = [workspace.recorder(), other.recorder()];
    backend.retire(workspace.client);
    backend.retire(other.client);
    assert!(backend.exit_if_idle().is_err(), "they linger");
    for reader in &mut events {
        reader.over().await;
    }
    let mut leaving = Box::pin(backend.exit_requested());
    assert!(poll_once(&mut leaving).is_pending());
    backend.exit_if_idle().unwrap();
    leaving.await;
    // Granted is final, and may be asked for again.
    assert_shutting_down(
        backend
            .create(ClientId::random(), backend.request("demo"))
            .await,
    );
    backend.exit_if_idle().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_does_not_leave_while_a_create_is_pending() {
    let backend = TestBackend::with(leaving_when_idle(Duration::ZERO), FakeRunner::new());
    let mut opening = backend.faults().hold(Call::Open);
    let mut creating = Box::pin(backend.create(ClientId::random(), backend.request("demo")));
    assert!(poll_once(&mut creating).is_pending());
    opening.reached().await;
    assert!(backend.exit_if_idle().is_err());
    let mut leaving = Box::pin(backend.exit_requested());
    pass(120 * SECOND).await;
    assert!(poll_once(&mut leaving).is_pending());
    opening.release();
    creating.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_used_leaves_when_its_last_workspace_is_gone_for_a_while() {
    let backend = TestBackend::with(leaving_when_idle(60 * SECOND), FakeRunner::new());
    let workspace = backend.open("demo").await;
    let asked = Instant::now();
    backend.release(workspace.id(), workspace.client);
    backend.exit_requested().await;
    assert_eq!(asked.elapsed(), 90 * SECOND, "linger and window");
    assert_shutting_down(
        backend
            .create(ClientId::random(), backend.request("demo"))
            .await,
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_keeps_the_server() {
    let backend = TestBackend::with(leaving_when_idle(60 * SECOND), FakeRunner::new());
    let workspace = backend.open("demo").await;
    let mut events = workspace.recorder();
    backend.release(workspace.id(), workspace.client);
    events.over().await;
    pass(59 * SECOND).await;
    let again = backend.open("demo").await;
    let stream = again.attach().await;
    let mut leaving = Box::pin(backend.exit_requested());
    pass(300 * SECOND).await;
    assert!(poll_once(&mut leaving).is_pending());
    drop(stream);
    let asked = Instant::now();
    leaving.await;
    assert_eq!(asked.elapsed(), 100 * SECOND, "grace, linger and window");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_nobody_uses_leaves_after_its_first_window() {
    let started = Instant::now();
    let backend = TestBackend::with(leaving_when_idle(60 * SECOND), FakeRunner::new());
    backend.exit_requested().await;
    assert_eq!(started.elapsed(), 60 * SECOND);
    let started = Instant::now();
    let hasty = TestBackend::with(leaving_when_idle(SECOND), FakeRunner::new());
    hasty.exit_requested().await;
    assert_eq!(
        started.elapsed(),
        30 * SECOND,
        "its first client needs a moment"
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_leaves_no_server_behind() {
    let backend = TestBackend::with(leaving_when_idle(60 * SECOND), FakeRunner::new());
    backend.faults().fail(Call::Open);
    pass(10 * SECOND).await;
    let asked = Instant::now();
    let failed = backend.create(ClientId::random(), backend.request("demo"));
    assert!(matches!(failed.await, Err(CreateError::Open(_))));
    backend.exit_requested().await;
    assert_eq!(asked.elapsed(), 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn operators_are_shown_what_lives_in_the_server() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    backend.open("demo").await;
    let busy = workspace.new_session().await;
    for run in ["r1", "r2", "r3"] {
        workspace.send(&busy, run, "hello").await.unwrap();
    }
    let _turn = backend.runner().entered().await;
    let status = backend.status();
    let expected = runwright_proto::WorkspaceStatus {
        id: workspace.id(),
        path: workspace.path().to_string_lossy().into_owned(),
        clients: 2,
        runs_active: 1,
        runs_queued: 2,
        busy_sessions: vec![busy],
    };
    assert_eq!(status, [expected]);
    assert!(workspace.agent_info().is_busy);
}
