//! A client's stream on a workspace: where it begins, what it missed, and that it is detached when it ends, however
//! it ends. It must never know how events are framed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runwright_proto::{ClientId, Cursor, Gap, RunId, Seq};
use runwright_pubsub::{From, Lagged, SubscribeError, Subscription};
use tokio::time::Instant;

use crate::error::AttachError;
use crate::log::WorkspaceEvent;
use crate::registry::AttachTicket;
use crate::workspace::Workspace;

/// A client's stream on a workspace. Dropping it detaches the client and keeps its place for a while.
pub struct Attachment {
    workspace: Arc<Workspace>,
    subscription: Subscription<WorkspaceEvent>,
    /// The gap that the stream begins with, when the log no longer has what the cursor asked for.
    gap: Option<Gap>,
    run: Option<RunId>,
    client: Option<Held>,
}

/// What a stream that belongs to a client does for it when it ends.
pub(crate) struct Held {
    /// The client.
    pub(crate) client: ClientId,
    /// How long its place is kept.
    pub(crate) grace: Duration,
    /// Gives its ticket back.
    pub(crate) detach: Detach,
}

/// Gives the ticket of a stream back, once.
pub(crate) type Detach = Box<dyn FnOnce() + Send + Sync>;

/// Where the streams of clients that went away had come to, so that one which comes back within its grace is given
/// what it missed (semantics 3).
#[derive(Debug, Default)]
pub(crate) struct MissedEvents(Mutex<Vec<Place>>);

/// Where the stream of one client had come to when it ended. There are few of them: they live as long as a grace.
#[derive(Debug)]
struct Place {
    client: ClientId,
    cursor: runwright_pubsub::Seq,
    until: Instant,
}

impl Attachment {
    pub(crate) fn new(
        workspace: Arc<Workspace>,
        (subscription, gap): (Subscription<WorkspaceEvent>, Option<Gap>),
        client: Held,
    ) -> Self {
        Self {
            workspace,
            subscription,
            gap,
            run: None,
            client: Some(client),
        }
    }

    /// A stream of one run's part of the story, which belongs to no client.
    pub(crate) fn of_run(
        workspace: Arc<Workspace>,
        (subscription, gap): (Subscription<WorkspaceEvent>, Option<Gap>),
        run: RunId,
    ) -> Self {
        Self {
            workspace,
            subscription,
            gap,
            run: Some(run),
            client: None,
        }
    }

    /// The workspace.
    #[must_use]
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// The events, from the place where the stream begins.
    pub fn subscription(&mut self) -> &mut Subscription<WorkspaceEvent> {
        &mut self.subscription
    }

    /// Takes the gap that the stream begins with, if there is one.
    pub fn take_gap(&mut self) -> Option<Gap> {
        self.gap.take()
    }

    /// The run whose part of the story this is; `None` for the whole story.
    #[must_use]
    pub fn run(&self) -> Option<&RunId> {
        self.run.as_ref()
    }

    /// Says what a reader is told of events that it can no longer get.
    #[must_use]
    pub fn gap(&self, lagged: Lagged) -> Gap {
        self.workspace.gap(lagged.from.get(), lagged.to.get())
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if let Some(Held {
            client,
            grace,
            detach,
        }) = self.client.take()
        {
            self.workspace.missed.left(Place {
                client,
                cursor: self.subscription.cursor(),
                until: Instant::now() + grace,
            });
            detach();
        }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("workspace", &self.workspace.id)
            .field("cursor", &self.subscription.cursor())
            .finish_non_exhaustive()
    }
}

impl Workspace {
    /// Begins to read the log where the client says, or where it had come to before it was cut off a moment ago, or
    /// now. A cursor of another life of the log, or older than what is kept, begins with a gap.
    pub(crate) fn read_from(
        &self,
        cursor: Option<&Cursor>,
        client: Option<ClientId>,
    ) -> Result<(Subscription<WorkspaceEvent>, Option<Gap>), AttachError> {
        let missed = client.and_then(|client| self.missed.returned(client));
        let (from, gap) = match cursor {
            None => (missed.map_or(From::Now, From::After), None),
            Some(Cursor::Now) => (From::Now, None),
            Some(Cursor::Start) => (From::Start, None),
            Some(Cursor::After { epoch, seq }) if epoch == self.log.epoch() => {
                (From::After(runwright_pubsub::Seq::new(seq.0)), None)
            }
            // Nobody can say what came after that event: of the present log nothing was seen.
            Some(Cursor::After { .. }) => {
                let first = Seq::ZERO.next().0;
                (From::Start, Some(self.gap(first, self.last_lost())))
            }
        };
        match self.log.subscribe(from) {
            Ok(subscription) => Ok((subscription, gap)),
            Err(SubscribeError::CursorAhead { head, .. }) => {
                Err(AttachError::CursorAhead { head: head.get() })
            }
            Err(SubscribeError::Closed(_)) => {
                Err(crate::error::WorkspaceError::NotFound(self.id).into())
            }
        }
    }

    fn gap(&self, from: u64, to: u64) -> Gap {
        Gap {
            from: Seq(from),
            to: Seq(to),
            epoch: self.log.epoch().clone(),
        }
    }

    /// The number before the oldest event that is kept.
    fn last_lost(&self) -> u64 {
        let oldest = self.log.topic().oldest();
        oldest.map_or_else(|| self.log.topic().head().get(), |oldest| oldest.get() - 1)
    }
}

impl Place {
    fn is_kept(&self) -> bool {
        Instant::now() <= self.until
    }
}

impl MissedEvents {
    /// Where clients had come to whose streams the end of another process cut.
    pub(crate) fn cut_off(
        clients: impl IntoIterator<Item = ClientId>,
        seen: Seq,
        grace: Duration,
    ) -> Self {
        let until = Instant::now() + grace;
        let place = |client| Place {
            client,
            cursor: runwright_pubsub::Seq::new(seen.0),
            until,
        };
        Self(Mutex::new(clients.into_iter().map(place).collect()))
    }

    fn left(&self, place: Place) {
        let mut left = self.lock();
        left.retain(|other| other.is_kept() && other.client != place.client);
        left.reserve_exact(1);
        left.push(place);
    }

    /// Where the client had come to, if it left within its grace.
    fn returned(&self, client: ClientId) -> Option<runwright_pubsub::Seq> {
        let mut left = self.lock();
        left.retain(Place::is_kept);
        let at = left.iter().position(|place| place.client == client)?;
        Some(left.swap_remove(at).cursor)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a [`Detach`] out of a ticket.
pub(crate) fn detach_with(
    ticket: AttachTicket,
    give_back: impl FnOnce(AttachTicket) + Send + Sync + 'static,
) -> Detach {
    Box::new(move || give_back(ticket))
}
