//! A stored log in memory: the honest double of the port, for streams that read further back than their log goes. It
//! numbers, keeps and publishes like one on disk, also while its workspace is closed; it forgets when a test says so. It
//! must never know who reads.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use runwright_agent::{
    EventLog, EventLogError, EventSink, LogPage, LogQuery, Lost, Pace, Publication,
};
use runwright_proto::{
    ChangeKind, ClientId, EnvelopeRef, Epoch, Event, MessageId, RunId, Seq, SessionId, WorkspaceId,
    write_frame, write_frame_id,
};

use super::faults::{Call, Faults};
use crate::factory::LogStart;

/// How many numbers are left out when a workspace is opened again, as after a crash.
const BLOCK: u64 = 1_000;

/// What a page holds at most: bytes, unless a test wants fewer events.
const PAGE_BYTES: usize = 256 * 1024;

/// The stored logs of a [`TestBackend`](super::TestBackend), once it has any. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredLogs(Arc<Mutex<Option<ByWorkspace>>>);

type ByWorkspace = BTreeMap<WorkspaceId, Arc<StoredLog>>;

/// The stored log of one workspace.
///
/// ```
/// use runwright_backend::testing::TestBackend;
/// use runwright_proto::Seq;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let backend = TestBackend::new();
/// backend.store_logs();
/// let workspace = backend.open("demo").await;
/// workspace.new_session().await;
/// let stored = backend.stored_log(workspace.id());
/// assert_eq!(stored.seqs(), [Seq(1)]);
/// stored.prune(Seq(1));
/// assert_eq!(stored.seqs(), []);
/// # }
/// ```
pub struct StoredLog {
    epoch: Epoch,
    faults: Faults,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The log of the workspace's present life.
    sink: Option<Arc<dyn EventSink>>,
    /// The number of the last event.
    head: Seq,
    kept: BTreeMap<Seq, Publication>,
    /// Where the newest state of each thing is.
    latest: BTreeMap<Key, Seq>,
    pruned: Seq,
    page_events: Option<usize>,
    asked: Vec<LogQuery>,
}

/// Of what only the last state is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Message(MessageId),
    Session(SessionId),
}

impl StoredLogs {
    /// Gives each workspace that is opened from now on a stored log.
    pub(super) fn begin(&self) {
        self.lock().get_or_insert_default();
    }

