//! Owns how a workspace comes to be open: create, join, wait, open on demand, commit and failure.
//!
//! It must never know what opening means; it is slow and happens outside the lock.

use std::time::Duration;

use runwright_proto::{ClientId, WorkspaceId};

use super::{
    CreateDecision, CreateRefusal, Decided, Effect, Entry, Generation, Live, Profile, Registry,
    tickets::{Create, OpenTicket, Request, WaitTicket},
};

impl<W: Clone> Registry<W> {
    /// Creates or joins a workspace for `client`.
    ///
    /// An open workspace is joined; the client has its claim when this returns. A workspace that is being opened or
    /// closed is waited for. A workspace that does not exist is opened, by one create only.
    pub fn create(
        &mut self,
        workspace: WorkspaceId,
        client: ClientId,
        profile: Profile,
        now: Duration,
    ) -> Decided<W, CreateDecision<W>> {
        let retired = self.retired.contains(client, now);
        self.admit(
            Request {
                workspace,
                client: Some(client),
                profile,
            },
            retired,
        )
    }

    /// Opens a known workspace because a route names it, without a claim (semantics 4).
    ///
    /// Decides like [`create`](Self::create), and is refused only when the server shuts down. A workspace that is open
    /// already is joined with whatever profile it has. Once opened it lingers until somebody claims or uses it.
    pub fn open_known(
        &mut self,
        workspace: WorkspaceId,
        profile: Profile,
    ) -> Decided<W, CreateDecision<W>> {
        self.admit(
            Request {
                workspace,
                client: None,
                profile,
            },
            false,
        )
    }

    /// Decides a create anew that has waited.
    pub fn retry(&mut self, waiter: WaitTicket) -> Decided<W, CreateDecision<W>> {
        let Create {
            generation,
            request,
        } = waiter.0;
        let retired = self.pending.settle(generation);
        let mut decided = self.admit(request, retired);
        decided.effects.extend(self.settle_idle());
        decided
    }

    /// Forgets a create that will not wait any longer.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a ticket is given back at most once"
    )]
    pub fn give_up(&mut self, waiter: WaitTicket) -> Vec<Effect<W>> {
        self.pending.settle(waiter.0.generation);
        self.settle_idle()
    }

    /// Commits a workspace that has been opened. Returns the workspace, or why its create fails after all.
    ///
    /// On a refusal the workspace closes again. Creates that wait for it wait for the end of that, then open it anew.
    ///
    /// # Errors
    ///
    /// - [`CreateRefusal::ShuttingDown`]: the server has begun to shut down.
    /// - [`CreateRefusal::Retired`]: the client was retired while the workspace was being opened (contract 4.2, step 6).
    pub fn opened(
        &mut self,
        ticket: OpenTicket,
        workspace: W,
    ) -> Decided<W, Result<W, CreateRefusal>> {
        let Create {
            generation,
            request,
        } = ticket.0;
        let retired = self.pending.settle(generation);
        if let Some(refusal) = self.refusal(retired) {
            self.entries.insert(request.workspace, Entry::Closing);
            return Decided {
                outcome: Err(refusal),
                effects: vec![Effect::Close(workspace)],
            };
        }
        let mut live = Live::new(request.workspace, workspace.clone(), request.profile);
        let generation = self.generations.next();
        let effects = match request.client {
            Some(client) => live.register(client, generation, self.options.create_grace),
            None if live.is_abandoned() => {
                // Like a creator, whoever opened the workspace needs a moment to come and use it, also where
                // workspaces close at once.
                live.arm_linger(
                    generation,
                    self.options.linger.max(self.options.create_grace),
                )
            }
            None => Vec::new(),
        };
        self.entries.insert(request.workspace, Entry::Open(live));
        Decided {
            outcome: Ok(workspace),
            effects,
        }
    }

    /// Takes back a workspace that could not be opened. Creates that wait for it try for themselves.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a ticket is given back at most once"
    )]
    pub fn open_failed(&mut self, ticket: OpenTicket) -> Vec<Effect<W>> {
        self.pending.settle(ticket.0.generation);
        self.entries.remove(&ticket.workspace());
        self.settle_idle()
    }

    fn admit(&mut self, request: Request, retired: bool) -> Decided<W, CreateDecision<W>> {
        if let Some(refusal) = self.refusal(retired) {
            return Decided::of(CreateDecision::Refuse(refusal));
        }
        match self.entries.get_mut(&request.workspace) {
            None => {
                self.entries.insert(request.workspace, Entry::Opening);
                Decided::of(CreateDecision::Open(OpenTicket(self.begin(request))))
            }
            Some(Entry::Opening | Entry::Closing) => {
                Decided::of(CreateDecision::Wait(WaitTicket(self.begin(request))))
            }
            Some(Entry::Open(live)) => {
                let hold = self.generations.next();
                join(live, request, hold, self.options.create_grace)
            }
        }
    }

    /// Why no create passes now.
    fn refusal(&self, retired: bool) -> Option<CreateRefusal> {
        if self.closing {
            return Some(CreateRefusal::ShuttingDown);
        }
        retired.then_some(CreateRefusal::Retired)
    }

    /// Counts a create as pending, which cancels the idle exit.
    fn begin(&mut self, request: Request) -> Create {
        let generation = self.generations.next();
        self.idle_exit = None;
        self.pending.begin(generation, request.client);
        Create {
            generation,
            request,
        }
    }
}

fn join<W: Clone>(
    live: &mut Live<W>,
    request: Request,
    hold: Generation,
    grace: Duration,
) -> Decided<W, CreateDecision<W>> {
    let joined = CreateDecision::Join(live.workspace.clone());
    let Some(client) = request.client else {
        return Decided::of(joined);
    };
    if live.profile.channels != request.profile.channels {
        return Decided::of(CreateDecision::Refuse(CreateRefusal::ChannelsMismatch {
            existing: live.profile.channels.clone(),
            requested: request.profile.channels,
        }));
    }
    Decided {
        outcome: joined,
        effects: live.register(client, hold, grace),
    }
}
