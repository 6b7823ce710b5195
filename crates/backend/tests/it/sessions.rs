//! Sessions as clients see them: whether they are busy, what may be changed of them, and that a session is deleted only
//! after its runs.

use runwright_backend::SessionError;
use runwright_backend::testing::{Call, TestBackend};
use runwright_proto::{RunState, Todo, UpdateSession};
use tokio::time::{Duration, Instant};

use crate::{
    ids,
    poll::{pass, poll_once},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_session_says_whether_it_is_busy() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let (busy, idle) = (workspace.new_session().await, workspace.new_session().await);
    workspace.send(&busy, "r1", "hello").await.unwrap();
    workspace.send(&busy, "r2", "and then?").await.unwrap();
    let turn = backend.runner().entered().await;
    let listed = workspace.sessions().await.unwrap();
    let mut listed: Vec<_> = listed.iter().map(|s| (&s.id, s.is_busy)).collect();
    listed.sort();
    let mut expected = vec![(&busy, true), (&idle, false)];
    expected.sort();
    assert_eq!(listed, expected);
    assert!(workspace.session(&busy).await.unwrap().is_busy);
    assert!(!workspace.session(&idle).await.unwrap().is_busy);

    turn.release();
    backend.runner().entered().await.release();
    let ended = ["r1".parse().unwrap(), "r2".parse().unwrap()];
    workspace.ended(&busy, &ended, SECOND).await.unwrap();
    assert!(!workspace.session(&busy).await.unwrap().is_busy);
}

#[tokio::test(start_paused = true)]
async fn a_client_changes_the_title_and_the_list_and_nothing_else() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let before = workspace.session(&session).await.unwrap();
    let todos = vec![Todo {
        content: "write it".to_owned(),
        ..Todo::default()
    }];
    let update = UpdateSession {
        title: Some("another title".to_owned()),
        todos: Some(todos.clone()),
        ..UpdateSession::default()
    };
    let after = workspace.update_session(&session, update).await.unwrap();
    let expected = runwright_proto::Session {
        title: "another title".to_owned(),
        todos,
        updated_at: after.updated_at,
        ..before
    };
    assert_eq!(after, expected);
    assert_eq!(workspace.session(&session).await.unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_session_is_told_by_its_name() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let nobody = ids::session(1);
    let refusals = [
        workspace.session(&nobody).await.unwrap_err(),
        workspace.delete_session(&nobody).await.unwrap_err(),
        workspace.mark_read(&nobody, "a.rs").await.unwrap_err(),
        workspace
            .update_session(&nobody, UpdateSession::default())
            .await
            .unwrap_err(),
    ];
    for refusal in refusals {
        assert!(
            matches!(&refusal, SessionError::NotFound(id) if *id == nobody),
            "{refusal}"
        );
    }
    assert_eq!(workspace.messages(&nobody).await.unwrap(), []);
    assert_eq!(workspace.files(&nobody).await.unwrap(), []);
    assert_eq!(workspace.files_read(&nobody).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_and_read_can_be_looked_up() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let (one, other) = (workspace.new_session().await, workspace.new_session().await);
    let mut events = workspace.recorder();
    workspace.send(&one, "r1", "hello").await.unwrap();
    backend.runner().entered().await.release();
    events.end_of("r1").await;
    workspace.mark_read(&one, "a.rs").await.unwrap();
    let texts = |messages: Vec<runwright_proto::Message>| -> Vec<String> {
        let texts = messages.iter().map(|message| message.text().unwrap());
        texts.map(ToString::to_string).collect()
    };
    let said = |session| workspace.user_messages(session);
    assert_eq!(texts(said(None).await.unwrap()), ["hello"]);
    assert_eq!(texts(said(Some(&one)).await.unwrap()), ["hello"]);
    assert_eq!(texts(said(Some(&other)).await.unwrap()), [""; 0]);
    let read = workspace.files_read(&one).await.unwrap();
    let paths: Vec<_> = read.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["a.rs"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_deleted_after_its_runs_were_cancelled_and_have_ended() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    workspace.send(&session, "r2", "and then?").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    let asked = Instant::now();
    workspace.delete_session(&session).await.unwrap();
    assert_eq!(asked.elapsed(), 5 * SECOND, "the run had to be aborted");
    let story = events.story();
    let last = story.last().map(String::as_str);
    assert_eq!(last, Some("session deleted: `a session`"));
    let ends: Vec<_> = events.ends().into_iter().map(|end| end.state).collect();
    assert_eq!(ends, [RunState::Cancelled; 2]);
    events.assert_orderly();
    assert!(matches!(
        workspace.session(&session).await,
        Err(SessionError::NotFound(_))
    ));
}

/// A run that somebody else has cancelled already, and that is still ending, is waited for all the same.
#[tokio::test(start_paused = true)]
async fn a_session_is_not_deleted_while_a_cancelled_run_is_still_ending() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    workspace.cancel_session(&session);
    pass(3 * SECOND).await;
    let asked = Instant::now();
    workspace.delete_session(&session).await.unwrap();
    assert_eq!(asked.elapsed(), 2 * SECOND);
    assert_eq!(events.ends().len(), 1);
    events.assert_orderly();
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_comes_while_its_session_is_being_deleted_is_cancelled() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    let mut deleting = Box::pin(workspace.delete_session(&session));
    assert!(poll_once(&mut deleting).is_pending());
    workspace.send(&session, "r2", "wait!").await.unwrap();
    turn.stop();
    deleting.await.unwrap();
    let ends: Vec<_> = events.ends().into_iter().map(|end| end.state).collect();
    assert_eq!(ends, [RunState::Cancelled; 2]);
    assert!(!workspace.has_runs());
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_run_does_not_end_in_time_stays() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    let _turn = backend.runner().entered().await;
    let ending = backend.faults().hold(Call::Finish);
    let asked = Instant::now();
    let refused = workspace.delete_session(&session).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("session `{session}` still has a run that is ending")
    );
    assert_eq!(asked.elapsed(), 14 * SECOND, "twice the time of an abort");
    ending.release();
    let ended = ["r1".parse().unwrap()];
    workspace.ended(&session, &ended, SECOND).await.unwrap();
    workspace.delete_session(&session).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_history_that_cannot_be_read_is_told_as_such() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    backend.faults().break_down(Call::ReadHistory);
    let failures = [
        workspace.session(&session).await.map(drop),
        workspace.sessions().await.map(drop),
        workspace.messages(&session).await.map(drop),
        workspace.user_messages(None).await.map(drop),
        workspace.files(&session).await.map(drop),
        workspace.files_read(&session).await.map(drop),
        workspace.delete_session(&session).await,
    ];
    for failure in failures {
        assert!(matches!(failure, Err(SessionError::Transcript(_))));
    }
}
