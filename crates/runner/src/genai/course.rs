//! What the two ends of one request know of each other: the relay, which sees what the provider sends, and the answer,
//! which sees what the library makes of it. It must never wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::watch::{Noted, Watch};
use crate::provider::ProviderError;

/// The course of one request. Clones are the same course.
#[derive(Debug, Clone)]
pub(super) struct Course(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    watch: Watch,
    /// Why there is no more; the first reason holds.
    failure: Option<ProviderError>,
}

impl Course {
    pub(super) fn new(watch: Watch) -> Self {
        Self(Arc::new(Mutex::new(State {
            watch,
            failure: None,
        })))
    }

    /// Looks at frames.
    pub(super) fn watching<T>(&self, look: impl FnOnce(&mut Watch) -> T) -> T {
        look(&mut self.lock().watch)
    }

    /// Says why there is no more.
    pub(super) fn fail(&self, error: ProviderError) {
        self.lock().failure.get_or_insert(error);
    }

    /// Why there is no more, if somebody said so.
    pub(super) fn failure(&self) -> Option<ProviderError> {
        self.lock().failure.clone()
    }

    /// What the frames have said.
    pub(super) fn noted(&self) -> Noted {
        self.lock().watch.noted().clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is half changed can hurt: a panic ends the request.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
