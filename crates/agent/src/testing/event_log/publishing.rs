//! Promises about what is published, under which number, and what of it is stored.

use runwright_proto::{RunState, Seq};

use super::{Fresh, anything};
use crate::events::{EventSink, Pace, Publication, RunEnd};
use crate::journal::NewRun;
use crate::testing::calls::{prompt, run_id};
use crate::transcript::SessionChange;

pub(super) async fn numbers_rise_from_the_first_event_on(fresh: Fresh) {
    fresh.session("s").await;
    fresh.events.announce(anything("announced"));
    fresh.events.tell(anything("told"));
    let message = fresh.answer(None, "s", "a").await;
    fresh.say(&message, "ab", Pace::Streamed).await;
    fresh.say(&message, "abc", Pace::Streamed).await;
    let renamed = SessionChange {
        title: Some("new".to_owned()),
        ..SessionChange::default()
    };
    let session = message.session_id.clone();
    let changed = fresh.transcript.change_session(&session, renamed).await;
    changed.expect("change_session");
    fresh.say(&message, "abcd", Pace::Now).await;
    fresh.flush().await;

    let published = fresh.sink.numbered();
    let numbers: Vec<Seq> = published.iter().map(|(seq, _)| *seq).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let mut kinds: Vec<&str> = published.iter().map(kind).collect();
    // What is told waits for no disk, so it may come before what was announced before it.
    kinds[1..3].sort_unstable();
    let expected = [
        "session",
        "agent_event",
        "agent_event",
        "message",
        "message",
        "message",
        "session",
        "message",
    ];
    assert_eq!(kinds, expected);
    let paces: Vec<Pace> = published.iter().map(|(_, event)| event.pace).collect();
    assert_eq!(paces[4..6], [Pace::Streamed, Pace::Streamed]);
}

pub(super) async fn what_is_announced_is_stored_and_what_is_told_is_not(fresh: Fresh) {
    fresh.events.announce(anything("first"));
    fresh.flush().await;
    fresh.events.tell(anything("told"));
    let told = fresh.sink.head();
    fresh.events.announce(anything("second"));
    fresh.flush().await;
    let expected = ["first", "told", "second"].map(anything);
    assert_eq!(fresh.sink.since(Seq::ZERO), expected, "all are published");
    let stored = fresh.stored(&[told]);
    assert_eq!(stored.len(), 2);
    fresh.check(fresh.whole(), &stored).await;
}

pub(super) async fn the_events_of_an_end_are_stored(fresh: Fresh) {
    for (run, state) in [("a", RunState::Completed), ("b", RunState::Failed)] {
        let call = prompt("s", run, "hello");
        let new = NewRun {
            call: std::sync::Arc::new(call.clone()),
            position: 0,
        };
        fresh.journal.accept(new).await.expect("accept");
        let end = RunEnd {
            error: Some("it broke".to_owned()),
            text: Some("so far".into()),
            ..RunEnd::new(state)
        };
        let head = fresh.sink.head();
        let won = fresh.journal.finish(&run_id(run), end.clone()).await;
        assert!(won.expect("finish"), "the first end wins");
        assert_eq!(fresh.sink.since(head), end.events(&call));
    }
    let stored = fresh.stored(&[]);
    assert_eq!(stored.len(), 4);
    fresh.check(fresh.whole(), &stored).await;
}

fn kind((_, publication): &(Seq, Publication)) -> &str {
    publication.event.kind()
}
