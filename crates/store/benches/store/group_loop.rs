//! Owns the bare group commit: callers hand over what is to be stored and wait, one thread takes everything that waits
//! and answers when it is stored. It must never know what storing is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use runwright_agent::NewRun;
use tokio::sync::{mpsc, oneshot};

use crate::Result;

/// How many are taken at once at most (performance 9).
const AT_ONCE: usize = 1024;

/// The way to the thread, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct GroupLoop {
    send: mpsc::UnboundedSender<Waiting>,
    batches: Arc<AtomicU64>,
}

/// What is to be stored, and who waits for it.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) run: NewRun,
    reply: oneshot::Sender<()>,
}

impl GroupLoop {
    /// Starts the thread; `commit` makes one batch durable.
    pub(crate) fn start(
        mut commit: impl FnMut(&[Waiting]) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let (send, mut receive) = mpsc::unbounded_channel();
        let batches = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&batches);
        let work = move || {
            let mut waiting = Vec::with_capacity(AT_ONCE);
            while receive.blocking_recv_many(&mut waiting, AT_ONCE) > 0 {
                if let Err(error) = commit(&waiting) {
                    // Those who wait are told by the end of their channels.
                    return crate::note(&error.to_string());
                }
                counted.fetch_add(1, Relaxed);
                for Waiting { reply, .. } in waiting.drain(..) {
                    // Whoever has gone has no use for it.
                    reply.send(()).ok();
                }
            }
        };
        thread::Builder::new().spawn(work)?;
        Ok(Self { send, batches })
    }

    pub(crate) async fn store(&self, run: NewRun) -> Result<()> {
        let (reply, stored) = oneshot::channel();
        self.send
            .send(Waiting { run, reply })
            .map_err(|_| "the bare loop has ended")?;
        Ok(stored.await?)
    }

    pub(crate) fn batches(&self) -> u64 {
        self.batches.load(Relaxed)
    }
}
