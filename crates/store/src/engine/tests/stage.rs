//! A database in a directory that goes with the test, and a participant that says what it was told.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::engine::{Answer, Batch, Engine, EngineOptions, Participant};
use crate::error::{StoreError, StoreErrorKind};

/// Longer than any test.
pub(super) const NEVER: Duration = Duration::from_secs(3600);

pub(super) struct Stage {
    pub(super) engine: Engine<Witness>,
    pub(super) told: Told,
    pub(super) directory: TempDir,
}

/// What participants and changes said, in order.
#[derive(Clone, Default)]
pub(super) struct Told(Arc<Mutex<Vec<String>>>);

pub(super) struct Witness {
    name: &'static str,
    told: Told,
    fate: Fate,
}

/// What a participant does before the commit.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    Fine,
    Fails,
    Panics,
}

/// The writer, stuck in a change until this is let go.
pub(super) struct Held {
    release: mpsc::Sender<()>,
    answer: Answer<()>,
}

/// Nothing happens but what the test does: no idle work, no lazy change without an urgent one.
pub(super) fn quiet() -> EngineOptions {
    EngineOptions {
        lazy_delay: NEVER,
        idle_after: NEVER,
        log_idle_after: NEVER,
        idle_at_least_every: NEVER,
        busy_timeout: Duration::from_millis(10),
        ..EngineOptions::default()
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(quiet())
    }

    pub(super) fn with(options: EngineOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::open(directory.path(), options).unwrap();
        Self {
            engine,
            told: Told::default(),
            directory,
        }
    }

    pub(super) fn file(&self, suffix: &str) -> PathBuf {
        self.directory.path().join(format!("runwright.db{suffix}"))
    }

    /// A change that notes a key.
    pub(super) fn note(&self, key: &'static str) -> Answer<()> {
        self.engine
            .write(move |batch| note(batch.connection(), key))
    }

    /// The keys that are stored, in order.
    pub(super) async fn notes(&self) -> Vec<String> {
        self.engine.read(notes).await.unwrap()
    }

    /// A change that says its name.
    pub(super) fn say(
        &self,
        name: &'static str,
    ) -> impl FnMut(&mut Batch<'_, Witness>) -> rusqlite::Result<()> + Send + 'static {
        let told = self.told.clone();
        move |batch| {
            told.say(name);
            note(batch.connection(), name)
        }
    }

    /// A change that says its name and brings in a participant of the same name.
    pub(super) fn take_part(
        &self,
        key: i64,
        name: &'static str,
        fate: Fate,
    ) -> impl FnMut(&mut Batch<'_, Witness>) -> rusqlite::Result<()> + Send + 'static {
        let (told, mut say) = (self.told.clone(), self.say(name));
        move |batch| {
            say(batch)?;
            batch.participant(key, || told.witness(name, fate));
            Ok(())
        }
    }

    /// Keeps the writer busy: what is asked for from now on forms one batch.
    pub(super) async fn hold(&self) -> Held {
        let (entered, begun) = oneshot::channel();
        let (release, wait) = mpsc::channel::<()>();
        let mut entered = Some(entered);
        let answer = self.engine.write(move |_| {
            if let Some(entered) = entered.take() {
                entered.send(()).unwrap();
            }
            wait.recv().ok();
            Ok(())
        });
        begun.await.unwrap();
        Held { release, answer }
    }
}

impl Held {
    /// Lets the writer go on.
    pub(super) async fn release(self) {
        self.release.send(()).unwrap();
        self.answer.await.unwrap();
    }
}

impl Told {
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    pub(super) fn say(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(super) fn witness(&self, name: &'static str, fate: Fate) -> Witness {
        let told = self.clone();
        Witness { name, told, fate }
    }
}

impl Participant for Witness {
    fn before_commit(&mut self, _: &Connection) -> rusqlite::Result<()> {
        self.told.say(format!("{} last", self.name));
        match self.fate {
            Fate::Fine => Ok(()),
            Fate::Fails => Err(rusqlite::Error::InvalidQuery),
            Fate::Panics => panic!("a participant that the test wants to panic"),
        }
    }

    fn committed(self) {
        self.told.say(format!("{} committed", self.name));
    }

    fn rolled_back(self) {
        self.told.say(format!("{} undone", self.name));
    }
}

pub(super) fn note(connection: &Connection, key: &str) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO meta (key) VALUES (?1)")?;
    insert.execute([key]).map(drop)
}

pub(super) fn notes(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare_cached("SELECT key FROM meta ORDER BY key")?;
    select.query_map([], |row| row.get(0))?.collect()
}

/// What kind of error an answer is.
pub(super) fn kind<T>(answer: Result<T, StoreError>) -> Result<T, StoreErrorKind> {
    answer.map_err(|error| error.kind())
}
