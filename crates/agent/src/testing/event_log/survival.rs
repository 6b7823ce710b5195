//! Promises about what is there when a workspace is opened again.

use std::sync::Arc;

use runwright_proto::{Message, Run, RunState, Seq, Session};

use super::{Fresh, OpenWorkspace, anything, fresh};
use crate::clock::{Clock, Timestamp};
use crate::events::{EventSink, Pace, RunEnd};
use crate::journal::{Acceptance, Earlier, NewRun, RunQuery};
use crate::testing::calls::{prompt, run_id, session_id};
use crate::transcript::{NewSession, SessionChange, Spent};

/// All that can be asked of a workspace.
#[derive(Debug, PartialEq)]
struct Answers {
    sessions: Vec<Session>,
    child: Option<Session>,
    messages: Vec<Message>,
    said: Vec<Message>,
    read: Vec<(String, Timestamp)>,
    runs: Vec<Run>,
    known: Vec<Option<Earlier>>,
    log: String,
    log_of_a: String,
}

pub(super) async fn what_was_stored_is_there_again(
    open: &impl AsyncFn(Arc<dyn EventSink>, Arc<dyn Clock>) -> OpenWorkspace,
) {
    let first = fresh(open).await;
    live(&first).await;
    let until = first.sink.head();
    let before = answers(&first, until).await;
    let epoch = first.epoch.clone();
    first.events.close().await;
    drop(first);

    let second = fresh(open).await;
    assert_eq!(second.epoch, epoch, "the log is the same one");
    assert_eq!(answers(&second, until).await, before);
    second.events.announce(anything("later"));
    second.flush().await;
    let next = second.sink.numbered();
    assert!(
        matches!(next[..], [(seq, _)] if seq > until),
        "numbers go on after {until}: {next:?}"
    );
    let known = second.journal.accept(NewRun {
        call: Arc::new(prompt("s", "a", "hello")),
        position: 0,
    });
    assert!(
        matches!(known.await, Ok(Acceptance::Known(Earlier::Same(_)))),
        "a request is known as long as its run is"
    );
}

/// Fills a workspace with one of everything.
async fn live(fresh: &Fresh) {
    fresh.session("s").await;
    fresh.session("t").await;
    let child = NewSession {
        title: "sub-agent".to_owned(),
        parent: Some(session_id("s")),
        id: Some(session_id("child")),
    };
    let (transcript, journal) = (&fresh.transcript, &fresh.journal);
    transcript
        .create_session(child)
        .await
        .expect("create_session");
    let keyed = prompt("t", "b", "goodbye").with_idempotency_key("key");
    for (position, call) in [
        (0, prompt("s", "a", "hello")),
        (0, keyed),
        (2, prompt("s", "c", "and?")),
    ] {
        let call = Arc::new(call);
        journal
            .accept(NewRun { call, position })
            .await
            .expect("accept");
    }
    journal.start(&run_id("a")).await.expect("start");
    let said = prompt("s", "a", "hello").user_message(7);
    let added = transcript.create_message(Some(&run_id("a")), said).await;
    added.expect("create_message");
    let answer = fresh.answer(Some(&run_id("a")), "s", "").await;
    fresh.clock.advance(2_500);
    for text in ["Hel", "Hello, ", "Hello, wörld"] {
        fresh.say(&answer, text, Pace::Streamed).await;
    }
    fresh.say(&answer, "Hello, wörld!", Pace::Now).await;
    let change = SessionChange {
        title: Some("new".to_owned()),
        spent: Some(Spent {
            prompt_tokens: 10,
            completion_tokens: 5,
            cost: 0.125,
        }),
        ..SessionChange::default()
    };
    let changed = transcript.change_session(&session_id("s"), change).await;
    changed.expect("change_session");
    let streamed = fresh.answer(None, "t", "").await;
    fresh
        .say(&streamed, "to be continued", Pace::Streamed)
        .await;
    for path in ["a.rs", "b.rs", "a.rs"] {
        fresh.clock.advance(10);
        let marked = transcript.mark_read(&session_id("s"), path).await;
        marked.expect("mark_read");
    }
    let end = RunEnd {
        message_id: Some(answer.id),
        text: Some("Hello, wörld!".into()),
        ..RunEnd::new(RunState::Completed)
    };
    journal.finish(&run_id("a"), end).await.expect("finish");
    fresh.events.announce(anything("announced"));
    fresh.flush().await;
}

async fn answers(fresh: &Fresh, until: Seq) -> Answers {
    let (transcript, journal) = (&fresh.transcript, &fresh.journal);
    let (s, t) = (session_id("s"), session_id("t"));
    let whole = super::LogQuery {
        until,
        ..fresh.whole()
    };
    let of_a = super::LogQuery {
        run: Some(run_id("a")),
        ..whole.clone()
    };
    let mut messages = transcript.messages(&s).await.expect("messages");
    messages.extend(transcript.messages(&t).await.expect("messages"));
    let mut known = Vec::new();
    for call in [
        prompt("s", "a", "hello"),
        prompt("s", "a", "something else"),
        prompt("t", "another", "goodbye").with_idempotency_key("key"),
        prompt("s", "unknown", "hello"),
    ] {
        known.push(journal.find(&call).await.expect("find"));
    }
    Answers {
        sessions: transcript.sessions().await.expect("sessions"),
        child: transcript
            .session(&session_id("child"))
            .await
            .expect("session"),
        messages,
        said: transcript.user_messages(None).await.expect("user_messages"),
        read: transcript.files_read(&s).await.expect("files_read"),
        runs: journal.runs(RunQuery::default()).await.expect("runs").runs,
        known,
        log: fresh.read(whole).await,
        log_of_a: fresh.read(of_a).await,
    }
}
