//! Keeps the writer connected to the files that the next process will find, whatever happened to them.

use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::attempt::{Broken, Stage};
use super::{Counters, Participant, Writer};
use crate::engine::checkpoint::Checkpoint;
use crate::engine::database::LogFiles;
use crate::engine::shared::Shared;
use crate::error::{StoreError, StoreErrorKind};

/// A connection with what is known of its log.
pub(super) struct Open {
    pub(super) connection: Connection,
    pub(super) checkpoint: Checkpoint,
    /// The files beside the database, since the first transaction.
    pub(super) log_files: Option<LogFiles>,
}

impl Open {
    pub(super) fn new<P>(mut connection: Connection, shared: &Shared<P>) -> rusqlite::Result<Self> {
        let checkpoint = Checkpoint::of(&mut connection, &shared.options, &shared.counters)?;
        Ok(Self {
            connection,
            checkpoint,
            log_files: None,
        })
    }

    /// Moves all of the log into the database, and leaves it empty; says whether it could.
    pub(super) fn move_all(&mut self) -> bool {
        self.checkpoint
            .run(&self.connection, CheckpointMode::TRUNCATE)
    }
}

impl<P: Participant> Writer<P> {
    /// Makes sure that there is a connection, and that its files are still those beside the database.
    pub(super) fn connect(&mut self) -> Result<(), Broken> {
        let database = &self.shared.database;
        let place = database.check_place();
        place.map_err(|error| Stage::Begin.refused(error))?;
        let Some(open) = &self.open else {
            return self.open_paused();
        };
        if open
            .log_files
            .is_none_or(|files| files == database.log_files())
        {
            return Ok(());
        }
        self.replace_log()
    }

    /// Opens the database again after a fault. Nobody keeps what the fault may have left in a connection.
    fn open_paused(&mut self) -> Result<(), Broken> {
        self.shared.readers.pause(self.shared.options.busy_timeout);
        let opened = self.open_again();
        self.shared.readers.resume();
        opened
    }

    fn open_again(&mut self) -> Result<(), Broken> {
        let opened = self.shared.database.writer();
        let opened = opened.and_then(|connection| Open::new(connection, &self.shared));
        self.open = Some(opened.map_err(|error| Stage::Begin.failed(error))?);
        Counters::add(&self.shared.counters.reopened, 1);
        Ok(())
    }

    /// Somebody removed the log. What it holds can still be reached through the connection: it is moved into the
    /// database before the connection goes. No other connection may live across that, because all of this process
    /// would go on to share the memory of the removed log.
    fn replace_log(&mut self) -> Result<(), Broken> {
        let database = Arc::clone(&self.shared.database);
        let quiet = self.shared.readers.pause(self.shared.options.busy_timeout);
        let replaced = if quiet && self.open.as_mut().is_some_and(Open::move_all) {
            let file = database.file().display();
            tracing::warn!(database = %file, "write-ahead log was removed by somebody: it is made anew");
            self.open = None;
            self.open_again()
        } else {
            let error = StoreError::new(StoreErrorKind::Moved, database.file(), None);
            Err(Stage::Begin.refused(error))
        };
        self.shared.readers.resume();
        replaced
    }
}
