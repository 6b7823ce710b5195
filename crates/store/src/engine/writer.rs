//! The thread that writes: takes what waits, stores it in one transaction or, where that fails, in parts, and uses idle
//! time. Must never know what a change does.

mod attempt;
mod connect;
mod idle_time;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use self::attempt::{Failure, Scope};
use self::connect::Open;
use super::batch::{Participant, Participants};
use super::idle::Task;
use super::queue::{BoxedJob, Next};
use super::shared::Shared;
use super::stats::Counters;
use crate::error::{OpenStoreError, StoreError};
use crate::lock::DirectoryLock;

/// How many failures of the disk one batch may meet before all that is left of it fails with the last one: each is an
/// attempt that may take long.
const PATIENCE: u32 = 16;

/// A list for more changes is not kept for the next batch.
const SPARE: usize = 4 * 1024;

struct Writer<P: Participant> {
    shared: Arc<Shared<P>>,
    /// The connection; none after a fault, until the next batch.
    open: Option<Open>,
    participants: Participants<P>,
    /// An empty list for the next changes.
    spare: Vec<BoxedJob<P>>,
    tasks: Vec<Task<P>>,
    /// A commit failed after it may have reached the disk, and none has succeeded since. The connection knows that the
    /// log ends before that commit, and overwrites it with the next; a new connection would take it for a good one.
    in_doubt: bool,
    /// Whether the last batch could be stored, as far as that was up to the disk.
    healthy: bool,
}

/// Starts the thread.
pub(super) fn start<P: Participant + 'static>(
    shared: &Arc<Shared<P>>,
    connection: Connection,
    lock: DirectoryLock,
) -> Result<(), OpenStoreError> {
    let open = Open::new(connection, shared)
        .map_err(|error| OpenStoreError::Store(shared.database.error(&error)))?;
    let mut writer = Writer {
        shared: Arc::clone(shared),
        open: Some(open),
        participants: Participants::new(),
        spare: Vec::new(),
        tasks: Vec::new(),
        in_doubt: false,
        healthy: true,
    };
    let thread = thread::Builder::new().name("runwright-store".to_owned());
    let started = thread.spawn(move || {
        // However the thread ends, nobody waits for it any longer. Dropped last: the lock is free by then.
        let _ending = Ending(Arc::clone(&writer.shared));
        let lock = lock;
        writer.run();
        writer.finish();
        lock.release();
    });
    started.map(drop).map_err(OpenStoreError::Thread)
}

struct Ending<P>(Arc<Shared<P>>);

impl<P> Drop for Ending<P> {
    fn drop(&mut self) {
        // Something is left only if the thread panicked.
        let mut left = self.0.queue.end();
        end(&mut left, Err(&self.0.closed()));
    }
}

impl<P: Participant> Writer<P> {
    fn run(&mut self) {
        loop {
            self.shared.idle.take_into(&mut self.tasks);
            let idle = self.until_idle_work();
            match self.shared.queue.next(idle, &mut self.spare) {
                Next::Batch(jobs) => {
                    self.store(jobs);
                    self.after_commit();
                    // Idle work would only wait for the disk once more.
                    if self.healthy {
                        self.catch_up();
                    }
                }
                Next::Idle => self.use_idle_time(),
                Next::Poked => {}
                Next::Closed => return,
            }
        }
    }

    /// Stores changes, and tells those who wait.
    fn store(&mut self, mut jobs: Vec<BoxedJob<P>>) {
        match self.attempt(&mut jobs) {
            Ok(()) => end(&mut jobs, Ok(())),
            Err(failure) => self.store_in_parts(&mut jobs, failure),
        }
        if jobs.capacity() <= SPARE {
            self.spare = jobs;
        }
    }

    /// Goes on after a batch failed as a whole: in smaller parts, so that a change that fails harms no other.
    fn store_in_parts(&mut self, jobs: &mut Vec<BoxedJob<P>>, failure: Failure) {
        let mut patience = PATIENCE;
        let mut parts = VecDeque::new();
        let mut failed = Some((std::mem::take(jobs), failure));
        loop {
            if let Some((mut part, failure)) = failed.take() {
                patience -= u32::from(failure.of_disk);
                if failure.scope == Scope::Everything || patience == 0 {
                    self.fails(&failure.error);
                    end(&mut part, Err(&failure.error));
                    parts
                        .iter_mut()
                        .for_each(|part| end(part, Err(&failure.error)));
                    return;
                }
                divide(part, &failure, &mut parts);
            }
            let Some(mut part) = parts.pop_front() else {
                return;
            };
            match self.attempt(&mut part) {
                Ok(()) => end(&mut part, Ok(())),
                Err(failure) => failed = Some((part, failure)),
            }
        }
    }

    /// Moves the log if it has become too long.
    fn after_commit(&mut self) {
        let Some(open) = &mut self.open else { return };
        if open.checkpoint.is_too_long() {
            self.move_log();
        }
        self.note_log();
    }

    /// Moves what nobody needs in the log any more.
    fn move_log(&mut self) {
        let Some(open) = &mut self.open else { return };
        self.shared.under_way.begin();
        let moved = open
            .checkpoint
            .run(&open.connection, CheckpointMode::PASSIVE);
        self.shared.end_under_way("moving the write-ahead log");
        let counters = &self.shared.counters;
        let counter = if moved {
            &counters.checkpoints
        } else {
            &counters.checkpoints_cut
        };
        Counters::add(counter, 1);
        self.note_log();
    }

    fn note_log(&self) {
        let bytes = self.open.as_ref().map_or(0, |open| open.checkpoint.bytes());
        self.shared.counters.log_bytes.store(bytes, Relaxed);
    }

    /// The last act: the log becomes part of the database, and goes.
    fn finish(&mut self) {
        let quiet = self.shared.readers.close(self.shared.options.busy_timeout);
        let Some(mut open) = self.open.take() else {
            return;
        };
        if quiet && self.shared.database.check_place().is_ok() {
            open.move_all();
        }
    }
}

/// Puts the parts of a batch that failed in front of what is left: what came before the change that failed, that change
/// alone, and what came after it.
fn divide<P>(
    mut part: Vec<BoxedJob<P>>,
    failure: &Failure,
    parts: &mut VecDeque<Vec<BoxedJob<P>>>,
) {
    if part.len() == 1 {
        return fail(part, &failure.error);
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
        fail(failed, &failure.error);
    } else {
        parts.push_front(failed);
    }
    if !part.is_empty() {
        parts.push_front(part);
    }
}

/// A change has failed, and nothing that others do will help it.
fn fail<P>(mut change: Vec<BoxedJob<P>>, error: &StoreError) {
    tracing::error!(error = %error.chain(), "change failed and was undone");
    end(&mut change, Err(error));
}

/// Tells those who wait.
fn end<P>(jobs: &mut Vec<BoxedJob<P>>, result: Result<(), &StoreError>) {
    for job in jobs.drain(..) {
        if catch_unwind(AssertUnwindSafe(|| job.end(result))).is_err() {
            tracing::error!("callback of a change panicked");
        }
    }
}
