//! Owns the signals that end the process: the first asks, the second insists.
//!
//! It must never know what has to be ended, nor how long that may take.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What the signals SIGTERM and SIGINT have asked for so far.
///
/// `main` begins the drain when `requested` is cancelled, and returns at once when `forced` is, with
/// [`FORCED_EXIT_CODE`], so that destructors still run.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// Cancelled by the first signal.
    pub requested: CancellationToken,
    /// Cancelled by the second.
    pub forced: CancellationToken,
}

/// The exit code after a second signal: 1, as for everything that is neither a success nor a usage error (style 3.8).
pub const FORCED_EXIT_CODE: u8 = 1;

impl Shutdown {
    /// Takes over both signals; they no longer end the process by themselves from here on, not even before the task that
    /// listens has run.
    ///
    /// # Errors
    ///
    /// When the system refuses the handlers.
    pub fn on_signals(tasks: &TaskTracker) -> io::Result<Self> {
        let signals = Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        let shutdown = Self {
            requested: CancellationToken::new(),
            forced: CancellationToken::new(),
        };
        tasks.spawn(listen(signals, shutdown.clone()));
        Ok(shutdown)
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Ends after the second signal. A third changes nothing; the process is on its way out.
async fn listen(mut signals: Signals, shutdown: Shutdown) {
    let signal = signals.next().await;
    tracing::info!(
        signal,
        "shutting down; a second signal ends the server at once"
    );
    shutdown.requested.cancel();
    let signal = signals.next().await;
    tracing::warn!(signal, "ending at once");
    shutdown.forced.cancel();
}
