//! The way of a prompt to an accepted run: what is refused and in which order, what acceptance means, and that the fate
//! of the request never reaches the run.

use std::path::Path;

use runwright_backend::testing::{Call, FakeRunner, TestBackend, TestWorkspace, prompt};
use runwright_backend::{
    BackendOptions, DispatchError, RunError, ShutdownMode, Submitted, WorkspaceError,
};
use runwright_proto::{
    AgentMessage, Attachment, EndReason, Receipt, RunState, Seq, SessionId, WorkspaceId,
};
use tokio::time::Duration;

use crate::{ids, poll::poll_once};

#[track_caller]
fn assert_refused(answer: Result<Submitted, DispatchError>, words: &str) {
    assert_eq!(answer.unwrap_err().to_string(), words);
}

fn without_session(words: &str) -> AgentMessage {
    AgentMessage {
        prompt: words.to_owned(),
        ..AgentMessage::default()
    }
}

/// What a refused prompt must leave as it was.
async fn traces(workspace: &TestWorkspace) -> (usize, Seq, bool, bool) {
    let runs = workspace.runs(None, None, None, None).await.unwrap();
    let head = workspace.log().topic().head().get();
    (
        runs.runs.len(),
        Seq(head),
        workspace.has_runs(),
        workspace.agent_info().is_busy,
    )
}

#[tokio::test(start_paused = true)]
async fn an_unknown_workspace_is_refused() {
    let backend = TestBackend::new();
    let nobody = WorkspaceId::of_path(Path::new("/nobody"));
    let refused = backend
        .send_message(nobody, prompt(&ids::session(1), "r1", "hello"), None)
        .await;
    assert!(matches!(
        refused,
        Err(DispatchError::Workspace(WorkspaceError::NotFound(id))) if id == nobody
    ));
}

#[tokio::test(start_paused = true)]
async fn a_workspace_without_an_agent_refuses_every_prompt() {
    let backend = TestBackend::new();
    backend.has_agent(false);
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    assert_refused(
        workspace.send(&session, "r1", "hello").await,
        "agent is not initialized",
    );
    assert!(!backend.init_agent(workspace.id()).await.unwrap());

    backend.has_agent(true);
    assert!(backend.init_agent(workspace.id()).await.unwrap());
    assert!(workspace.agent_info().is_ready);
    workspace.send(&session, "r1", "hello").await.unwrap();
    assert_eq!(backend.runner().entered().await.prompt(), "hello");
}

#[tokio::test(start_paused = true)]
async fn initializing_the_agent_again_does_not_replace_it() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    // With an agent there is none to make: a second `init` does not even ask for one.
    backend.faults().break_down(Call::MakeRunner);
    assert!(backend.init_agent(workspace.id()).await.unwrap());
    turn.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn an_empty_prompt_is_refused() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    assert_refused(workspace.send(&session, "r1", "").await, "prompt is empty");
}

#[tokio::test(start_paused = true)]
async fn a_text_attachment_stands_for_the_prompt_and_a_picture_does_not() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let with = |run: &str, mime_type: &str| AgentMessage {
        attachments: vec![Attachment {
            mime_type: mime_type.to_owned(),
            ..Attachment::default()
        }],
        ..prompt(&session, run, "")
    };
    assert_refused(
        workspace.send_message(with("r1", "image/png"), None).await,
        "prompt is empty",
    );
    let accepted = workspace.send_message(with("r2", "text/plain"), None).await;
    assert_eq!(accepted.unwrap().receipt.run_id.as_str(), "r2");
}

#[tokio::test(start_paused = true)]
async fn a_prompt_without_a_session_is_refused() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let message = without_session("hello");
    assert_refused(
        workspace.send_message(message, None).await,
        "session id is missing",
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_session_is_refused() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    assert_refused(
        workspace.send(&ids::session(1), "r1", "hello").await,
        "session `session-1` not found",
    );
}

#[tokio::test(start_paused = true)]
async fn a_closing_workspace_is_refused() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;

    let minute = Duration::from_secs(60);
    let closing = workspace.shutdown(ShutdownMode::Drain, minute, EndReason::WorkspaceClosed);
    let mut closing = Box::pin(closing);
    assert!(poll_once(&mut closing).is_pending(), "a run is active");
    let id = workspace.id();
    let closed = format!("workspace `{id}` is closing");
    assert_refused(workspace.send(&session, "r2", "again").await, &closed);
    let message = prompt(&session, "r3", "again");
    assert_refused(backend.send_message(id, message, None).await, &closed);
    turn.release();
    assert!(closing.await.drained);
}

