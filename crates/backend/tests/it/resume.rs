//! What a process before this one left behind: runs that were accepted and had not started, clients whose streams were
//! cut.

use std::sync::Arc;

use futures_util::FutureExt;
use runwright_agent::{AgentCall, NewRun};
use runwright_backend::testing::{Call, EventRecorder, FakeRunner, TestBackend, TestWorkspace};
use runwright_backend::{
    BackendOptions, LifecycleOptions, Recovered, RunOptions, WorkspaceError, WorkspaceParts,
};
use runwright_proto::{
    AgentMessage, BusyPolicy, ClientId, Event, RunId, RunState, Seq, SessionId, WorkspaceId,
};
use runwright_pubsub::From;
use tokio::time::{Duration, Instant};

use crate::poll::{events, pass};

const SECOND: Duration = Duration::from_secs(1);

fn run(name: &str) -> RunId {
    name.parse().unwrap()
}

/// Workspaces close as soon as nobody uses them.
fn closing_at_once() -> BackendOptions {
    BackendOptions {
        lifecycle: LifecycleOptions {
            linger: Duration::ZERO,
            detach_grace: Duration::ZERO,
            ..LifecycleOptions::default()
        },
        runs: RunOptions {
            max_queued: 1,
            ..RunOptions::default()
        },
        ..BackendOptions::default()
    }
}

/// A workspace with sessions that has been closed.
async fn closed<const N: usize>(backend: &TestBackend) -> (WorkspaceId, [SessionId; N]) {
    let workspace = backend.open("demo").await;
    let mut sessions = Vec::new();
    for _ in 0..N {
        sessions.push(workspace.new_session().await);
    }
    let mut events = workspace.recorder();
    backend.release(workspace.id(), workspace.client);
    events.over().await;
    (workspace.id(), sessions.try_into().unwrap())
}

fn call(session: &SessionId, name: &str, policy: BusyPolicy) -> Arc<AgentCall> {
    let message = AgentMessage {
        session_id: Some(session.clone()),
        run_id: Some(run(name)),
        prompt: name.to_owned(),
        when_busy: Some(policy),
        ..AgentMessage::default()
    };
    Arc::new(message.try_into().unwrap())
}

fn queued(session: &SessionId, name: &str) -> Arc<AgentCall> {
    call(session, name, BusyPolicy::Queue)
}

/// Lets the next opening find these runs in the record, accepted and not started.
fn leave_behind(backend: &TestBackend, queued: Vec<Arc<AgentCall>>) {
    backend.change_parts(move |_, parts| {
        for (position, call) in queued.iter().enumerate() {
            let call = call.clone();
            let accepted = parts.journal.accept(NewRun { call, position });
            accepted.now_or_never().unwrap().unwrap();
        }
        WorkspaceParts {
            recovered: Recovered {
                queued: queued.clone(),
                ..Recovered::default()
            },
            ..parts
        }
    });
}

async fn began(backend: &TestBackend, expected: &[&str]) {
    for name in expected {
        backend.runner().entered_by(name).await.release();
    }
    let expected: Vec<RunId> = expected.iter().map(|name| run(name)).collect();
    assert_eq!(backend.runner().began(), expected);
}

#[tokio::test(start_paused = true)]
async fn accepted_runs_go_on_in_their_order_before_anything_new() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::new());
    let (id, [session]) = closed(&backend).await;
    // More than the queue takes.
    let left = ["r1", "r2", "r3", "r4"].map(|name| queued(&session, name));
    leave_behind(&backend, left.to_vec());
    let workspace = backend.open("demo").await;
    assert_eq!(workspace.id(), id);
    let mut events = workspace.recorder();
    let accepted = backend.faults().made(Call::Accept);
    let refused = workspace.send(&session, "r5", "too many").await;
    refused.unwrap_err();
    began(&backend, &["r1", "r2", "r3"]).await;
    backend.runner().entered_by("r4").await.release();
    events.end_of("r4").await;
    assert_eq!(
        backend.faults().made(Call::Accept),
        accepted,
        "each was accepted before"
    );
    events.assert_orderly();
    let ends = events.ends().into_iter().map(|end| end.state);
    assert_eq!(ends.collect::<Vec<_>>(), [RunState::Completed; 4]);
    assert_eq!(
        workspace.history(&session).await[..2],
        ["user `r1` [stop]", "assistant `answer to r1` [end_turn]"]
    );
}

