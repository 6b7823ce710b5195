//! The request to stop one run, as the run sees it: level-triggered, with the reason of the first who asked.
//! Model-checked (`tests/loom.rs`), so it must never use a primitive that does not come from `sync.rs`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::sync::{Arc, Mutex, lock};
use crate::waker_set::WakerSet;

/// Why a run is asked to stop.
///
/// ```
/// use runwright_agent::CancelReason;
///
/// assert_eq!(CancelReason::Superseded.to_string(), "superseded by a newer prompt");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CancelReason {
    /// Somebody cancelled the run or its session; the run ends as `cancelled`.
    Requested,
    /// A prompt with the busy policy `interrupt` took its place; the run ends as `cancelled`.
    Superseded,
    /// Its last client left, and the workspace's policy is to cancel then; the run ends as `cancelled`.
    Abandoned,
    /// The workspace or the server is closing; the run ends as `interrupted`.
    Closing,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "cancelled on request",
            Self::Superseded => "superseded by a newer prompt",
            Self::Abandoned => "cancelled because the last client left",
            Self::Closing => "the workspace is closing",
        })
    }
}

/// Tells one run to stop. Clones share the request.
///
/// The request is a level, not an edge: once made it stays, so whoever looks or waits later still finds it. The
/// first reason stands.
///
/// ```
/// use runwright_agent::{CancelReason, CancelToken};
///
/// let token = CancelToken::new();
/// let seen_by_the_run = token.clone();
/// assert!(!seen_by_the_run.is_cancelled());
/// assert!(token.cancel(CancelReason::Requested));
/// assert!(!token.cancel(CancelReason::Closing), "the first reason stands");
/// assert_eq!(seen_by_the_run.reason(), Some(CancelReason::Requested));
/// ```
#[derive(Clone)]
pub struct CancelToken {
    shared: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    reason: Option<CancelReason>,
    waiting: WakerSet,
}

impl CancelToken {
    /// Makes a token that nobody has cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Mutex::new(State::default())),
        }
    }

    /// Asks the run to stop and wakes everybody who waits for that. Returns whether this was the first request.
    #[expect(
        clippy::must_use_candidate,
        reason = "a cancel is made for its effect; whether it was the first is for those who ask"
    )]
    pub fn cancel(&self, reason: CancelReason) -> bool {
        let wakers = {
            let mut state = lock(&self.shared);
            if state.reason.is_some() {
                return false;
            }
            state.reason = Some(reason);
            state.waiting.take()
        };
        for waker in wakers {
            waker.wake();
        }
        true
    }

    /// Whether the run has been asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// The reason of the first request, if there was one.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        lock(&self.shared).reason
    }

    /// Completes when the run is asked to stop, at once if it already was.
    ///
    /// # Cancel safety
    /// Dropping the future only forgets its waker.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled {
            token: self.clone(),
            key: None,
        }
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}

/// The future of [`CancelToken::cancelled`].
///
/// ```
/// use runwright_agent::{CancelReason, CancelToken};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let token = CancelToken::new();
/// token.cancel(CancelReason::Closing);
/// assert_eq!(token.cancelled().await, CancelReason::Closing, "at once, if it already was");
/// # }).expect("nothing waits here");
/// ```
#[must_use = "a future does nothing unless it is awaited"]
pub struct Cancelled {
    token: CancelToken,
    key: Option<u64>,
}

impl Future for Cancelled {
    type Output = CancelReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CancelReason> {
        let this = &mut *self;
        let mut state = lock(&this.token.shared);
        if let Some(reason) = state.reason {
            return Poll::Ready(reason);
        }
        let replaced = state.waiting.register(&mut this.key, cx.waker());
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if self.key.is_some() {
            let removed = lock(&self.token.shared).waiting.remove(self.key);
            drop(removed);
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled").finish_non_exhaustive()
    }
}
