//! The ceiling: the least a shared log can be. No classes, no loss told, no resume, no shared batch, no end.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
};

use crate::run::Frame;

const KEPT: usize = 1024;

#[derive(Clone, Default)]
pub(crate) struct Bare {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    ring: VecDeque<Frame>,
    /// How many frames left the ring.
    base: usize,
    parked: Vec<Waker>,
}

impl Bare {
    pub(crate) fn publish(&self, frame: Frame) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ring.push_back(frame);
        if state.ring.len() > KEPT {
            state.ring.pop_front();
            state.base += 1;
        }
        let parked = mem::take(&mut state.parked);
        drop(state);
        parked.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn end(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.base + state.ring.len()
    }

    /// Copies all frames after the cursor into `into`.
    pub(crate) async fn read(&self, cursor: &mut usize, into: &mut Vec<Frame>) {
        poll_fn(|cx| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let skip = cursor.saturating_sub(state.base);
            if skip == state.ring.len() {
                state.parked.push(cx.waker().clone());
                return Poll::Pending;
            }
            into.extend(state.ring.range(skip..).cloned());
            *cursor = state.base + state.ring.len();
            Poll::Ready(())
        })
        .await;
    }
}
