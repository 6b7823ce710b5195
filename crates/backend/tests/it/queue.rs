//! What becomes of a prompt whose session is busy: the queue and its bound, the busy policies, and that the queue never
//! stands still.

use futures_util::future::join_all;
use runwright_backend::testing::{Call, FakeRunner, TestBackend, TestWorkspace, prompt};
use runwright_backend::{BackendOptions, DispatchError, RunOptions};
use runwright_proto::{BusyPolicy, RunId, RunState, SessionId};
use tokio::time::Duration;

fn run(name: &str) -> RunId {
    name.parse().unwrap()
}

fn with_queue(max_queued: usize) -> BackendOptions {
    BackendOptions {
        runs: RunOptions {
            max_queued,
            ..RunOptions::default()
        },
        ..TestBackend::roomy_figures()
    }
}

async fn send(workspace: &TestWorkspace, session: &SessionId, names: &[&str]) {
    for name in names {
        workspace.send(session, name, "hello").await.unwrap();
    }
}

/// Lets each turn end well until the agent is idle, and tells which runs it had.
async fn run_down(backend: &TestBackend, turns: usize) -> Vec<String> {
    for _ in 0..turns {
        backend.runner().entered().await.release();
    }
    backend.runner().idle().await;
    let began = backend.runner().began();
    began.iter().map(ToString::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn prompts_run_one_after_another_in_the_order_of_their_acceptance() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut positions = Vec::new();
    for name in ["r1", "r2", "r3", "r4"] {
        let accepted = workspace.send(&session, name, "hello").await.unwrap();
        positions.push(accepted.receipt.position);
    }
    assert_eq!(positions, [0, 1, 2, 3]);
    assert_eq!(run_down(&backend, 4).await, ["r1", "r2", "r3", "r4"]);
    assert_eq!(backend.runner().most_in_one_session(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_queue_can_be_looked_at() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    for (name, words) in [("r1", "first"), ("r2", "second"), ("r3", "third")] {
        workspace.send(&session, name, words).await.unwrap();
    }
    let _turn = backend.runner().entered().await;
    assert_eq!(workspace.queued_prompts(&session), ["second", "third"]);
    assert_eq!(workspace.queue_len(&session), 2);
    let records = workspace.runs(Some(session), None, None, None).await;
    let records: Vec<_> = records
        .unwrap()
        .runs
        .into_iter()
        .map(|record| (record.run_id.to_string(), record.state, record.position))
        .collect();
    assert_eq!(
        records,
        [
            ("r3".to_owned(), RunState::Queued, Some(2)),
            ("r2".to_owned(), RunState::Queued, Some(1)),
            ("r1".to_owned(), RunState::Running, None),
        ]
    );
}

/// Many threads, one session: the numbers in the receipts are the order of the turns, and no two turns overlap.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_prompts_run_in_the_order_that_their_receipts_name() {
    let backend = TestBackend::with(with_queue(100), FakeRunner::new());
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    // The first turn holds the queue, so that every position counts from it.
    send(&workspace, &session, &["r0"]).await;
    let first = backend.runner().entered().await;
    let mut requests = tokio::task::JoinSet::new();
    for n in 1..=100 {
        let (workspace, session) = (workspace.clone(), session.clone());
        requests.spawn(async move {
            let accepted = workspace.send(&session, &format!("r{n}"), "hello").await;
            accepted.unwrap().receipt
        });
    }
    let mut receipts = requests.join_all().await;
    receipts.sort_by_key(|receipt| receipt.position);
    let positions: Vec<_> = receipts.iter().map(|receipt| receipt.position).collect();
    assert_eq!(positions, (1..=100).collect::<Vec<u32>>());
    first.release();
    let began = run_down(&backend, 100).await;
    let promised: Vec<_> = receipts.iter().map(|r| r.run_id.to_string()).collect();
    assert_eq!(began[1..], promised);
    assert_eq!(backend.runner().most_in_one_session(), 1);
}

/// Between two runs the session is never seen idle: once it is idle, every accepted run is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_is_busy_until_its_last_run_is_over() {
    let backend = TestBackend::with(with_queue(200), FakeRunner::answering());
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut recording = backend.faults().hold(Call::Finish);
    send(&workspace, &session, &["r0"]).await;
    recording.reached().await;
    let names: Vec<_> = (1..=200).map(|n| format!("r{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    send(&workspace, &session, &names).await;
    recording.release();
    while workspace.is_busy(&session) {
        tokio::task::yield_now().await;
    }
    let open = [RunState::Queued, RunState::Running];
    for state in open {
        let left = workspace.runs(None, Some(state), None, None).await.unwrap();
        assert_eq!(left.runs, []);
    }
    assert_eq!(backend.runner().began().len(), 201);
}

#[tokio::test(start_paused = true)]
async fn the_queue_goes_on_however_a_run_ends() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2", "r3", "r4", "r5"]).await;
    let next = || backend.runner().entered();
    next().await.fail_with("Provider failed", "no answer");
    next().await.panic("boom");
    let cancelled = next().await;
    workspace.cancel_run(cancelled.run_id()).await.unwrap();
    let aborted = next().await;
    aborted.ignore_cancel().await;
    workspace.cancel_run(aborted.run_id()).await.unwrap();
    next().await.release();
    events.end_of("r5").await;
    let ends: Vec<_> = events.ends().into_iter().map(|end| end.state).collect();
    assert_eq!(
        ends,
        [
            RunState::Failed,
            RunState::Failed,
            RunState::Cancelled,
            RunState::Cancelled,
            RunState::Completed,
        ]
    );
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    for n in 0..=64 {
        let accepted = workspace.send(&session, &format!("r{n}"), "hello").await;
        assert_eq!(accepted.unwrap().receipt.position, n);
    }
    for policy in [BusyPolicy::Queue, BusyPolicy::Interrupt, BusyPolicy::Steer] {
        let refused = workspace.send_when_busy(policy, &session, "r65", "hello");
        let refused = refused.await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "queue of the session is full: the prompt would be number 65"
        );
    }
    // Another session has a queue of its own.
    let other = workspace.new_session().await;
    send(&workspace, &other, &["o1"]).await;
    // A run that is cancelled makes room at once, not only when its turn would have come.
    workspace.cancel_run(&run("r64")).await.unwrap();
    send(&workspace, &session, &["r65"]).await;
    assert!(matches!(
        workspace.send(&session, "r66", "hello").await,
        Err(DispatchError::QueueFull { position: 65 })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_prompt_may_ask_to_be_refused_when_the_session_is_busy() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let reject = |name| workspace.send_when_busy(BusyPolicy::Reject, &session, name, "hello");
    reject("r1").await.unwrap();
    send(&workspace, &session, &["r2"]).await;
    let refused = reject("r3").await.unwrap_err();
    assert_eq!(refused.to_string(), "session is busy with 2 accepted runs");
    run_down(&backend, 2).await;
    events.end_of("r2").await;
    let (last, second) = ([run("r2")], Duration::from_secs(1));
    workspace.ended(&session, &last, second).await.unwrap();
    reject("r3").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_prompt_may_take_the_turn_from_the_active_run() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1", "r2"]).await;
    let _turn = backend.runner().entered().await;
    let interrupt = workspace.send_when_busy(BusyPolicy::Interrupt, &session, "r3", "stop!");
    assert_eq!(interrupt.await.unwrap().receipt.position, 1);
    let end = events.end_of("r1").await;
    assert_eq!(
        (end.state, end.reason.as_deref()),
        (RunState::Cancelled, Some("superseded"))
    );
    backend.runner().entered().await.release();
    backend.runner().entered().await.release();
    events.end_of("r2").await;
    assert_eq!(backend.runner().began(), [run("r1"), run("r3"), run("r2")]);
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn of_several_prompts_that_take_the_turn_the_last_one_has_it() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1"]).await;
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    let interrupt = |name| workspace.send_when_busy(BusyPolicy::Interrupt, &session, name, "stop!");
    interrupt("r2").await.unwrap();
    interrupt("r3").await.unwrap();
    turn.stop();
    backend.runner().entered_by("r3").await.release();
    events.end_of("r3").await;
    let ends = events.ends().into_iter();
    let mut ends: Vec<_> = ends.map(|end| (end.run_id.unwrap(), end.reason)).collect();
    ends.sort();
    let superseded = Some("superseded".to_owned());
    assert_eq!(
        ends,
        [
            (run("r1"), superseded.clone()),
            (run("r2"), superseded),
            (run("r3"), None)
        ]
    );
    assert_eq!(backend.runner().began(), [run("r1"), run("r3")]);
}

/// A prompt that could not be accepted has changed nothing, also when it wanted to take the turn.
#[tokio::test(start_paused = true)]
async fn a_prompt_that_is_not_recorded_takes_the_turn_from_nobody() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    send(&workspace, &session, &["r1"]).await;
    let turn = backend.runner().entered().await;
    backend.faults().fail(Call::Accept);
    let interrupt = workspace.send_when_busy(BusyPolicy::Interrupt, &session, "r2", "stop!");
    assert!(matches!(interrupt.await, Err(DispatchError::Journal(_))));
    turn.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
}

/// The journal may confirm in another order than the session accepted; the turns keep the order of acceptance.
#[tokio::test(start_paused = true)]
async fn a_slow_record_does_not_lose_its_place() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut recording = backend.faults().hold(Call::Accept);
    let slow = {
        let (workspace, session) = (workspace.clone(), session.clone());
        async move { workspace.send(&session, "r1", "hello").await }
    };
    let quick = async {
        recording.reached().await;
        let quick = workspace.send(&session, "r2", "hello").await;
        assert_eq!(backend.runner().active(), 0, "the first goes first");
        recording.release();
        quick
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!(
        (
            slow.unwrap().receipt.position,
            quick.unwrap().receipt.position
        ),
        (0, 1)
    );
    assert_eq!(run_down(&backend, 2).await, ["r1", "r2"]);
}

#[tokio::test(start_paused = true)]
async fn eight_prompts_at_the_same_moment_run_one_at_a_time() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let send = |n| workspace.send_message(prompt(&session, &format!("r{n}"), "hello"), None);
    let accepted = join_all((0..8).map(send)).await;
    assert!(accepted.iter().all(Result::is_ok));
    for turn in 0..8 {
        let turn_now = backend.runner().entered().await;
        assert_eq!((turn, backend.runner().active()), (turn, 1));
        turn_now.release();
    }
    events.end_of("r7").await;
    assert_eq!(events.ends().len(), 8);
    events.assert_orderly();
}
