//! What a change sees of the batch that it is part of, and those who take part in the batch beside the changes.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;

/// What belongs to one key (a workspace) in one batch. It is made by the first change that asks for it, and lives until
/// the batch is on disk or is undone.
pub(crate) trait Participant: Send {
    /// Last writes of the batch, after all changes and before the commit.
    fn before_commit(&mut self, connection: &Connection) -> rusqlite::Result<()>;

    /// The batch is on disk. Called before any caller is answered, in the order in which participants came in.
    fn committed(self);

    /// The batch is undone, as if it had never been. Called in the opposite order.
    fn rolled_back(self);
}

/// One attempt to store what waits, as a change sees it.
pub(crate) struct Batch<'a, P> {
    connection: &'a Connection,
    participants: &'a mut Participants<P>,
}

/// Those who take part in a batch, in the order in which they came in.
pub(super) struct Participants<P> {
    list: Vec<P>,
    by_key: HashMap<i64, usize>,
}

impl<'a, P> Batch<'a, P> {
    pub(super) fn new(connection: &'a Connection, participants: &'a mut Participants<P>) -> Self {
        Self {
            connection,
            participants,
        }
    }

    /// The connection that writes, inside the transaction of the batch. A change neither begins nor ends a
    /// transaction; statements are best taken from the cache (`prepare_cached`).
    pub(crate) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// The participant of a key, made now if the batch has none of this key yet.
    pub(crate) fn participant(&mut self, key: i64, make: impl FnOnce() -> P) -> &mut P {
        let Participants { list, by_key } = &mut *self.participants;
        let index = *by_key.entry(key).or_insert_with(|| {
            list.push(make());
            list.len() - 1
        });
        &mut list[index]
    }
}

impl<P> Participants<P> {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::new(),
            by_key: HashMap::new(),
        }
    }
}

impl<P: Participant> Participants<P> {
    /// Lets each write its last.
    pub(super) fn before_commit(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.list
            .iter_mut()
            .try_for_each(|participant| participant.before_commit(connection))
    }

    /// Tells each that the batch is on disk.
    pub(super) fn committed(&mut self) {
        self.by_key.clear();
        for participant in self.list.drain(..) {
            guarded("committed", || participant.committed());
        }
    }

    /// Tells each that the batch is undone.
    pub(super) fn rolled_back(&mut self) {
        self.by_key.clear();
        for participant in self.list.drain(..).rev() {
            guarded("rolled_back", || participant.rolled_back());
        }
    }
}

/// The state of one workspace may be wrong after a panic; the writer must live on for all others.
fn guarded(what: &'static str, call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::error!(what, "participant of a batch panicked");
    }
}
