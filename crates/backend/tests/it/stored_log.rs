//! A workspace whose log is stored: what goes through it, who follows, and in which order it is closed.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use runwright_agent::{EventLog, EventLogError, EventSink, LogPage, LogQuery, Publication};
use runwright_backend::testing::{FakeRunner, TestBackend};
use runwright_backend::{BackendOptions, ShutdownMode, WorkspaceParts, WorkspaceSpec};
use runwright_proto::{ClientId, Cursor, EndReason, RunId};
use tokio::time::{Duration, Instant};

use crate::poll::poll_once;

const SECOND: Duration = Duration::from_secs(1);

/// Notes what it is asked to do, and publishes what it is told to.
#[derive(Clone)]
struct NotedLog {
    sink: Arc<dyn EventSink>,
    noted: Noted,
    hangs: bool,
}

/// What a log was asked to do.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<String>>>);

impl Noted {
    /// Who came and went.
    fn clients(&self) -> Vec<String> {
        let mut lines = self.take();
        lines.retain(|line| !line.starts_with("flush"));
        lines
    }

    fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl NotedLog {
    /// Gives every workspace of the backend such a log.
    fn in_each(backend: &TestBackend, hangs: bool) -> Noted {
        let noted = Noted::default();
        let of_all = noted.clone();
        backend.change_parts(move |spec: &WorkspaceSpec, parts| {
            let log = Self {
                sink: spec.sink.clone(),
                noted: of_all.clone(),
                hangs,
            };
            WorkspaceParts {
                events: Some(Arc::new(log)),
                ..parts
            }
        });
        noted
    }

    async fn answer(&self) {
        if self.hangs {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl EventLog for NotedLog {
    fn announce(&self, publication: Publication) {
        self.noted
            .add(format!("announce {}", publication.event.kind()));
        self.sink.publish(publication);
    }

    fn tell(&self, publication: Publication) {
        self.noted.add(format!("tell {}", publication.event.kind()));
        self.sink.publish(publication);
    }

    async fn read(&self, query: LogQuery) -> Result<LogPage, EventLogError> {
        Ok(LogPage {
            lost: None,
            frames: Bytes::new(),
            through: query.until,
        })
    }

    async fn flush(&self) -> Result<(), EventLogError> {
        self.noted.add("flush");
        self.answer().await;
        self.noted.add("flushed");
        Ok(())
    }

    fn attached(&self, client: ClientId) {
        self.noted.add(format!("attached {client}"));
    }

    fn detached(&self, client: ClientId) {
        self.noted.add(format!("detached {client}"));
    }

    async fn close(&self) {
        self.noted.add("close");
        self.answer().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_goes_through_the_stored_log() {
    let backend = TestBackend::new();
    let noted = NotedLog::in_each(&backend, false);
    let workspace = backend.open("demo").await;
    let mut events = workspace.recorder();
    workspace.announce_config_changed();
    assert_eq!(noted.take(), ["announce config_changed"]);
    assert_eq!(events.story(), ["config_changed"], "told once");
}

#[tokio::test(start_paused = true)]
async fn a_log_is_stored_before_its_streams_end_and_closed_last() {
    let backend = TestBackend::new();
    let noted = NotedLog::in_each(&backend, false);
    let workspace = backend.open("demo").await;
    let stream = workspace.attach().await;
    let mut events = workspace.recorder();
    noted.take();
    let (mode, reason) = (ShutdownMode::Drain, EndReason::ServerShutdown);
    let asked = Instant::now();
    workspace.shutdown(mode, 30 * SECOND, reason).await;
    events.over().await;
    drop(stream);
    let expected = ["flush", "flushed", "tell end", "flush", "flushed", "close"];
    assert_eq!(noted.take(), expected);
    assert_eq!(events.story(), ["end: server_shutdown"]);
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

/// Storage that hangs has the time that is left, and where there is none the time of an abort.
#[tokio::test(start_paused = true)]
async fn a_log_that_does_not_answer_does_not_keep_the_workspace() {
    for (ignores_cancel, expected) in [(false, 4 * SECOND), (true, 6 * SECOND)] {
        let backend = TestBackend::new();
        NotedLog::in_each(&backend, true);
        let workspace = backend.open("demo").await;
        let session = workspace.new_session().await;
        workspace.send(&session, "r1", "hello").await.unwrap();
        let turn = backend.runner().entered().await;
        if ignores_cancel {
            turn.ignore_cancel().await;
        }
        let mut events = workspace.recorder();
        let (mode, reason) = (ShutdownMode::Cancel, EndReason::ServerShutdown);
        let asked = Instant::now();
        let report = workspace.shutdown(mode, 4 * SECOND, reason).await;
        assert_eq!(
            (report.drained, asked.elapsed()),
            (!ignores_cancel, expected)
        );
        events.over().await;
        assert_eq!(
            events.story().last().map(String::as_str),
            Some("end: server_shutdown"),
            "present readers are told all the same"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_hears_of_the_first_and_of_the_last_stream_of_each_client() {
    let options = BackendOptions::default();
    let backend = TestBackend::with(options, FakeRunner::answering());
    let noted = NotedLog::in_each(&backend, false);
    let one = backend.open("demo").await;
    let other = backend.open("demo").await;
    let (first, second) = (one.attach().await, one.attach().await);
    let third = other.attach().await;
    let (id, run): (_, RunId) = (one.id(), "r1".parse().unwrap());
    let session = one.new_session().await;
    let mut events = one.recorder();
    one.send(&session, "r1", "hello").await.unwrap();
    events.end_of("r1").await;
    drop(backend.follow_run(id, &run, None).await.unwrap());
    drop(first);
    assert_eq!(
        noted.clients(),
        [
            format!("attached {}", one.client),
            format!("attached {}", other.client)
        ]
    );
    drop(third);
    drop(second);
    assert_eq!(
        noted.clients(),
        [
            format!("detached {}", other.client),
            format!("detached {}", one.client)
        ]
    );
    drop(one.attach().await);
    assert_eq!(noted.clients().len(), 2, "it came back, and left again");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_does_not_follow() {
    let backend = TestBackend::new();
    let noted = NotedLog::in_each(&backend, false);
    let workspace = backend.open("demo").await;
    backend.retire(workspace.client);
    let attached = backend.attach(workspace.id(), workspace.client, None).await;
    attached.unwrap_err();
    assert_eq!(noted.clients(), [] as [String; 0]);
}

/// After a crash a client without a cursor is only given what it missed if it was known to follow.
#[tokio::test(start_paused = true)]
async fn a_stream_without_a_cursor_begins_when_it_is_noted_who_follows() {
    let backend = TestBackend::new();
    let noted = NotedLog::in_each(&backend, false);
    let workspace = backend.open("demo").await;
    let stream = workspace.attach().await;
    let attached = format!("attached {}", workspace.client);
    assert_eq!(noted.take(), [&attached, "flush", "flushed"]);
    drop(stream);
    noted.take();
    // Who comes with a cursor knows where it was.
    let (id, cursor) = (workspace.id(), Some(&Cursor::Start));
    let _stream = backend.attach(id, workspace.client, cursor).await.unwrap();
    assert_eq!(noted.take(), [attached]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_begins_although_the_storage_hangs_and_leaves_nothing_when_nobody_waits_for_it() {
    let backend = TestBackend::new();
    let noted = NotedLog::in_each(&backend, true);
    let workspace = backend.open("demo").await;
    let asked = Instant::now();
    let stream = workspace.attach().await;
    assert_eq!(asked.elapsed(), SECOND);
    drop(stream);
    noted.clients();
    let mut attaching = Box::pin(workspace.attach());
    assert!(poll_once(&mut attaching).is_pending());
    drop(attaching);
    let client = workspace.client;
    assert_eq!(
        noted.clients(),
        [format!("attached {client}"), format!("detached {client}")]
    );
}
