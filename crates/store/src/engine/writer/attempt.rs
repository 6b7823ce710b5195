//! One transaction: begin, the changes, those who take part, commit. Undoes everything if any of it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;

use super::{Batch, Counters, Idle, IdleBudget, Open, Participant, Task, Writer};
use crate::engine::fault;
use crate::engine::queue::BoxedJob;
use crate::error::{Cause, StoreError, StoreErrorKind};

/// Why a transaction failed.
pub(super) struct Failure {
    pub(super) error: StoreError,
    /// The change that failed, if it was one.
    pub(super) at: Option<usize>,
    /// The change must not run again.
    pub(super) final_for_change: bool,
    pub(super) scope: Scope,
    /// Whether the disk failed, and not the change.
    pub(super) of_disk: bool,
}

/// Whom a failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The change, or somebody in the transaction: the others may do better without it.
    Change,
    /// Whatever is tried now.
    Everything,
}

/// How far a transaction came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Change(usize),
    Participants,
    Commit,
}

/// A failure where it happened.
struct Broken {
    stage: Stage,
    reason: Reason,
}

enum Reason {
    Sqlite(rusqlite::Error),
    Store(StoreError),
    Panic(&'static str),
}

impl<P: Participant> Writer<P> {
    /// Makes changes in one transaction.
    pub(super) fn attempt(&mut self, jobs: &mut [BoxedJob<P>]) -> Result<(), Failure> {
        let changes = jobs.len();
        self.transaction(|batch| run(jobs, batch))?;
        let counters = &self.shared.counters;
        Counters::add(&counters.changes, changes);
        counters
            .largest_batch
            .fetch_max(changes as u64, super::Relaxed);
        Ok(())
    }

    /// Lets idle work take a step, in a transaction of its own. Nothing if it failed, which is logged.
    pub(super) fn step(&mut self, task: &mut Task<P>) -> Option<Idle> {
        let (name, step) = (task.name, &mut task.step);
        let shared = std::sync::Arc::clone(&self.shared);
        let wanted = || shared.queue.is_urgent();
        let budget = IdleBudget::new(shared.options.idle_budget, &wanted);
        let stepped = self.transaction(|batch| {
            guarded(Stage::Change(0), "idle work panicked", || {
                step(batch, &budget)
            })
        });
        match stepped {
            Ok(idle) => Some(idle),
            Err(Failure { error, .. }) => {
                tracing::warn!(name, error = %chain(&error), "idle work failed and was undone");
                None
            }
        }
    }

    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Batch<'_, P>) -> Result<T, Broken>,
    ) -> Result<T, Failure> {
        match self.try_transaction(work) {
            Ok(value) => {
                self.in_doubt = false;
                self.recovered();
                Counters::add(&self.shared.counters.commits, 1);
                self.participants.committed();
                Ok(value)
            }
            Err(broken) => {
                Counters::add(&self.shared.counters.rolled_back, 1);
                self.undo();
                self.participants.rolled_back();
                Err(self.judge(broken))
            }
        }
    }

