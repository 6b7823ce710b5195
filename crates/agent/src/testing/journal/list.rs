//! Promises about lists of runs and their pages.

use runwright_proto::{RunId, RunList, RunState};

use super::Fresh;
use crate::events::RunEnd;
use crate::journal::{JournalError, RunQuery};
use crate::testing::calls::{prompt, run_id, session_id};

pub(super) async fn runs_are_listed_newest_first(fresh: Fresh) {
    check(&fresh, RunQuery::default(), &[], None).await;
    fresh.record(&prompt("s", "c", "hello"), 0).await;
    fresh
        .record(&prompt("t", "a", "in the same moment"), 0)
        .await;
    fresh.clock.advance(-60_000);
    fresh
        .record(&prompt("s", "b", "after the clock was set back"), 1)
        .await;
    check(&fresh, RunQuery::default(), &["b", "a", "c"], None).await;
    let listed = fresh.list(RunQuery::default()).await.runs;
    assert_eq!(
        listed[0],
        fresh.recorded("b").await,
        "a list shows whole records"
    );
}

pub(super) async fn runs_are_selected_by_session_and_state(fresh: Fresh) {
    for (session, run) in [("s", "a"), ("s", "b"), ("t", "c"), ("s", "d")] {
        fresh.record(&prompt(session, run, "hello"), 0).await;
    }
    fresh.journal.start(&run_id("b")).await.expect("start");
    let end = RunEnd::new(RunState::Failed);
    fresh
        .journal
        .finish(&run_id("d"), end)
        .await
        .expect("finish");

    let query = |session: Option<&str>, state| RunQuery {
        session_id: session.map(session_id),
        state,
        ..RunQuery::default()
    };
    let queued = Some(RunState::Queued);
    check(&fresh, query(Some("s"), None), &["d", "b", "a"], None).await;
    check(&fresh, query(Some("nobody"), None), &[], None).await;
    check(&fresh, query(None, queued), &["c", "a"], None).await;
    check(&fresh, query(Some("s"), queued), &["a"], None).await;
    check(&fresh, query(None, Some(RunState::Running)), &["b"], None).await;
    check(&fresh, query(None, Some(RunState::Failed)), &["d"], None).await;
    check(&fresh, query(None, Some(RunState::Completed)), &[], None).await;
}

pub(super) async fn pages_show_each_run_once(fresh: Fresh) {
    for run in ["a", "b", "c", "d"] {
        fresh.record(&prompt("s", run, "hello"), 0).await;
    }
    fresh.record(&prompt("t", "e", "hello"), 0).await;
    let page = |after: Option<&str>, limit| RunQuery {
        session_id: Some(session_id("s")),
        state: Some(RunState::Queued),
        after: after.map(run_id),
        limit: Some(limit),
    };
    check(&fresh, page(None, 2), &["d", "c"], Some("c")).await;
    // What happens between two pages moves nothing: a new run, and the last run of the page that matches no longer.
    fresh.record(&prompt("s", "f", "hello"), 0).await;
    fresh.journal.start(&run_id("c")).await.expect("start");
    check(&fresh, page(Some("c"), 1), &["b"], Some("b")).await;
    check(&fresh, page(Some("b"), 1), &["a"], None).await;
    check(&fresh, page(Some("a"), 1), &[], None).await;
    check(&fresh, page(Some("e"), 3), &["d", "b", "a"], None).await;

    let unknown = fresh.journal.runs(page(Some("unknown"), 1)).await;
    assert!(
        matches!(unknown, Err(JournalError::UnknownRun(run)) if run == run_id("unknown")),
        "no page begins after an unknown run"
    );
}

pub(super) async fn a_page_has_a_hundred_runs_unless_asked_otherwise(fresh: Fresh) {
    for n in 0..101 {
        fresh
            .record(&prompt("s", &format!("run-{n}"), "hello"), n)
            .await;
    }
    let first = fresh.list(RunQuery::default()).await;
    assert_eq!(first.runs.len(), 100);
    assert_eq!(first.next_cursor.as_deref(), Some("run-1"));
    let rest = RunQuery {
        after: Some(run_id("run-1")),
        ..RunQuery::default()
    };
    check(&fresh, rest, &["run-0"], None).await;
}

impl Fresh {
    async fn list(&self, query: RunQuery) -> RunList {
        self.journal.runs(query).await.expect("runs")
    }
}

async fn check(fresh: &Fresh, query: RunQuery, runs: &[&str], next: Option<&str>) {
    let shown = format!("{query:?}");
    let list = fresh.list(query).await;
    let ids: Vec<&str> = list
        .runs
        .iter()
        .map(|run| RunId::as_str(&run.run_id))
        .collect();
    assert_eq!(
        (ids.as_slice(), list.next_cursor.as_deref()),
        (runs, next),
        "{shown}"
    );
}
