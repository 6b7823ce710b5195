//! A handshake between a script and its test. It must never know what is on either side.

use std::sync::Arc;

use tokio::sync::watch;

use super::until::until;

/// A place in a script where it waits for the test, and the test for it.
///
/// Clones are the same gate. Once it is released it stays open.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Sides>);

#[derive(Debug, Default)]
struct Sides {
    /// How often a script has come here.
    reached: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

impl Gate {
    /// Makes a gate that is closed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until a script stands at the gate, or has passed it.
    ///
    /// # Cancel safety
    /// Nothing is lost; call it again.
    pub async fn reached(&self) {
        self.reached_times(1).await;
    }

    /// Waits until scripts have come to the gate so many times in all.
    ///
    /// # Cancel safety
    /// Nothing is lost; call it again.
    pub async fn reached_times(&self, times: usize) {
        until(&self.0.reached, |came| (*came >= times).then_some(())).await;
    }

    /// Lets pass who waits, and who comes later.
    pub fn release(&self) {
        self.0.released.send_replace(true);
    }

    /// Waits at the gate.
    pub(super) async fn pass(&self) {
        self.0.reached.send_modify(|came| *came += 1);
        until(&self.0.released, |released| released.then_some(())).await;
    }
}
