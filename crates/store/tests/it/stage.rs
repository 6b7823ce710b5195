//! A data directory that goes with the test, and a workspace in it whose log is kept for comparison.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use runwright_agent::testing::{ManualClock, RecordingSink};
use runwright_agent::{
    Acceptance, AgentCall, Clock, EventLog, LogQuery, NewRun, NewSession, Pace, Timestamp,
};
use runwright_proto::{
    AgentMessage, Envelope, Epoch, Message, MessageId, Part, Role, Run, RunId, Seq, WorkspaceId,
};
use runwright_store::{Store, StoreOptions, StoredWorkspace, WorkspaceSettings};
use tempfile::TempDir;

/// The directory of the workspace that most tests use.
pub(crate) const DEMO: &str = "/home/user/demo";

/// An open store.
pub(crate) struct Stage {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: TempDir,
}

/// An open workspace of it.
pub(crate) struct Opened {
    pub(crate) parts: StoredWorkspace,
    pub(crate) sink: Arc<RecordingSink>,
    pub(crate) epoch: Epoch,
    /// The number of its first event.
    pub(crate) next: Seq,
}

impl Stage {
    /// A fresh store with these options.
    pub(crate) fn with(set: impl FnOnce(&mut StoreOptions)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::at(directory, Timestamp(1_795_357_488_123), set)
    }

    /// The store of a directory, at this time.
    pub(crate) fn at(
        directory: TempDir,
        now: Timestamp,
        set: impl FnOnce(&mut StoreOptions),
    ) -> Self {
        let clock = Arc::new(ManualClock::new(now));
        let mut options = StoreOptions {
            clock: clock.clone(),
            ..StoreOptions::default()
        };
        set(&mut options);
        let store = Store::open(directory.path(), options).unwrap();
        Self {
            store,
            clock,
            directory,
        }
    }

    /// Opens the usual workspace.
    pub(crate) async fn open(&self) -> Opened {
        self.open_path(DEMO).await
    }

    pub(crate) async fn open_path(&self, path: &str) -> Opened {
        let sink = Arc::new(RecordingSink::default());
        let (id, settings) = (workspace(path), settings(path));
        let (epoch, next) = self.store.log_start(id, &settings.path).await.unwrap();
        let parts = self.store.open_workspace(id, settings, sink.clone());
        Opened {
            parts: parts.await.unwrap(),
            sink,
            epoch,
            next,
        }
    }

    /// A store that does nothing by itself, so that the test says what is on disk: streamed text is stored by a flush,
    /// and nothing happens in idle time.
    pub(crate) fn quiet() -> Self {
        Self::with(be_quiet)
    }

    /// Opens what is on disk now in a directory of its own, as a process does a minute after this one was killed. This
    /// store lives on beside it.
    pub(crate) fn killed(&self) -> Self {
        self.killed_with(be_quiet)
    }

    pub(crate) fn killed_with(&self, set: impl FnOnce(&mut StoreOptions)) -> Self {
        let image = tempfile::tempdir().unwrap();
        for file in ["runwright.db", "runwright.db-wal"] {
            let from = self.directory.path().join(file);
            fs::copy(from, image.path().join(file)).unwrap();
        }
        let later = Timestamp(self.clock.now().millis() + 60_000);
        Self::at(image, later, set)
    }

    /// Closes the store in good order and opens it again.
    pub(crate) async fn closed(self) -> Self {
        self.store.close().await;
        drop(self.store);
        Self::at(self.directory, self.clock.now(), be_quiet)
    }
}

impl Opened {
    pub(crate) async fn session(&self, name: &str) {
        let new = NewSession {
            title: name.to_owned(),
            id: Some(id(name)),
            parent: None,
        };
        self.parts.transcript.create_session(new).await.unwrap();
    }

    /// Records a run and returns what was asked for.
    pub(crate) async fn accept(&self, call: AgentCall, position: usize) -> Arc<AgentCall> {
        let call = Arc::new(call);
        let new = NewRun {
            call: call.clone(),
            position,
        };
        let accepted = self.parts.journal.accept(new).await.unwrap();
        assert!(matches!(accepted, Acceptance::Accepted(_)), "{accepted:?}");
        call
    }

