//! Owns the ids of clients that have said goodbye for good.
//!
//! It must never know what a client claimed; it has no clock and is told the time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use runwright_proto::ClientId;

/// The retired clients, each until its expiry. All times are since the start of the process.
#[derive(Debug, Default)]
pub(super) struct RetiredClients {
    expiry: BTreeMap<ClientId, Duration>,
    /// The same pairs by time, so that forgetting the expired ones costs nothing when there are none.
    by_expiry: BTreeSet<(Duration, ClientId)>,
}

impl RetiredClients {
    /// Remembers `client` until `expiry`. A second retirement moves the expiry.
    pub(super) fn insert(&mut self, client: ClientId, expiry: Duration) {
        if let Some(earlier) = self.expiry.insert(client, expiry) {
            self.by_expiry.remove(&(earlier, client));
        }
        self.by_expiry.insert((expiry, client));
    }

    /// Tells whether `client` is retired at `now`, and forgets everybody whose expiry has come.
    pub(super) fn contains(&mut self, client: ClientId, now: Duration) -> bool {
        while let Some(&(expiry, expired)) =
            self.by_expiry.first().filter(|(expiry, _)| *expiry <= now)
        {
            self.by_expiry.remove(&(expiry, expired));
            self.expiry.remove(&expired);
        }
        self.expiry.contains_key(&client)
    }
}