#[tokio::test(start_paused = true)]
async fn the_first_check_that_fails_is_the_one_that_is_told() {
    let backend = TestBackend::new();
    backend.has_agent(false);
    let workspace = backend.open("demo").await;
    let id = workspace.id();
    let nobody = WorkspaceId::of_path(Path::new("/nobody"));
    // Each message has all the faults of those that follow.
    let worst = without_session("");
    assert_refused(
        backend.send_message(nobody, worst.clone(), None).await,
        &format!("workspace `{nobody}` not found"),
    );
    let closing = workspace.shutdown(
        ShutdownMode::Cancel,
        Duration::ZERO,
        EndReason::WorkspaceClosed,
    );
    closing.await;
    assert_refused(
        backend.send_message(id, worst.clone(), None).await,
        "agent is not initialized",
    );
    backend.has_agent(true);
    backend.init_agent(id).await.unwrap();
    assert_refused(
        backend.send_message(id, worst, None).await,
        "prompt is empty",
    );
    assert_refused(
        backend
            .send_message(id, without_session("hello"), None)
            .await,
        "session id is missing",
    );
    assert_refused(
        workspace.send(&ids::session(1), "r1", "hello").await,
        "session `session-1` not found",
    );
    let session = workspace.new_session().await;
    assert_refused(
        workspace.send(&session, "r1", "hello").await,
        &format!("workspace `{id}` is closing"),
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_prompt_changes_nothing() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let before = traces(&workspace).await;
    let nobody = ids::session(1);
    workspace.send(&nobody, "r1", "hello").await.unwrap_err();
    workspace.send(&session, "r1", "").await.unwrap_err();
    for call in [Call::Find, Call::Accept, Call::ReadHistory] {
        backend.faults().fail(call);
        workspace.send(&session, "r1", "hello").await.unwrap_err();
    }
    backend.faults().panic(Call::Accept);
    assert_refused(
        workspace.send(&session, "r1", "hello").await,
        "the prompt could not be taken on",
    );
    assert_eq!(traces(&workspace).await, before);
    assert_eq!(backend.runner().began(), []);
    assert!(matches!(
        workspace.run(&"r1".parse().unwrap()).await,
        Err(RunError::NotFound(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn an_accepted_prompt_is_answered_with_its_receipt() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let receipt = |run: &str, state, position, seq| Submitted {
        receipt: Receipt {
            run_id: run.parse().unwrap(),
            session_id: session.clone(),
            state,
            position,
            seq,
        },
        replayed: false,
    };
    let first = workspace.send(&session, "r1", "hello").await.unwrap();
    assert_eq!(first, receipt("r1", RunState::Running, 0, Seq(1)));
    let turn = backend.runner().entered().await;
    let head = Seq(workspace.log().topic().head().get());
    let second = workspace.send(&session, "r2", "more").await.unwrap();
    assert_eq!(second, receipt("r2", RunState::Queued, 1, head));
    // Everything about a run comes after the place in the story that its receipt names.
    turn.release();
    backend.runner().entered().await.release();
    events.end_of("r2").await;
    for submitted in [first, second] {
        let Receipt { run_id, seq, .. } = submitted.receipt;
        let of_run = |event: &runwright_backend::WorkspaceEvent| event.run() == Some(&run_id);
        let mut about = events.seen().iter().filter(|(_, event)| of_run(event));
        assert!(about.all(|(at, _)| at.get() > seq.0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_without_a_name_is_given_one() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let message = AgentMessage {
        run_id: None,
        ..prompt(&session, "unused", "hello")
    };
    let first = workspace.send_message(message.clone(), None).await.unwrap();
    let second = workspace.send_message(message, None).await.unwrap();
    assert_ne!(first.receipt.run_id, second.receipt.run_id);
    let turn = backend.runner().entered().await;
    assert_eq!(*turn.run_id(), first.receipt.run_id);
}

#[tokio::test(start_paused = true)]
async fn a_successful_send_is_counted_until_the_run_returns() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let counted = || {
        (
            workspace.has_runs(),
            workspace.is_busy(&session),
            backend.runner().active(),
        )
    };
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    assert_eq!(counted(), (true, true, 1));
    turn.release();
    events.end_of("r1").await;
    let r1 = ["r1".parse().unwrap()];
    workspace
        .ended(&session, &r1, Duration::from_secs(1))
        .await
        .unwrap();
    assert_eq!(counted(), (false, false, 0));
}

#[tokio::test(start_paused = true)]
async fn the_poster_is_answered_at_once_although_the_run_is_cancelled_later() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let accepted = workspace.send(&session, "r1", "hello").await.unwrap();
    assert_eq!(accepted.receipt.state, RunState::Running);
    let _turn = backend.runner().entered().await;
    workspace.cancel_session(&session);
    let end = events.end_of("r1").await;
    assert_eq!(
        (end.cancelled, end.error.as_str()),
        (true, "cancelled on request")
    );
    let errors = events.story_of("r1").into_iter();
    let errors: Vec<_> = errors.filter(|line| line.starts_with("error")).collect();
    assert_eq!(
        errors, [""; 0],
        "nobody is told of an error: it is a cancel"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancel_right_after_the_receipt_is_not_lost() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    assert_eq!(workspace.cancel_session(&session), ["r1".parse().unwrap()]);
    assert_eq!(events.end_of("r1").await.state, RunState::Cancelled);
    assert_eq!(
        workspace.history(&session).await,
        [
            "user `hello` [stop]",
            "assistant [canceled: User canceled request]"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_does_not_reach_the_run() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    {
        let mut request = Box::pin(workspace.send(&session, "r1", "hello"));
        assert!(poll_once(&mut request).is_pending());
    }
    backend.runner().entered().await.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_request_dropped_while_the_record_is_written_leaves_a_whole_run() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    let mut writing = backend.faults().hold(Call::Accept);
    {
        let mut request = Box::pin(workspace.send(&session, "r1", "hello"));
        assert!(poll_once(&mut request).is_pending());
        writing.reached().await;
    }
    assert!(workspace.is_busy(&session), "its place is reserved");
    writing.release();
    backend.runner().entered().await.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
    // Who asks again learns that it is done.
    let again = workspace.send(&session, "r1", "hello").await.unwrap();
    assert!(again.replayed);
}

#[tokio::test(start_paused = true)]
async fn a_request_dropped_while_the_record_is_not_written_leaves_nothing() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let before = traces(&workspace).await;
    let mut writing = backend.faults().hold(Call::Accept);
    {
        let mut request = Box::pin(workspace.send(&session, "r1", "hello"));
        assert!(poll_once(&mut request).is_pending());
        writing.reached().await;
    }
    writing.fail();
    let r1 = ["r1".parse().unwrap()];
    let second = Duration::from_secs(1);
    workspace.ended(&session, &r1, second).await.unwrap();
    assert_eq!(traces(&workspace).await, before);
}

/// What a storage failure may do to a workspace that nobody claims any more is to close it, never to keep it.
#[tokio::test(start_paused = true)]
async fn a_prompt_that_is_not_recorded_does_not_keep_an_abandoned_workspace_open() {
    for fault in [Call::Accept, Call::Find] {
        let backend = TestBackend::new();
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        let mut events = workspace.recorder();
        let mut held = backend.faults().hold(fault);
        let mut request = Box::pin(workspace.send(&session, "r1", "hello"));
        assert!(poll_once(&mut request).is_pending());
        held.reached().await;
        backend.release(workspace.id(), workspace.client);
        held.fail();
        assert!(matches!(request.await, Err(DispatchError::Journal(_))));
        events.over().await;
        assert_eq!(events.story(), ["end: workspace_closed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_the_record_is_written_does_not_keep_an_abandoned_workspace_open() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    backend.faults().panic(Call::Accept);
    let mut request = Box::pin(workspace.send(&session, "r1", "hello"));
    assert!(poll_once(&mut request).is_pending());
    backend.release(workspace.id(), workspace.client);
    assert!(matches!(request.await, Err(DispatchError::Lost)));
    events.over().await;
    assert_eq!(events.story(), ["end: workspace_closed"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_error_reaches_observers_as_an_agent_error() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.fail_with("Provider failed", "it is overloaded");
    events.end_of("r1").await;
    assert_eq!(
        events.story_of("r1"),
        [
            "message created: user `hello` [stop]",
            "message created: assistant",
            "message updated: assistant [error: Provider failed: it is overloaded]",
            "error: provider failed: it is overloaded",
            "run_complete failed error: provider failed: it is overloaded",
        ]
    );
}

/// The run belongs to the workspace: it goes on when the poster is gone for good and another client keeps the workspace.
#[tokio::test(start_paused = true)]
async fn a_run_outlives_the_client_that_asked_for_it() {
    let backend = TestBackend::new();
    let poster = backend.open("demo").await;
    let other = backend.open("demo").await;
    let _stream = other.attach().await;
    let session = poster.new_session().await;
    let mut events = other.recorder();
    poster.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    backend.retire(poster.client);
    turn.release();
    assert_eq!(events.end_of("r1").await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_answers_without_orders_ends_every_run() {
    let backend = TestBackend::with(BackendOptions::default(), FakeRunner::answering());
    let workspace = backend.open("demo").await;
    let session: SessionId = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    assert_eq!(events.end_of("r1").await.text, "answer to hello");
    assert_eq!(
        workspace.history(&session).await,
        [
            "user `hello` [stop]",
            "assistant `answer to hello` [end_turn]"
        ]
    );
}