    /// Records a run in a session and starts it.
    pub(crate) async fn start(&self, session: &str, run: &str) {
        self.accept(prompt(session, run, "hello"), 0).await;
        self.parts.journal.start(&id(run)).await.unwrap();
    }

    /// Adds a message to a session.
    pub(crate) async fn add(
        &self,
        run: Option<&str>,
        session: &str,
        role: Role,
        parts: Vec<Part>,
    ) -> Message {
        let message = Message {
            parts,
            ..Message::new(MessageId::generate(), id(session), role, 7)
        };
        let run: Option<RunId> = run.map(id);
        let transcript = &self.parts.transcript;
        let added = transcript.create_message(run.as_ref(), message.clone());
        added.await.unwrap();
        message
    }

    /// Replaces the parts of a message.
    pub(crate) async fn update(&self, message: &Message, parts: Vec<Part>, pace: Pace) {
        let message = Message {
            parts,
            ..message.clone()
        };
        let transcript = &self.parts.transcript;
        transcript.update_message(message, pace).await.unwrap();
    }

    pub(crate) async fn flush(&self) {
        self.parts.events.flush().await.unwrap();
    }

    pub(crate) async fn messages(&self, session: &str) -> Vec<Message> {
        let messages = self.parts.transcript.messages(&id(session)).await;
        messages.unwrap()
    }

    pub(crate) async fn run(&self, run: &str) -> Run {
        let run = self.parts.journal.run(&id(run)).await.unwrap();
        run.unwrap()
    }

    /// The stored log from the beginning up to a number, as it is sent.
    pub(crate) async fn log(&self, until: Seq) -> Vec<Envelope> {
        self.read(Seq::ZERO, until, None).await
    }

    /// A part of the stored log.
    pub(crate) async fn read(&self, after: Seq, until: Seq, run: Option<&str>) -> Vec<Envelope> {
        let query = LogQuery {
            after,
            until,
            run: run.map(id),
            finished_only: false,
        };
        read_all(&*self.parts.events, query).await
    }
}

/// Reads all pages of a part of a log; nothing of it may be lost.
pub(crate) async fn read_all(events: &dyn EventLog, mut query: LogQuery) -> Vec<Envelope> {
    let mut read = Vec::new();
    loop {
        let page = events.read(query.clone()).await.unwrap();
        assert_eq!(page.lost, None);
        read.extend(envelopes(&page.frames));
        query.after = page.through;
        if page.through == query.until {
            return read;
        }
    }
}

/// The events in the bytes of a stream with ids.
pub(crate) fn envelopes(frames: &[u8]) -> Vec<Envelope> {
    let text = std::str::from_utf8(frames).unwrap();
    let frames = text.split_terminator("\n\n").map(|frame| {
        let (head, data) = frame.split_once('\n').unwrap();
        let envelope: Envelope =
            serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        let (epoch, seq) = (envelope.epoch.clone().unwrap(), envelope.seq.unwrap());
        assert_eq!(head, format!("id: {epoch}-{seq}"));
        envelope
    });
    frames.collect()
}

fn be_quiet(options: &mut StoreOptions) {
    options.stream_delay = Duration::from_secs(3_600);
    options.idle_after = Duration::from_secs(3_600);
}

/// A named prompt in a session.
pub(crate) fn prompt(session: &str, run: &str, text: &str) -> AgentCall {
    let message = AgentMessage {
        session_id: Some(id(session)),
        run_id: Some(id(run)),
        prompt: text.to_owned(),
        ..AgentMessage::default()
    };
    AgentCall::try_from(message).unwrap()
}

/// The id of this text.
pub(crate) fn id<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn workspace(path: &str) -> WorkspaceId {
    WorkspaceId::of_path(Path::new(path))
}

pub(crate) fn settings(path: &str) -> WorkspaceSettings {
    WorkspaceSettings {
        path: PathBuf::from(path),
        ..WorkspaceSettings::default()
    }
}
