//! Where the streams of clients had come to when they ended, so that one which comes back soon is given what it missed
//! (semantics 3). It must never know why a stream ended.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runwright_proto::{ClientId, Seq};
use tokio::time::Instant;

/// Where the streams of clients that went away had come to. There are few of them: they live as long as a grace.
#[derive(Debug, Default)]
pub(crate) struct MissedEvents(Mutex<Vec<Left>>);

/// Where a stream had come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The last number that it was told.
    pub(super) cursor: Seq,
    /// Whether it was told of messages that are being written by deltas, and so has of each what was there at that number.
    pub(super) deltas: bool,
}

/// Where the stream of one client had come to when it ended.
#[derive(Debug)]
struct Left {
    client: ClientId,
    place: Place,
    until: Instant,
}

impl MissedEvents {
    /// Where clients had come to whose streams the end of another process cut.
    pub(crate) fn cut_off(
        clients: impl IntoIterator<Item = (ClientId, Seq)>,
        grace: Duration,
    ) -> Self {
        let until = Instant::now() + grace;
        // Nothing that was being written then is being written now.
        let left = |(client, seen)| Left {
            client,
            place: Place {
                cursor: seen,
                deltas: false,
            },
            until,
        };
        Self(Mutex::new(clients.into_iter().map(left).collect()))
    }

    pub(super) fn left(&self, client: ClientId, place: Place, grace: Duration) {
        let until = Instant::now() + grace;
        let mut left = self.lock();
        left.retain(|other| other.is_kept() && other.client != client);
        left.reserve_exact(1);
        left.push(Left {
            client,
            place,
            until,
        });
    }

    /// Where the client had come to, if it left within its grace.
    pub(super) fn returned(&self, client: ClientId) -> Option<Place> {
        let mut left = self.lock();
        left.retain(Left::is_kept);
        let at = left.iter().position(|left| left.client == client)?;
        Some(left.swap_remove(at).place)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Left>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Left {
    fn is_kept(&self) -> bool {
        Instant::now() <= self.until
    }
}
