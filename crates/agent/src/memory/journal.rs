//! The record of runs in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use runwright_proto::{Receipt, Run, RunId, RunList, RunState};

use crate::call::AgentCall;
use crate::clock::{Clock, Timestamp};
use crate::events::{EventSink, RunEnd};
use crate::journal::{Acceptance, Earlier, JournalError, NewRun, RunJournal, RunQuery};
use crate::sync::{Mutex, lock};

/// How many runs a page has when the caller does not say.
const PAGE: usize = 100;

/// The record of the runs of one workspace, in memory.
///
/// It is not durable: a receipt is as safe as the process.
///
/// ```
/// use std::sync::Arc;
///
/// use runwright_agent::{
///     Acceptance, AgentCall, Earlier, MemoryJournal, NewRun, RunEnd, RunJournal, SystemClock,
/// };
/// use runwright_proto::{AgentMessage, RunState};
/// # use runwright_agent::{EventSink, Publication};
/// # use runwright_proto::Seq;
/// # struct Log;
/// # impl EventSink for Log {
/// #     fn publish(&self, _: Publication) -> Seq { Seq(1) }
/// #     fn publish_at(&self, _: Seq, _: Publication) {}
/// #     fn head(&self) -> Seq { Seq(0) }
/// # }
///
/// # futures_util::FutureExt::now_or_never(async {
/// let journal = MemoryJournal::new(Arc::new(Log), Arc::new(SystemClock));
/// let call = Arc::new(AgentCall::try_from(AgentMessage {
///     session_id: Some("2f4e4b5e-8f0a-4c39-9f0e-2f2c7c1f4c11".parse()?),
///     run_id: Some("nightly".parse()?),
///     prompt: "tidy up".to_owned(),
///     ..AgentMessage::default()
/// })?);
/// let new = NewRun { call: call.clone(), position: 0 };
/// let Acceptance::Accepted(receipt) = journal.accept(new.clone()).await? else {
///     panic!("nobody asked for this before");
/// };
/// assert_eq!(journal.accept(new).await?, Acceptance::Known(Earlier::Same(receipt)));
///
/// assert!(journal.finish(call.run_id(), RunEnd::new(RunState::Completed)).await?);
/// assert!(!journal.finish(call.run_id(), RunEnd::new(RunState::Failed)).await?, "it is over");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).expect("nothing waits here")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryJournal {
    sink: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    /// In the order in which they were recorded.
    runs: Vec<Record>,
    by_id: BTreeMap<RunId, usize>,
    by_key: BTreeMap<Arc<str>, usize>,
}

struct Record {
    call: Arc<AgentCall>,
    receipt: Receipt,
    run: Run,
}

impl MemoryJournal {
    /// Makes an empty record that publishes to `sink`.
    #[must_use]
    pub fn new(sink: Arc<dyn EventSink>, clock: Arc<dyn Clock>) -> Self {
        Self {
            sink,
            clock,
            records: Mutex::new(Records::default()),
        }
    }
}

#[async_trait]
impl RunJournal for MemoryJournal {
    async fn find(&self, call: &AgentCall) -> Result<Option<Earlier>, JournalError> {
        Ok(lock(&self.records).earlier(call))
    }

    async fn accept(&self, new: NewRun) -> Result<Acceptance, JournalError> {
        let receipt = new.receipt(self.sink.head());
        let now = self.clock.now();
        let mut records = lock(&self.records);
        if let Some(earlier) = records.earlier(&new.call) {
            return Ok(Acceptance::Known(earlier));
        }
        records.add(new.call, receipt.clone(), now);
        Ok(Acceptance::Accepted(receipt))
    }

    async fn start(&self, run: &RunId) -> Result<(), JournalError> {
        let now = self.clock.now();
        let mut records = lock(&self.records);
        let run = &mut records.find_mut(run)?.run;
        if run.state == RunState::Queued {
            run.state = RunState::Running;
            run.started_at_ms = Some(now.millis());
            run.position = None;
        }
        Ok(())
    }

    async fn finish(&self, run: &RunId, end: RunEnd) -> Result<bool, JournalError> {
        let now = self.clock.now();
        let mut records = lock(&self.records);
        let record = records.find_mut(run)?;
        if record.run.state.is_terminal() {
            return Ok(false);
        }
        // Under the lock, so that nobody sees the end without its events or the events without the end. The sink
        // never calls back.
        for publication in end.events(&record.call) {
            self.sink.publish(publication);
        }
        end_record(&mut record.run, end, now);
        Ok(true)
    }

    async fn run(&self, run: &RunId) -> Result<Option<Run>, JournalError> {
        Ok(lock(&self.records)
            .find_mut(run)
            .ok()
            .map(|record| record.run.clone()))
    }

    async fn runs(&self, query: RunQuery) -> Result<RunList, JournalError> {
        let records = lock(&self.records);
        let before = match &query.after {
            None => records.runs.len(),
            Some(after) => *records
                .by_id
                .get(after)
                .ok_or_else(|| JournalError::UnknownRun(after.clone()))?,
        };
        let matching = records.runs[..before]
            .iter()
            .rev()
            .map(|record| &record.run);
        let mut runs = matching.filter(|run| query.matches(run)).cloned();
        let page: Vec<Run> = runs.by_ref().take(query.limit.unwrap_or(PAGE)).collect();
        let more = runs.next().is_some();
        let last = page
            .last()
            .filter(|_| more)
            .map(|run| run.run_id.to_string());
        Ok(RunList {
            runs: page,
            next_cursor: last,
        })
    }
}

impl std::fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryJournal").finish_non_exhaustive()
    }
}

impl RunQuery {
    fn matches(&self, run: &Run) -> bool {
        self.session_id
            .as_ref()
            .is_none_or(|session| *session == run.session_id)
            && self.state.is_none_or(|state| state == run.state)
    }
}

impl Records {
    fn earlier(&self, call: &AgentCall) -> Option<Earlier> {
        let by_id = self.by_id.get(call.run_id());
        let by_key = || call.idempotency_key().and_then(|key| self.by_key.get(key));
        let record = &self.runs[*by_id.or_else(by_key)?];
        Some(if record.call.same_request(call) {
            Earlier::Same(record.receipt.clone())
        } else {
            Earlier::Different(record.receipt.run_id.clone())
        })
    }

    fn add(&mut self, call: Arc<AgentCall>, receipt: Receipt, now: Timestamp) {
        let at = self.runs.len();
        let run_id = call.run_id().clone();
        let mut run = Run::new(
            run_id.clone(),
            call.session_id().clone(),
            RunState::Queued,
            now.millis(),
        );
        run.position = Some(receipt.position);
        self.by_id.insert(run_id, at);
        if let Some(key) = call.idempotency_key() {
            self.by_key.insert(key.clone(), at);
        }
        self.runs.push(Record { call, receipt, run });
    }

    fn find_mut(&mut self, run: &RunId) -> Result<&mut Record, JournalError> {
        let at = self
            .by_id
            .get(run)
            .ok_or_else(|| JournalError::UnknownRun(run.clone()))?;
        Ok(&mut self.runs[*at])
    }
}

fn end_record(run: &mut Run, end: RunEnd, now: Timestamp) {
    run.state = end.state;
    run.position = None;
    run.ended_at_ms = Some(now.millis());
    run.error = end.error;
    run.reason = end.reason;
    run.message_id = end.message_id;
    run.text = end.text.unwrap_or_default();
    run.folded_into = end.folded_into;
    run.usage = end.usage;
}
