//! How workspaces come to be open, for a client or for a route that names one, and how they come back.

use std::sync::Arc;

use runwright_backend::testing::{Call, FakeRunner, TestBackend, prompt};
use runwright_backend::{
    BackendOptions, CreateError, CreateRefusal, DispatchError, LifecycleOptions, RunOptions,
    Workspace, WorkspaceError,
};
use runwright_proto::{AgentMessage, ClientId, CreateWorkspace, Environment, RunId, WorkspaceId};
use tokio::time::{Duration, Instant};

use crate::poll::{poll_once, soon};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn closing_at_once() -> BackendOptions {
    BackendOptions {
        lifecycle: LifecycleOptions {
            detach_grace: Duration::ZERO,
            linger: Duration::ZERO,
            ..LifecycleOptions::default()
        },
        ..BackendOptions::default()
    }
}

pub(crate) fn id_of(backend: &TestBackend, name: &str) -> WorkspaceId {
    WorkspaceId::of_path(&backend.dir(name).canonicalize().unwrap())
}

#[tokio::test(start_paused = true)]
async fn two_creates_of_one_directory_join_one_workspace() {
    let backend = TestBackend::new();
    let one = backend.open("demo").await;
    let other = backend.open("demo").await;
    assert!(Arc::ptr_eq(&one, &other));
    assert_eq!(one.id(), id_of(&backend, "demo"));
    assert_eq!(
        (backend.clients(one.id()), backend.workspaces().len()),
        (2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn different_directories_are_different_workspaces() {
    let backend = TestBackend::new();
    let one = backend.open("one").await;
    let other = backend.open("other").await;
    assert_ne!(one.id(), other.id());
    assert_eq!(backend.workspaces().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_link_and_its_target_are_one_workspace() {
    let backend = TestBackend::new();
    let target = backend.open("demo").await;
    let link = backend.dir("demo").with_file_name("link");
    std::os::unix::fs::symlink(backend.dir("demo"), &link).unwrap();
    let request = CreateWorkspace {
        path: link.to_string_lossy().into_owned(),
        ..CreateWorkspace::default()
    };
    let linked = backend.join(request, ClientId::random()).await;
    assert!(Arc::ptr_eq(&linked, &target));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_creates_twice_has_one_claim() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    backend
        .join(backend.request("demo"), workspace.client)
        .await;
    assert_eq!(backend.clients(workspace.id()), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creates_at_the_same_moment_make_one_workspace() {
    let backend = Arc::new(TestBackend::new());
    let mut creates = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let backend = backend.clone();
        creates.spawn(async move { backend.open("demo").await });
    }
    let joined = creates.join_all().await;
    assert!(joined.iter().all(|one| Arc::ptr_eq(one, &joined[0])));
    let made = backend.faults().made(Call::Open);
    assert_eq!((made, backend.clients(joined[0].id())), (1, 50));
}

#[tokio::test(start_paused = true)]
async fn the_first_creator_decides_what_the_workspace_is() {
    let backend = TestBackend::new();
    let first = CreateWorkspace {
        yolo: true,
        data_dir: "/first".to_owned(),
        env: Environment::from(vec!["WHO=first".to_owned()]),
        channels: vec!["a".to_owned()],
        ..backend.request("demo")
    };
    let second = CreateWorkspace {
        yolo: false,
        debug: true,
        data_dir: "/second".to_owned(),
        env: Environment::from(vec!["WHO=second".to_owned()]),
        ..first.clone()
    };
    let one = backend.join(first, ClientId::random()).await;
    let before = one.view();
    let other = backend.join(second, ClientId::random()).await;
    assert_eq!(other.view(), before);
    assert_eq!((before.yolo, before.debug), (true, false));
    assert_eq!(before.data_dir, "/first");
    assert_eq!(before.config.options.data_directory, "/first");
    assert!(!format!("{before:?}").contains("WHO"), "never sent back");
}

#[tokio::test(start_paused = true)]
async fn other_channels_are_refused_and_leave_no_claim() {
    let backend = TestBackend::new();
    let with = |channels: &[&str]| CreateWorkspace {
        channels: channels.iter().map(|&name| name.to_owned()).collect(),
        ..backend.request("demo")
    };
    let workspace = backend.join(with(&["a", "b"]), ClientId::random()).await;
    for channels in [vec![], vec!["a"], vec!["b", "a"]] {
        let refused = backend.create(ClientId::random(), with(&channels)).await;
        assert!(matches!(
            refused,
            Err(CreateError::Refused(CreateRefusal::ChannelsMismatch { .. }))
        ));
    }
    assert_eq!(backend.clients(workspace.id()), 1);
    backend.join(with(&["a", "b"]), ClientId::random()).await;
    assert_eq!(backend.clients(workspace.id()), 2);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_is_no_directory_is_refused() {
    let backend = TestBackend::new();
    let file = backend.dir("demo").join("file");
    std::fs::write(&file, "text").unwrap();
    let missing = backend.dir("demo").join("missing");
    let cases = [
        (String::new(), "path is required".to_owned()),
        (
            "demo".to_owned(),
            "`demo` is not an absolute path".to_owned(),
        ),
        ("/a\0b".to_owned(), "`/a\0b` contains a NUL byte".to_owned()),
        (
            file.to_string_lossy().into_owned(),
            format!("`{}` is not a directory", file.display()),
        ),
        (
            missing.to_string_lossy().into_owned(),
            format!("`{}` does not exist", missing.display()),
        ),
    ];
    for (path, words) in cases {
        let request = CreateWorkspace {
            path,
            ..CreateWorkspace::default()
        };
        let refused = backend.create(ClientId::random(), request).await;
        assert_eq!(refused.unwrap_err().to_string(), words);
    }
    assert!(backend.exit_if_idle().is_ok(), "nothing was left behind");
}

/// A thread that does not yield keeps the teardown busy until it is let go.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_create_during_the_teardown_waits_and_opens_the_workspace_anew() {
    let options = BackendOptions {
        runs: RunOptions {
            cancel_grace: Duration::ZERO,
            abort_grace: SECOND,
            ..RunOptions::default()
        },
        ..closing_at_once()
    };
    let backend = TestBackend::with(options, FakeRunner::new());
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let blocked = backend.runner().entered().await.block().await;
    workspace.cancel_session(&session);
    events.end_of("r1").await;
    let ended = ["r1".parse().unwrap()];
    workspace.ended(&session, &ended, SECOND).await.unwrap();
    let (id, client) = (workspace.id(), workspace.client);
    backend.release(id, client);
    assert!(matches!(
        backend.workspace(id).await,
        Err(WorkspaceError::Closing(_))
    ));
    let message = prompt(&session, "r2", "hello");
    assert!(matches!(
        backend.send_message(id, message, None).await,
        Err(DispatchError::Closing(_))
    ));

    let mut creating = Box::pin(backend.open("demo"));
    assert!(poll_once(&mut creating).is_pending());
    blocked.release_saying("too late").await;
    let again = creating.await;
    assert!(events.is_over(), "first the one, then the other");
    assert_eq!(again.id(), id);
    assert!(!Arc::ptr_eq(&again, &workspace));
    assert_eq!(
        again.history(&session).await,
        [
            "user `hello` [stop]",
            "assistant [canceled: User canceled request]"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_is_opened_again_finds_its_sessions_and_runs() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::answering());
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let first = workspace.send(&session, "r1", "hello").await.unwrap();
    events.end_of("r1").await;
    backend.release(workspace.id(), workspace.client);
    events.over().await;

    let again = backend.open("demo").await;
    assert_eq!(
        again.history(&session).await,
        [
            "user `hello` [stop]",
            "assistant `answer to hello` [end_turn]"
        ]
    );
    let replayed = again.send(&session, "r1", "hello").await.unwrap();
    assert_eq!((replayed.replayed, replayed.receipt), (true, first.receipt));
    let mut events = again.recorder();
    again.send(&session, "r2", "go on").await.unwrap();
    events.end_of("r2").await;
    let runs = again.runs(None, None, None, None).await.unwrap().runs;
    let names: Vec<_> = runs.iter().map(|run| run.run_id.as_str()).collect();
    assert_eq!(names, ["r2", "r1"]);
}

/// Makes a workspace with a session and a run, and lets it close.
async fn closed_workspace(backend: &TestBackend) -> (WorkspaceId, AgentMessage, RunId) {
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    events.end_of("r1").await;
    backend.release(workspace.id(), workspace.client);
    events.over().await;
    let message = prompt(&session, "r2", "go on");
    (workspace.id(), message, "r1".parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_workspace_whose_history_is_kept_is_opened_by_every_route_that_names_it() {
    for route in 0..6 {
        let backend = TestBackend::with(closing_at_once(), FakeRunner::answering());
        let (id, message, run) = closed_workspace(&backend).await;
        assert_eq!(backend.workspaces().len(), 0);
        match route {
            0 => drop(backend.workspace(id).await.unwrap()),
            1 => drop(backend.send_message(id, message, None).await.unwrap()),
            2 => drop(backend.attach(id, ClientId::random(), None).await.unwrap()),
            3 => drop(backend.follow_run(id, &run, None).await.unwrap()),
            4 => assert!(backend.init_agent(id).await.unwrap()),
            _ => {
                let set = backend.set_current_session(id, ClientId::random(), None);
                set.await.unwrap_err();
            }
        }
        let made = backend.faults().made(Call::Open);
        assert_eq!(made, 2, "route {route} opened it once more");
    }
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_a_route_opened_closes_again_when_nobody_comes() {
    let backend = TestBackend::with(BackendOptions::default(), FakeRunner::answering());
    let (id, ..) = closed_workspace(&backend).await;
    let workspace: Arc<Workspace> = backend.workspace(id).await.unwrap();
    let since = Instant::now();
    let mut events = runwright_backend::testing::EventRecorder::now(workspace.log());
    events.over().await;
    assert_eq!(since.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn routes_at_the_same_moment_open_a_known_workspace_once() {
    let backend = TestBackend::with(BackendOptions::default(), FakeRunner::answering());
    let (id, ..) = closed_workspace(&backend).await;
    let made = backend.faults().made(Call::Open);
    let (one, other, created) = tokio::join!(
        backend.workspace(id),
        backend.workspace(id),
        backend.open("demo"),
    );
    let one = one.unwrap();
    assert!(Arc::ptr_eq(&one, &other.unwrap()) && Arc::ptr_eq(&one, &created));
    assert_eq!(backend.faults().made(Call::Open), made + 1);
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_cannot_be_opened_is_tried_again_by_the_next_who_asks() {
    for fault in [Call::Open, Call::Log] {
        let backend = TestBackend::new();
        backend.faults().fail(fault);
        let refused = backend.create(ClientId::random(), backend.request("demo"));
        assert!(matches!(refused.await, Err(CreateError::Open(_))));
        assert_eq!(backend.workspaces().len(), 0);
        let workspace = backend.open("demo").await;
        assert_eq!(backend.clients(workspace.id()), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_opening_that_fails_opens_the_workspace() {
    let backend = TestBackend::new();
    let mut opening = backend.faults().hold(Call::Open);
    let mut first = Box::pin(backend.create(ClientId::random(), backend.request("demo")));
    assert!(poll_once(&mut first).is_pending());
    opening.reached().await;
    let waiting = backend.open("demo");
    let failing = async {
        // The second create has come to wait when its path was resolved, which nobody can see from outside; it finds the
        // failed opening either way.
        tokio::task::yield_now().await;
        opening.fail();
        first.await
    };
    let (workspace, failed) = tokio::join!(waiting, failing);
    assert!(matches!(failed, Err(CreateError::Open(_))));
    assert_eq!(backend.clients(workspace.id()), 1);
    assert_eq!(backend.faults().made(Call::Open), 2);
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_panics_leaves_the_workspace_to_the_next_who_asks() {
    let backend = TestBackend::new();
    for fault in [Call::Open, Call::Log] {
        backend.faults().panic(fault);
        let failed = backend.create(ClientId::random(), backend.request("demo"));
        let failed = soon(failed).await;
        assert!(matches!(failed, Err(CreateError::Open(_))));
    }
    let workspace = soon(backend.open("demo")).await;
    assert_eq!(backend.clients(workspace.id()), 1);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_cannot_be_made_leaves_the_workspace_without_one() {
    let backend = TestBackend::new();
    backend.has_agent(false);
    let workspace = backend.open("demo").await;
    backend.has_agent(true);
    backend.faults().fail(Call::MakeRunner);
    assert!(matches!(
        backend.init_agent(workspace.id()).await,
        Err(WorkspaceError::Open(_))
    ));
    assert!(!workspace.agent_info().is_ready);
    assert!(backend.init_agent(workspace.id()).await.unwrap());
}

/// The opening goes on without its caller, and the claim waits for the client as if it had been answered.
#[tokio::test(start_paused = true)]
async fn a_create_whose_caller_went_away_leaves_a_whole_workspace() {
    let backend = TestBackend::new();
    let client = ClientId::random();
    let mut opening = backend.faults().hold(Call::Open);
    {
        let mut creating = Box::pin(backend.create(client, backend.request("demo")));
        assert!(poll_once(&mut creating).is_pending());
        opening.reached().await;
    }
    opening.release();
    let id = id_of(&backend, "demo");
    let workspace = backend.workspace(id).await.unwrap();
    assert_eq!(backend.clients(id), 1);
    let since = Instant::now();
    let mut events = runwright_backend::testing::EventRecorder::now(workspace.log());
    events.over().await;
    assert_eq!(since.elapsed(), 60 * SECOND, "nobody came");
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_caller_went_away_before_it_failed_leaves_nothing() {
    let backend = TestBackend::new();
    let mut opening = backend.faults().hold(Call::Open);
    {
        let request = backend.request("demo");
        let mut creating = Box::pin(backend.create(ClientId::random(), request));
        assert!(poll_once(&mut creating).is_pending());
        opening.reached().await;
    }
    opening.fail();
    let id = id_of(&backend, "demo");
    assert!(matches!(
        backend.workspace(id).await,
        Err(WorkspaceError::NotFound(_))
    ));
    assert!(backend.exit_if_idle().is_ok());
}
