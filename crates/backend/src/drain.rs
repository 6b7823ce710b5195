//! The end of the server: every workspace is drained at the same time and closed. It must never know how one workspace
//! shuts down, nor how a process ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runwright_proto::EndReason;
use tokio::sync::SetOnce;
use tokio::time::{Instant, timeout_at};

use crate::backend::{Backend, Shared};
use crate::workspace::ShutdownMode;

/// What became of the workspaces when the backend was shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendShutdown {
    /// Whether every run ended before the deadline.
    pub drained: bool,
    /// How many workspaces were open.
    pub workspaces: usize,
}

/// How far the one shutdown of a backend is.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    begun: AtomicBool,
    over: SetOnce<BackendShutdown>,
}

impl Backend {
    /// Refuses new workspaces and prompts, drains every workspace at the same time, and closes them, all within one
    /// deadline (semantics 5: 30 s). What is closing or being opened at that moment is waited for as well. Later callers
    /// wait for the same, whatever deadline they name, and are given the same report.
    ///
    /// # Cancel safety
    /// What was begun goes on.
    pub async fn shutdown(&self, within: Duration) -> BackendShutdown {
        let drain = &self.shared.drain;
        if !drain.begun.swap(true, Ordering::Relaxed) {
            let steps = self.shared.clone().drain(within);
            self.shared.tracker.spawn(steps);
        }
        *drain.over.wait().await
    }
}

impl Shared {
    async fn drain(self: Arc<Self>, within: Duration) {
        let deadline = Instant::now() + within;
        let open = self.registry().begin_shutdown();
        let workspaces = open.len();
        let closing: Vec<_> = open
            .into_iter()
            .map(|workspace| {
                let (mode, reason) = (ShutdownMode::Drain, EndReason::ServerShutdown);
                let close = self.clone().close(workspace, mode, within, reason);
                self.tracker.spawn(close)
            })
            .collect();
        let mut drained = true;
        for close in closing {
            drained &= close.await.unwrap_or(false);
        }
        drained &= timeout_at(deadline, self.idle()).await.is_ok();
        let report = BackendShutdown {
            drained,
            workspaces,
        };
        // Nobody else sets it: only the first caller begins.
        let _first = self.drain.over.set(report);
    }

    /// Waits until no workspace lives and none is being opened.
    async fn idle(&self) {
        let mut changes = self.changes();
        while !self.registry().is_idle() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}
