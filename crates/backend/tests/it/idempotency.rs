//! Repeated requests: the same one is answered again and starts nothing, another one under the same name is refused.

use futures_util::future::join_all;
use runwright_backend::testing::{Call, TestBackend, TestWorkspace, prompt};
use runwright_backend::{BackendOptions, DispatchError, RunOptions, Submitted};
use runwright_proto::{AgentMessage, BusyPolicy, RunState, SessionId};

use crate::poll::poll_once;

fn unnamed(session: &SessionId, words: &str) -> AgentMessage {
    AgentMessage {
        run_id: None,
        ..prompt(session, "unused", words)
    }
}

async fn send_with_key(
    workspace: &TestWorkspace,
    message: AgentMessage,
    key: &str,
) -> Result<Submitted, DispatchError> {
    workspace.send_message(message, Some(key.into())).await
}

#[track_caller]
fn assert_replays(again: Result<Submitted, DispatchError>, first: &Submitted) {
    let expected = Submitted {
        replayed: true,
        ..first.clone()
    };
    assert_eq!(again.unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_same_run_id_with_the_same_body_is_answered_with_the_same_receipt() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let first = workspace.send(&session, "r1", "hello").await.unwrap();
    assert_replays(workspace.send(&session, "r1", "hello").await, &first);
    backend.runner().entered().await.release();
    events.end_of("r1").await;
    assert_replays(workspace.send(&session, "r1", "hello").await, &first);
    assert_eq!(backend.runner().began().len(), 1);
    assert_eq!(events.ends().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_key_with_the_same_body_is_answered_with_the_same_receipt() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let first = send_with_key(&workspace, unnamed(&session, "hello"), "k1")
        .await
        .unwrap();
    let again = send_with_key(&workspace, unnamed(&session, "hello"), "k1").await;
    assert_replays(again, &first);
    let _turn = backend.runner().entered().await;
    assert_eq!(backend.runner().began(), [first.receipt.run_id]);
}

#[tokio::test(start_paused = true)]
async fn another_body_under_the_same_name_is_refused() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let other_session = workspace.new_session().await;
    let first = send_with_key(&workspace, prompt(&session, "r1", "hello"), "k1")
        .await
        .unwrap();
    let id = first.receipt.run_id;
    let other_policy = AgentMessage {
        when_busy: Some(BusyPolicy::Reject),
        ..prompt(&session, "r1", "hello")
    };
    for (message, key) in [
        (prompt(&session, "r1", "something else"), None),
        (prompt(&other_session, "r1", "hello"), None),
        (other_policy, None),
        (prompt(&session, "r2", "something else"), Some("k1".into())),
    ] {
        let refused = workspace.send_message(message, key).await;
        assert!(
            matches!(&refused, Err(DispatchError::IdempotencyMismatch(run)) if *run == id),
            "{refused:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_is_answered_while_the_queue_is_full() {
    let options = BackendOptions {
        runs: RunOptions {
            max_queued: 1,
            ..RunOptions::default()
        },
        ..BackendOptions::default()
    };
    let backend = TestBackend::with(options, Default::default());
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    let second = workspace.send(&session, "r2", "and then?").await.unwrap();
    assert!(matches!(
        workspace.send(&session, "r3", "and then?").await,
        Err(DispatchError::QueueFull { position: 2 })
    ));
    assert_replays(workspace.send(&session, "r2", "and then?").await, &second);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_repeated_while_it_is_recorded_waits_for_its_answer() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let send = || workspace.send_when_busy(BusyPolicy::Reject, &session, "r1", "hello");
    let mut writing = backend.faults().hold(Call::Accept);
    let mut first = Box::pin(send());
    assert!(poll_once(&mut first).is_pending());
    writing.reached().await;
    // Were it not the same request, it would find the session busy.
    let mut again = Box::pin(send());
    assert!(poll_once(&mut again).is_pending());
    writing.release();
    let first = first.await.unwrap();
    assert_replays(again.await, &first);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_repeated_while_its_record_fails_is_taken_on() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut writing = backend.faults().hold(Call::Accept);
    let mut first = Box::pin(workspace.send(&session, "r1", "hello"));
    assert!(poll_once(&mut first).is_pending());
    writing.reached().await;
    let mut again = Box::pin(workspace.send(&session, "r1", "hello"));
    assert!(poll_once(&mut again).is_pending());
    writing.fail();
    first.await.unwrap_err();
    let again = again.await.unwrap();
    assert!(!again.replayed);
    assert_eq!(again.receipt.state, RunState::Running);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_duplicates_at_the_same_moment_start_one_run() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let send = |_| workspace.send(&session, "r1", "hello");
    assert_one_run(join_all((0..200).map(send)).await);
    backend.runner().entered().await.release();
    events.end_of("r1").await;
    backend.runner().idle().await;
    assert_eq!(backend.runner().began(), ["r1".parse().unwrap()]);
    assert_eq!(events.ends().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_duplicates_on_several_threads_start_one_run() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut requests = tokio::task::JoinSet::new();
    for at in 0..200 {
        let (workspace, session) = (workspace.clone(), session.clone());
        // Half of them know the run by its name, half by the key as well.
        let key = (at % 2 == 0).then(|| "k1".into());
        requests.spawn(async move {
            let message = prompt(&session, "r1", "hello");
            workspace.send_message(message, key).await
        });
    }
    assert_one_run(requests.join_all().await);
    let _turn = backend.runner().entered().await;
    assert_eq!(backend.runner().began(), ["r1".parse().unwrap()]);
}

#[track_caller]
fn assert_one_run(answers: Vec<Result<Submitted, DispatchError>>) {
    let answers: Vec<Submitted> = answers.into_iter().map(Result::unwrap).collect();
    let started = answers.iter().filter(|answer| !answer.replayed).count();
    assert_eq!((started, answers.len()), (1, 200));
    let first = &answers[0].receipt;
    assert!(answers.iter().all(|answer| answer.receipt == *first));
}
