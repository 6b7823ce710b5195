//! Owns the creates in flight: those inside the slow opening of a workspace and those that wait for one.
//!
//! It must never know which workspace a create is for, nor how it ends.

use std::collections::BTreeMap;

use runwright_proto::ClientId;

use super::Generation;

/// Every create that has been admitted and has not been answered yet.
///
/// A create that waits counts like one that opens: the server may exit under neither (contract 4.6, I6).
#[derive(Debug, Default)]
pub(super) struct PendingCreates {
    by_create: BTreeMap<Generation, Pending>,
}

#[derive(Debug)]
struct Pending {
    client: Option<ClientId>,
    /// Kept here rather than asked of the retired ids, because those expire and a create may not.
    retired: bool,
}

impl PendingCreates {
    /// Remembers a create of `client`, or of nobody when a route opens a workspace on demand.
    pub(super) fn begin(&mut self, create: Generation, client: Option<ClientId>) {
        self.by_create.insert(
            create,
            Pending {
                client,
                retired: false,
            },
        );
    }

    /// Forgets a create and tells whether its client was retired meanwhile. A create nobody knows counts as retired,
    /// so that it can claim nothing.
    pub(super) fn settle(&mut self, create: Generation) -> bool {
        self.by_create
            .remove(&create)
            .is_none_or(|pending| pending.retired)
    }

    /// Marks every create of `client`: each will fail at its commit (contract 4.6, I9).
    pub(super) fn retire(&mut self, client: ClientId) {
        for pending in self.by_create.values_mut() {
            pending.retired |= pending.client == Some(client);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_create.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_create.is_empty()
    }
}
