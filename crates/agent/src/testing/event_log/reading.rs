//! Promises about what is read of a log: where it begins and ends, what of it is left out, and in which pieces.

use std::sync::Arc;

use runwright_proto::{RunState, Seq};

use super::{Fresh, anything};
use crate::event_log::LogQuery;
use crate::events::{EventSink, Pace, RunEnd};
use crate::journal::NewRun;
use crate::testing::calls::{prompt, run_id, session_id};
use crate::transcript::SessionChange;

pub(super) async fn of_what_carries_a_state_the_last_is_read(fresh: Fresh) {
    fresh.session("s").await;
    let first = fresh.answer(None, "s", "a").await;
    let second = fresh.answer(None, "s", "b").await;
    fresh.say(&first, "a2", Pace::Now).await;
    fresh.say(&second, "b2", Pace::Now).await;
    fresh.say(&first, "a3", Pace::Now).await;
    for title in ["new", "newer"] {
        let renamed = SessionChange {
            title: Some(title.to_owned()),
            ..SessionChange::default()
        };
        let changed = fresh
            .transcript
            .change_session(&session_id("s"), renamed)
            .await;
        changed.expect("change_session");
    }
    let stored = fresh.stored(&[]);
    assert_eq!(stored.len(), 6, "three created, three in their last state");
    fresh.check(fresh.whole(), &stored).await;
}

pub(super) async fn what_is_being_streamed_is_read_as_it_is(fresh: Fresh) {
    fresh.session("s").await;
    let message = fresh.answer(None, "s", "").await;
    let created = fresh.stored(&[]);
    fresh.say(&message, "Hel", Pace::Streamed).await;
    fresh.say(&message, "Hello, wor", Pace::Streamed).await;
    let (whole, stored) = (fresh.whole(), fresh.stored(&[]));
    assert_eq!(stored.len(), 3);
    fresh.check(whole.clone(), &stored).await;
    let finished = |until| LogQuery {
        finished_only: true,
        ..LogQuery {
            until,
            ..whole.clone()
        }
    };
    fresh.check(finished(whole.until), &created).await;
    fresh.flush().await;
    fresh.check(whole.clone(), &stored).await;
    fresh.check(finished(whole.until), &created).await;

    fresh.say(&message, "Hello, world", Pace::Now).await;
    let stored = fresh.stored(&[]);
    assert_eq!(stored.len(), 3);
    fresh.check(fresh.whole(), &stored).await;
    fresh.check(finished(fresh.sink.head()), &stored).await;
    fresh.say(&message, "Hello, world!", Pace::Streamed).await;
    fresh.check(finished(fresh.sink.head()), &created).await;
}

pub(super) async fn a_deleted_session_leaves_no_states(fresh: Fresh) {
    fresh.session("s").await;
    let message = fresh.answer(None, "s", "").await;
    let renamed = SessionChange {
        title: Some("new".to_owned()),
        ..SessionChange::default()
    };
    let id = session_id("s");
    let changed = fresh.transcript.change_session(&id, renamed).await;
    changed.expect("change_session");
    fresh.say(&message, "a", Pace::Now).await;
    fresh.say(&message, "ab", Pace::Streamed).await;
    let deleted = fresh.transcript.delete_session(&id).await;
    deleted.expect("delete_session");
    let mut stored = fresh.stored(&[]);
    stored.retain(|(_, publication)| super::state_key(&publication.event).is_none());
    assert_eq!(stored.len(), 3, "two were created, one was deleted");
    fresh.check(fresh.whole(), &stored).await;
}

pub(super) async fn a_log_is_read_after_any_number_and_up_to_any(fresh: Fresh) {
    fresh.session("s").await;
    for n in 0..12 {
        if n % 3 == 0 {
            let message = fresh.answer(None, "s", "a").await;
            fresh.say(&message, "b", Pace::Now).await;
        }
        // Some of them share a batch.
        fresh.events.announce(anything(&format!("{n}")));
        fresh.events.announce(anything(&format!("{n} and more")));
        fresh.flush().await;
    }
    let (whole, stored) = (fresh.whole(), fresh.stored(&[]));
    let numbers = || (0..=whole.until.0).map(Seq);
    for after in numbers() {
        let expected = stored.iter().filter(|(seq, _)| *seq > after).cloned();
        let expected: Vec<_> = expected.collect();
        let query = LogQuery {
            after,
            ..whole.clone()
        };
        fresh.check(query, &expected).await;
    }
    for until in numbers() {
        let expected = stored.iter().filter(|(seq, _)| *seq <= until).cloned();
        let expected: Vec<_> = expected.collect();
        let query = LogQuery {
            until,
            ..whole.clone()
        };
        fresh.check(query, &expected).await;
    }
}

pub(super) async fn a_long_log_is_read_in_pages(fresh: Fresh) {
    fresh.session("s").await;
    let long = "x".repeat(40_000);
    for n in 0..40 {
        fresh.events.announce(anything(&format!("{n} {long}")));
        if n % 10 == 0 {
            let message = fresh.answer(None, "s", "a").await;
            fresh.say(&message, &long, Pace::Now).await;
        }
    }
    fresh.flush().await;
    fresh.check(fresh.whole(), &fresh.stored(&[])).await;
    let page = fresh.events.read(fresh.whole()).await.expect("read");
    assert!(
        page.frames.len() < 1 << 20,
        "a page of {} bytes is not one",
        page.frames.len()
    );
}

pub(super) async fn a_run_is_read_alone(fresh: Fresh) {
    fresh.session("s").await;
    fresh.session("t").await;
    for run in ["a", "b"] {
        let new = NewRun {
            call: Arc::new(prompt("s", run, "hello")),
            position: 0,
        };
        fresh.journal.accept(new).await.expect("accept");
    }
    let (a, b) = (run_id("a"), run_id("b"));
    let of_a = fresh.answer(Some(&a), "s", "").await;
    let of_b = fresh.answer(Some(&b), "t", "").await;
    fresh.events.announce(anything("of nobody"));
    fresh.answer(None, "s", "of nobody").await;
    fresh.say(&of_a, "a", Pace::Now).await;
    fresh.say(&of_b, "b", Pace::Streamed).await;
    let renamed = SessionChange {
        title: Some("new".to_owned()),
        ..SessionChange::default()
    };
    let changed = fresh
        .transcript
        .change_session(&session_id("s"), renamed)
        .await;
    changed.expect("change_session");
    let end = RunEnd::new(RunState::Completed);
    fresh.journal.finish(&a, end).await.expect("finish");
    fresh.say(&of_b, "bb", Pace::Streamed).await;

    let stored = fresh.stored(&[]);
    for (run, events) in [(a, 4), (b, 2), (run_id("unknown"), 0)] {
        let of_it = stored
            .iter()
            .filter(|(_, publication)| publication.run.as_ref() == Some(&run));
        let of_it: Vec<_> = of_it.cloned().collect();
        assert_eq!(of_it.len(), events, "{run}");
        let query = LogQuery {
            run: Some(run),
            ..fresh.whole()
        };
        fresh.check(query.clone(), &of_it).await;
        if let Some((first, _)) = of_it.first() {
            let rest = LogQuery {
                after: *first,
                ..query
            };
            fresh.check(rest, &of_it[1..]).await;
        }
    }
}
