//! The wakers of everybody who waits for one condition. Pure data: whoever owns the lock around it decides when a
//! waker is registered, and wakes after the lock is released.

use std::task::Waker;

/// The wakers that wait for one condition, each under the key of its future.
///
/// A future registers in the same critical section in which it found the condition false, replaces its waker when it
/// is polled again, and removes it when it is dropped. Whoever makes the condition true takes the wakers out under
/// the lock and wakes them after it: no user code ever runs under the lock.
///
/// ```
/// use std::task::Waker;
///
/// use runwright_agent::WakerSet;
///
/// let mut waiting = WakerSet::default();
/// let mut key = None;
/// waiting.register(&mut key, Waker::noop());
/// waiting.register(&mut key, Waker::noop());
/// assert_eq!(waiting.len(), 1, "a future that is polled twice waits once");
/// for waker in waiting.take() {
///     waker.wake();
/// }
/// assert!(waiting.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct WakerSet {
    waiting: Vec<(u64, Waker)>,
    next_key: u64,
}

impl WakerSet {
    /// Registers the waker of one future, or replaces the one that this future left at its last poll.
    pub fn register(&mut self, key: &mut Option<u64>, waker: &Waker) {
        let known = key.and_then(|key| self.waiting.iter_mut().find(|(k, _)| *k == key));
        match known {
            Some((_, old)) => old.clone_from(waker),
            None => {
                let fresh = self.next_key;
                self.next_key += 1;
                self.waiting.push((fresh, waker.clone()));
                *key = Some(fresh);
            }
        }
    }

    /// Removes the waker of a future that no longer waits.
    pub fn remove(&mut self, key: Option<u64>) {
        if let Some(key) = key {
            self.waiting.retain(|(k, _)| *k != key);
        }
    }

    /// Takes all wakers out, to be woken after the lock is released.
    #[must_use = "a waker that is taken and not woken is a lost wake-up"]
    pub fn take(&mut self) -> Vec<Waker> {
        self.waiting.drain(..).map(|(_, waker)| waker).collect()
    }

    /// How many futures wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
