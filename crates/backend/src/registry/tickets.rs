//! Owns the proofs that the registry gives out and wants back: of a create in flight and of an attached stream.
//!
//! A ticket cannot be copied or made up, so each is given back at most once.

use runwright_proto::{ClientId, WorkspaceId};

use super::{Generation, Profile};

/// Stands for the one create that opens a workspace.
#[derive(Debug)]
#[must_use = "give it back with `opened` or `open_failed`, or the server can never exit by itself"]
pub struct OpenTicket(pub(super) Create);

/// Stands for a create that waits until a workspace is open or gone.
#[derive(Debug)]
#[must_use = "give it back with `retry` or `give_up`, or the server can never exit by itself"]
pub struct WaitTicket(pub(super) Create);

/// Stands for one attached stream.
#[derive(Debug)]
#[must_use = "give it back with `detach`, or the workspace stays claimed for ever"]
pub struct AttachTicket {
    pub(super) workspace: WorkspaceId,
    pub(super) client: ClientId,
    pub(super) stream: Generation,
}

/// A create in flight.
#[derive(Debug)]
pub(super) struct Create {
    pub(super) generation: Generation,
    pub(super) request: Request,
}

/// What a create asks for; without a client it is a route that opens a known workspace on demand.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) workspace: WorkspaceId,
    pub(super) client: Option<ClientId>,
    pub(super) profile: Profile,
}

impl OpenTicket {
    /// Returns the workspace to open.
    #[must_use]
    pub const fn workspace(&self) -> WorkspaceId {
        self.0.request.workspace
    }

    /// Returns what its creator decided for the workspace.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.0.request.profile
    }
}

impl WaitTicket {
    /// Returns the workspace to wait for.
    #[must_use]
    pub const fn workspace(&self) -> WorkspaceId {
        self.0.request.workspace
    }
}

impl AttachTicket {
    /// Returns the workspace the stream belongs to.
    #[must_use]
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Returns the client the stream belongs to.
    #[must_use]
    pub const fn client(&self) -> ClientId {
        self.client
    }
}
