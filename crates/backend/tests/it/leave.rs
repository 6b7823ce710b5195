//! Who keeps a workspace open, and when it closes: creators, streams, clients that were cut off, and runs.

use std::sync::Arc;

use runwright_backend::testing::{Call, FakeRunner, TestBackend, TestWorkspace};
use runwright_backend::{CreateError, CreateRefusal, OnLastDetach};
use runwright_proto::{ClientId, CreateWorkspace, RunState};
use tokio::time::{Duration, Instant};

use crate::{
    open::{closing_at_once, id_of},
    poll::{pass, poll_once},
};

const SECOND: Duration = Duration::from_secs(1);

/// Waits for the end of the workspace and tells how long it took.
async fn lives_for(workspace: &TestWorkspace) -> Duration {
    let since = Instant::now();
    workspace.recorder().over().await;
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_workspace_whose_client_never_comes_closes_after_grace_and_linger() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    assert_eq!(lives_for(&workspace).await, 60 * SECOND);
    assert_eq!(backend.workspaces().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_keeps_its_workspace_and_its_end_is_followed_by_grace_and_linger() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let stream = workspace.attach().await;
    pass(300 * SECOND).await;
    assert_eq!(backend.clients(workspace.id()), 1);
    drop(stream);
    assert_eq!(lives_for(&workspace).await, 40 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn of_two_streams_of_a_client_the_last_one_keeps_the_workspace() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::new());
    let workspace = backend.open("demo").await;
    let mut events = workspace.recorder();
    let (one, other) = (workspace.attach().await, workspace.attach().await);
    drop(one);
    pass(60 * SECOND).await;
    assert!(!events.is_over());
    drop(other);
    events.over().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_within_its_grace_finds_the_same_workspace() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    for _ in 0..3 {
        drop(workspace.attach().await);
        pass(9 * SECOND).await;
    }
    let stream = workspace.attach().await;
    pass(300 * SECOND).await;
    assert!(Arc::ptr_eq(stream.workspace(), &workspace));
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_released_needs_no_grace() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    backend.release(workspace.id(), workspace.client);
    // A second release, and one of what nobody knows, are no mistakes.
    backend.release(workspace.id(), workspace.client);
    backend.release(id_of(&backend, "unknown"), workspace.client);
    assert_eq!(lives_for(&workspace).await, 30 * SECOND);

    let again = backend.open("demo").await;
    let stream = again.attach().await;
    backend.release(again.id(), again.client);
    pass(60 * SECOND).await;
    assert_eq!(backend.clients(again.id()), 1, "its stream still counts");
    drop(stream);
    assert_eq!(lives_for(&again).await, 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_second_client_keeps_the_workspace_when_the_first_leaves() {
    let backend = TestBackend::with(closing_at_once(), FakeRunner::new());
    let one = backend.open("demo").await;
    let other = backend.open("demo").await;
    let _stream = other.attach().await;
    drop(one.attach().await);
    backend.retire(one.client);
    pass(300 * SECOND).await;
    assert_eq!(backend.clients(other.id()), 1);
}

#[tokio::test(start_paused = true)]
async fn runs_keep_their_workspace() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    workspace.send(&session, "r2", "and then?").await.unwrap();
    let turn = backend.runner().entered().await;
    backend.release(workspace.id(), workspace.client);
    pass(300 * SECOND).await;
    turn.release();
    let turn = backend.runner().entered().await;
    pass(300 * SECOND).await;
    assert!(!events.is_over());
    turn.release();
    events.end_of("r2").await;
    assert_eq!(lives_for(&workspace).await, 30 * SECOND);
    let ends: Vec<_> = events.ends().into_iter().map(|end| end.state).collect();
    assert_eq!(ends, [RunState::Completed; 2]);
}

#[tokio::test(start_paused = true)]
async fn runs_are_cancelled_when_the_last_client_leaves_if_the_workspace_says_so() {
    let backend = TestBackend::new();
    let request = CreateWorkspace {
        on_last_detach: Some(OnLastDetach::Cancel),
        ..backend.request("demo")
    };
    let workspace = backend.join(request, ClientId::random()).await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let _turn = backend.runner().entered().await;
    drop(workspace.attach().await);
    let left = Instant::now();
    let end = events.end_of("r1").await;
    assert_eq!(
        (end.state, end.reason.as_deref()),
        (RunState::Cancelled, Some("abandoned"))
    );
    assert_eq!(left.elapsed(), 10 * SECOND, "not within the grace");
    assert_eq!(lives_for(&workspace).await, 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_is_to_be_kept_stays_open() {
    let backend = TestBackend::new();
    let request = CreateWorkspace {
        on_last_detach: Some(OnLastDetach::Keep),
        ..backend.request("demo")
    };
    let workspace = backend.join(request, ClientId::random()).await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    backend.retire(workspace.client);
    turn.release();
    events.end_of("r1").await;
    pass(24 * 3600 * SECOND).await;
    assert_eq!(backend.workspaces().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retired_client_leaves_no_claim_and_makes_none() {
    let backend = TestBackend::new();
    let shared = backend.open("shared").await;
    let other = backend.open("shared").await;
    let _keeps = other.attach().await;
    let alone = backend.join(backend.request("alone"), shared.client).await;
    let streams = [shared.attach().await, alone.attach().await];
    backend.retire(shared.client);
    backend.retire(shared.client);
    assert_eq!(
        (backend.clients(shared.id()), backend.clients(alone.id())),
        (1, 0)
    );
    let refused = backend.create(shared.client, backend.request("new")).await;
    assert!(matches!(
        refused,
        Err(CreateError::Refused(CreateRefusal::Retired))
    ));
    assert_eq!(lives_for(&alone).await, 30 * SECOND);
    drop(streams);
    assert_eq!(backend.clients(shared.id()), 1);
    pass(25 * 3600 * SECOND).await;
    backend.join(backend.request("new"), shared.client).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_retired_while_its_workspace_is_opened_gets_none() {
    let backend = TestBackend::new();
    let client = ClientId::random();
    let mut opening = backend.faults().hold(Call::Open);
    let mut creating = Box::pin(backend.create(client, backend.request("demo")));
    assert!(poll_once(&mut creating).is_pending());
    opening.reached().await;
    backend.retire(client);
    opening.release();
    assert!(matches!(
        creating.await,
        Err(CreateError::Refused(CreateRefusal::Retired))
    ));
    assert_eq!(backend.workspaces().len(), 0);
    // The half-open workspace is torn down, and then its directory is free again.
    let workspace = backend.open("demo").await;
    assert_eq!(backend.clients(workspace.id()), 1);
}