    /// The log of a workspace, which is made if need be; none where nothing is stored.
    pub(super) fn of(&self, id: WorkspaceId, faults: &Faults) -> Option<Arc<StoredLog>> {
        let mut logs = self.lock();
        let log = logs.as_mut()?.entry(id);
        Some(log.or_insert_with(|| StoredLog::new(faults)).clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<ByWorkspace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoredLog {
    fn new(faults: &Faults) -> Arc<Self> {
        Arc::new(Self {
            epoch: Epoch::generate(),
            faults: faults.clone(),
            state: Mutex::default(),
        })
    }

    /// The numbers of the events that are kept.
    #[must_use]
    pub fn seqs(&self) -> Vec<Seq> {
        self.lock().kept.keys().copied().collect()
    }

    /// Forgets every event up to a number.
    pub fn prune(&self, through: Seq) {
        let mut state = self.lock();
        state.kept.retain(|seq, _| *seq > through);
        state.latest.retain(|_, seq| *seq > through);
        state.pruned = state.pruned.max(through);
    }

    /// Lets a page hold so many events.
    pub fn set_page(&self, events: usize) {
        self.lock().page_events = Some(events);
    }

    /// What was asked for since it was asked last time.
    #[must_use]
    pub fn asked(&self) -> Vec<LogQuery> {
        std::mem::take(&mut self.lock().asked)
    }

    /// Where the numbers go on in the next life of the workspace.
    pub(super) fn start(&self) -> LogStart {
        let mut state = self.lock();
        if state.head > Seq::ZERO {
            state.head.0 += BLOCK;
        }
        LogStart {
            epoch: self.epoch.clone(),
            next: Seq(state.head.0 + 1),
        }
    }

    /// Publishes to another log from now on.
    pub(super) fn lead_to(&self, sink: Arc<dyn EventSink>) {
        self.lock().sink = Some(sink);
    }

    fn add(&self, publication: Publication, is_kept: bool) -> Seq {
        let mut state = self.lock();
        let seq = state.head.next();
        state.head = seq;
        if is_kept {
            state.keep(seq, &publication);
        }
        // Under the lock, so that the order of the log is the order of its readers. It never calls back.
        if let Some(sink) = &state.sink {
            sink.publish_at(seq, publication);
        }
        seq
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, seq: Seq, publication: &Publication) {
        self.forget_what_is_gone(&publication.event);
        if let Some(key) = key(&publication.event)
            && let Some(older) = self.latest.insert(key, seq)
        {
            self.kept.remove(&older);
        }
        self.kept.insert(seq, publication.clone());
    }

    /// The last state of what was deleted goes with it, for it is kept in its row.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other kinds are not kept by key"
    )]
    fn forget_what_is_gone(&mut self, event: &Event) {
        let gone: Vec<Key> = match event {
            Event::Message(change) if change.kind == ChangeKind::Deleted => {
                vec![Key::Message(change.payload.id.clone())]
            }
            Event::Session(change) if change.kind == ChangeKind::Deleted => {
                self.of_session(&change.payload.id)
            }
            _ => return,
        };
        for key in gone {
            if let Some(seq) = self.latest.remove(&key) {
                self.kept.remove(&seq);
            }
        }
    }

    fn of_session(&self, session: &SessionId) -> Vec<Key> {
        let is_of = |seq: &Seq| {
            let kept = self.kept.get(seq);
            kept.is_some_and(|kept| matches!(&kept.event, Event::Message(change) if change.payload.session_id == *session))
        };
        let messages = self.latest.iter().filter(|(_, seq)| is_of(seq));
        let messages = messages.map(|(key, _)| key.clone());
        messages.chain([Key::Session(session.clone())]).collect()
    }

    fn page(&self, epoch: &Epoch, query: &LogQuery) -> LogPage {
        let lost = (query.after < self.pruned).then(|| Lost {
            from: query.after.next(),
            to: self.pruned.min(query.until),
        });
        let mut frames = Vec::new();
        let (mut events, mut through) = (0, query.after);
        let part = (Bound::Excluded(query.after), Bound::Included(query.until));
        let part = self.kept.range(part);
        for (&seq, publication) in part.filter(|(_, kept)| wanted(kept, query)) {
            if frames.len() >= PAGE_BYTES || self.page_events.is_some_and(|most| events >= most) {
                let frames = frames.into();
                return LogPage {
                    lost,
                    frames,
                    through,
                };
            }
            write_frame_id(&mut frames, epoch, seq);
            let envelope = EnvelopeRef {
                event: &publication.event,
                seq: Some(seq),
                epoch: Some(epoch),
            };
            write_frame(&mut frames, envelope);
            (events, through) = (events + 1, seq);
        }
        LogPage {
            lost,
            frames: frames.into(),
            through: query.until,
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other kinds are kept each time"
)]
fn key(event: &Event) -> Option<Key> {
    match event {
        Event::Message(change) if change.kind == ChangeKind::Updated => {
            Some(Key::Message(change.payload.id.clone()))
        }
        Event::Session(change) if change.kind == ChangeKind::Updated => {
            Some(Key::Session(change.payload.id.clone()))
        }
        _ => None,
    }
}

fn wanted(publication: &Publication, query: &LogQuery) -> bool {
    let is_finished = publication.pace == Pace::Now;
    let of_run = |run: &RunId| publication.run.as_ref() == Some(run);
    (is_finished || !query.finished_only) && query.run.as_ref().is_none_or(of_run)
}

#[async_trait]
impl EventLog for StoredLog {
    fn announce(&self, publication: Publication) {
        self.add(publication, true);
    }

    fn tell(&self, publication: Publication) {
        self.add(publication, false);
    }

    async fn read(&self, query: LogQuery) -> Result<LogPage, EventLogError> {
        self.lock().asked.push(query.clone());
        let passed = self.faults.pass(Call::ReadEvents).await;
        passed.map_err(|fault| EventLogError(fault.into_storage_error()))?;
        Ok(self.lock().page(&self.epoch, &query))
    }

    async fn flush(&self) -> Result<(), EventLogError> {
        Ok(())
    }

    fn attached(&self, _client: ClientId) {}

    fn detached(&self, _client: ClientId) {}

    async fn close(&self) {
        self.lock().sink = None;
    }
}

impl EventSink for StoredLog {
    fn publish(&self, publication: Publication) -> Seq {
        self.add(publication, true)
    }

    /// Nobody else numbers this log: what comes under a number is given the next one.
    fn publish_at(&self, _seq: Seq, publication: Publication) {
        self.add(publication, true);
    }

    fn head(&self) -> Seq {
        self.lock().head
    }
}

impl fmt::Debug for StoredLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredLog")
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
