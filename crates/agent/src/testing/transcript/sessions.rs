//! Promises about sessions: made, changed, listed, deleted.

use runwright_proto::{
    ChangeKind, Message, MessageId, Part, Role, Seq, Session, SessionId, Todo, TodoStatus,
};

use super::{Fresh, session_event, session_ids};
use crate::events::{EventSink, Pace};
use crate::testing::calls::session_id;
use crate::testing::together::together;
use crate::transcript::{NewSession, SessionChange, Spent, TranscriptError};

pub(super) async fn a_session_is_made(fresh: Fresh) {
    assert_eq!(fresh.found("s").await, None, "not made yet");
    let made = fresh.session("s").await;
    assert_eq!(
        made,
        Session::new(session_id("s"), "s".to_owned(), fresh.now())
    );
    assert_eq!(fresh.found("s").await, Some(made.clone()));

    let child = NewSession {
        title: "sub-agent".to_owned(),
        parent: Some(made.id.clone()),
        id: None,
    };
    let transcript = &fresh.transcript;
    let first = transcript
        .create_session(child.clone())
        .await
        .expect("create_session");
    let second = transcript
        .create_session(child)
        .await
        .expect("create_session");
    assert_ne!(first.id, second.id, "an id that nobody chose is new");
    let expected = Session {
        parent_session_id: Some(made.id.clone()),
        ..Session::new(first.id.clone(), "sub-agent".to_owned(), fresh.now())
    };
    assert_eq!(first, expected);
    let events =
        [&made, &first, &second].map(|session| session_event(ChangeKind::Created, session));
    assert_eq!(fresh.sink.since(Seq(0)), events);
}

pub(super) async fn a_session_that_exists_is_not_made_again(fresh: Fresh) {
    fresh.session("s").await;
    let message = fresh
        .write(None, "s", Role::User, vec![Part::text("hello")])
        .await;
    let before = fresh.found("s").await;
    let head = fresh.sink.head();
    fresh.clock.advance(1_000);
    let again = NewSession {
        title: "another title".to_owned(),
        parent: Some(session_id("parent")),
        id: Some(session_id("s")),
    };
    let made = fresh
        .transcript
        .create_session(again)
        .await
        .expect("create_session");
    assert_eq!(Some(made), before, "the session is as it was");
    assert_eq!(fresh.found("s").await, before);
    assert_eq!(fresh.messages("s").await, [message]);
    assert_eq!(fresh.sink.since(head), [], "nothing happened");
}

pub(super) async fn the_session_that_changed_last_is_first(fresh: Fresh) {
    for name in ["b", "c", "a"] {
        fresh.session(name).await;
    }
    let child = NewSession {
        parent: Some(session_id("a")),
        ..NewSession::default()
    };
    fresh
        .transcript
        .create_session(child)
        .await
        .expect("create_session");
    check_order(&fresh, ["a", "c", "b"], "in one second").await;

    rename(&fresh, "c").await;
    check_order(&fresh, ["c", "a", "b"], "after a change of a field").await;
    let message = fresh.write(None, "b", Role::User, vec![]).await;
    check_order(&fresh, ["b", "c", "a"], "after a message was added").await;
    fresh.clock.advance(-3_600_000);
    rename(&fresh, "a").await;
    check_order(&fresh, ["a", "b", "c"], "after the clock was set back").await;

    fresh.clock.advance(7_200_000);
    let updated = fresh.transcript.update_message(message, Pace::Now).await;
    updated.expect("update_message");
    check_order(
        &fresh,
        ["a", "b", "c"],
        "to replace a message is no change of its session",
    )
    .await;
}

pub(super) async fn a_change_touches_only_its_fields(fresh: Fresh) {
    let mut expected = fresh.session("s").await;
    let summary = MessageId::generate();
    let changes = changes(&summary);
    for (change, apply) in changes {
        fresh.clock.advance(1_000);
        let head = fresh.sink.head();
        apply(&mut expected, &summary);
        expected.updated_at = fresh.now();
        let shown = format!("{change:?}");
        let changed = fresh
            .transcript
            .change_session(&session_id("s"), change)
            .await;
        assert_eq!(changed.expect("change_session"), expected, "{shown}");
        assert_eq!(fresh.found("s").await.as_ref(), Some(&expected), "{shown}");
        let event = session_event(ChangeKind::Updated, &expected);
        assert_eq!(fresh.sink.since(head), [event], "{shown}");
    }
    let nobody = session_id("unknown");
    let unknown = fresh
        .transcript
        .change_session(&nobody, SessionChange::default())
        .await;
    assert!(
        matches!(unknown, Err(TranscriptError::UnknownSession(id)) if id == nobody),
        "an unknown session is not changed"
    );
}

type Apply = fn(&mut Session, &MessageId);

