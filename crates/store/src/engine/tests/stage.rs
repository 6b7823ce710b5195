//! A database in a directory that goes with the test, and a participant that says what it was told.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::engine::{Engine, EngineOptions, Participant};

pub(super) struct Stage {
    pub(super) engine: Engine<Witness>,
    pub(super) told: Told,
    pub(super) directory: TempDir,
}

/// What participants were told, in order.
#[derive(Clone, Default)]
pub(super) struct Told(Arc<Mutex<Vec<String>>>);

pub(super) struct Witness {
    name: &'static str,
    told: Told,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(EngineOptions::default())
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

    pub(super) fn file(&self) -> PathBuf {
        self.directory.path().join("runwright.db")
    }

    /// A change that notes a key.
    pub(super) async fn note(&self, key: &'static str) -> Result<(), crate::StoreError> {
        self.engine
            .write(move |batch| note(batch.connection(), key))
            .await
    }

    /// The keys that are stored, in order.
    pub(super) async fn notes(&self) -> Vec<String> {
        self.engine.read(notes).await.unwrap()
    }
}

impl Told {
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    pub(super) fn say(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(super) fn witness(&self, name: &'static str) -> Witness {
        Witness {
            name,
            told: self.clone(),
        }
    }
}

impl Participant for Witness {
    fn before_commit(&mut self, _: &Connection) -> rusqlite::Result<()> {
        self.told.say(format!("{} before commit", self.name));
        Ok(())
    }

    fn committed(self) {
        self.told.say(format!("{} committed", self.name));
    }

    fn rolled_back(self) {
        self.told.say(format!("{} rolled back", self.name));
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
