//! All that the lock of a topic guards, and each step that is taken under it.
//!
//! A step decides and moves state. It must never take a lock, wake anybody or drop an event: what is left to do comes
//! back as [`Published`] or [`Settled`], for the shell to perform after it released the lock.

use std::task::Waker;

use crate::{
    Batch, Event, Lagged, MustDeliver, Received, ReceivedBatch, Seq, TopicOptions, TopicStats,
    ahead::{self, Ahead},
    deferred::{Published, Settled},
    log::{Fresh, Limits, Log, Step},
    parking::Interest,
    readers::{Reader, ReaderId, Readers},
    sync::Shared,
    waits::{Fate, Waits},
};

pub(crate) struct State<E: Event> {
    log: Log<E>,
    readers: Readers,
    waits: Waits,
    /// The last batch built since the last publish: readers in lockstep all get this one.
    shared_batch: Option<Batch<E>>,
    max_batch_bytes: usize,
    /// The newest number that readers of urgent events were woken for.
    urgent: Seq,
    /// How many losses readers were told of.
    lagged: u64,
    is_closed: bool,
}

/// What a reader finds.
pub(crate) enum Taken<R, E: Event> {
    /// It moved: it took something, or was told of a loss.
    Moved(R, Settled<E>),
    /// It is at the end of the log.
    Empty,
    /// It is at the end of a log that will not grow.
    End,
}

