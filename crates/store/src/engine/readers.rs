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
    /// Whoever waits until nobody reads.
    quiet: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    /// How many are in use.
    busy: usize,
    /// Counts how often all connections were to be made anew.
    generation: u64,
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
            quiet: Condvar::new(),
        }
    }

    /// Reads on this thread.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let (connection, generation) = self.borrow()?;
        let (answer, connection) = self.query(connection, query);
        self.give_back(connection, generation);
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
                let cause = Cause("a query panicked".to_owned());
                let file = self.database.file();
                let error = StoreError::new(StoreErrorKind::Failed, file, Some(cause));
                (Err(error), None)
            }
        }
    }

    fn borrow(&self) -> Result<(Option<Connection>, u64), StoreError> {
        let mut state = self.lock();
        if state.closed {
            return Err(self.closed());
        }
        state.busy += 1;
        Ok((state.idle.pop(), state.generation))
    }

    fn give_back(&self, connection: Option<Connection>, generation: u64) {
        let mut state = self.lock();
        state.busy -= 1;
        let keep = generation == state.generation && !state.closed && state.idle.len() < self.kept;
        let dropped = match connection {
            Some(connection) if keep => {
                state.idle.push(connection);
                None
            }
            other => other,
        };
        let quiet = state.busy == 0;
        drop(state);
        drop(dropped);
        if quiet {
            self.quiet.notify_all();
        }
    }

    /// Closes what is idle, and what is in use when it comes back: the next reader opens the database anew.
    pub(super) fn renew(&self) {
        let mut state = self.lock();
        state.generation += 1;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        drop(idle);
    }

    /// Takes no more queries, and waits until those that run have ended, at most for `patience`. Returns whether they
    /// have.
    pub(super) fn close(&self, patience: Duration) -> bool {
        self.permits.close();
        let mut state = self.lock();
        state.closed = true;
        let idle = std::mem::take(&mut state.idle);
        let waited = self
            .quiet
            .wait_timeout_while(state, patience, |state| state.busy > 0);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let quiet = state.busy == 0;
        drop(state);
        drop(idle);
        quiet
    }

    fn closed(&self) -> StoreError {
        StoreError::new(StoreErrorKind::Closed, self.database.file(), None)
    }

    fn error(&self, error: &rusqlite::Error) -> StoreError {
        fault::store_error(error, self.database.file())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
