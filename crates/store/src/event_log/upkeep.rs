//! What the logs need when nothing else is to be written: their sizes measured, what is beyond the limits deleted, small
//! rows joined. It remembers what commits left behind, so that nothing is searched for. Must never know what an event
//! says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runwright_agent::Clock;
use rusqlite::Connection;

use super::compact::{self, Tail};
use super::retain::Sizes;
use crate::engine::{Idle, now};
use crate::options::Retention;

/// So many rows are worth joining.
const WORTH: usize = 32;

/// How often it is looked whether events have become too old.
const AGING: Duration = Duration::from_secs(60);

/// What the logs of a store need.
pub(crate) struct Upkeep {
    retention: Retention,
    clock: Arc<dyn Clock>,
    needs: Mutex<Needs>,
}

#[derive(Debug, Default)]
struct Needs {
    sizes: Sizes,
    /// Workspaces with rows that were written since theirs were joined.
    fresh: BTreeMap<i64, Fresh>,
    /// Whether something has been written since limits were looked at.
    has_grown: bool,
    /// When ages were looked at.
    aged: Option<Instant>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Fresh {
    rows: usize,
    is_closed: bool,
}

impl Upkeep {
    pub(crate) fn new(retention: Retention, clock: Arc<dyn Clock>) -> Self {
        Self {
            retention,
            clock,
            needs: Mutex::default(),
        }
    }

    /// Rows of events were written.
    pub(crate) fn wrote(&self, workspace: i64, rows: usize, bytes: u64) {
        let mut needs = self.lock();
        needs.sizes.wrote(workspace, bytes);
        needs.fresh.entry(workspace).or_default().rows += rows;
        needs.has_grown = true;
    }

    /// A workspace was closed: nothing more comes for now.
    pub(crate) fn closed(&self, workspace: i64) {
        if let Some(fresh) = self.lock().fresh.get_mut(&workspace) {
            fresh.is_closed = true;
        }
    }

    /// Does a part of what is to be done; in a transaction of the writer.
    pub(crate) fn step(
        &self,
        connection: &Connection,
        is_spent: &dyn Fn() -> bool,
    ) -> rusqlite::Result<Idle> {
        let mut needs = self.lock();
        if !needs.sizes.measure(connection, is_spent)? {
            return Ok(Idle::More);
        }
        if needs.is_retention_due() {
            let now = self.clock.now();
            if !needs
                .sizes
                .prune(connection, &self.retention, now, is_spent)?
            {
                return Ok(Idle::More);
            }
            needs.retained();
        }
        while let Some((workspace, tail)) = needs.worth_joining() {
            if !compact::compact(connection, workspace, tail, is_spent)? {
                return Ok(Idle::More);
            }
            needs.fresh.remove(&workspace);
        }
        Ok(Idle::In(AGING))
    }

    fn lock(&self) -> MutexGuard<'_, Needs> {
        self.needs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Needs {
    fn is_retention_due(&self) -> bool {
        self.has_grown || self.aged.is_none_or(|aged| aged.elapsed() >= AGING)
    }

    fn retained(&mut self) {
        self.has_grown = false;
        self.aged = Some(now());
    }

    /// A workspace with rows that are worth joining.
    fn worth_joining(&self) -> Option<(i64, Tail)> {
        self.fresh.iter().find_map(|(workspace, fresh)| {
            if fresh.is_closed && fresh.rows > 1 {
                Some((*workspace, Tail::Closed))
            } else {
                (fresh.rows >= WORTH).then_some((*workspace, Tail::Open))
            }
        })
    }
}

impl std::fmt::Debug for Upkeep {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Upkeep").finish_non_exhaustive()
    }
}
