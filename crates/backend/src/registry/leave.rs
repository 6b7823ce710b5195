//! Owns how clients come to and go from an open workspace, and what their going means for it.
//!
//! It must never know what a run is: the shell tells whether a workspace is busy.

use std::time::Duration;

use runwright_proto::{ClientId, OnLastDetach, SessionId, WorkspaceId};

use super::{
    AttachRefusal, CurrentSessionRefusal, Effect, Entry, Generation, Live, Registry, TimerKey,
    tickets::AttachTicket,
};
use crate::claims::Detached;

impl<W: Clone> Registry<W> {
    /// Attaches an event stream of `client`, which ends the hold of its claim. A client without a claim gets one.
    ///
    /// # Errors
    ///
    /// - [`AttachRefusal::Retired`]: the client was retired less than
    ///   [`retired_expiry`](super::LifecycleOptions::retired_expiry) ago.
    /// - [`AttachRefusal::Closing`]: the workspace is being torn down.
    /// - [`AttachRefusal::NotFound`]: the workspace is unknown or still being opened.
    pub fn attach(
        &mut self,
        workspace: WorkspaceId,
        client: ClientId,
        now: Duration,
    ) -> Result<(W, AttachTicket), AttachRefusal> {
        if self.retired.contains(client, now) {
            return Err(AttachRefusal::Retired);
        }
        match self.entries.get_mut(&workspace) {
            Some(Entry::Open(live)) => {
                let stream = self.generations.next();
                live.attach(client, stream);
                Ok((
                    live.workspace.clone(),
                    AttachTicket {
                        workspace,
                        client,
                        stream,
                    },
                ))
            }
            Some(Entry::Closing) => Err(AttachRefusal::Closing),
            Some(Entry::Opening) | None => Err(AttachRefusal::NotFound),
        }
    }

