//! The messages that are on their way to the disk, by what they are part of: whoever ends a run must not look past one
//! that nobody waits for any more. Must never know what a message says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runwright_proto::{Message, MessageId, RunId};

/// The messages of a workspace that are on their way to the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct PendingMessages(Arc<Mutex<HashMap<Pending, usize>>>);

/// What is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Pending {
    /// A new message of a run.
    New(RunId),
    /// Another state of a message.
    State(MessageId),
}

/// One message on its way. Belongs to its change: dropped when that is on disk, or never will be.
#[derive(Debug)]
pub(crate) struct OnItsWay {
    all: PendingMessages,
    what: Pending,
}

/// Those that were on their way at a moment.
#[derive(Debug)]
pub(crate) struct Snapshot(Vec<Pending>);

impl PendingMessages {
    /// A message is about to be put into the queue.
    pub(crate) fn add(&self, what: Pending) -> OnItsWay {
        *self.lock().entry(what.clone()).or_default() += 1;
        let all = self.clone();
        OnItsWay { all, what }
    }

    /// What is on its way now. Whatever was before, and is not any longer, can be read.
    pub(crate) fn now(&self) -> Snapshot {
        Snapshot(self.lock().keys().cloned().collect())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Pending, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// Whether it has anything of this run, which has written these messages.
    pub(crate) fn is_of(&self, run: &RunId, written: &[Message]) -> bool {
        self.0.iter().any(|pending| match pending {
            Pending::New(of) => of == run,
            Pending::State(id) => written.iter().any(|message| message.id == *id),
        })
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(count) = all.get_mut(&self.what) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.what);
            }
        }
    }
}
