//! Owns every rule of the workspace lifecycle: which workspaces live, who keeps them, when they close, and when the
//! server may exit.
//!
//! Pure: state and input in, decision and effects out. It must never know a clock, a lock, a task, I/O, or what a
//! workspace is: `W` is a handle that it gives back.
//!
//! # The shell around it
//!
//! - One mutex around one [`Registry`]. No method blocks; each is one step that nothing can come between.
//! - The returned [`Effect`]s are performed after the mutex is released. They may be late, never lost.
//! - `busy` tells whether a workspace has a queued or active run. It is asked at most once per workspace and call, with
//!   the mutex held. A run that ends drops its mark of being busy first and calls [`Registry::runs_ended`] then; so the
//!   registry either sees the workspace idle or is told of the end, and no workspace is left behind.
//! - Whoever waits for a workspace is woken after [`Registry::opened`], [`Registry::open_failed`] and
//!   [`Registry::closed`], and calls [`Registry::retry`].
//!
//! # The life of a workspace
//!
//! | state | create | attach | left by |
//! |---|---|---|---|
//! | unknown | opens it | not found | `create`, `open_known` |
//! | opening | waits | not found | `opened`, `open_failed` |
//! | open | joins | attaches | last claim and last run gone, and the linger window over; or shutdown |
//! | closing | waits, then opens it anew | closing | `closed` |
//!
//! There is one entry per id, and the id is derived from the resolved path, so there are never two live workspaces of
//! one path.

use std::collections::BTreeMap;

use runwright_proto::{SessionId, WorkspaceId};

mod create;
mod decision;
mod exit;
mod generation;
mod leave;
mod live;
mod options;
mod pending;
mod retired;
mod tickets;

pub use self::{
    decision::{
        AttachRefusal, CreateDecision, CreateRefusal, CurrentSessionRefusal, Decided, Effect,
        Lookup, NotIdle, TimerKey,
    },
    generation::Generation,
    options::{LifecycleOptions, Profile},
    tickets::{AttachTicket, OpenTicket, WaitTicket},
};
use self::{generation::Generations, live::Live, pending::PendingCreates, retired::RetiredClients};
use crate::claims::ClientView;

/// The workspaces of a server and the claims on them.
///
/// `W` is the handle of an open workspace. Every `now` is the time since the start of the process.
///
/// # Examples
///
/// ```
/// use std::{path::Path, time::Duration};
///
/// use runwright_backend::{CreateDecision, Effect, LifecycleOptions, Lookup, Profile, Registry};
/// use runwright_proto::{ClientId, WorkspaceId};
///
/// let mut registry = Registry::new(LifecycleOptions { linger: Duration::ZERO, ..LifecycleOptions::default() });
/// let (id, client) = (WorkspaceId::of_path(Path::new("/home/user/demo")), ClientId::random());
///
/// let created = registry.create(id, client, Profile::default(), Duration::ZERO);
/// let CreateDecision::Open(ticket) = created.outcome else { unreachable!("nobody else has it open") };
/// let opened = registry.opened(ticket, "demo"); // after the slow opening
/// assert_eq!(opened.outcome, Ok("demo"));
///
/// let effects = registry.release(id, client, |_| false);
/// assert_eq!(effects, [Effect::Close("demo")]);
/// assert_eq!(registry.get(id), Lookup::Closing);
/// ```
#[derive(Debug)]
pub struct Registry<W> {
    options: LifecycleOptions,
    entries: BTreeMap<WorkspaceId, Entry<W>>,
    pending: PendingCreates,
    retired: RetiredClients,
    generations: Generations,
    /// The armed idle-exit timer. Armed only while the server is idle.
    idle_exit: Option<Generation>,
    /// The latch: no create passes any more. Never cleared.
    closing: bool,
}

#[derive(Debug)]
enum Entry<W> {
    Opening,
    Open(Live<W>),
    Closing,
}

impl<W: Clone> Registry<W> {
    /// Makes a registry without workspaces.
    #[must_use]
    pub fn new(options: LifecycleOptions) -> Self {
        Self {
            options,
            entries: BTreeMap::new(),
            pending: PendingCreates::default(),
            retired: RetiredClients::default(),
            generations: Generations::default(),
            idle_exit: None,
            closing: false,
        }
    }

    /// Looks a workspace up.
    #[must_use]
    pub fn get(&self, workspace: WorkspaceId) -> Lookup<W> {
        match self.entries.get(&workspace) {
            Some(Entry::Open(live)) => Lookup::Open(live.workspace.clone()),
            Some(Entry::Opening) => Lookup::Opening,
            Some(Entry::Closing) => Lookup::Closing,
            None => Lookup::Unknown,
        }
    }

    /// Lists the open workspaces in the order of their ids.
    #[must_use]
    pub fn list(&self) -> Vec<(WorkspaceId, W)> {
        let open = |(&id, entry): (&WorkspaceId, &Entry<W>)| {
            Some((id, entry.as_live()?.workspace.clone()))
        };
        self.entries.iter().filter_map(open).collect()
    }

    /// Lists the claims on an open workspace in the order of the client ids; `None` when it is not open.
    #[must_use]
    pub fn clients(&self, workspace: WorkspaceId) -> Option<Vec<ClientView>> {
        Some(self.entries.get(&workspace)?.as_live()?.claims.views())
    }

    /// Counts the clients that have a stream on the workspace and have selected `session`; `None` when the workspace is
    /// not open.
    #[must_use]
    pub fn attached(&self, workspace: WorkspaceId, session: &SessionId) -> Option<usize> {
        Some(
            self.entries
                .get(&workspace)?
                .as_live()?
                .claims
                .attached(session),
        )
    }

    /// Counts the creates in flight: those that open a workspace and those that wait for one.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether no workspace lives, in whatever state, and no create is pending.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.entries.is_empty() && self.pending.is_empty()
    }

    /// Whether the server has decided to exit or was told to shut down. Never goes back to `false`.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }
}

impl<W> Entry<W> {
    fn as_live(&self) -> Option<&Live<W>> {
        match self {
            Self::Open(live) => Some(live),
            Self::Opening | Self::Closing => None,
        }
    }

    fn live(&mut self) -> Option<&mut Live<W>> {
        match self {
            Self::Open(live) => Some(live),
            Self::Opening | Self::Closing => None,
        }
    }

    /// Turns an open entry into a closing one and hands out what is to be torn down. Nothing else makes a `Close` of an
    /// open workspace, so there is one per life.
    fn close(&mut self) -> Option<W> {
        self.live()?;
        match std::mem::replace(self, Self::Closing) {
            Self::Open(live) => Some(live.workspace),
            Self::Opening | Self::Closing => None,
        }
    }
}