    /// Detaches a stream. The client's last one leaves its claim to the detach grace, unless it has released.
    ///
    /// A stream whose claim was retired, or whose workspace has closed since, changes nothing.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a ticket is given back at most once"
    )]
    pub fn detach(&mut self, ticket: AttachTicket, busy: impl Fn(&W) -> bool) -> Vec<Effect<W>> {
        let AttachTicket {
            workspace,
            client,
            stream,
        } = ticket;
        let (hold, grace) = (self.generations.next(), self.options.detach_grace);
        let Some(live) = self.live(workspace) else {
            return Vec::new();
        };
        match live
            .claims
            .detach(client, stream, (!grace.is_zero()).then_some(hold))
        {
            Detached::Unchanged => Vec::new(),
            Detached::Held => vec![live.arm_hold(client, hold, grace)],
            Detached::Removed => self.claim_gone(workspace, busy),
        }
    }

    /// Lets go of a client's claim: at once, or with its last stream if it has one. Nothing to let go of is no error.
    #[must_use]
    pub fn release(
        &mut self,
        workspace: WorkspaceId,
        client: ClientId,
        busy: impl Fn(&W) -> bool,
    ) -> Vec<Effect<W>> {
        if self
            .live(workspace)
            .is_some_and(|live| live.claims.release(client))
        {
            self.claim_gone(workspace, busy)
        } else {
            Vec::new()
        }
    }

    /// Says goodbye to a client: drops its claims on every workspace, whatever its streams, fails its creates in flight
    /// at their commit, and refuses its id for
    /// [`retired_expiry`](super::LifecycleOptions::retired_expiry). Idempotent.
    #[must_use]
    pub fn retire(
        &mut self,
        client: ClientId,
        now: Duration,
        busy: impl Fn(&W) -> bool,
    ) -> Vec<Effect<W>> {
        self.retired
            .insert(client, now.saturating_add(self.options.retired_expiry));
        self.pending.retire(client);
        let mut left = Vec::new();
        for (&id, entry) in &mut self.entries {
            if entry.live().is_some_and(|live| live.claims.remove(client)) {
                left.push(id);
            }
        }
        left.into_iter()
            .flat_map(|id| self.claim_gone(id, &busy))
            .collect()
    }

    /// Handles a timer that an [`Effect::Arm`] asked for. A timer that was superseded changes nothing.
    #[must_use]
    pub fn fire(&mut self, timer: TimerKey, busy: impl Fn(&W) -> bool) -> Vec<Effect<W>> {
        match timer {
            TimerKey::Hold {
                workspace,
                client,
                generation,
            } => {
                if self
                    .live(workspace)
                    .is_some_and(|live| live.claims.expire(client, generation))
                {
                    self.claim_gone(workspace, busy)
                } else {
                    Vec::new()
                }
            }
            TimerKey::Linger {
                workspace,
                generation,
            } => self.linger_over(workspace, generation, busy),
            TimerKey::IdleExit { generation } => self.idle_exit_over(generation),
        }
    }

    /// Notes that the last run of a workspace has ended. A workspace without claims then lingers for the full window,
    /// and closes. Calling it when there was nothing to end, or when the next run has begun already, is harmless.
    #[must_use]
    pub fn runs_ended(
        &mut self,
        workspace: WorkspaceId,
        busy: impl Fn(&W) -> bool,
    ) -> Vec<Effect<W>> {
        match self.live(workspace) {
            Some(live) if live.is_abandoned() && !busy(&live.workspace) => self.linger(workspace),
            Some(_) | None => Vec::new(),
        }
    }

    /// Selects the session that a client with a stream looks at, or none.
    ///
    /// # Errors
    ///
    /// - [`CurrentSessionRefusal::NotFound`]: the workspace is not open.
    /// - [`CurrentSessionRefusal::NotAttached`]: the client has no stream on it.
    pub fn set_current_session(
        &mut self,
        workspace: WorkspaceId,
        client: ClientId,
        session: Option<SessionId>,
    ) -> Result<(), CurrentSessionRefusal> {
        let live = self
            .live(workspace)
            .ok_or(CurrentSessionRefusal::NotFound)?;
        if live.claims.set_current_session(client, session) {
            Ok(())
        } else {
            Err(CurrentSessionRefusal::NotAttached)
        }
    }

    /// Decides about a workspace that has lost a claim: nothing while others claim it; otherwise its runs go first, and
    /// the linger window starts when there are none.
    fn claim_gone(&mut self, workspace: WorkspaceId, busy: impl Fn(&W) -> bool) -> Vec<Effect<W>> {
        match self.live(workspace) {
            Some(live) if !live.is_abandoned() => Vec::new(),
            Some(live) if !busy(&live.workspace) => self.linger(workspace),
            Some(live) if live.profile.on_last_detach == OnLastDetach::Cancel => {
                vec![Effect::CancelRuns(live.workspace.clone())]
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Starts the linger window of a workspace, or closes it where there is no window.
    fn linger(&mut self, workspace: WorkspaceId) -> Vec<Effect<W>> {
        let (generation, window) = (self.generations.next(), self.options.linger);
        if window.is_zero() {
            return self.close(workspace);
        }
        match self.live(workspace) {
            Some(live) => live.arm_linger(generation, window),
            None => Vec::new(),
        }
    }

    /// Closes a workspace whose linger window is over. A busy one waits for `runs_ended`, which starts the window again.
    fn linger_over(
        &mut self,
        workspace: WorkspaceId,
        generation: Generation,
        busy: impl Fn(&W) -> bool,
    ) -> Vec<Effect<W>> {
        let over = self
            .live(workspace)
            .is_some_and(|live| live.end_linger(generation) && !busy(&live.workspace));
        if over {
            self.close(workspace)
        } else {
            Vec::new()
        }
    }

    fn close(&mut self, workspace: WorkspaceId) -> Vec<Effect<W>> {
        let closed = self.entries.get_mut(&workspace).and_then(Entry::close);
        closed.map(Effect::Close).into_iter().collect()
    }

    fn live(&mut self, workspace: WorkspaceId) -> Option<&mut Live<W>> {
        self.entries.get_mut(&workspace).and_then(Entry::live)
    }
}
