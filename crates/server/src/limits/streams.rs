//! Owns how many event streams a client may have open.
//!
//! It must never know what a stream carries.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runwright_proto::{ClientId, ErrorCode};

use crate::problem::ApiError;

/// Counts the open streams of each client. A clone counts into the same numbers.
#[derive(Debug, Clone)]
pub struct StreamSlots {
    max: usize,
    open: Arc<Mutex<HashMap<ClientId, usize>>>,
}

/// One open stream; dropping it makes room for another.
#[derive(Debug)]
#[must_use = "a slot that is dropped at once limits nothing"]
pub struct StreamSlot {
    client: ClientId,
    slots: StreamSlots,
}

impl StreamSlots {
    /// Lets each client have `max` streams.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            max,
            open: Arc::default(),
        }
    }

    /// Takes a slot for a new stream.
    ///
    /// # Errors
    ///
    /// 429 `too_many_streams`.
    pub fn enter(&self, client: ClientId) -> Result<StreamSlot, ApiError> {
        let mut open = self.lock();
        let count = open.get(&client).copied().unwrap_or(0);
        if count >= self.max {
            let message = format!(
                "this client has {count} streams open, at most {} are allowed",
                self.max
            );
            return Err(ApiError::new(ErrorCode::TooManyStreams, message));
        }
        open.insert(client, count + 1);
        Ok(StreamSlot {
            client,
            slots: self.clone(),
        })
    }

    fn leave(&self, client: ClientId) {
        let mut open = self.lock();
        match open.get_mut(&client) {
            Some(count) if *count > 1 => *count -= 1,
            // The last stream takes the entry with it, so that clients that are gone cost nothing.
            Some(_) | None => drop(open.remove(&client)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.slots.leave(self.client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_so_many_streams_and_gets_one_back_for_each_it_closes() {
        let slots = StreamSlots::new(2);
        let (ours, other) = (ClientId::random(), ClientId::random());
        let first = slots.enter(ours).expect("first");
        let second = slots.enter(ours).expect("second");
        assert_eq!(
            slots.enter(ours).expect_err("third").code(),
            ErrorCode::TooManyStreams
        );
        let elsewhere = slots.enter(other).expect("another client");
        drop(first);
        let third = slots.enter(ours).expect("room again");
        assert!(slots.enter(ours).is_err());
        drop((second, third, elsewhere));
        assert!(slots.lock().is_empty());
    }
}
