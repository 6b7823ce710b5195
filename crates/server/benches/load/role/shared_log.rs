//! Owns the bare shared log of the ceilings: bytes that are appended once and handed to all readers, who leave their
//! wakers when they have everything. It must never know what the bytes are, which is what makes it a lower bound: it
//! tells nobody of a loss, supersedes nothing and bounds only the number of its pieces.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};

const KEPT: usize = 1024;

/// Bytes for many readers.
#[derive(Debug, Default)]
pub(crate) struct SharedLog(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What nobody has read; the first reader makes a piece of it for all.
    unread: BytesMut,
    pieces: VecDeque<Bytes>,
    /// The number of the first piece that is kept.
    first: usize,
    parked: Vec<Waker>,
}

impl SharedLog {
    /// Appends bytes and wakes those who wait for some.
    pub(crate) fn append(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.unread.extend_from_slice(bytes);
        let parked = mem::take(&mut state.parked);
        drop(state);
        parked.into_iter().for_each(Waker::wake);
    }

    /// Where a reader begins that wants what comes from now on.
    pub(crate) fn end(&self) -> usize {
        let mut state = self.lock();
        state.cut();
        state.first + state.pieces.len()
    }

    /// Polls for the piece at the cursor and moves it on.
    pub(crate) fn poll_next(&self, cursor: &mut usize, cx: &mut Context<'_>) -> Poll<Bytes> {
        let mut state = self.lock();
        *cursor = state.first.max(*cursor);
        if *cursor == state.first + state.pieces.len() {
            state.cut();
        }
        // Only now: the cut may have dropped the first piece.
        let place = *cursor - state.first;
        if let Some(piece) = state.pieces.get(place) {
            *cursor += 1;
            return Poll::Ready(piece.clone());
        }
        state.parked.push(cx.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn cut(&mut self) {
        if self.unread.is_empty() {
            return;
        }
        self.pieces.push_back(self.unread.split().freeze());
        if self.pieces.len() > KEPT {
            self.pieces.pop_front();
            self.first += 1;
        }
    }
}