impl<E: Event> State<E> {
    pub(crate) fn new(options: &TopicOptions) -> Self {
        Self {
            log: Log::new(options),
            readers: Readers::default(),
            waits: Waits::default(),
            shared_batch: None,
            max_batch_bytes: options.max_batch_bytes,
            urgent: Seq::ZERO,
            lagged: 0,
            is_closed: false,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(crate) fn head(&self) -> Seq {
        self.log.head()
    }

    pub(crate) fn oldest(&self) -> Option<Seq> {
        self.log.oldest()
    }

    /// Returns the number of the next event, unless the topic takes none any more.
    pub(crate) fn next_seq(&self) -> Option<Seq> {
        let next = self.log.head().next();
        (!self.is_closed && next > self.log.head()).then_some(next)
    }

    /// Appends an event; with this one step it has its number, its place and its readers.
    pub(crate) fn publish(&mut self, seq: Seq, fresh: Fresh<E>, published: &mut Published<E>) {
        let is_urgent = fresh.is_urgent;
        self.log.append(seq, fresh, &mut published.removed);
        published.stale = self.shared_batch.take();
        published.any = self.readers.take_parked(Interest::Any);
        if is_urgent {
            self.urgent = seq;
            published.urgent = self.readers.take_parked(Interest::Urgent);
        } else {
            published.lagging = self.readers.take_lagging(self.log.lost());
        }
    }

    /// Appends an event that the publisher waits for, whatever its class: all readers are woken for it.
    pub(crate) fn publish_awaited(
        &mut self,
        seq: Seq,
        mut fresh: Fresh<E>,
        published: &mut Published<E>,
    ) {
        fresh.is_urgent = true;
        self.publish(seq, fresh, published);
        let pending = self.readers.owing(seq).count();
        self.waits.open(seq, pending, self.readers.len() - pending);
    }

    /// Refuses further events; readers end after what is there.
    pub(crate) fn shut_down(&mut self, published: &mut Published<E>) {
        self.is_closed = true;
        published.any = self.readers.take_parked(Interest::Any);
        published.urgent = self.readers.take_parked(Interest::Urgent);
    }

    pub(crate) fn subscribe(&mut self, cursor: Seq) -> ReaderId {
        self.readers.add(cursor, self.log.head())
    }

    /// Returns the cursor from which everything that is kept is seen, and nothing is told to be lost.
    pub(crate) fn start(&self) -> Seq {
        self.log.lost()
    }

    pub(crate) fn unsubscribe(&mut self, id: ReaderId) -> Settled<E> {
        let owes_after = self.readers.get(id).owes_after();
        let unparked = self.readers.remove(id);
        let over = self.waits.settle(owes_after, self.log.head(), Fate::Left);
        // A batch is kept for other readers only.
        let stale = if self.readers.len() < 2 {
            self.shared_batch.take()
        } else {
            None
        };
        Settled::new(over, unparked, stale)
    }

    pub(crate) fn cursor(&self, id: ReaderId) -> Seq {
        self.readers.get(id).cursor
    }

    /// Takes the next event for a reader, and some more into `ahead`.
    #[inline]
    pub(crate) fn take_event(
        &mut self,
        id: ReaderId,
        ahead: &mut Ahead<E>,
    ) -> Taken<Received<E>, E> {
        self.take(id, |state, cursor| {
            let (seq, event, last) = match state.log.only_after(cursor) {
                Some((seq, event)) => (seq, event, seq),
                None => state.take_run(cursor, ahead),
            };
            (Received::Event { seq, event }, last, None)
        })
    }

    /// Returns the event after the cursor with its number, and the number of the last one that went into `ahead`.
    fn take_run(&self, cursor: Seq, ahead: &mut Ahead<E>) -> (Seq, Shared<E>, Seq) {
        // An event that a publisher waits for is delivered when it is handed out, and no sooner.
        let limits = if self.waits.is_empty() {
            ahead::LIMITS
        } else {
            Limits::ONE
        };
        let mut events = self.log.events_after(cursor, limits);
        let (seq, event) = events
            .next()
            .expect("invariant: the newest event is always kept");
        let last = ahead.refill(seq, events).unwrap_or(seq);
        (seq, event, last)
    }

    /// Takes all events that wait for a reader, up to the size of a batch.
    #[inline]
    pub(crate) fn take_batch(&mut self, id: ReaderId) -> Taken<ReceivedBatch<E>, E> {
        self.take(id, |state, cursor| {
            let (batch, last, stale) = state.batch_after(cursor);
            (ReceivedBatch::Batch(batch), last, stale)
        })
    }

    /// Moves a reader to what comes next; `next` returns it, with the cursor it leads to and a batch to drop.
    ///
    /// This is the way of every delivery: what it calls is inlined, what is rare is kept out of line.
    #[inline(always)]
    fn take<R: From<Lagged>>(
        &mut self,
        id: ReaderId,
        next: impl FnOnce(&mut Self, Seq) -> (R, Seq, Option<Batch<E>>),
    ) -> Taken<R, E> {
        let &Reader {
            cursor, skipped, ..
        } = self.readers.get(id);
        match self.log.step(cursor, skipped) {
            Step::CaughtUp if self.is_closed => Taken::End,
            Step::CaughtUp => Taken::Empty,
            Step::Lagged(lagged) => {
                self.lagged += 1;
                Taken::Moved(
                    lagged.into(),
                    self.advance(id, lagged.to, Fate::Lagged, None),
                )
            }
            Step::Ready => {
                let (received, to, stale) = next(self, cursor);
                Taken::Moved(received, self.advance(id, to, Fate::Took, stale))
            }
        }
    }

    /// Moves a cursor. That is all there is to it, unless somebody waits for it or is left waiting.
    #[inline(always)]
    fn advance(
        &mut self,
        id: ReaderId,
        to: Seq,
        fate: Fate,
        stale: Option<Batch<E>>,
    ) -> Settled<E> {
        if stale.is_some() || !self.waits.is_empty() || self.readers.is_parked(id) {
            return self.advance_and_settle(id, to, fate, stale);
        }
        let head = self.log.head();
        self.readers.get_mut(id).move_to(to, head);
        Settled::nothing()
    }

    #[cold]
    fn advance_and_settle(
        &mut self,
        id: ReaderId,
        to: Seq,
        fate: Fate,
        stale: Option<Batch<E>>,
    ) -> Settled<E> {
        let unparked = self.readers.unpark(id);
        let head = self.log.head();
        let reader = self.readers.get_mut(id);
        let owes_after = reader.owes_after();
        reader.move_to(to, head);
        let over = self.waits.settle(owes_after, to, fate);
        Settled::new(over, unparked, stale)
    }

    /// Returns the batch after a cursor, the shared one if it is that, with its last number and a batch to drop.
    #[inline(always)]
    fn batch_after(&mut self, cursor: Seq) -> (Batch<E>, Seq, Option<Batch<E>>) {
        match &self.shared_batch {
            Some(batch) if batch.after() == cursor => {
                // Read before the counter is touched: what comes after an atomic operation waits for it.
                let last = batch.last();
                (batch.clone(), last, None)
            }
            _ => self.build_batch(cursor),
        }
    }

    #[cold]
    fn build_batch(&mut self, cursor: Seq) -> (Batch<E>, Seq, Option<Batch<E>>) {
        let run = self
            .log
            .run_after(cursor, Limits::bytes(self.max_batch_bytes));
        let batch = Batch::new(cursor, run);
        let last = batch.last();
        if self.readers.len() < 2 {
            return (batch, last, None);
        }
        let stale = self.shared_batch.replace(batch.clone());
        (batch, last, stale)
    }

    /// Parks a reader; returns a waker that it replaces.
    pub(crate) fn park(
        &mut self,
        id: ReaderId,
        interest: Interest,
        waker: &Waker,
    ) -> Option<Waker> {
        self.readers.park(id, interest, waker)
    }

    /// Takes out the waker of a reader that no longer waits.
    pub(crate) fn unpark(&mut self, id: ReaderId) -> Option<Waker> {
        self.readers.unpark(id)
    }

    /// Tells whether something lies ahead of a reader that must not wait: an urgent event, a loss, or the end.
    ///
    /// `handed_out` is how far its owner has come, if that is not as far as the reader has.
    pub(crate) fn is_pressing(&self, id: ReaderId, handed_out: Option<Seq>) -> bool {
        let reader = self.readers.get(id);
        let is_lagging = reader.cursor < self.log.lost().max(reader.skipped);
        self.is_closed || is_lagging || handed_out.unwrap_or(reader.cursor) < self.urgent
    }

    /// Returns what a must-deliver publish came to, or keeps the waker.
    pub(crate) fn poll_wait(
        &mut self,
        seq: Seq,
        waker: &Waker,
    ) -> Result<MustDeliver, Option<Waker>> {
        self.waits.poll(seq, waker)
    }

    /// Ends a wait at its deadline: who has not taken the event must skip it, and no other wait goes on for it.
    ///
    /// The second value are publishers to wake, the third one is the waker of this wait, to be dropped. No reader needs to
    /// be woken: the event woke it, and nobody parks with an urgent event ahead.
    pub(crate) fn give_up(&mut self, seq: Seq) -> (MustDeliver, Vec<Waker>, Option<Waker>) {
        let (mut outcome, own) = self.waits.close(seq);
        let behind: Vec<ReaderId> = self.readers.owing(seq).collect();
        outcome.lagged += behind.len();
        let over = behind
            .into_iter()
            .flat_map(|id| self.skip(id, seq))
            .collect();
        (outcome, over, own)
    }

    /// Makes a reader skip everything up to `seq` and releases all publishers that wait for it.
    fn skip(&mut self, id: ReaderId, seq: Seq) -> Vec<Waker> {
        let reader = self.readers.get_mut(id);
        let owes_after = reader.owes_after();
        reader.skip(seq);
        self.waits.settle(owes_after, self.log.head(), Fate::Lagged)
    }

    /// Ends a wait that nobody is interested in any more; returns its waker.
    pub(crate) fn forget_wait(&mut self, seq: Seq) -> Option<Waker> {
        self.waits.close(seq).1
    }

    pub(crate) fn stats(&self) -> TopicStats {
        let counts = self.log.counts();
        TopicStats {
            published: counts.published,
            superseded: counts.superseded,
            evicted: counts.evicted,
            lagged: self.lagged,
            subscribers: self.readers.len(),
            retained_events: self.log.retained(),
            retained_bytes: self.log.bytes(),
        }
    }

    /// Returns how many places the ring and the list of readers have.
    #[cfg(all(test, not(any(runwright_loom, runwright_shuttle))))]
    pub(crate) fn reserved(&self) -> usize {
        self.log.reserved() + self.readers.reserved()
    }
}
