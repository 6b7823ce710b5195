//! One transaction: begin, the changes, those who take part, commit. Undoes everything if any of it fails, and judges
//! what the failure means for the others.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;

use super::{Counters, Participant, Task, Writer};
use crate::engine::batch::Batch;
use crate::engine::idle::{Idle, IdleBudget};
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
pub(super) enum Stage {
    Begin,
    Change(usize),
    Participants,
    Commit,
}

/// A failure where it happened.
pub(super) struct Broken {
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
        self.shared.counters.batch(changes);
        Ok(())
    }

    /// Lets idle work take a step, in a transaction of its own. Nothing if it failed, which is logged.
    pub(super) fn attempt_step(
        &mut self,
        task: &mut Task<P>,
        budget: &IdleBudget<'_>,
    ) -> Option<Idle> {
        let (name, step) = (task.name, &mut task.step);
        let stepped = self.transaction(|batch| {
            guarded(Stage::Change(0), "idle work panicked", || {
                step(batch, budget)
            })
        });
        match stepped {
            Ok(idle) => Some(idle),
            Err(failure) => {
                tracing::warn!(name, error = %failure.error.chain(), "idle work failed and was undone");
                None
            }
        }
    }

    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Batch<'_, P>) -> Result<T, Broken>,
    ) -> Result<T, Failure> {
        self.shared.under_way.begin();
        let ended = self.try_transaction(work);
        self.shared.end_under_way("storing");
        match ended {
            Ok(value) => {
                self.in_doubt = false;
                self.works_again();
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
        self.connect()?;
        let open = self.open.as_mut().expect("invariant: it is open now");
        let connection = &open.connection;
        sql(connection, Stage::Begin, "BEGIN IMMEDIATE")?;
        if open.log_files.is_none() {
            open.log_files = Some(self.shared.database.log_files());
        }
        let value = work(&mut Batch::new(connection, &mut self.participants))?;
        guarded(Stage::Participants, "participant panicked", || {
            self.participants.before_commit(connection)
        })?;
        sql(connection, Stage::Commit, "COMMIT")?;
        Ok(value)
    }

    /// Leaves no transaction open. A connection that cannot even do that is given up.
    fn undo(&mut self) {
        let Some(open) = &self.open else { return };
        if !open.connection.is_autocommit() && open.connection.execute_batch("ROLLBACK").is_err() {
            self.open = None;
        }
    }

    fn judge(&mut self, Broken { stage, reason }: Broken) -> Failure {
        let (error, panicked) = self.explain(reason);
        let kind = error.kind();
        let of_disk = kind != StoreErrorKind::Failed;
        self.in_doubt |= of_disk && stage == Stage::Commit;
        if is_of_connection(kind) && !self.in_doubt {
            self.open = None;
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

    /// The error for those who wait, and whether it was a panic.
    fn explain(&self, reason: Reason) -> (StoreError, bool) {
        let database = &self.shared.database;
        match reason {
            Reason::Sqlite(error) => (database.error(&error), false),
            Reason::Store(error) => (error, false),
            Reason::Panic(what) => {
                let cause = Some(Cause::new(what));
                let error = StoreError::new(StoreErrorKind::Failed, database.file(), cause);
                (error, true)
            }
        }
    }

    /// Says that nothing can be stored: once, however often it is tried.
    pub(super) fn fails(&mut self, error: &StoreError) {
        if std::mem::take(&mut self.healthy) {
            tracing::error!(error = %error.chain(), "nothing can be stored");
        }
    }

    fn works_again(&mut self) {
        if !std::mem::replace(&mut self.healthy, true) {
            let database = self.shared.file().display();
            tracing::info!(%database, "storing works again");
        }
    }
}

impl Stage {
    pub(super) fn failed(self, error: rusqlite::Error) -> Broken {
        let reason = Reason::Sqlite(error);
        Broken {
            stage: self,
            reason,
        }
    }

    pub(super) fn refused(self, error: StoreError) -> Broken {
        let reason = Reason::Store(error);
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
    done.map(drop).map_err(|error| stage.failed(error))
}

/// Calls what others wrote, so that its panic ends nothing but itself.
fn guarded<T>(
    stage: Stage,
    panicked: &'static str,
    call: impl FnOnce() -> rusqlite::Result<T>,
) -> Result<T, Broken> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| stage.failed(error)),
        Err(_) => Err(Broken {
            stage,
            reason: Reason::Panic(panicked),
        }),
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
    match (kind, stage) {
        (_, Stage::Begin)
        | (StoreErrorKind::Damaged | StoreErrorKind::Unreadable, Stage::Commit)
        | (
            StoreErrorKind::Locked
            | StoreErrorKind::ReadOnly
            | StoreErrorKind::Moved
            | StoreErrorKind::Overloaded
            | StoreErrorKind::Closed,
            _,
        ) => Scope::Everything,
        (
            StoreErrorKind::Failed
            | StoreErrorKind::Full
            | StoreErrorKind::Damaged
            | StoreErrorKind::Unreadable,
            Stage::Change(_) | Stage::Participants | Stage::Commit,
        ) => Scope::Change,
    }
}
