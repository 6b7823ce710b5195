//! The connections that only read: a few, made when they are first needed, each used by one thread at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::Semaphore;

use super::database::Database;
use super::fault;
use super::shared::Shared;
use crate::error::{Cause, StoreError, StoreErrorKind};

pub(super) struct Readers {
    database: Arc<Database>,
    /// How many tasks may read at once.
    permits: Arc<Semaphore>,
    kept: usize,
    state: Mutex<State>,
    /// Whoever waits until nobody reads, or until reading may begin again.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    /// How many are in use.
    busy: usize,
    /// Nobody may begin to read.
    paused: bool,
    closed: bool,
}

/// Reads on a thread that may block.
pub(super) async fn read<P, T, F>(shared: &Arc<Shared<P>>, query: F) -> Result<T, StoreError>
where
    P: Send + 'static,
    T: Send + 'static,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let shared = Arc::clone(shared);
    let permits = Arc::clone(&shared.readers.permits);
    let Ok(permit) = permits.acquire_owned().await else {
        return Err(shared.readers.closed());
    };
    let reading = tokio::task::spawn_blocking(move || {
        let answer = shared.readers.read(query);
        drop(permit);
        answer
    });
    reading
        .await
        .expect("invariant: a query that panics is caught")
}

impl Readers {
    pub(super) fn new(database: Arc<Database>, count: usize) -> Self {
        Self {
            database,
            permits: Arc::new(Semaphore::new(count)),
            kept: count,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Reads on this thread.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.borrow()?;
        let (answer, connection) = self.query(connection, query);
        self.give_back(connection);
        answer
    }

    /// Runs the query; gives the connection back if it is worth keeping.
    fn query<T>(
        &self,
        connection: Option<Connection>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> (Result<T, StoreError>, Option<Connection>) {
        let opened = connection.map_or_else(|| self.database.reader(), Ok);
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(error) => return (Err(self.error(&error)), None),
        };
        let run = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            let value = query(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(value)) => (Ok(value), Some(connection)),
            Ok(Err(error)) => {
                let keep = fault::kind(&error) == StoreErrorKind::Failed;
                (Err(self.error(&error)), keep.then_some(connection))
            }
            Err(_) => {
                let cause = Cause::new("query panicked");
                let file = self.database.file();
                let error = StoreError::new(StoreErrorKind::Failed, file, Some(cause));
                (Err(error), None)
            }
        }
    }

    /// A connection that is ready, or nothing if one is to be made.
    fn borrow(&self) -> Result<Option<Connection>, StoreError> {
        let state = self.changed.wait_while(self.lock(), |state| state.paused);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(self.closed());
        }
        state.busy += 1;
        Ok(state.idle.pop())
    }

    fn give_back(&self, connection: Option<Connection>) {
        let mut state = self.lock();
        let keep = !state.paused && !state.closed && state.idle.len() < self.kept;
        if keep {
            state.idle.extend(connection);
        } else {
            // One that is being closed still counts: whoever waits for quiet wants none to be open.
            drop(state);
            drop(connection);
            state = self.lock();
        }
        state.busy -= 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Lets nobody begin to read, closes what is idle, and waits until everybody else has closed, at most for
    /// `patience`. Returns whether they have.
    pub(super) fn pause(&self, patience: Duration) -> bool {
        let mut state = self.lock();
        state.paused = true;
        drop(std::mem::take(&mut state.idle));
        let waited = self
            .changed
            .wait_timeout_while(state, patience, |state| state.busy > 0);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.busy == 0
    }

    /// Lets reading begin again.
    pub(super) fn resume(&self) {
        self.lock().paused = false;
        self.changed.notify_all();
    }

    /// Takes no more queries, and waits until those that run have ended, at most for `patience`. Returns whether they
    /// have.
    pub(super) fn close(&self, patience: Duration) -> bool {
        self.permits.close();
        self.lock().closed = true;
        let quiet = self.pause(patience);
        self.resume();
        quiet
    }

    fn closed(&self) -> StoreError {
        StoreError::new(StoreErrorKind::Closed, self.database.file(), None)
    }

    fn error(&self, error: &rusqlite::Error) -> StoreError {
        self.database.error(error)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
