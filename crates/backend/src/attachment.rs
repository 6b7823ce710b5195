//! A client's stream on a workspace: what comes next on it, from disk and from memory, and that the client is detached
//! when it ends, however it ends. It must never know how events are framed.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use runwright_agent::LogQuery;
use runwright_proto::{ClientId, Event, Gap, RunId, Seq};
use runwright_pubsub::{Batch, Lagged, ReceivedBatch, Subscription, TryRecvError};

use self::course::Course;
use self::missed::Place;
use self::replay::{Piece, Replay};
use crate::log::{CatchUp, WorkspaceEvent};
use crate::registry::AttachTicket;
use crate::workspace::Workspace;

mod course;
mod missed;
mod opening;
mod pages;
mod replay;

pub(crate) use self::missed::MissedEvents;
pub(crate) use self::opening::Opening;
pub(crate) use self::pages::Pages;
pub use self::pages::{ReadFailed, StoredPage};

/// A client's stream on a workspace. Dropping it detaches the client and keeps its place for a while.
///
/// # Ordering
///
/// Numbers rise and are told once, across disk and memory; they may jump. A loss is told by a [`Gap`], at its place.
pub struct Attachment {
    workspace: Arc<Workspace>,
    subscription: Subscription<WorkspaceEvent>,
    /// What the log in memory no longer has and is read from disk before it goes on.
    replay: Option<Replay>,
    /// What is told before anything else.
    first: First,
    /// Whether the reader is told of messages that are being written by deltas.
    deltas: bool,
    /// Whether it has of each what was there when the stream began.
    resumes: bool,
    is_cut: bool,
    run: Option<RunId>,
    client: Option<Held>,
}

/// What comes next on a stream.
#[derive(Debug)]
pub enum Next {
    /// Events from memory, shared with the readers that are as far as this one.
    Batch(Batch<WorkspaceEvent>),
    /// Events from disk, framed.
    Stored(StoredPage),
    /// What brings a reader of deltas up to date of messages that are being written. None of these events has a number.
    Unplaced(Vec<Event>),
    /// A part of the story is lost.
    Gap(Gap),
}

/// What is told before anything else, and where the reader is until it was.
#[derive(Debug, Default)]
struct First {
    next: VecDeque<Next>,
    place: Option<Place>,
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

impl Attachment {
    pub(crate) fn new(workspace: Arc<Workspace>, opening: Opening, client: Held) -> Self {
        Self::open(workspace, opening, None, Some(client))
    }

    /// A stream of one run's part of the story, which belongs to no client.
    pub(crate) fn of_run(workspace: Arc<Workspace>, opening: Opening, run: RunId) -> Self {
        Self::open(workspace, opening, Some(run), None)
    }

    fn open(
        workspace: Arc<Workspace>,
        opening: Opening,
        run: Option<RunId>,
        client: Option<Held>,
    ) -> Self {
        let Opening {
            subscription,
            replay,
            gap,
            resumes,
        } = opening;
        let mut first = First::default();
        first.next.extend(gap.map(Next::Gap));
        Self {
            workspace,
            subscription,
            replay,
            first,
            deltas: false,
            resumes,
            is_cut: false,
            run,
            client,
        }
    }

    /// Tells of messages that are being written by what comes to them, instead of by snapshots: [`WorkspaceLog::told`]
    /// says what a [batch](Next::Batch) tells such a reader. Call it before anything was read.
    ///
    /// A reader that goes on where it had been is told nothing again. Any other begins with the messages that are just
    /// being written, as far as they are.
    ///
    /// [`WorkspaceLog::told`]: crate::WorkspaceLog::told
    #[must_use]
    pub fn with_deltas(mut self) -> Self {
        self.deltas = true;
        if self.resumes {
            return self;
        }
        if let Some(replay) = self.replay.take() {
            let catch_up = self.catch_up(Seq::ZERO, replay.to());
            self.replay = Some(replay.catching_up(catch_up));
        } else {
            let cursor = self.cursor();
            let whole = self.catch_up(Seq::ZERO, cursor);
            let place = Place {
                cursor,
                deltas: false,
            };
            self.first.add(unplaced(whole), place);
        }
        self
    }

    /// The workspace.
    #[must_use]
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// The run whose part of the story this is; `None` for the whole story.
    #[must_use]
    pub fn run(&self) -> Option<&RunId> {
        self.run.as_ref()
    }

