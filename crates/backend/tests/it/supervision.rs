//! Every way in which a run ends: one terminal event, in its place, with the run's own error, and a history that a
//! provider accepts.

use runwright_backend::ShutdownMode;
use runwright_backend::testing::{Call, FakeRunner, TestBackend, TestWorkspace};
use runwright_proto::{EndReason, RunComplete, RunId, RunState, SessionId};
use tokio::time::{Duration, Instant};

use crate::poll::{pass, poll_once};

/// Waits until the run is over in every respect, not only until its end is told.
pub(crate) async fn over(workspace: &TestWorkspace, session: &SessionId, run: &str) {
    let runs = [run.parse().unwrap()];
    let minute = Duration::from_secs(60);
    workspace.ended(session, &runs, minute).await.unwrap();
}

/// Asserts the story of the run and the history of its session, and that the record says the same.
#[track_caller]
fn assert_ends(
    (story, expected_story): (&[String], &[&str]),
    (history, expected_history): (&[String], &[&str]),
) {
    assert_eq!(story, expected_story);
    assert_eq!(history, expected_history);
}

#[tokio::test(start_paused = true)]
async fn a_completed_run_ends_with_its_answer() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.say("hel").await;
    turn.say("lo back").await;
    turn.release();
    let end = events.end_of("r1").await;
    over(&workspace, &session, "r1").await;

    let messages = workspace.messages(&session).await.unwrap();
    let run: RunId = "r1".parse().unwrap();
    let expected = RunComplete {
        message_id: Some(messages[1].id.clone()),
        text: "hello back".into(),
        ..RunComplete::new(session.clone(), run.clone(), RunState::Completed)
    };
    assert_eq!(end, expected);
    let record = workspace.run(&run).await.unwrap();
    assert_eq!(
        (record.state, record.error, record.message_id, record.text),
        (
            RunState::Completed,
            None,
            expected.message_id,
            expected.text
        )
    );
    events.assert_orderly();
    assert_ends(
        (
            &events.story_of("r1"),
            &[
                "message created: user `hello` [stop]",
                "message created: assistant",
                "message updated: assistant `hello back` [end_turn]",
                "run_complete completed `hello back`",
                "agent_finished",
            ],
        ),
        (
            &workspace.history(&session).await,
            &["user `hello` [stop]", "assistant `hello back` [end_turn]"],
        ),
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_returns_with_an_open_message_has_it_finished() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.say("I look").await;
    turn.call_tool("c1").await;
    turn.fail_with("Provider failed", "it is overloaded");
    events.end_of("r1").await;
    events.assert_orderly();
    let failed = "Provider failed: it is overloaded";
    assert_eq!(
        workspace.history(&session).await,
        [
            "user `hello` [stop]".to_owned(),
            format!("assistant `I look` calls c1 with {{}} [error: {failed}]"),
            "tool error of c1: The run ended before this tool call did [stop]".to_owned(),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_ends_with_its_own_error() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    workspace.send(&session, "r2", "and you?").await.unwrap();
    let first = backend.runner().entered().await;
    first.fail_with("First failed", "one");
    let second = backend.runner().entered().await;
    second.fail_with("Second failed", "two");
    events.end_of("r2").await;
    let errors: Vec<_> = events.ends().into_iter().map(|end| end.error).collect();
    assert_eq!(errors, ["first failed: one", "second failed: two"]);
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_panicking_run_fails_alone() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let bystander = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    workspace.send(&session, "r2", "go on").await.unwrap();
    workspace.send(&bystander, "r3", "hello").await.unwrap();
    let panicking = backend.runner().entered_by("r1").await;
    panicking.say("I am").await;
    panicking.panic("index out of bounds");
    events.end_of("r1").await;
    backend.runner().entered_by("r2").await.release();
    backend.runner().entered_by("r3").await.release();
    events.end_of("r2").await;
    events.end_of("r3").await;
    events.assert_orderly();
    assert_ends(
        (
            &events.story_of("r1"),
            &[
                "message created: user `hello` [stop]",
                "message created: assistant",
                "message updated: assistant `I am` [error: Agent panicked: index out of bounds]",
                "error: agent panicked: index out of bounds",
                "run_complete failed `I am` error: agent panicked: index out of bounds",
            ],
        ),
        (
            &workspace.history(&session).await,
            &[
                "user `hello` [stop]",
                "assistant `I am` [error: Agent panicked: index out of bounds]",
                "user `go on` [stop]",
                "assistant `answer to go on` [end_turn]",
            ],
        ),
    );
    assert_eq!(events.story_of("r3").len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_before_it_starts_is_written_and_the_agent_is_not_asked() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let mut writing = backend.faults().hold(Call::Accept);
    let mut sending = Box::pin(workspace.send(&session, "r1", "hello"));
    assert!(poll_once(&mut sending).is_pending());
    writing.reached().await;
    assert_eq!(workspace.cancel_session(&session), ["r1".parse().unwrap()]);
    writing.release();
    sending.await.unwrap();
    events.end_of("r1").await;
    events.assert_orderly();
    assert_ends(
        (
            &events.story_of("r1"),
            &[
                "message created: user `hello` [stop]",
                "message created: assistant",
                "message updated: assistant [canceled: User canceled request]",
                "run_complete cancelled error: cancelled on request",
            ],
        ),
        (
            &workspace.history(&session).await,
            &[
                "user `hello` [stop]",
                "assistant [canceled: User canceled request]",
            ],
        ),
    );
    assert_eq!(backend.runner().began(), []);
}

/// The message that stands for the cancelled answer names the model that would have given it.
#[tokio::test(start_paused = true)]
async fn the_message_of_a_run_that_never_spoke_names_the_model() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let _turn = backend.runner().entered().await;
    workspace.cancel_session(&session);
    let end = events.end_of("r1").await;
    let messages = workspace.messages(&session).await.unwrap();
    let answer = &messages[1];
    assert_eq!(
        (&*answer.model, &*answer.provider, Some(&answer.id)),
        ("fake-model", "fake-provider", end.message_id.as_ref())
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_while_the_prompt_is_written_does_not_ask_the_agent() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let mut writing = backend.faults().hold(Call::CreateMessage);
    workspace.send(&session, "r1", "hello").await.unwrap();
    writing.reached().await;
    workspace.cancel_session(&session);
    writing.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Cancelled);
    events.assert_orderly();
    assert_eq!(backend.runner().began(), []);
    assert_eq!(
        workspace.history(&session).await,
        [
            "user `hello` [stop]",
            "assistant [canceled: User canceled request]"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_in_the_queue_is_written() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    workspace.send(&session, "r2", "and then?").await.unwrap();
    let turn = backend.runner().entered().await;
    workspace
        .cancel_queued(&"r2".parse().unwrap())
        .await
        .unwrap();
    events.end_of("r2").await;
    assert_eq!(
        events.story_of("r2"),
        [
            "message created: user `and then?` [stop]",
            "message created: assistant",
            "message updated: assistant [canceled: User canceled request]",
            "run_complete cancelled error: cancelled on request",
        ]
    );
    turn.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_when_it_is_asked_to_is_cancelled_at_once() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.say("hel").await;
    turn.call_tool("c1").await;
    let asked = Instant::now();
    workspace.cancel_session(&session);
    events.end_of("r1").await;
    assert_eq!(asked.elapsed(), Duration::ZERO);
    events.assert_orderly();
    assert_ends(
        (
            &events.story_of("r1"),
            &[
                "message created: user `hello` [stop]",
                "message created: assistant",
                "message updated: assistant `hel` calls c1 with {} [canceled: User canceled request]",
                "message created: tool error of c1: The run was cancelled before this tool call ended [stop]",
                "run_complete cancelled `hel` error: cancelled on request",
            ],
        ),
        (
            &workspace.history(&session).await,
            &[
                "user `hello` [stop]",
                "assistant `hel` calls c1 with {} [canceled: User canceled request]",
                "tool error of c1: The run was cancelled before this tool call ended [stop]",
            ],
        ),
    );
}

/// The agent comes to its end just when it is asked to: that it was asked is what counts, not who was faster.
#[tokio::test(start_paused = true)]
async fn a_run_that_returns_at_the_moment_of_its_cancel_is_cancelled() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    // Without a moment in between: the agent runs before whoever watches it.
    turn.stop();
    workspace.cancel_session(&session);
    assert_eq!(events.end_of("r1").await.state, RunState::Cancelled);
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ignores_a_cancel_is_aborted_after_its_grace() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.say("hel").await;
    turn.ignore_cancel().await;
    let asked = Instant::now();
    workspace.cancel_session(&session);
    let end = events.end_of("r1").await;
    assert_eq!(asked.elapsed(), Duration::from_secs(5));
    assert_eq!(
        (end.state, end.reason.as_deref()),
        (RunState::Cancelled, Some("aborted"))
    );
    events.assert_orderly();
    assert_eq!(backend.runner().active(), 0, "its task is gone");
    assert_eq!(
        workspace.history(&session).await,
        [
            "user `hello` [stop]",
            "assistant `hel` [canceled: User canceled request]"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_returns_well_within_its_grace_is_completed() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    workspace.cancel_session(&session);
    pass(Duration::from_millis(4_999)).await;
    turn.release();
    let end = events.end_of("r1").await;
    assert_eq!(
        (end.state, end.cancelled, end.text.to_string()),
        (RunState::Completed, false, "answer to hello".to_owned())
    );
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_panics_while_it_is_cancelled_has_failed() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    workspace.cancel_session(&session);
    turn.panic("boom");
    assert_eq!(events.end_of("r1").await.error, "agent panicked: boom");
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_unasked_has_failed() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    backend.runner().entered().await.stop();
    let end = events.end_of("r1").await;
    assert_eq!(
        (end.state, end.error.as_str()),
        (
            RunState::Failed,
            "agent stopped: it stopped without being asked to"
        )
    );
}

/// The task cannot be aborted, so its run ends without it, and what it writes afterwards does not count.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_run_that_never_yields_ends_without_its_task_and_is_not_heard_of_again() {
    let backend = TestBackend::with(TestBackend::short_figures(), FakeRunner::new());
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    workspace.send(&session, "r2", "go on").await.unwrap();
    let turn = backend.runner().entered_by("r1").await;
    turn.say("hel").await;
    let blocked = turn.block().await;
    workspace.cancel_run(&"r1".parse().unwrap()).await.unwrap();
    let end = events.end_of("r1").await;
    assert_eq!(
        (end.state, end.reason.as_deref()),
        (RunState::Cancelled, Some("aborted"))
    );
    let next = backend.runner().entered_by("r2").await;
    assert_eq!(backend.runner().active(), 2, "its thread is still blocked");
    assert!(
        !blocked.release_saying("lo").await,
        "its words come too late"
    );
    next.release();
    events.end_of("r2").await;
    events.assert_orderly();
    assert_eq!(
        workspace.history(&session).await,
        [
            "user `hello` [stop]",
            "assistant `hel` [canceled: User canceled request]",
            "user `go on` [stop]",
            "assistant `answer to go on` [end_turn]",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_a_shutdown_cuts_off_is_interrupted() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    workspace.send(&session, "r2", "and then?").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.say("hel").await;
    let mode = ShutdownMode::Cancel;
    let minute = Duration::from_secs(60);
    workspace
        .shutdown(mode, minute, EndReason::WorkspaceClosed)
        .await;
    events.over().await;
    events.assert_orderly();
    let interrupted = "error: interrupted: the workspace was closed reason: closing";
    assert_eq!(
        events.story(),
        [
            "r1 message created: user `hello` [stop]".to_owned(),
            "r1 message created: assistant".to_owned(),
            "r2 message created: user `and then?` [stop]".to_owned(),
            "r2 message created: assistant".to_owned(),
            "r2 message updated: assistant [error: Interrupted: the workspace was closed]"
                .to_owned(),
            format!("r2 run_complete interrupted {interrupted}"),
            "r1 message updated: assistant `hel` [error: Interrupted: the workspace was closed]"
                .to_owned(),
            format!("r1 run_complete interrupted `hel` {interrupted}"),
            "end: workspace_closed".to_owned(),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_run_come_in_their_order_before_those_of_the_next() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    workspace.send(&session, "r2", "go on").await.unwrap();
    backend.runner().entered().await.release();
    let second = backend.runner().entered().await;
    assert!(workspace.is_busy(&session), "handed over, not released");
    second.fail_with("Second failed", "two");
    events.end_of("r2").await;
    assert_eq!(
        events.story(),
        [
            "r1 message created: user `hello` [stop]",
            "r1 message created: assistant",
            "r1 message updated: assistant `answer to hello` [end_turn]",
            "r1 run_complete completed `answer to hello`",
            "r1 agent_finished",
            "r2 message created: user `go on` [stop]",
            "r2 message created: assistant",
            "r2 message updated: assistant [error: Second failed: two]",
            "r2 error: second failed: two",
            "r2 run_complete failed error: second failed: two",
        ]
    );
}
