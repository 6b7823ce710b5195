//! One request and what became of its answer, for the test to look at. It must never know the script.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use super::until::until;
use super::{Cut, Request};

/// One request and what became of its answer. Clones are the same exchange.
#[derive(Debug, Clone)]
pub struct Exchange(Arc<State>);

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The response was sent to its end; the connection could be used again.
    Complete,
    /// The script cut the connection.
    Cut(Cut),
    /// The client closed the connection before that.
    HungUp,
}

#[derive(Debug)]
struct State {
    request: Request,
    ending: watch::Sender<Option<Ending>>,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    text: Vec<Instant>,
    bytes: u64,
}

impl Exchange {
    pub(super) fn new(request: Request) -> Self {
        Self(Arc::new(State {
            request,
            ending: watch::Sender::new(None),
            written: Mutex::default(),
        }))
    }

    /// What was asked.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.0.request
    }

    /// Waits until the exchange has ended. A client that closes the connection is noticed at once, whatever the script
    /// is doing; only one that closes it with more to read than the socket holds may not be.
    ///
    /// # Cancel safety
    /// Nothing is lost; call it again.
    pub async fn ended(&self) -> Ending {
        until(&self.0.ending, |ending| *ending).await
    }

    /// How the exchange ended, if it did.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        *self.0.ending.borrow()
    }

    /// The instants at which the pieces of text so far were given to the socket.
    #[must_use]
    pub fn text_written(&self) -> Vec<Instant> {
        self.written().text.clone()
    }

    /// How many bytes of the response the socket has taken so far.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.written().bytes
    }

    pub(super) fn note_text(&self, at: Instant) {
        self.written().text.push(at);
    }

    pub(super) fn note_bytes(&self, count: usize) {
        self.written().bytes += count as u64;
    }

    pub(super) fn end(&self, ending: Ending) {
        self.0.ending.send_replace(Some(ending));
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        let written = self.0.written.lock();
        written.unwrap_or_else(PoisonError::into_inner)
    }
}
