//! Owns the words in which the registry answers: decisions, refusals, and the effects that the shell performs.
//!
//! It must never know how an effect is performed.

use std::time::Duration;

use runwright_proto::{ClientId, WorkspaceId};

use super::{
    Generation,
    tickets::{OpenTicket, WaitTicket},
};

/// An answer together with what the shell has to do because of it.
#[derive(Debug)]
#[must_use = "the effects are part of the decision"]
pub struct Decided<W, T> {
    /// The answer.
    pub outcome: T,
    /// What to do, in this order, after the registry's lock is released.
    pub effects: Vec<Effect<W>>,
}

/// Something the registry has decided and the shell performs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an effect that is not performed leaves the workspace in limbo"]
pub enum Effect<W> {
    /// Call [`Registry::fire`](super::Registry::fire) with this timer when the time has passed. Timers are never
    /// disarmed: a superseded one changes nothing.
    Arm {
        /// The timer.
        timer: TimerKey,
        /// When to fire, from now. Zero is "as soon as possible".
        after: Duration,
    },
    /// Tear this workspace down, then call [`Registry::closed`](super::Registry::closed). Decided exactly once in the
    /// life of a workspace, counting those that [`Registry::begin_shutdown`](super::Registry::begin_shutdown) returns
    /// (contract 4.6, I5).
    Close(W),
    /// Cancel the runs of this workspace; it closes after they have ended.
    CancelRuns(W),
    /// Leave the process. Decided at most once, and final: every later create is refused (contract 4.6, I8).
    Exit,
}

/// Names one arming of one timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKey {
    /// The create grace or detach grace of a client's claim.
    Hold {
        /// The claimed workspace.
        workspace: WorkspaceId,
        /// Whose claim it is.
        client: ClientId,
        /// This arming.
        generation: Generation,
    },
    /// The window in which a workspace without claims and runs waits for somebody to come back.
    Linger {
        /// The workspace.
        workspace: WorkspaceId,
        /// This arming.
        generation: Generation,
    },
    /// The window in which a server without workspaces waits for a create.
    IdleExit {
        /// This arming.
        generation: Generation,
    },
}

impl TimerKey {
    /// Returns the workspace whose timer it is; the idle exit belongs to none.
    #[must_use]
    pub const fn workspace(&self) -> Option<WorkspaceId> {
        match self {
            Self::Hold { workspace, .. } | Self::Linger { workspace, .. } => Some(*workspace),
            Self::IdleExit { .. } => None,
        }
    }
}

/// What becomes of a create, or of a route that needs a workspace to be open.
#[derive(Debug)]
#[must_use = "a ticket that is not given back keeps the server from exiting"]
pub enum CreateDecision<W> {
    /// The workspace is open, and the client has its claim.
    Join(W),
    /// Open the workspace, then give the ticket to [`Registry::opened`](super::Registry::opened) or
    /// [`Registry::open_failed`](super::Registry::open_failed).
    Open(OpenTicket),
    /// The workspace is being opened or closed. Wait until that is over, then give the ticket to
    /// [`Registry::retry`](super::Registry::retry), or at any time to [`Registry::give_up`](super::Registry::give_up).
    Wait(WaitTicket),
    /// No; nothing was claimed or changed.
    Refuse(CreateRefusal),
}

/// Why a create was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateRefusal {
    /// The server has decided to exit.
    #[error("server is shutting down")]
    ShuttingDown,
    /// The client was retired, before the create or while it was in flight.
    #[error("client is retired")]
    Retired,
    /// The workspace is open with other channels.
    #[error(
        "requested channels differ from the existing workspace: requested `{requested:?}`, existing `{existing:?}`"
    )]
    ChannelsMismatch {
        /// The channels of the open workspace.
        existing: Vec<String>,
        /// The channels of the create.
        requested: Vec<String>,
    },
}

/// Why a stream was not attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachRefusal {
    /// The workspace is not open.
    #[error("workspace is not open")]
    NotFound,
    /// The workspace is being torn down. To a contract client this is [`NotFound`](Self::NotFound) too: it registers
    /// again, and that create waits for the end of the teardown.
    #[error("workspace is closing")]
    Closing,
    /// The client was retired.
    #[error("client is retired")]
    Retired,
}

/// Why a client's current session was not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CurrentSessionRefusal {
    /// The workspace is not open.
    #[error("workspace is not open")]
    NotFound,
    /// The client has no stream on the workspace.
    #[error("client has no event stream")]
    NotAttached,
}

/// Why the server does not exit: a workspace lives or a create is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("server is not idle")]
pub struct NotIdle;

/// What the registry knows about a workspace id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<W> {
    /// The workspace is open.
    Open(W),
    /// The workspace is being torn down.
    Closing,
    /// A create is opening the workspace.
    Opening,
    /// The registry has no such workspace; the store may know it.
    Unknown,
}

impl<W, T> Decided<W, T> {
    /// An answer that asks the shell for nothing.
    pub(super) fn of(outcome: T) -> Self {
        Self {
            outcome,
            effects: Vec::new(),
        }
    }
}
