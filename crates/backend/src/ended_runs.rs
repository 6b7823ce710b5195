//! Wakes those who wait for a run to have started or to be over. It must never know which run that is: they look for
//! themselves.

use std::sync::OnceLock;

use tokio::sync::watch;

/// Counts the runs that have started and those that are over, from the first time that somebody waits for one: in most
/// workspaces nobody ever does, and a channel is a large part of an idle one.
#[derive(Debug, Default)]
pub(crate) struct EndedRuns(OnceLock<watch::Sender<u64>>);

impl EndedRuns {
    /// For those who wait: subscribe first, then look at the reservations, then wait for a change and look again.
    ///
    /// A run that `tell` says nothing of, because there is no channel yet, has left the reservations before; so who
    /// subscribes later does not see it there. That follows from the lock of the reservations, which both sides take in
    /// between.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.get_or_init(|| watch::Sender::new(0)).subscribe()
    }

    /// Says that a run is over, and has left the reservations; or that it has started, and is among those that have.
    pub(crate) fn tell(&self) {
        if let Some(ended) = self.0.get() {
            ended.send_modify(|count| *count += 1);
        }
    }
}
