//! Owns who keeps one workspace open: the claim of each client, by a hold or by its streams.
//!
//! Pure: it must never know a clock, a lock or a task, nor what happens to a workspace that nobody claims any more.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use runwright_proto::{ClientId, SessionId};

use crate::registry::Generation;

/// The claims of one workspace, at most one per client.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    of_client: BTreeMap<ClientId, Claim>,
}

/// One client's claim as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientView {
    /// Whose claim it is.
    pub client: ClientId,
    /// How many event streams the client has open. Zero while only a grace keeps the claim; such a client is not
    /// present (contract 4.6, I11).
    pub streams: usize,
    /// The session the client has selected, remembered also while it has no stream.
    pub current_session: Option<SessionId>,
}

/// What a detached stream leaves of its client's claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detached {
    /// The claim is as it was: other streams keep it, or the stream was not part of it any more.
    Unchanged,
    /// The grace keeps the claim.
    Held,
    /// The claim is gone.
    Removed,
}

#[derive(Debug)]
struct Claim {
    kept_by: KeptBy,
    current_session: Option<SessionId>,
}

/// What keeps a claim: a timer or streams, never both and never neither.
#[derive(Debug)]
enum KeptBy {
    /// A create grace or a detach grace, ended by the timer of this generation only.
    Hold(Generation),
    Streams {
        live: BTreeSet<Generation>,
        /// The client has let go: the last stream to end takes the claim with it, without grace.
        released: bool,
    },
}

impl Claims {
    pub(crate) fn is_empty(&self) -> bool {
        self.of_client.is_empty()
    }

    /// Makes or renews the claim of a client that created or joined. Tells whether `hold` keeps it now, which is so
    /// unless the client has streams already (contract 4.2, register).
    pub(crate) fn register(&mut self, client: ClientId, hold: Generation) -> bool {
        let claim = match self.of_client.entry(client) {
            Entry::Vacant(vacant) => vacant.insert(Claim {
                kept_by: KeptBy::Hold(hold),
                current_session: None,
            }),
            Entry::Occupied(occupied) => occupied.into_mut(),
        };
        match &mut claim.kept_by {
            KeptBy::Hold(generation) => {
                *generation = hold;
                true
            }
            KeptBy::Streams { released, .. } => {
                *released = false;
                false
            }
        }
    }

    /// Adds a stream to the client's claim, which ends its hold; makes the claim when there is none.
    pub(crate) fn attach(&mut self, client: ClientId, stream: Generation) {
        let attached = || KeptBy::Streams {
            live: BTreeSet::from([stream]),
            released: false,
        };
        match self.of_client.entry(client) {
            Entry::Vacant(vacant) => {
                vacant.insert(Claim {
                    kept_by: attached(),
                    current_session: None,
                });
            }
            Entry::Occupied(mut occupied) => match &mut occupied.get_mut().kept_by {
                KeptBy::Streams { live, .. } => {
                    live.insert(stream);
                }
                hold @ KeptBy::Hold(_) => *hold = attached(),
            },
        }
    }

    /// Takes a stream off the client's claim. After the last one the claim is kept by `grace`, unless there is none or
    /// the client has released. A stream of an earlier claim of the same client changes nothing.
    pub(crate) fn detach(
        &mut self,
        client: ClientId,
        stream: Generation,
        grace: Option<Generation>,
    ) -> Detached {
        let Some(claim) = self.of_client.get_mut(&client) else {
            return Detached::Unchanged;
        };
        let KeptBy::Streams { live, released } = &mut claim.kept_by else {
            return Detached::Unchanged;
        };
        // A stream of an earlier claim is not among them, and one of them always is there.
        live.remove(&stream);
        if !live.is_empty() {
            return Detached::Unchanged;
        }
        match grace {
            Some(grace) if !*released => {
                claim.kept_by = KeptBy::Hold(grace);
                Detached::Held
            }
            Some(_) | None => {
                self.remove(client);
                Detached::Removed
            }
        }
    }

    /// Lets go of a client's claim: now if only a hold keeps it, else with its last stream. Tells whether it is gone.
    pub(crate) fn release(&mut self, client: ClientId) -> bool {
        match self
            .of_client
            .get_mut(&client)
            .map(|claim| &mut claim.kept_by)
        {
            Some(KeptBy::Streams { released, .. }) => {
                *released = true;
                false
            }
            Some(KeptBy::Hold(_)) => self.remove(client),
            None => false,
        }
    }

    /// Removes a client's claim, whatever keeps it. Tells whether there was one.
    pub(crate) fn remove(&mut self, client: ClientId) -> bool {
        let was_there = self.of_client.remove(&client).is_some();
        if self.of_client.is_empty() {
            // A map that was emptied keeps its first node, a third of what an idle workspace costs.
            self.of_client = BTreeMap::new();
        }
        was_there
    }

    /// Ends the hold of that very generation. Tells whether the claim is gone: a hold that was consumed or replaced
    /// ends nothing.
    pub(crate) fn expire(&mut self, client: ClientId, hold: Generation) -> bool {
        let current = self.of_client.get(&client).map(|claim| &claim.kept_by);
        matches!(current, Some(KeptBy::Hold(generation)) if *generation == hold)
            && self.remove(client)
    }

    /// Selects or clears the session of a client that has a stream. Tells whether it has one.
    pub(crate) fn set_current_session(
        &mut self,
        client: ClientId,
        session: Option<SessionId>,
    ) -> bool {
        match self
            .of_client
            .get_mut(&client)
            .filter(|claim| claim.streams() > 0)
        {
            Some(claim) => {
                claim.current_session = session;
                true
            }
            None => false,
        }
    }

    /// Counts the clients that have a stream and have selected `session`.
    pub(crate) fn attached(&self, session: &SessionId) -> usize {
        let attached = self.of_client.values().filter(|claim| claim.streams() > 0);
        attached
            .filter(|claim| claim.current_session.as_ref() == Some(session))
            .count()
    }

    /// Lists the claims in the order of the client ids.
    pub(crate) fn views(&self) -> Vec<ClientView> {
        let view = |(&client, claim): (&ClientId, &Claim)| ClientView {
            client,
            streams: claim.streams(),
            current_session: claim.current_session.clone(),
        };
        self.of_client.iter().map(view).collect()
    }
}

impl Claim {
    fn streams(&self) -> usize {
        match &self.kept_by {
            KeptBy::Hold(_) => 0,
            KeptBy::Streams { live, .. } => live.len(),
        }
    }
}