    fn try_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Batch<'_, P>) -> Result<T, Broken>,
    ) -> Result<T, Broken> {
        let place = self.shared.database.check_place();
        place.map_err(|error| Stage::Begin.broken(Reason::Store(error)))?;
        self.connect()?;
        let open = self
            .open
            .as_ref()
            .expect("invariant: it was opened just now");
        let connection = &open.connection;
        sql(connection, Stage::Begin, "BEGIN IMMEDIATE")?;
        let value = work(&mut Batch::new(connection, &mut self.participants))?;
        guarded(Stage::Participants, "participant panicked", || {
            self.participants.before_commit(connection)
        })?;
        sql(connection, Stage::Commit, "COMMIT")?;
        Ok(value)
    }

    /// Opens the database again after a fault.
    fn connect(&mut self) -> Result<(), Broken> {
        if self.open.is_some() {
            return Ok(());
        }
        let opened = self.shared.database.writer();
        let opened = opened.and_then(|connection| Open::new(connection, &self.shared));
        let open = opened.map_err(|error| Stage::Begin.broken(Reason::Sqlite(error)))?;
        self.open = Some(open);
        Counters::add(&self.shared.counters.reopened, 1);
        Ok(())
    }

    /// Leaves no transaction open. A connection that cannot even do that is given up.
    fn undo(&mut self) {
        let Some(open) = &self.open else { return };
        if !open.connection.is_autocommit() && open.connection.execute_batch("ROLLBACK").is_err() {
            self.open = None;
        }
    }

    fn judge(&mut self, Broken { stage, reason }: Broken) -> Failure {
        let file = self.shared.file();
        let (error, panicked) = match reason {
            Reason::Sqlite(error) => (fault::store_error(&error, file), false),
            Reason::Store(error) => (error, false),
            Reason::Panic(what) => {
                let cause = Some(Cause(what.to_owned()));
                (StoreError::new(StoreErrorKind::Failed, file, cause), true)
            }
        };
        let kind = error.kind();
        let of_disk = kind != StoreErrorKind::Failed;
        if of_disk {
            self.failed(&error);
        } else {
            tracing::error!(error = %chain(&error), "change failed and was undone");
        }
        self.in_doubt |= of_disk && stage == Stage::Commit;
        if is_of_connection(kind) && !self.in_doubt {
            self.open = None;
            self.shared.readers.renew();
        }
        Failure {
            at: match stage {
                Stage::Change(index) => Some(index),
                Stage::Begin | Stage::Participants | Stage::Commit => None,
            },
            final_for_change: panicked,
            scope: scope(stage, kind),
            of_disk,
            error,
        }
    }

    /// Says once that the disk has failed, however often it does.
    fn failed(&mut self, error: &StoreError) {
        if std::mem::take(&mut self.healthy) {
            tracing::error!(error = %chain(error), "nothing can be stored");
        }
    }

    fn recovered(&mut self) {
        if !std::mem::replace(&mut self.healthy, true) {
            let database = self.shared.file().display();
            tracing::info!(%database, "storing works again");
        }
    }
}

impl Stage {
    fn broken(self, reason: Reason) -> Broken {
        Broken {
            stage: self,
            reason,
        }
    }
}

fn run<P>(jobs: &mut [BoxedJob<P>], batch: &mut Batch<'_, P>) -> Result<(), Broken> {
    for (index, job) in jobs.iter_mut().enumerate() {
        guarded(Stage::Change(index), "change panicked", || job.run(batch))?;
    }
    Ok(())
}

fn sql(connection: &Connection, stage: Stage, statement: &str) -> Result<(), Broken> {
    let done = connection
        .prepare_cached(statement)
        .and_then(|mut statement| statement.execute([]));
    done.map(drop)
        .map_err(|error| stage.broken(Reason::Sqlite(error)))
}

/// Calls what others wrote, so that its panic ends nothing but itself.
fn guarded<T>(
    stage: Stage,
    panicked: &'static str,
    call: impl FnOnce() -> rusqlite::Result<T>,
) -> Result<T, Broken> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| stage.broken(Reason::Sqlite(error))),
        Err(_) => Err(stage.broken(Reason::Panic(panicked))),
    }
}

/// Whether a new connection may do better.
fn is_of_connection(kind: StoreErrorKind) -> bool {
    matches!(
        kind,
        StoreErrorKind::Damaged | StoreErrorKind::ReadOnly | StoreErrorKind::Unreadable
    )
}

/// Whom a failure concerns. A damaged page or an unreadable block concerns who touches it, and a small change may find
/// room where a large one does not; a flush that fails, a lock, a file that is gone concern everybody.
fn scope(stage: Stage, kind: StoreErrorKind) -> Scope {
    let everything = match kind {
        StoreErrorKind::Failed => stage == Stage::Begin,
        StoreErrorKind::Full => stage == Stage::Begin,
        StoreErrorKind::Damaged | StoreErrorKind::Unreadable => {
            matches!(stage, Stage::Begin | Stage::Commit)
        }
        StoreErrorKind::Locked
        | StoreErrorKind::ReadOnly
        | StoreErrorKind::Moved
        | StoreErrorKind::Overloaded
        | StoreErrorKind::Closed => true,
    };
    if everything {
        Scope::Everything
    } else {
        Scope::Change
    }
}

/// An error with what caused it, for the log.
fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
