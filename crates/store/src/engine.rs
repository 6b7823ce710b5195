//! One SQLite file with one thread that writes it: group commit, readers beside it, recovery from faults. Must never
//! know what the tables are for; what is to be done with the rows comes in as closures.
//!
//! - Everything that waits goes into one transaction, which is one flush to the disk. No timer: while one flush runs,
//!   the next batch forms.
//! - A change that fails is undone and harms no other: the batch is rolled back, and what else was in it runs again,
//!   apart from the one that failed. Changes may therefore run more than once, and must change nothing but the
//!   database. What memory has to know, it learns from [`Participant::committed`].
//! - A disk that is full, locked by somebody or broken fails what waits with the truth, and is tried again with the next
//!   batch: nothing has to be restarted when the cause goes away.
//! - While a batch is stuck, or too much waits, [`Engine::accept_write`] refuses at once.

mod answer;
mod batch;
mod checkpoint;
mod database;
pub(crate) mod fault;
mod idle;
mod job;
mod options;
mod probe;
mod queue;
mod readers;
mod shared;
mod space;
mod stats;
mod time;
pub(crate) mod vacuum;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

pub(crate) use self::{
    answer::Answer,
    batch::{Batch, Participant},
    database::{file_in, log_of},
    idle::{Idle, IdleBudget},
    options::EngineOptions,
    stats::EngineStats,
    time::now,
};
use self::{
    job::{Told, Write},
    shared::Shared,
};
use crate::error::{OpenStoreError, StoreError};
use crate::lock::{DirectoryLock, LockOwner};

/// Opens the database of a directory without starting a writer, for a repair.
///
/// # Errors
/// [`OpenStoreError`]; the lock is free again then.
pub(crate) fn open_for_repair(
    directory: &Path,
) -> Result<(DirectoryLock, Connection), OpenStoreError> {
    let (lock, _, connection) = database::open(directory, &EngineOptions::default())?;
    Ok((lock, connection))
}

/// A database that is open. Clones share it.
///
/// When the last clone is dropped, what waits is still stored, in the background; [`close`](Self::close) says when it
/// is.
pub(crate) struct Engine<P: Participant + 'static> {
    handle: Arc<Handle<P>>,
}

struct Handle<P: Participant + 'static> {
    shared: Arc<Shared<P>>,
    left_by: Option<LockOwner>,
}

impl<P: Participant + 'static> Clone for Engine<P> {
    fn clone(&self) -> Self {
        Self {
            handle: Arc::clone(&self.handle),
        }
    }
}

impl<P: Participant + 'static> Drop for Handle<P> {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

