//! Work beside a turn: it may outlive the turn, never its workspace, and no run waits for it.

use std::sync::Arc;

use runwright_agent::{SessionChange, Transcript};
use runwright_backend::testing::{TestBackend, TestWorkspace, Turn};
use runwright_backend::{ShutdownMode, ShutdownReport};
use runwright_proto::{EndReason, SessionId};
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant};

async fn busy(backend: &TestBackend) -> (TestWorkspace, SessionId, Turn) {
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    (workspace, session, turn)
}

/// Names the session once it is let go, and says that it has.
async fn start_naming(
    turn: &Turn,
    session: &SessionId,
) -> (oneshot::Sender<()>, oneshot::Receiver<()>) {
    let (go, gone) = oneshot::channel();
    let (named, wait) = oneshot::channel();
    let session = session.clone();
    let work = move |transcript: Arc<dyn Transcript>| async move {
        gone.await.unwrap();
        let change = SessionChange {
            title: Some("named".to_owned()),
            ..SessionChange::default()
        };
        transcript.change_session(&session, change).await.unwrap();
        named.send(()).unwrap();
    };
    turn.start_in_background(Box::new(|transcript| Box::pin(work(transcript))))
        .await;
    (go, wait)
}

#[tokio::test(start_paused = true)]
async fn work_beside_a_turn_goes_on_when_the_turn_is_over() {
    let backend = TestBackend::new();
    let (workspace, session, turn) = busy(&backend).await;
    let mut events = workspace.recorder();
    let (go, named) = start_naming(&turn, &session).await;

    turn.release();
    events.end_of("r1").await;
    assert!(!workspace.has_runs(), "no run waits for it");

    go.send(()).unwrap();
    named.await.unwrap();
    let session = workspace.session(&session).await.unwrap();
    assert_eq!(session.title, "named");
}

#[tokio::test(start_paused = true)]
async fn work_beside_a_turn_ends_with_its_workspace_and_does_not_hold_it_up() {
    let backend = TestBackend::new();
    let (workspace, _session, turn) = busy(&backend).await;
    let (held, dropped) = oneshot::channel::<()>();
    turn.start_in_background(Box::new(|_transcript| {
        Box::pin(async move {
            let _held = held;
            std::future::pending().await
        })
    }))
    .await;
    turn.release();

    let asked = Instant::now();
    let report = workspace
        .shutdown(
            ShutdownMode::Drain,
            Duration::from_secs(30),
            EndReason::WorkspaceClosed,
        )
        .await;
    assert!(dropped.await.is_err(), "it is dropped");
    let drained = ShutdownReport {
        drained: true,
        held_up: Vec::new(),
    };
    assert_eq!((report, asked.elapsed()), (drained, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_panic_beside_a_turn_ends_nothing_else() {
    let backend = TestBackend::new();
    let (workspace, session, turn) = busy(&backend).await;
    let mut events = workspace.recorder();
    turn.start_in_background(Box::new(|_transcript| panic!("at once")))
        .await;
    turn.start_in_background(Box::new(|_transcript| Box::pin(async { panic!("later") })))
        .await;
    let (go, named) = start_naming(&turn, &session).await;
    go.send(()).unwrap();
    named.await.unwrap();

    turn.say("hi").await;
    turn.release();
    let end = events.end_of("r1").await;
    assert_eq!(end.text, "hi");
}
