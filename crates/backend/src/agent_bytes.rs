//! What a transport made of the agent's state, kept until the state changes: clients ask for it several times a second
//! (performance 10, P10). It must never know what the bytes are.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use runwright_proto::AgentInfo;

use crate::workspace::Workspace;

/// The bytes of an agent's state, one for each combination of busy and ready.
#[derive(Debug, Default)]
pub(crate) struct AgentBytes(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Grows with every change, so that bytes which were made of an older state are not kept.
    generation: u64,
    made: [Option<Bytes>; 4],
}

impl Workspace {
    /// [`agent_info`](Self::agent_info) as `encode` writes it.
    ///
    /// It is encoded anew only after the agent was initialized or a change of the configuration was
    /// [announced](Self::announce_config_changed), so every caller has to encode alike.
    pub fn agent_info_bytes(&self, encode: impl FnOnce(&AgentInfo) -> Bytes) -> Bytes {
        let place = usize::from(self.has_agent()) * 2 + usize::from(self.agent_is_busy());
        let generation = match self.agent_bytes.at(place) {
            Ok(bytes) => return bytes,
            Err(generation) => generation,
        };
        let info = self.agent_info();
        let bytes = encode(&info);
        let place = usize::from(info.is_ready) * 2 + usize::from(info.is_busy);
        self.agent_bytes.keep(place, generation, &bytes);
        bytes
    }
}

impl AgentBytes {
    /// Forgets everything that was made so far.
    pub(crate) fn forget(&self) {
        let mut kept = self.lock();
        kept.generation += 1;
        kept.made = Default::default();
    }

    /// Returns what was made of this state, or else the generation to keep it under.
    fn at(&self, place: usize) -> Result<Bytes, u64> {
        let kept = self.lock();
        kept.made[place].clone().ok_or(kept.generation)
    }

    fn keep(&self, place: usize, generation: u64, bytes: &Bytes) {
        let mut kept = self.lock();
        if kept.generation == generation {
            kept.made[place] = Some(bytes.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_state_that_has_changed_meanwhile_are_not_kept() {
        let bytes = AgentBytes::default();
        let generation = bytes.at(2).unwrap_err();
        bytes.forget();
        bytes.keep(2, generation, &Bytes::from_static(b"old"));
        let generation = bytes.at(2).unwrap_err();
        bytes.keep(2, generation, &Bytes::from_static(b"new"));
        assert_eq!(bytes.at(2), Ok(Bytes::from_static(b"new")));
        assert_eq!(bytes.at(3), Err(generation));
        bytes.forget();
        assert_eq!(bytes.at(2), Err(generation + 1));
    }
}