#[tokio::test(start_paused = true)]
async fn accepted_runs_of_other_sessions_go_on_at_the_same_time_and_new_ones_wait_behind_them() {
    let backend = TestBackend::with(
        BackendOptions {
            runs: RunOptions::default(),
            ..closing_at_once()
        },
        FakeRunner::new(),
    );
    let (_, [one, other]) = closed(&backend).await;
    leave_behind(
        &backend,
        vec![queued(&one, "r1"), queued(&other, "r2"), queued(&one, "r3")],
    );
    let workspace = backend.open("demo").await;
    let receipt = workspace.send(&one, "r4", "new").await.unwrap().receipt;
    assert_eq!((receipt.state, receipt.position), (RunState::Queued, 2));
    let turns = [
        backend.runner().entered_by("r1").await,
        backend.runner().entered_by("r2").await,
    ];
    for turn in turns {
        turn.release();
    }
    backend.runner().entered_by("r3").await.release();
    backend.runner().entered_by("r4").await.release();
}

/// What they interrupted is gone, and so is the turn that they were to steer: each runs by itself.
#[tokio::test(start_paused = true)]
async fn accepted_runs_keep_their_place_whatever_their_policy_was() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::new());
    let (_, [session]) = closed(&backend).await;
    leave_behind(
        &backend,
        vec![
            queued(&session, "queued"),
            call(&session, "steers", BusyPolicy::Steer),
            call(&session, "interrupts", BusyPolicy::Interrupt),
            call(&session, "rejects", BusyPolicy::Reject),
        ],
    );
    let _workspace = backend.open("demo").await;
    let first = backend.runner().entered_by("interrupts").await;
    assert_eq!(first.fold().await, [] as [String; 0]);
    first.release();
    backend.runner().entered_by("queued").await.release();
    backend.runner().entered_by("steers").await.release();
    backend.runner().entered_by("rejects").await.release();
}

#[tokio::test(start_paused = true)]
async fn accepted_runs_keep_a_workspace_open_that_nobody_joined() {
    let options = BackendOptions {
        lifecycle: LifecycleOptions::default(),
        ..closing_at_once()
    };
    let backend = TestBackend::with(options, FakeRunner::new());
    let (id, [session]) = closed(&backend).await;
    leave_behind(&backend, vec![queued(&session, "r1")]);
    let workspace = backend.workspace(id).await.unwrap();
    let mut events = EventRecorder::now(workspace.log());
    let turn = backend.runner().entered().await;
    pass(3_600 * SECOND).await;
    assert!(!events.is_over());
    turn.release();
    events.end_of("r1").await;
    let ended = Instant::now();
    events.over().await;
    assert_eq!(ended.elapsed(), 30 * SECOND, "the linger");
}

/// The clients came back and left for good: their policy counts as ever.
#[tokio::test(start_paused = true)]
async fn a_workspace_that_cancels_when_its_last_client_leaves_cancels_runs_that_were_left_behind() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::new());
    let (_, [session]) = closed(&backend).await;
    leave_behind(&backend, vec![queued(&session, "r1")]);
    let request = runwright_proto::CreateWorkspace {
        on_last_detach: Some(runwright_proto::OnLastDetach::Cancel),
        ..backend.request("demo")
    };
    let workspace = backend.join(request, ClientId::random()).await;
    let mut events = workspace.recorder();
    let _turn = backend.runner().entered().await;
    backend.release(workspace.id(), workspace.client);
    let end = events.end_of("r1").await;
    assert_eq!(end.reason.as_deref(), Some("abandoned"));
}

/// A workspace without an agent in which runs were left behind.
async fn without_agent(backend: &TestBackend, names: &[&str]) -> (TestWorkspace, SessionId) {
    let (_, [session]) = closed(backend).await;
    let left = names.iter().map(|name| queued(&session, name)).collect();
    leave_behind(backend, left);
    backend.has_agent(false);
    let workspace = backend.open("demo").await;
    pass(3_600 * SECOND).await;
    assert_eq!(backend.runner().began(), []);
    (workspace, session)
}

