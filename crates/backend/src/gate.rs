//! The closing gate of a workspace: it admits runs until it is closed, and tells when the last one has left.
//! Model-checked (`tests/loom.rs`), so it must never use a primitive that does not come from `sync.rs`, and it knows
//! neither tasks nor time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use runwright_agent::WakerSet;

use crate::sync::{Arc, Mutex, MutexGuard, lock};

/// Admits runs until it is closed, and tells when the last admitted run has left. Clones share the gate.
///
/// # Guarantees
/// - Once [`close`](Self::close) has returned, no permit is issued any more.
/// - [`drained`](Self::drained) never completes while a permit lives or the gate is open, and always completes after
///   the gate is closed and the last permit is dropped, for everybody who waits.
///
/// Entering and closing take one short lock; that costs tens of nanoseconds, and a run costs seconds.
///
/// ```
/// use runwright_backend::{Closing, RunGate};
///
/// let gate = RunGate::new();
/// let permit = gate.enter()?;
/// assert!(gate.close(), "the first close latches");
/// assert_eq!(gate.enter().err(), Some(Closing));
/// assert_eq!(gate.active(), 1);
/// drop(permit);
/// assert_eq!(gate.active(), 0);
/// # Ok::<(), Closing>(())
/// ```
#[derive(Clone)]
pub struct RunGate {
    shared: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    closing: bool,
    active: usize,
    waiting: WakerSet,
}

/// Why a run was not admitted: the workspace is closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("workspace is closing")]
pub struct Closing;

impl RunGate {
    /// Makes an open gate.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Mutex::new(State::default())),
        }
    }

    /// Admits a run for as long as it keeps the permit. Never waits.
    ///
    /// # Errors
    /// [`Closing`], once the gate is closed.
    pub fn enter(&self) -> Result<RunPermit, Closing> {
        let mut state = self.lock();
        if state.closing {
            return Err(Closing);
        }
        state.active += 1;
        Ok(RunPermit { gate: self.clone() })
    }

    /// Closes the gate for good. Returns whether this call closed it.
    #[expect(
        clippy::must_use_candidate,
        reason = "the gate is closed either way; few ask who closed it"
    )]
    pub fn close(&self) -> bool {
        let wakers = {
            let mut state = self.lock();
            if state.closing {
                return false;
            }
            state.closing = true;
            if state.active > 0 {
                return true;
            }
            state.waiting.take()
        };
        for waker in wakers {
            waker.wake();
        }
        true
    }

    /// Whether the gate is closed.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// How many permits live. For logs and for the decision to close an idle workspace; it may be out of date as soon
    /// as it is read.
    #[must_use]
    pub fn active(&self) -> usize {
        self.lock().active
    }

    /// Completes when the gate is closed and no permit lives. Any number may wait.
    ///
    /// # Cancel safety
    /// Dropping the future only forgets its waker.
    pub fn drained(&self) -> Drained {
        Drained {
            gate: self.clone(),
            key: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }

    fn leave(&self) {
        let wakers = {
            let mut state = self.lock();
            state.active -= 1;
            if state.active > 0 || !state.closing {
                return;
            }
            state.waiting.take()
        };
        for waker in wakers {
            waker.wake();
        }
    }
}

impl Default for RunGate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RunGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("RunGate")
            .field("closing", &state.closing)
            .field("active", &state.active)
            .finish_non_exhaustive()
    }
}

/// Proof that a run was admitted. The gate does not drain while it lives.
#[must_use = "dropping the permit lets the gate drain"]
pub struct RunPermit {
    gate: RunGate,
}

impl Drop for RunPermit {
    fn drop(&mut self) {
        self.gate.leave();
    }
}

impl fmt::Debug for RunPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunPermit").finish_non_exhaustive()
    }
}

/// The future of [`RunGate::drained`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Drained {
    gate: RunGate,
    key: Option<u64>,
}

impl Future for Drained {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = lock(&this.gate.shared);
        if state.closing && state.active == 0 {
            return Poll::Ready(());
        }
        let replaced = state.waiting.register(&mut this.key, cx.waker());
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        if self.key.is_some() {
            let removed = self.gate.lock().waiting.remove(self.key);
            drop(removed);
        }
    }
}

impl fmt::Debug for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drained").finish_non_exhaustive()
    }
}
