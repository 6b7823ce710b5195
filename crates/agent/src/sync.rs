//! The one place that decides which `Arc` and `Mutex` the checked files use: std in production, loom or shuttle in
//! a model. It must never grow beyond re-exports, or the models would check something else than what runs.

#[cfg(runwright_loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
#[cfg(runwright_shuttle)]
pub(crate) use shuttle::sync::{Arc, Mutex, MutexGuard};
#[cfg(not(any(runwright_loom, runwright_shuttle)))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard};

/// Locks, and goes on after a poisoned lock: no critical section of this crate can panic half way through a change,
/// so the state behind a poisoned lock is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