#[tokio::test(start_paused = true)]
async fn accepted_runs_wait_for_the_agent() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::new());
    let (workspace, session) = without_agent(&backend, &["r1", "r2"]).await;
    let status = backend.status().remove(0);
    assert_eq!((status.runs_active, status.runs_queued), (0, 2));
    assert_eq!(
        workspace.run(&run("r1")).await.unwrap().state,
        RunState::Queued
    );
    assert!(workspace.is_busy(&session));
    let mut events = workspace.recorder();
    backend.has_agent(true);
    assert!(backend.init_agent(workspace.id()).await.unwrap());
    began(&backend, &["r1", "r2"]).await;
    events.end_of("r2").await;
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_the_agent_can_be_cancelled() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::new());
    let (workspace, session) = without_agent(&backend, &["r1", "r2", "r3"]).await;
    let mut events = workspace.recorder();
    workspace.cancel_queued(&run("r1")).await.unwrap();
    assert!(workspace.cancel_run(&run("r2")).await.unwrap());
    for name in ["r1", "r2"] {
        assert_eq!(events.end_of(name).await.state, RunState::Cancelled);
    }
    assert_eq!(workspace.cancel_session(&session), [run("r3")]);
    events.end_of("r3").await;
    events.assert_orderly();
    assert_eq!(
        events.story_of("r3"),
        [
            "message created: user `r3` [stop]",
            "message created: assistant",
            "message updated: assistant [canceled: User canceled request]",
            "run_complete cancelled error: cancelled on request",
        ]
    );
    assert_eq!(backend.runner().began(), []);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_runs_that_wait_for_the_agent() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::new());
    let (workspace, _) = without_agent(&backend, &["r1"]).await;
    let mut events = workspace.recorder();
    assert!(backend.shutdown(30 * SECOND).await.drained);
    events.over().await;
    let states: Vec<_> = events.ends().into_iter().map(|end| end.state).collect();
    assert_eq!(states, [RunState::Interrupted]);
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_cannot_be_opened_leaves_its_runs_to_the_next_who_asks() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::new());
    let (id, [session]) = closed(&backend).await;
    leave_behind(&backend, vec![queued(&session, "r1")]);
    backend.faults().fail(Call::Open);
    let refused = backend.workspace(id).await;
    assert!(matches!(refused, Err(WorkspaceError::Open(_))));
    backend.workspace(id).await.unwrap();
    began(&backend, &["r1"]).await;
}

/// Its directory was taken away while the server was down: what was said and done there can still be read.
#[tokio::test(start_paused = true)]
async fn a_workspace_whose_directory_is_gone_can_still_be_read() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::answering());
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    events.end_of("r1").await;
    backend.release(workspace.id(), workspace.client);
    events.over().await;
    std::fs::remove_dir(backend.dir("demo")).unwrap();
    let again = backend.workspace(workspace.id()).await.unwrap();
    assert_eq!(again.messages(&session).await.unwrap().len(), 2);
    assert_eq!(
        again.run(&run("r1")).await.unwrap().state,
        RunState::Completed
    );
    let path = workspace.path().to_string_lossy().into_owned();
    let request = runwright_proto::CreateWorkspace {
        path,
        ..Default::default()
    };
    backend
        .create(ClientId::random(), request)
        .await
        .unwrap_err();
}

/// What waits for the reader of a stream: the numbers.
async fn missed(backend: &TestBackend, id: WorkspaceId, client: ClientId) -> Vec<u64> {
    let mut stream = backend.attach(id, client, None).await.unwrap();
    let events = events(&mut stream).into_iter();
    events.map(|(seq, _)| seq).collect()
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_stream_was_cut_by_the_end_of_the_process_is_given_what_it_missed() {
    let backend = TestBackend::new();
    let (cut, late, other) = (ClientId::random(), ClientId::random(), ClientId::random());
    backend.change_parts(move |_, parts| WorkspaceParts {
        recovered: Recovered {
            clients: vec![(cut, Seq(1)), (late, Seq(1))],
            ..Recovered::default()
        },
        ..parts
    });
    let workspace = backend.open("demo").await;
    // Number 1 stands for what they had seen.
    for title in ["seen", "missed", "missed too"] {
        workspace.create_session(title.to_owned()).await.unwrap();
    }
    let id = workspace.id();
    assert_eq!(missed(&backend, id, other).await, [] as [u64; 0]);
    let _keeps_it_open = workspace.attach().await;
    pass(299 * SECOND).await;
    assert_eq!(missed(&backend, id, cut).await, [2, 3]);
    pass(2 * SECOND).await;
    assert_eq!(missed(&backend, id, late).await, [] as [u64; 0], "too late");
}

/// The event of an end that nobody has seen is in the log from its beginning.
#[tokio::test(start_paused = true)]
async fn what_accepted_runs_tell_before_anybody_comes_is_in_the_log() {
    let backend = TestBackend::with(BackendOptions::default(), FakeRunner::answering());
    let (id, [session]) = closed(&backend).await;
    leave_behind(&backend, vec![queued(&session, "r1")]);
    let workspace = backend.workspace(id).await.unwrap();
    let mut events = EventRecorder::of(workspace.log().subscribe(From::Start).unwrap());
    events.end_of("r1").await;
    let first = events.seen()[0].1.clone();
    assert!(matches!(first.event(), Event::Message(_)));
}