impl<P: Participant + 'static> Engine<P> {
    /// Opens the database in a directory, which is made if it is missing: takes the lock, refuses a network file system,
    /// brings the schema up to date and starts the writer. Blocking.
    ///
    /// # Errors
    /// [`OpenStoreError`]; the lock is free again then.
    pub(crate) fn open(directory: &Path, options: EngineOptions) -> Result<Self, OpenStoreError> {
        let (lock, database, connection) = database::open(directory, &options)?;
        let left_by = lock.left_by().cloned();
        let shared = Arc::new(Shared::new(database, options));
        shared.idle.add(vacuum::NAME, Box::new(vacuum::step));
        writer::start(&shared, connection, lock)?;
        let handle = Arc::new(Handle { shared, left_by });
        Ok(Self { handle })
    }

    /// Who held the directory before and died with it, if somebody did.
    pub(crate) fn left_by(&self) -> Option<&LockOwner> {
        self.handle.left_by.as_ref()
    }

    /// Runs a change in the next batch; the answer comes after its flush. The change is in the queue when this returns,
    /// in the order of the calls, also when the answer is never awaited or is dropped.
    pub(crate) fn write<T, F>(&self, change: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_, P>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (job, answer) = Write::new(change, Arc::clone(self.shared().file()));
        match self.shared().enqueue(Box::new(job)) {
            Ok(()) => answer,
            Err(error) => Answer::refused(error),
        }
    }

    /// Like [`write`](Self::write), but refused at once, with [`Overloaded`](crate::StoreErrorKind::Overloaded), while
    /// the writer is stuck or too much waits for it: for work that somebody else would rather bring elsewhere.
    pub(crate) fn accept_write<T, F>(&self, change: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_, P>) -> rusqlite::Result<T> + Send + 'static,
    {
        match self.shared().admit() {
            Ok(()) => self.write(change),
            Err(error) => Answer::refused(error),
        }
    }

    /// Runs a change with the next batch, at the latest after [`EngineOptions::lazy_delay`]. `done` is called on the
    /// writer's thread, after the participants of the batch and in the order of the changes; it must not wait.
    pub(crate) fn write_lazily<F, D>(&self, change: F, done: D)
    where
        F: FnMut(&mut Batch<'_, P>) -> rusqlite::Result<()> + Send + 'static,
        D: FnOnce(Result<(), &StoreError>) + Send + 'static,
    {
        let job = Told::new(change, done);
        self.shared().enqueue_lazily(Box::new(job));
    }

    /// Like [`write`](Self::write) for a change that nobody waits for, and that is not put off: `done` is called as that
    /// of [`write_lazily`](Self::write_lazily).
    pub(crate) fn write_then<F, D>(&self, change: F, done: D)
    where
        F: FnMut(&mut Batch<'_, P>) -> rusqlite::Result<()> + Send + 'static,
        D: FnOnce(Result<(), &StoreError>) + Send + 'static,
    {
        self.shared()
            .enqueue_then(Box::new(Told::new(change, done)));
    }

    /// Like [`write`](Self::write), for a thread that may wait: start-up and the command line.
    pub(crate) fn write_blocking<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_, P>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.write(change).wait()
    }

    /// Runs a query on a read-only connection, on a thread that may block; it sees one state of the database, which has
    /// at least everything that was answered before the call. Short ones only: the write-ahead log grows as long as
    /// somebody reads.
    ///
    /// # Errors
    /// [`StoreError`]. A panic of the query is [`Failed`](crate::StoreErrorKind::Failed).
    ///
    /// # Cancel safety
    /// Dropping the future lets the query run to its end and forgets it.
    pub(crate) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        readers::read(self.shared(), query).await
    }

    /// Like [`read`](Self::read), on this thread.
    pub(crate) fn read_blocking<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T>,
    {
        self.shared().readers.read(query)
    }

    /// Adds work for the time when nothing else is to be written: `step` is called on the writer's thread, in a
    /// transaction of its own, after nothing has waited for [`EngineOptions::idle_after`]. It stops when
    /// [`IdleBudget::is_spent`] and says with [`Idle`] when it wants to be called again. An error is logged, and the
    /// step is called again after the next change. A step must not change memory but through a participant, and must
    /// not hold the engine, which would then never end by itself.
    pub(crate) fn when_idle<F>(&self, name: &'static str, step: F)
    where
        F: FnMut(&mut Batch<'_, P>, &IdleBudget<'_>) -> rusqlite::Result<Idle> + Send + 'static,
    {
        self.shared().idle.add(name, Box::new(step));
        self.shared().queue.poke();
    }

    /// The error of whoever comes after the end.
    pub(crate) fn closed(&self) -> StoreError {
        self.shared().closed()
    }

    /// What the engine has done so far.
    pub(crate) fn stats(&self) -> EngineStats {
        self.shared().counters.read()
    }

    /// Stores what waits, moves the write-ahead log into the database, ends the writer and gives the lock back.
    /// Whatever is to be written afterwards is refused with [`Closed`](crate::StoreErrorKind::Closed). May be called
    /// again.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the closing.
    pub(crate) async fn close(&self) {
        let shared = Arc::clone(self.shared());
        shared.queue.close();
        let ended = tokio::task::spawn_blocking(move || shared.queue.wait_until_ended()).await;
        ended.expect("invariant: waiting cannot panic");
    }

    /// Like [`close`](Self::close), for a thread that may wait.
    pub(crate) fn close_blocking(&self) {
        self.shared().queue.close();
        self.shared().queue.wait_until_ended();
    }

    fn shared(&self) -> &Arc<Shared<P>> {
        &self.handle.shared
    }
}
