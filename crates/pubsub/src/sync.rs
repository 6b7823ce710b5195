//! The only place that names a lock: std in a product build, loom or shuttle in a model build.
//! It must never grow a lock of its own; every checked file takes `Arc` and `Mutex` from here.

#[cfg(not(any(runwright_loom, runwright_shuttle)))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard};

#[cfg(runwright_loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
#[cfg(runwright_shuttle)]
pub(crate) use shuttle::sync::{Arc, Mutex, MutexGuard};

/// Shares immutable data: events and batches.
///
/// It is std's in every build. Such a value is never written after it was made and always changes hands under the
/// topic's lock, which the models do see; a checked counter would only multiply the interleavings.
pub(crate) use std::sync::Arc as Shared;

use std::sync::PoisonError;

/// Takes the lock, also after a panic: no critical section of this crate can be left half done by one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