    /// Waits for what comes next; `None` when the log is closed and everything was read, or when stored events cannot be
    /// read: then the stream is cut, and a reader that comes back with its cursor misses nothing.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Next> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Polls for what comes next; for hand-written futures, see [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        loop {
            match ready!(self.poll_stored(cx)) {
                Ok(Some(next)) => return Poll::Ready(Some(next)),
                Ok(None) => {}
                Err(ReadFailed) => return Poll::Ready(None),
            }
            match ready!(self.subscription.poll_recv_batch(cx)) {
                Some(ReceivedBatch::Batch(batch)) => {
                    return Poll::Ready(Some(Next::Batch(batch)));
                }
                Some(ReceivedBatch::Lagged(lagged)) => self.fall_back(lagged),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Polls for what comes next of what was published until now, which may have to be read from disk; nothing when all of
    /// it was told.
    ///
    /// # Errors
    /// [`ReadFailed`], when stored events cannot be read.
    pub fn poll_published(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Next>, ReadFailed>> {
        loop {
            match ready!(self.poll_stored(cx)) {
                Ok(Some(next)) => return Poll::Ready(Ok(Some(next))),
                Ok(None) => {}
                Err(ReadFailed) => return Poll::Ready(Err(ReadFailed)),
            }
            match self.subscription.try_recv_batch() {
                Ok(ReceivedBatch::Batch(batch)) => {
                    return Poll::Ready(Ok(Some(Next::Batch(batch))));
                }
                Ok(ReceivedBatch::Lagged(lagged)) => self.fall_back(lagged),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// Polls for something that must not wait: what is not a snapshot of a message that is being written.
    pub fn poll_ready_urgent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.replay.is_some() || !self.first.next.is_empty() {
            return Poll::Ready(());
        }
        self.subscription.poll_ready_urgent(cx)
    }

    /// The number up to which the reader was told everything: where to resume.
    #[must_use]
    pub fn cursor(&self) -> Seq {
        self.place().cursor
    }

    /// Polls for what is told before the log in memory goes on.
    fn poll_stored(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Next>, ReadFailed>> {
        if self.is_cut {
            return Poll::Ready(Err(ReadFailed));
        }
        if let Some(next) = self.first.take() {
            return Poll::Ready(Ok(Some(next)));
        }
        let Some(replay) = &mut self.replay else {
            return Poll::Ready(Ok(None));
        };
        let query = |after, until| LogQuery {
            after,
            until,
            run: self.run.clone(),
            finished_only: self.deltas,
        };
        let polled = ready!(replay.poll(cx, &self.workspace.log, query));
        match &polled {
            Ok(Some(_)) => {}
            Ok(None) => self.replay = None,
            Err(ReadFailed) => self.is_cut = true,
        }
        Poll::Ready(polled.map(|piece| piece.map(|piece| self.next_of(piece))))
    }

    fn next_of(&self, piece: Piece) -> Next {
        match piece {
            Piece::CatchUp(catch_up) => Next::Unplaced(catch_up.events()),
            Piece::Gap(lost) => Next::Gap(self.workspace.gap(lost.from.0, lost.to.0)),
            Piece::Page(page) => Next::Stored(page),
        }
    }

    /// Goes on with what is stored of what the log in memory no longer has; where nothing is stored, it is lost.
    fn fall_back(&mut self, Lagged { from, to }: Lagged) {
        let (from, to) = (from.get(), to.get());
        let told = Seq(from - 1);
        let catch_up = self.catch_up(told, Seq(to));
        if let Some(stored) = &self.workspace.opened.events {
            let course = Course::new(told, Seq(to)).catching_up(catch_up);
            self.replay = Some(Replay::new(stored.clone(), course));
            return;
        }
        let gap = Next::Gap(self.workspace.gap(from, to));
        let place = Place {
            cursor: told,
            deltas: self.deltas,
        };
        self.first.add(unplaced(catch_up).chain([gap]), place);
    }

    fn catch_up(&self, after: Seq, through: Seq) -> Vec<CatchUp> {
        if !self.deltas {
            return Vec::new();
        }
        let log = self.workspace.log();
        log.catch_up(after, through, self.run.as_ref())
    }

    fn place(&self) -> Place {
        if let Some(place) = self.first.place {
            return place;
        }
        let told = self.replay.as_ref().map(Replay::told);
        Place {
            cursor: told.unwrap_or_else(|| Seq(self.subscription.cursor().get())),
            deltas: self.deltas,
        }
    }
}

impl First {
    fn add(&mut self, next: impl IntoIterator<Item = Next>, place: Place) {
        self.next.extend(next);
        if !self.next.is_empty() {
            self.place = Some(place);
        }
    }

    fn take(&mut self) -> Option<Next> {
        let next = self.next.pop_front();
        if self.next.is_empty() {
            self.place = None;
        }
        next
    }
}

fn unplaced(catch_up: Vec<CatchUp>) -> impl Iterator<Item = Next> {
    catch_up
        .into_iter()
        .map(|catch_up| Next::Unplaced(catch_up.events()))
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let place = self.place();
        if let Some(Held {
            client,
            grace,
            detach,
        }) = self.client.take()
        {
            self.workspace.missed.left(client, place, grace);
            detach();
        }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("workspace", &self.workspace.id)
            .field("cursor", &self.cursor())
            .finish_non_exhaustive()
    }
}

/// Makes a [`Detach`] out of a ticket.
pub(crate) fn detach_with(
    ticket: AttachTicket,
    give_back: impl FnOnce(AttachTicket) + Send + Sync + 'static,
) -> Detach {
    Box::new(move || give_back(ticket))
}
