//! Many at once, on several threads: one order for all, and nothing lost.

use std::collections::HashMap;
use std::sync::Arc;

use runwright_agent::{
    Acceptance, AgentCall, Earlier, EventSink, NewRun, Pace, RunQuery, SessionChange, Spent,
};
use runwright_proto::{ChangeKind, Envelope, Event, Part, Receipt, Role, RunState, Seq, SessionId};
use tokio::task::JoinSet;

use crate::stage::{Opened, Stage, id, prompt};

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Message(String),
    Session(SessionId),
}

fn key(event: &Event) -> Option<Key> {
    if let Event::Message(change) = event
        && change.kind == ChangeKind::Updated
    {
        return Some(Key::Message(change.payload.id.to_string()));
    }
    if let Event::Session(change) = event
        && change.kind == ChangeKind::Updated
    {
        return Some(Key::Session(change.payload.id.clone()));
    }
    None
}

/// What was published, as it is read later.
fn stored(opened: &Opened) -> Vec<Envelope> {
    let published = opened.sink.numbered();
    let states = published
        .iter()
        .filter_map(|(seq, publication)| Some((key(&publication.event)?, *seq)));
    let last: HashMap<Key, Seq> = states.collect();
    let is_last =
        |seq: Seq, event: &Event| key(event).is_none_or(|key| last.get(&key) == Some(&seq));
    published
        .iter()
        .filter(|(seq, publication)| is_last(*seq, &publication.event))
        .map(|(seq, publication)| Envelope {
            event: publication.event.clone(),
            seq: Some(*seq),
            epoch: Some(opened.epoch.clone()),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_read_is_what_was_published_whoever_wrote_at_the_same_time() {
    let stage = Stage::with(|_| {});
    let opened = Arc::new(stage.open().await);
    opened.session("s").await;
    let mut writers = JoinSet::new();
    for n in 0..8 {
        let opened = opened.clone();
        writers.spawn(async move {
            let run = format!("run-{n}");
            for round in 0..6 {
                let message = opened.add(Some(&run), "s", Role::Assistant, vec![]).await;
                let mut text = String::new();
                for word in 0..40 {
                    text.push_str(&format!("{n} {round} {word} "));
                    let parts = vec![Part::text(text.as_str())];
                    opened.update(&message, parts, Pace::Streamed).await;
                    if word % 13 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                let pace = if round % 2 == 0 {
                    Pace::Now
                } else {
                    Pace::Streamed
                };
                opened.update(&message, vec![Part::text(text)], pace).await;
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    opened.flush().await;
    let (head, expected) = (opened.sink.head(), stored(&opened));
    assert_eq!(expected.len(), 1 + 48 + 48);
    assert_eq!(opened.log(head).await, expected);
    // The rows tell the same story as the log.
    let messages = opened.messages("s").await;
    let states: HashMap<_, _> = expected
        .iter()
        .filter_map(|envelope| {
            let Event::Message(change) = &envelope.event else {
                return None;
            };
            Some((change.payload.id.clone(), change.payload.clone()))
        })
        .collect();
    assert_eq!(messages.len(), 48);
    for message in messages {
        assert_eq!(states.get(&message.id), Some(&message));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_one_request_starts_one_run_and_gets_one_receipt() {
    let stage = Stage::with(|_| {});
    let opened = Arc::new(stage.open().await);
    let named: [fn(usize) -> AgentCall; 2] = [
        |_| prompt("s", "run", "hello"),
        |n| prompt("s", &format!("run-{n}"), "hello").with_idempotency_key("key"),
    ];
    for (n, call) in named.into_iter().enumerate() {
        let mut callers = JoinSet::new();
        for caller in 0..200 {
            let journal = opened.parts.journal.clone();
            callers.spawn(async move {
                let call = Arc::new(call(caller));
                if let Some(Earlier::Same(receipt)) = journal.find(&call).await.unwrap() {
                    return (receipt, false);
                }
                let new = NewRun { call, position: 0 };
                match journal.accept(new).await.unwrap() {
                    Acceptance::Accepted(receipt) => (receipt, true),
                    Acceptance::Known(Earlier::Same(receipt)) => (receipt, false),
                    known @ Acceptance::Known(_) => panic!("{known:?}"),
                }
            });
        }
        let answers = callers.join_all().await;
        let (first, accepted): (&Receipt, usize) = (
            &answers[0].0,
            answers.iter().filter(|(_, is_new)| *is_new).count(),
        );
        assert_eq!(accepted, 1);
        assert!(answers.iter().all(|(receipt, _)| receipt == first));
        let runs = opened
            .parts
            .journal
            .runs(RunQuery::default())
            .await
            .unwrap();
        assert_eq!(runs.runs.len(), n + 1);
        assert_eq!(runs.runs[0].state, RunState::Queued);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_never_goes_back_and_loses_no_change() {
    let stage = Stage::with(|_| {});
    let opened = Arc::new(stage.open().await);
    opened.session("s").await;
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let opened = opened.clone();
        writers.spawn(async move {
            for _ in 0..25 {
                opened.add(None, "s", Role::User, vec![]).await;
                let change = SessionChange {
                    spent: Some(Spent {
                        cost: 0.25,
                        ..Spent::default()
                    }),
                    ..SessionChange::default()
                };
                let session = id("s");
                let changed = opened.parts.transcript.change_session(&session, change);
                changed.await.unwrap();
            }
        });
    }
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        let opened = opened.clone();
        readers.spawn(async move {
            let mut seen = (0, 0.0);
            while seen != (100, 25.0) {
                let session = opened.parts.transcript.session(&id("s")).await.unwrap();
                let session = session.unwrap();
                let now = (session.message_count, session.cost);
                assert!(now.0 >= seen.0 && now.1 >= seen.1, "{now:?} after {seen:?}");
                seen = now;
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    while let Some(read) = readers.join_next().await {
        read.unwrap();
    }
}
