//! Promises about the way of a run from its start to its one end.

use runwright_proto::{MessageId, Run, RunState, Seq, Usage};

use super::Fresh;
use crate::clock::Clock;
use crate::events::{EventSink, RunEnd};
use crate::journal::JournalError;
use crate::testing::calls::{prompt, run_id};
use crate::testing::together::together;

pub(super) async fn a_start_is_recorded_once(fresh: Fresh) {
    fresh.record(&prompt("s", "run", "hello"), 1).await;
    let queued = fresh.recorded("run").await;
    fresh.clock.advance(1_500);
    let started = Run {
        state: RunState::Running,
        position: None,
        started_at_ms: Some(fresh.clock.now().millis()),
        ..queued
    };
    for _again in 0..2 {
        fresh.journal.start(&run_id("run")).await.expect("start");
        assert_eq!(fresh.recorded("run").await, started);
        fresh.clock.advance(1_500);
    }

    let end = RunEnd::new(RunState::Cancelled);
    fresh
        .journal
        .finish(&run_id("run"), end)
        .await
        .expect("finish");
    let ended = fresh.recorded("run").await;
    fresh.journal.start(&run_id("run")).await.expect("start");
    assert_eq!(
        fresh.recorded("run").await,
        ended,
        "a run that is over does not start"
    );
    let unknown = fresh.journal.start(&run_id("unknown")).await;
    assert!(
        matches!(unknown, Err(JournalError::UnknownRun(run)) if run == run_id("unknown")),
        "an unknown run does not start"
    );
}

pub(super) async fn each_end_is_recorded_and_published(fresh: Fresh) {
    for (n, end) in ends().into_iter().enumerate() {
        for started in [false, true] {
            let call = prompt("s", &format!("run-{n}-{started}"), "hello");
            fresh.record(&call, 1).await;
            if started {
                fresh.journal.start(call.run_id()).await.expect("start");
            }
            fresh.clock.advance(10);
            let before = fresh.recorded(call.run_id().as_str()).await;
            let head = fresh.sink.head();

            let won = fresh.journal.finish(call.run_id(), end.clone()).await;
            assert!(won.expect("finish"), "the first end wins");
            assert_eq!(
                fresh.recorded(call.run_id().as_str()).await,
                ended(before, &end, fresh.clock.now().millis())
            );
            assert_eq!(fresh.sink.since(head), end.events(&call));
        }
    }
}

pub(super) async fn a_run_ends_once(fresh: Fresh) {
    fresh.record(&prompt("s", "run", "hello"), 0).await;
    let before = fresh.recorded("run").await;
    let at = fresh.clock.now().millis();
    let ends = ends();
    for (n, end) in ends.iter().enumerate() {
        let won = fresh.journal.finish(&run_id("run"), end.clone()).await;
        assert_eq!(won.expect("finish"), n == 0, "only the first end wins");
        fresh.clock.advance(10);
    }
    let first = &ends[0];
    assert_eq!(fresh.recorded("run").await, ended(before, first, at));
    assert_eq!(
        fresh.sink.since(Seq(0)),
        first.events(&prompt("s", "run", "hello"))
    );

    let end = RunEnd::new(RunState::Failed);
    let unknown = fresh.journal.finish(&run_id("unknown"), end).await;
    assert!(
        matches!(unknown, Err(JournalError::UnknownRun(run)) if run == run_id("unknown")),
        "an unknown run does not end"
    );
}

pub(super) async fn of_many_ends_one_wins(fresh: Fresh) {
    let call = prompt("s", "run", "hello");
    fresh.record(&call, 0).await;
    let before = fresh.recorded("run").await;
    let ends = ends();
    let attempts = ends
        .iter()
        .map(|end| fresh.journal.finish(call.run_id(), end.clone()));
    let won: Vec<bool> = together(attempts)
        .await
        .into_iter()
        .map(|won| won.expect("finish"))
        .collect();
    let winners: Vec<_> = ends.iter().zip(&won).filter(|(_, won)| **won).collect();
    let [(winner, _)] = winners[..] else {
        panic!("one end wins, not {won:?}");
    };
    assert_eq!(
        fresh.recorded("run").await,
        ended(before, winner, fresh.clock.now().millis())
    );
    assert_eq!(
        fresh.sink.since(Seq(0)),
        winner.events(&call),
        "only the end that won is published"
    );
}

/// One end in each terminal state, with and without its particulars.
fn ends() -> Vec<RunEnd> {
    let message_id = Some(MessageId::generate());
    let usage = Some(Usage {
        input_tokens: 1_200,
        output_tokens: 80,
        cost: 0.25,
        ..Usage::default()
    });
    vec![
        RunEnd {
            message_id: message_id.clone(),
            text: Some("done".into()),
            reason: Some("max_tokens".to_owned()),
            usage,
            session_title: "title".to_owned(),
            ..RunEnd::new(RunState::Completed)
        },
        RunEnd {
            folded_into: Some(run_id("active")),
            ..RunEnd::new(RunState::Completed)
        },
        RunEnd {
            error: Some("provider failed: bad request".to_owned()),
            message_id,
            ..RunEnd::new(RunState::Failed)
        },
        RunEnd {
            reason: Some("superseded".to_owned()),
            ..RunEnd::new(RunState::Cancelled)
        },
        RunEnd::new(RunState::Interrupted),
    ]
}

fn ended(before: Run, end: &RunEnd, now: i64) -> Run {
    Run {
        state: end.state,
        position: None,
        ended_at_ms: Some(now),
        error: end.error.clone(),
        reason: end.reason.clone(),
        message_id: end.message_id.clone(),
        text: end.text.clone().unwrap_or_default(),
        folded_into: end.folded_into.clone(),
        usage: end.usage,
        ..before
    }
}
