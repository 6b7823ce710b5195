//! Prompts that steer: folded into the active turn before its next step, or run on their own when that ends first.

use runwright_backend::testing::{Call, TestBackend, TestWorkspace, prompt};
use runwright_proto::{AgentMessage, BusyPolicy, RunId, RunState, SessionId};

use crate::poll::poll_once;

fn run(name: &str) -> RunId {
    name.parse().unwrap()
}

async fn steer(workspace: &TestWorkspace, session: &SessionId, name: &str, words: &str) {
    let sent = workspace.send_when_busy(BusyPolicy::Steer, session, name, words);
    sent.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_steers_becomes_part_of_the_active_turn() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    steer(&workspace, &session, "r2", "in French").await;
    assert_eq!(turn.fold().await, ["in French"]);
    let end = events.end_of("r2").await;
    assert_eq!(
        (end.state, end.folded_into, end.message_id),
        (RunState::Completed, Some(run("r1")), None)
    );
    turn.say("bonjour").await;
    turn.release();
    events.end_of("r1").await;
    events.assert_orderly();
    assert_eq!(
        events.story(),
        [
            "r1 message created: user `hello` [stop]",
            "r2 message created: user `in French` [stop]",
            "r2 run_complete completed folded into r1",
            "r1 message created: assistant",
            "r1 message updated: assistant `bonjour` [end_turn]",
            "r1 run_complete completed `bonjour`",
            "r1 agent_finished",
        ]
    );
    let record = workspace.run(&run("r2")).await.unwrap();
    assert_eq!(
        (record.state, record.folded_into),
        (RunState::Completed, Some(run("r1")))
    );
    assert_eq!(backend.runner().began(), [run("r1")]);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_without_name_and_policy_steers() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    let unnamed = AgentMessage {
        run_id: None,
        ..prompt(&session, "unused", "in French")
    };
    workspace.send_message(unnamed, None).await.unwrap();
    assert_eq!(turn.fold().await, ["in French"]);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_steers_an_idle_session_runs() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    steer(&workspace, &session, "r1", "hello").await;
    backend.runner().entered().await.release();
    let end = events.end_of("r1").await;
    assert_eq!((end.state, end.folded_into), (RunState::Completed, None));
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_steers_runs_on_its_own_when_the_turn_ends_first() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    steer(&workspace, &session, "r2", "in French").await;
    turn.release();
    backend.runner().entered_by("r2").await.release();
    let end = events.end_of("r2").await;
    assert_eq!((end.state, end.folded_into), (RunState::Completed, None));
    assert_eq!(
        workspace.history(&session).await,
        [
            "user `hello` [stop]",
            "assistant `answer to hello` [end_turn]",
            "user `in French` [stop]",
            "assistant `answer to in French` [end_turn]",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn queued_prompts_stay_in_the_queue_when_others_are_folded() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    steer(&workspace, &session, "s1", "in French").await;
    workspace.send(&session, "r2", "and then?").await.unwrap();
    steer(&workspace, &session, "s2", "and short").await;
    workspace
        .send(&session, "r3", "and at last?")
        .await
        .unwrap();
    assert_eq!(turn.fold().await, ["in French", "and short"]);
    assert_eq!(turn.fold().await, [""; 0], "each is taken in once");
    assert_eq!(
        workspace.queued_prompts(&session),
        ["and then?", "and at last?"]
    );
    turn.release();
    backend.runner().entered().await.release();
    backend.runner().entered().await.release();
    events.end_of("r3").await;
    assert_eq!(backend.runner().began(), [run("r1"), run("r2"), run("r3")]);
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_prompt_is_not_folded() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    steer(&workspace, &session, "s1", "in French").await;
    steer(&workspace, &session, "s2", "and short").await;
    workspace.cancel_run(&run("s1")).await.unwrap();
    assert_eq!(turn.fold().await, ["and short"]);
    assert_eq!(events.end_of("s1").await.state, RunState::Cancelled);
    events.end_of("s2").await;
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_turn_takes_nothing_in() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    steer(&workspace, &session, "s1", "in French").await;
    workspace.cancel_run(&run("r1")).await.unwrap();
    assert_eq!(turn.fold().await, [""; 0]);
    turn.stop();
    backend.runner().entered_by("s1").await.release();
    assert_eq!(events.end_of("s1").await.state, RunState::Completed);
}

/// The prompt is in the history of the turn by then, so it ends with that turn and not a second time.
#[tokio::test(start_paused = true)]
async fn a_cancel_comes_too_late_for_a_prompt_that_is_being_folded() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    steer(&workspace, &session, "s1", "in French").await;
    let mut writing = backend.faults().hold(Call::CreateMessage);
    let mut folding = Box::pin(turn.fold());
    assert!(poll_once(&mut folding).is_pending());
    writing.reached().await;
    workspace.cancel_session(&session);
    writing.release();
    assert_eq!(folding.await, ["in French"]);
    let end = events.end_of("s1").await;
    assert_eq!(
        (end.state, end.folded_into),
        (RunState::Completed, Some(run("r1")))
    );
    assert_eq!(events.end_of("r1").await.state, RunState::Cancelled);
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_prompt_whose_message_cannot_be_written_goes_back_to_the_queue() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    steer(&workspace, &session, "s1", "in French").await;
    steer(&workspace, &session, "s2", "and short").await;
    // The first is taken in, the second is not, and the agent fails because of that.
    backend.faults().fail_nth(Call::CreateMessage, 2);
    assert!(poll_once(&mut Box::pin(turn.fold())).is_pending());
    assert_eq!(
        events.end_of("r1").await.error,
        "storage failed: history storage failed"
    );
    assert_eq!(events.end_of("s1").await.folded_into, Some(run("r1")));
    backend.runner().entered_by("s2").await.release();
    assert_eq!(events.end_of("s2").await.folded_into, None);
    events.assert_orderly();
    let said = workspace.user_messages(Some(&session)).await.unwrap();
    assert_eq!(said.len(), 3, "each prompt is in the history once");
}

/// A prompt is taken in as a whole, also when the agent that wanted it is gone by then.
#[tokio::test(start_paused = true)]
async fn a_prompt_that_is_being_folded_when_the_agent_is_aborted_is_told_of_once() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    steer(&workspace, &session, "s1", "in French").await;
    workspace.send(&session, "r2", "go on").await.unwrap();
    let mut writing = backend.faults().hold(Call::CreateMessage);
    assert!(poll_once(&mut Box::pin(turn.fold())).is_pending());
    writing.reached().await;
    workspace.cancel_run(&run("r1")).await.unwrap();
    let end = events.end_of("r1").await;
    assert_eq!(end.reason.as_deref(), Some("aborted"));
    assert!(workspace.is_busy(&session));
    writing.release();
    events.end_of("s1").await;
    backend.runner().entered_by("r2").await.release();
    events.end_of("r2").await;
    events.assert_orderly();
    let said = workspace.user_messages(Some(&session)).await.unwrap();
    assert_eq!(said.len(), 3);
}
