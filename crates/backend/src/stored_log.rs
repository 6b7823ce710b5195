//! The stored part of a workspace's log, where it has one: what is told to readers besides the changes of the history
//! and of the runs goes through it, and it hears who follows the workspace. It must never know who reads, nor what.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runwright_agent::{EventLog, EventSink, Pace, Publication};
use runwright_proto::{ClientId, End, EndReason, Event};
use tokio::time::{Instant, timeout, timeout_at};

use crate::workspace::Workspace;

/// How long the beginning of a stream waits for the disk at most: a client that is told nothing for longer takes the
/// server for gone.
const NOTE_WITHIN: Duration = Duration::from_secs(1);

/// How many streams each client has on a workspace whose log is to know that: it is told of the first and of the last.
#[derive(Debug, Default)]
pub(crate) struct Followers(Mutex<Streams>);

#[derive(Debug, Default)]
struct Streams {
    of_client: BTreeMap<ClientId, usize>,
    /// The log has been closed and is told nothing more.
    closed: bool,
}

impl Workspace {
    /// Tells of something that is neither a change of the history nor of a run: present readers, and later ones where
    /// the log is stored.
    pub(crate) fn announce(&self, event: Event) {
        let publication = of_no_run(event);
        match &self.opened.events {
            Some(events) => events.announce(publication),
            None => drop(self.log.publish(publication)),
        }
    }

    /// Tells present readers of something that is not stored.
    pub(crate) fn tell(&self, publication: Publication) {
        match &self.opened.events {
            Some(events) => events.tell(publication),
            None => drop(self.log.publish(publication)),
        }
    }

    /// A stream of a client begins.
    pub(crate) fn followed_by(&self, client: ClientId) {
        let Some(events) = &self.opened.events else {
            return;
        };
        let mut streams = self.followers.lock();
        let count = streams.of_client.entry(client).or_default();
        *count += 1;
        // Under the lock, so that the log hears in the order in which it happens. It does not wait and never calls back.
        if *count == 1 && !streams.closed {
            events.attached(client);
        }
    }

    /// A stream of a client has ended.
    pub(crate) fn left_by(&self, client: ClientId) {
        let Some(events) = &self.opened.events else {
            return;
        };
        let mut streams = self.followers.lock();
        let Some(count) = streams.of_client.get_mut(&client) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            streams.of_client.remove(&client);
            if !streams.closed {
                events.detached(client);
            }
        }
    }

    /// Waits until it is stored who follows the workspace, so that a client whose stream is cut by a crash is given what it
    /// missed. A disk that does not answer is not waited for: the stream is worth more than the note.
    pub(crate) async fn followers_are_stored(&self) {
        let Some(events) = &self.opened.events else {
            return;
        };
        let noted = timeout(NOTE_WITHIN, events.flush()).await;
        if !matches!(noted, Ok(Ok(()))) {
            tracing::debug!(workspace = %self.id, "who follows is not stored yet");
        }
    }

    /// Ends the log: everything is stored that ever is, every stream is told why it ends, and ends. Storage that does not
    /// answer until the deadline is left as it is: the next start of the process repairs it.
    pub(crate) async fn end_log(&self, reason: EndReason, deadline: Instant) {
        let end = of_no_run(Event::End(End { reason }));
        let Some(events) = &self.opened.events else {
            self.log.publish(end);
            self.log.shutdown();
            return;
        };
        self.flush(events.as_ref(), deadline).await;
        events.tell(end);
        // It may have to wait for a commit that is under way, and after the shutdown it would go nowhere.
        self.flush(events.as_ref(), deadline).await;
        self.log.shutdown();
        self.followers.lock().closed = true;
        if timeout_at(deadline, events.close()).await.is_err() {
            tracing::error!(workspace = %self.id, "the log was not closed in time: the storage does not answer");
        }
    }

    async fn flush(&self, events: &dyn EventLog, deadline: Instant) {
        match timeout_at(deadline, events.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(workspace = %self.id, error, "the log was not stored to its end");
            }
            Err(_late) => {
                tracing::error!(workspace = %self.id, "the log was not stored in time: the storage does not answer");
            }
        }
    }
}

fn of_no_run(event: Event) -> Publication {
    Publication {
        event,
        run: None,
        pace: Pace::Now,
    }
}

impl Followers {
    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
