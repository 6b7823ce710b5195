//! Owns one open workspace: its handle, its profile, its claims and its linger timer.
//!
//! It must never know other workspaces, nor whether the server goes on.

use std::time::Duration;

use runwright_proto::{ClientId, OnLastDetach, WorkspaceId};

use super::{Effect, Generation, Profile, TimerKey};
use crate::claims::Claims;

/// An open workspace.
#[derive(Debug)]
pub(super) struct Live<W> {
    id: WorkspaceId,
    pub(super) workspace: W,
    pub(super) profile: Profile,
    pub(super) claims: Claims,
    /// The armed linger timer. Armed only while there is no claim.
    linger: Option<Generation>,
}

impl<W> Live<W> {
    pub(super) fn new(id: WorkspaceId, workspace: W, profile: Profile) -> Self {
        Self {
            id,
            workspace,
            profile,
            claims: Claims::default(),
            linger: None,
        }
    }

    /// Gives the client of a create its claim, under a fresh hold unless streams keep it.
    pub(super) fn register(
        &mut self,
        client: ClientId,
        hold: Generation,
        grace: Duration,
    ) -> Vec<Effect<W>> {
        self.linger = None;
        if self.claims.register(client, hold) {
            vec![self.arm_hold(client, hold, grace)]
        } else {
            Vec::new()
        }
    }

    /// Adds a stream of a client.
    pub(super) fn attach(&mut self, client: ClientId, stream: Generation) {
        self.linger = None;
        self.claims.attach(client, stream);
    }

    /// Whether nobody claims the workspace and it may close for that.
    pub(super) fn is_abandoned(&self) -> bool {
        self.claims.is_empty() && self.profile.on_last_detach != OnLastDetach::Keep
    }

    /// Starts the linger window, or starts it again.
    pub(super) fn arm_linger(&mut self, generation: Generation, after: Duration) -> Vec<Effect<W>> {
        self.linger = Some(generation);
        let timer = TimerKey::Linger {
            workspace: self.id,
            generation,
        };
        vec![Effect::Arm { timer, after }]
    }

    /// Ends the linger window of that very generation. Tells whether it was the armed one.
    pub(super) fn end_linger(&mut self, generation: Generation) -> bool {
        self.linger.take_if(|armed| *armed == generation).is_some()
    }

    /// Asks for the timer of a hold.
    pub(super) fn arm_hold(
        &self,
        client: ClientId,
        generation: Generation,
        after: Duration,
    ) -> Effect<W> {
        let timer = TimerKey::Hold {
            workspace: self.id,
            client,
            generation,
        };
        Effect::Arm { timer, after }
    }
}
