//! Many prompts: at the same moment into many sessions, and one after another behind one that is busy.

use std::sync::Arc;

use runwright_backend::testing::{FakeRunner, TestBackend};
use runwright_backend::{BackendOptions, RunOptions};
use runwright_proto::RunState;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// An ordinary case (semantics 4), and the one of which the contract's own server dies with eight.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_prompts_at_the_same_moment_in_a_fresh_workspace_all_end_well() {
    const PROMPTS: usize = 64;
    let backend = TestBackend::with(TestBackend::roomy_figures(), FakeRunner::answering());
    for round in 0..50 {
        let workspace = backend.open(&format!("round-{round}")).await;
        let mut events = workspace.recorder();
        let start = Arc::new(Barrier::new(PROMPTS));
        let mut requests = JoinSet::new();
        for n in 0..PROMPTS {
            let (workspace, start) = (workspace.clone(), start.clone());
            let session = workspace.new_session().await;
            requests.spawn(async move {
                start.wait().await;
                let sent = workspace.send(&session, &format!("r{n}"), "hello").await;
                sent.map(|accepted| accepted.receipt.position)
            });
        }
        for accepted in requests.join_all().await {
            assert_eq!(accepted.unwrap(), 0, "each has a session of its own");
        }
        for n in 0..PROMPTS {
            let end = events.end_of(&format!("r{n}")).await;
            assert_eq!((end.state, end.text.len()), (RunState::Completed, 15));
        }
        events.assert_orderly();
        assert_eq!(events.ends().len(), PROMPTS);
        backend.release(workspace.id(), workspace.client);
    }
    assert_eq!(backend.runner().began().len(), 50 * PROMPTS);
    assert_eq!(backend.runner().most_in_one_session(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_prompts_behind_a_busy_session_run_in_their_order() {
    const PROMPTS: usize = 1_000;
    let options = BackendOptions {
        runs: RunOptions {
            max_queued: PROMPTS,
            ..RunOptions::default()
        },
        ..TestBackend::roomy_figures()
    };
    let backend = TestBackend::with(options, FakeRunner::new());
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let names: Vec<_> = (0..=PROMPTS).map(|n| format!("r{n}")).collect();
    for (position, name) in names.iter().enumerate() {
        let accepted = workspace.send(&session, name, "hello").await.unwrap();
        assert_eq!(accepted.receipt.position as usize, position);
    }
    assert!(workspace.send(&session, "one-more", "hello").await.is_err());
    for name in &names {
        let turn = backend.runner().entered().await;
        assert_eq!(turn.run_id().as_str(), name);
        assert!(workspace.is_busy(&session));
        turn.release();
    }
    events.end_of(names.last().unwrap()).await;
    let ends = events.ends().into_iter();
    let ended: Vec<_> = ends.map(|end| end.run_id.unwrap().to_string()).collect();
    assert_eq!(ended, names);
    events.assert_orderly();
    assert_eq!(backend.runner().most_active(), 1);
}