/// One change of each field, and what it does; spending again adds the cost and replaces the tokens, if there are any.
fn changes(summary: &MessageId) -> Vec<(SessionChange, Apply)> {
    let spent = |prompt_tokens, completion_tokens, cost| SessionChange {
        spent: Some(Spent {
            prompt_tokens,
            completion_tokens,
            cost,
        }),
        ..SessionChange::default()
    };
    let title = SessionChange {
        title: Some("new".to_owned()),
        ..SessionChange::default()
    };
    let todos = SessionChange {
        todos: Some(vec![todo()]),
        ..SessionChange::default()
    };
    let summary = SessionChange {
        summary_message_id: Some(summary.clone()),
        ..SessionChange::default()
    };
    vec![
        (spent(1_000, 50, 0.5), |session, _| {
            (
                session.prompt_tokens,
                session.completion_tokens,
                session.cost,
            ) = (1_000, 50, 0.5);
        }),
        (title, |session, _| session.title = "new".to_owned()),
        (todos, |session, _| session.todos = vec![todo()]),
        (summary, |session, summary| {
            session.summary_message_id = Some(summary.clone())
        }),
        (spent(900, 70, 0.25), |session, _| {
            (
                session.prompt_tokens,
                session.completion_tokens,
                session.cost,
            ) = (900, 70, 0.75);
        }),
        (spent(0, 0, 0.25), |session, _| session.cost = 1.0),
    ]
}

fn todo() -> Todo {
    Todo {
        content: "write it".to_owned(),
        status: TodoStatus::InProgress,
        active_form: "Writing it".to_owned(),
    }
}

pub(super) async fn changes_at_the_same_moment_lose_nothing(fresh: Fresh) {
    let before = fresh.session("s").await;
    let spent = SessionChange {
        spent: Some(Spent {
            prompt_tokens: 10,
            completion_tokens: 5,
            cost: 0.125,
        }),
        ..SessionChange::default()
    };
    let title = SessionChange {
        title: Some("new".to_owned()),
        ..SessionChange::default()
    };
    let id = session_id("s");
    let all = [vec![spent; 8], vec![title]].concat();
    let changes = all
        .into_iter()
        .map(|change| fresh.transcript.change_session(&id, change));
    for changed in together(changes).await {
        changed.expect("change_session");
    }
    let expected = Session {
        title: "new".to_owned(),
        prompt_tokens: 10,
        completion_tokens: 5,
        cost: 1.0,
        ..before
    };
    assert_eq!(fresh.found("s").await, Some(expected));
}

pub(super) async fn a_deleted_session_is_gone_with_all_that_is_in_it(fresh: Fresh) {
    let kept = fresh.session("kept").await;
    fresh.session("s").await;
    let message = fresh
        .write(None, "s", Role::User, vec![Part::text("hello")])
        .await;
    let transcript = &fresh.transcript;
    let id = session_id("s");
    transcript.mark_read(&id, "a.rs").await.expect("mark_read");
    let last = fresh.found("s").await.expect("the session exists");
    let head = fresh.sink.head();

    transcript
        .delete_session(&id)
        .await
        .expect("delete_session");
    assert_eq!(
        fresh.sink.since(head),
        [session_event(ChangeKind::Deleted, &last)]
    );
    assert_eq!(fresh.found("s").await, None);
    assert_eq!(fresh.messages("s").await, []);
    assert_eq!(
        transcript.user_messages(None).await.expect("user_messages"),
        []
    );
    assert_eq!(transcript.files_read(&id).await.expect("files_read"), []);
    assert_eq!(transcript.sessions().await.expect("sessions"), [kept]);
    check_nothing_can_change(&fresh, &id, message).await;
    assert_eq!(
        fresh.sink.since(head).len(),
        1,
        "what is refused is no event"
    );
}

async fn check_nothing_can_change(fresh: &Fresh, id: &SessionId, message: Message) {
    let transcript = &fresh.transcript;
    let refused = [
        transcript.delete_session(id).await,
        transcript.create_message(None, message.clone()).await,
        transcript.mark_read(id, "a.rs").await,
    ];
    for refused in refused {
        assert!(
            matches!(&refused, Err(TranscriptError::UnknownSession(unknown)) if unknown == id),
            "the session is gone: {refused:?}"
        );
    }
    let refused = transcript.update_message(message.clone(), Pace::Now).await;
    assert!(
        matches!(&refused, Err(TranscriptError::UnknownMessage(unknown)) if *unknown == message.id),
        "the message is gone: {refused:?}"
    );
}

async fn rename(fresh: &Fresh, session: &str) {
    let change = SessionChange {
        title: Some("renamed".to_owned()),
        ..SessionChange::default()
    };
    let changed = fresh
        .transcript
        .change_session(&session_id(session), change)
        .await;
    changed.expect("change_session");
}

async fn check_order(fresh: &Fresh, names: [&str; 3], when: &str) {
    let listed = fresh.transcript.sessions().await.expect("sessions");
    assert_eq!(session_ids(&listed), names.map(session_id), "{when}");
}
