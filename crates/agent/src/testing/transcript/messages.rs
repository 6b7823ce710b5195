//! Promises about messages: added, replaced, listed.

use runwright_proto::{ChangeKind, Event, Finish, Message, MessageId, Part, Role, Session};

use super::{Fresh, ids, message_event};
use crate::events::{EventSink, Pace};
use crate::testing::calls::{run_id, session_id};
use crate::testing::together::together;
use crate::transcript::TranscriptError;

pub(super) async fn a_message_is_added_to_the_end_of_its_session(fresh: Fresh) {
    let session = fresh.session("s").await;
    fresh.session("t").await;
    let head = fresh.sink.head();
    let run = run_id("run");
    fresh.clock.advance(1_000);
    let said = fresh
        .write(Some(&run), "s", Role::User, vec![Part::text("hello")])
        .await;
    let elsewhere = fresh.write(None, "t", Role::System, vec![]).await;
    let answer = Message {
        model: "model".into(),
        provider: "provider".into(),
        is_summary_message: true,
        // Older than the message before it: the order is that of the changes.
        ..Message::new(MessageId::generate(), session_id("s"), Role::Assistant, 7)
    };
    fresh.add(Some(&run), &answer).await;

    assert_eq!(fresh.messages("s").await, [said.clone(), answer.clone()]);
    assert_eq!(
        fresh.messages("t").await.as_slice(),
        std::slice::from_ref(&elsewhere)
    );
    assert_eq!(fresh.messages("unknown").await, []);
    let created = |message, run| message_event(ChangeKind::Created, message, run, Pace::Now);
    let events = [
        created(&said, Some(&run)),
        created(&elsewhere, None),
        created(&answer, Some(&run)),
    ];
    assert_eq!(fresh.sink.since(head), events);
    let counted = Session {
        message_count: 2,
        updated_at: fresh.now(),
        ..session
    };
    assert_eq!(fresh.found("s").await, Some(counted));

    let nowhere = Message::new(MessageId::generate(), session_id("unknown"), Role::User, 7);
    let refused = fresh.transcript.create_message(Some(&run), nowhere).await;
    assert!(
        matches!(&refused, Err(TranscriptError::UnknownSession(id)) if *id == session_id("unknown")),
        "a message has a session: {refused:?}"
    );
}

pub(super) async fn events_are_in_the_order_of_the_changes(fresh: Fresh) {
    fresh.session("s").await;
    let head = fresh.sink.head();
    let additions = (0..8).map(|n| {
        let message = Message {
            parts: vec![Part::text(format!("{n}"))],
            ..Message::new(
                MessageId::generate(),
                session_id("s"),
                Role::User,
                fresh.now(),
            )
        };
        fresh.transcript.create_message(None, message)
    });
    for added in together(additions).await {
        added.expect("create_message");
    }
    let published: Vec<MessageId> = fresh.sink.since(head).iter().map(message_of).collect();
    let stored = ids(&fresh.messages("s").await);
    assert_eq!(published.len(), 8);
    assert_eq!(
        published, stored,
        "the log and the history tell the same story"
    );
}

pub(super) async fn a_message_is_replaced_at_its_place(fresh: Fresh) {
    fresh.session("s").await;
    let run = run_id("run");
    let mut message = fresh.write(Some(&run), "s", Role::Assistant, vec![]).await;
    let later = fresh
        .write(None, "s", Role::User, vec![Part::text("wait")])
        .await;
    let session = fresh.found("s").await;
    let streamed = [
        (vec![Part::text("H")], Pace::Begun),
        (vec![Part::text("Hel")], Pace::Streamed),
        (vec![Part::text("Hello")], Pace::Streamed),
        (
            vec![Part::text("Hello"), Part::Finish(Finish::stop())],
            Pace::Now,
        ),
    ];
    for (parts, pace) in streamed {
        fresh.clock.advance(1_000);
        let head = fresh.sink.head();
        message.parts = parts;
        message.model = "the one that answered".into();
        let updated = fresh.transcript.update_message(message.clone(), pace).await;
        updated.expect("update_message");
        message.updated_at = fresh.now();
        assert_eq!(fresh.messages("s").await, [message.clone(), later.clone()]);
        let event = message_event(ChangeKind::Updated, &message, Some(&run), pace);
        assert_eq!(fresh.sink.since(head), [event]);
    }
    assert_eq!(
        fresh.found("s").await,
        session,
        "its session has not changed"
    );

    let unknown = Message::new(MessageId::generate(), session_id("s"), Role::User, 7);
    let refused = fresh
        .transcript
        .update_message(unknown.clone(), Pace::Now)
        .await;
    assert!(
        matches!(&refused, Err(TranscriptError::UnknownMessage(id)) if *id == unknown.id),
        "only what exists is replaced: {refused:?}"
    );
    assert_eq!(fresh.messages("s").await.len(), 2);
}

pub(super) async fn what_people_said_is_listed_last_first(fresh: Fresh) {
    fresh.session("t").await;
    fresh.session("s").await;
    let mut said = Vec::new();
    for session in ["s", "t", "t", "s"] {
        fresh.write(None, session, Role::Assistant, vec![]).await;
        said.push(
            fresh
                .write(None, session, Role::User, vec![Part::text("hello")])
                .await,
        );
    }
    fresh.clock.advance(-60_000);
    said.push(
        fresh
            .write(None, "t", Role::User, vec![Part::text("set back")])
            .await,
    );

    said.reverse();
    let transcript = &fresh.transcript;
    let all = transcript.user_messages(None).await.expect("user_messages");
    assert_eq!(all, said);
    for session in ["s", "t", "unknown"].map(session_id) {
        let expected: Vec<_> = said
            .iter()
            .filter(|message| message.session_id == session)
            .cloned()
            .collect();
        let listed = transcript.user_messages(Some(&session)).await;
        assert_eq!(listed.expect("user_messages"), expected, "{session}");
    }
}

fn message_of(publication: &crate::events::Publication) -> MessageId {
    let Event::Message(change) = &publication.event else {
        panic!("a message is added, not {publication:?}");
    };
    change.payload.id.clone()
}
