//! What every [`RunJournal`] must do, as one suite.

mod accept;
mod end;
mod list;

use std::sync::Arc;

use runwright_proto::{Receipt, Run, RunId};

use crate::call::AgentCall;
use crate::clock::{Clock, Timestamp};
use crate::events::EventSink;
use crate::journal::{Acceptance, NewRun, RunJournal};
use crate::testing::calls::run_id;
use crate::testing::{ManualClock, RecordingSink};

/// Checks all that [`RunJournal`] promises, each promise with a journal of its own from `open`, which must be empty
/// and must publish to the sink and tell the time by the clock that it is given.
///
/// Some promises are about requests at the same moment: the suite makes them in one task without waiting in between.
/// Whether the journal stands several threads is for its own tests.
///
/// # Panics
/// When the journal does not keep a promise; the message says which.
pub async fn conforms(
    open: impl AsyncFn(Arc<dyn EventSink>, Arc<dyn Clock>) -> Arc<dyn RunJournal>,
) {
    accept::a_run_is_recorded_with_its_receipt(fresh(&open).await).await;
    accept::a_request_is_known_by_its_run_id(fresh(&open).await).await;
    accept::a_request_is_known_by_its_idempotency_key(fresh(&open).await).await;
    accept::a_request_stays_known_when_its_run_is_over(fresh(&open).await).await;
    accept::of_two_names_the_run_id_counts(fresh(&open).await).await;
    accept::of_many_requests_of_one_name_one_is_recorded(fresh(&open).await).await;
    end::a_start_is_recorded_once(fresh(&open).await).await;
    end::each_end_is_recorded_and_published(fresh(&open).await).await;
    end::a_run_ends_once(fresh(&open).await).await;
    end::of_many_ends_one_wins(fresh(&open).await).await;
    list::runs_are_listed_newest_first(fresh(&open).await).await;
    list::runs_are_selected_by_session_and_state(fresh(&open).await).await;
    list::pages_show_each_run_once(fresh(&open).await).await;
    list::a_page_has_a_hundred_runs_unless_asked_otherwise(fresh(&open).await).await;
}

/// An empty journal, its log and its clock.
struct Fresh {
    journal: Arc<dyn RunJournal>,
    sink: Arc<RecordingSink>,
    clock: Arc<ManualClock>,
}

async fn fresh(
    open: &impl AsyncFn(Arc<dyn EventSink>, Arc<dyn Clock>) -> Arc<dyn RunJournal>,
) -> Fresh {
    let sink = Arc::new(RecordingSink::default());
    let clock = Arc::new(ManualClock::new(Timestamp(1_795_357_488_123)));
    let journal = open(sink.clone(), clock.clone()).await;
    Fresh {
        journal,
        sink,
        clock,
    }
}

impl Fresh {
    async fn accept(&self, call: &AgentCall, position: usize) -> Acceptance {
        let new = NewRun {
            call: Arc::new(call.clone()),
            position,
        };
        self.journal.accept(new).await.expect("accept")
    }

    /// Records a run that nobody asked for before.
    async fn record(&self, call: &AgentCall, position: usize) -> Receipt {
        match self.accept(call, position).await {
            Acceptance::Accepted(receipt) => receipt,
            known @ Acceptance::Known(_) => panic!("`{}` is new, not {known:?}", call.run_id()),
        }
    }

    async fn run(&self, run: &RunId) -> Option<Run> {
        self.journal.run(run).await.expect("run")
    }

    /// The record of a run that must exist.
    async fn recorded(&self, run: &str) -> Run {
        let found = self.run(&run_id(run)).await;
        found.unwrap_or_else(|| panic!("`{run}` is recorded"))
    }
}
