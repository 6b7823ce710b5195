//! The thread that writes.

mod attempt;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use self::attempt::{Failure, Scope};
use super::batch::{Batch, Participant, Participants};
use super::checkpoint::Checkpoint;
use super::idle::{Idle, IdleBudget, Task};
use super::queue::{BoxedJob, Next};
use super::shared::Shared;
use super::stats::Counters;
use super::time::now;
use crate::error::{OpenStoreError, StoreError};
use crate::lock::DirectoryLock;

/// How many failures of the disk one batch may meet before all that is left of it fails with the last one: each is an
/// attempt that may take long.
const PATIENCE: u32 = 16;

/// How long nothing must have waited before a short write-ahead log is moved.
const LONG_PAUSE: Duration = Duration::from_secs(2);

struct Writer<P: Participant> {
    shared: Arc<Shared<P>>,
    /// The connection; none after a fault, until the next batch.
    open: Option<Open>,
    participants: Participants<P>,
    tasks: Vec<Task<P>>,
    /// A commit failed after it may have reached the disk, and none has succeeded since. The connection knows that the
    /// log ends before that commit, and overwrites it with the next; a new connection would take it for a good one.
    in_doubt: bool,
    /// Whether the last batch that met the disk was stored.
    healthy: bool,
}

struct Open {
    connection: Connection,
    checkpoint: Checkpoint,
}

/// Starts the thread.
pub(super) fn start<P: Participant + 'static>(
    shared: &Arc<Shared<P>>,
    connection: Connection,
    lock: DirectoryLock,
) -> Result<(), OpenStoreError> {
    let open = Open::new(connection, shared)
        .map_err(|error| OpenStoreError::Store(shared.error(&error)))?;
    let mut writer = Writer {
        shared: Arc::clone(shared),
        open: Some(open),
        participants: Participants::new(),
        tasks: Vec::new(),
        in_doubt: false,
        healthy: true,
    };
    let thread = thread::Builder::new().name("runwright-store".to_owned());
    let started = thread.spawn(move || {
        // However the thread ends, nobody waits for it any longer.
        let _ending = Ending(Arc::clone(&writer.shared));
        writer.run();
        writer.finish();
        lock.release();
    });
    started.map(drop).map_err(OpenStoreError::Thread)
}

struct Ending<P>(Arc<Shared<P>>);

impl<P> Drop for Ending<P> {
    fn drop(&mut self) {
        self.0.queue.end();
    }
}

impl Open {
    fn new<P>(mut connection: Connection, shared: &Shared<P>) -> rusqlite::Result<Self> {
        let checkpoint = Checkpoint::of(&mut connection, &shared.options, &shared.counters)?;
        Ok(Self {
            connection,
            checkpoint,
        })
    }
}

impl<P: Participant> Writer<P> {
    fn run(&mut self) {
        loop {
            self.shared.idle.take_into(&mut self.tasks);
            match self.shared.queue.next(self.until_idle_work()) {
                Next::Batch(jobs) => self.store(jobs),
                Next::Idle => self.use_idle_time(),
                Next::Poked => {}
                Next::Closed => return,
            }
        }
    }

    /// Stores changes: together, and where that fails, in smaller parts, so that a change that fails harms no other.
    fn store(&mut self, jobs: Vec<BoxedJob<P>>) {
        self.shared.under_way.begin();
        let begun = now();
        let changes = jobs.len();
        let mut parts = VecDeque::from([jobs]);
        let mut patience = PATIENCE;
        while let Some(mut part) = parts.pop_front() {
            let Err(failure) = self.attempt(&mut part) else {
                end(part, Ok(()));
                continue;
            };
            patience -= u32::from(failure.of_disk);
            if failure.scope == Scope::Everything || patience == 0 {
                let left = std::iter::once(part).chain(parts.drain(..)).flatten();
                end(left, Err(&failure.error));
                break;
            }
            divide(part, failure, &mut parts);
        }
        self.shared.under_way.end();
        let took = begun.elapsed();
        if took > self.shared.options.slow_batch {
            let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let database = self.shared.file().display();
            tracing::warn!(%database, milliseconds, changes, "storing took long");
        }
        self.after_commit();
        self.tasks.iter_mut().for_each(Task::touch);
    }

    fn after_commit(&mut self) {
        let Some(open) = &mut self.open else { return };
        if open.checkpoint.after_commit(&open.connection) {
            Counters::add(&self.shared.counters.checkpoints, 1);
        }
        self.note_log();
    }

    fn note_log(&self) {
        let bytes = self.open.as_ref().map_or(0, |open| open.checkpoint.bytes());
        self.shared.counters.log_bytes.store(bytes, Relaxed);
    }

    /// How long nothing must wait until there is something to do; nothing if there is none.
    fn until_idle_work(&self) -> Option<Duration> {
        let pause = self.shared.options.idle_after;
        let tasks = self.tasks.iter().filter_map(Task::due_in).min();
        let checkpoint = self.open.as_ref().and_then(|open| {
            let pause = if open.checkpoint.is_worth_a_moment() {
                pause
            } else {
                LONG_PAUSE.max(pause)
            };
            open.checkpoint.is_behind().then_some(pause)
        });
        let tasks = tasks.map(|due| due.max(pause));
        [tasks, checkpoint].into_iter().flatten().min()
    }

    fn use_idle_time(&mut self) {
        let mut tasks = std::mem::take(&mut self.tasks);
        let due = tasks
            .iter_mut()
            .filter(|task| task.due_in() == Some(Duration::ZERO));
        let mut any = false;
        for task in due {
            if self.shared.queue.is_urgent() {
                break;
            }
            any = true;
            let idle = self.step(task);
            task.ran(idle);
        }
        self.tasks = tasks;
        if any {
            self.after_commit();
        } else if let Some(open) = &mut self.open {
            if open
                .checkpoint
                .run(&open.connection, CheckpointMode::PASSIVE)
            {
                Counters::add(&self.shared.counters.checkpoints, 1);
            }
            self.note_log();
        }
    }

    /// The last act: the log becomes part of the database, and goes.
    fn finish(&mut self) {
        let quiet = self.shared.readers.close(self.shared.options.busy_timeout);
        let Some(mut open) = self.open.take() else {
            return;
        };
        if quiet && self.shared.database.check_place().is_ok() {
            open.checkpoint
                .run(&open.connection, CheckpointMode::TRUNCATE);
        }
        drop(open);
    }
}

/// Puts the parts of a batch that failed in front of what is left: what came before the change that failed, that change
/// alone, and what came after it.
fn divide<P>(mut part: Vec<BoxedJob<P>>, failure: Failure, parts: &mut VecDeque<Vec<BoxedJob<P>>>) {
    if part.len() == 1 {
        return end(part, Err(&failure.error));
    }
    let Some(at) = failure.at else {
        let rest = part.split_off(part.len() / 2);
        parts.push_front(rest);
        return parts.push_front(part);
    };
    let rest = part.split_off(at + 1);
    let failed = part.split_off(at);
    if !rest.is_empty() {
        parts.push_front(rest);
    }
    if failure.final_for_change {
        end(failed, Err(&failure.error));
    } else {
        parts.push_front(failed);
    }
    if !part.is_empty() {
        parts.push_front(part);
    }
}

/// Tells those who wait.
fn end<P>(jobs: impl IntoIterator<Item = BoxedJob<P>>, result: Result<(), &StoreError>) {
    for job in jobs {
        if catch_unwind(AssertUnwindSafe(|| job.end(result))).is_err() {
            tracing::error!("callback of a change panicked");
        }
    }
}
