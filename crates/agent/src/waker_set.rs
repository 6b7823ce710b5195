//! The wakers of everybody who waits for one condition. Pure data: whoever owns the lock around it decides when a
//! waker is registered, and wakes after the lock is released.

use std::task::Waker;

/// The wakers that wait for one condition, each under the key of its future.
///
/// A future registers in the same critical section in which it found the condition false, replaces its waker when it
/// is polled again, and removes it when it is dropped. Whoever makes the condition true takes the wakers out under
/// the lock and wakes them after it. To drop a waker may drop a whole task, and with it whatever the task owns, so a
/// waker that is no longer needed is handed back as well, to be dropped after the lock is released.
///
/// ```
/// use std::task::Waker;
///
/// use runwright_agent::WakerSet;
///
/// let mut waiting = WakerSet::default();
/// let mut key = None;
/// let replaced = waiting.register(&mut key, Waker::noop());
/// assert!(replaced.is_none());
/// let replaced = waiting.register(&mut key, Waker::noop());
/// assert!(replaced.is_none(), "the same waker stays");
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
    /// Registers the waker of one future, or replaces the one that this future left at its last poll, and hands that
    /// one back.
    #[must_use = "a replaced waker is dropped after the lock is released"]
    pub fn register(&mut self, key: &mut Option<u64>, waker: &Waker) -> Option<Waker> {
        let known = key.and_then(|key| self.waiting.iter_mut().find(|(k, _)| *k == key));
        match known {
            Some((_, old)) if old.will_wake(waker) => None,
            Some((_, old)) => Some(std::mem::replace(old, waker.clone())),
            None => {
                let fresh = self.next_key;
                self.next_key += 1;
                self.waiting.push((fresh, waker.clone()));
                *key = Some(fresh);
                None
            }
        }
    }

    /// Removes the waker of a future that no longer waits, and hands it back.
    #[must_use = "a removed waker is dropped after the lock is released"]
    pub fn remove(&mut self, key: Option<u64>) -> Option<Waker> {
        let at = self.waiting.iter().position(|(k, _)| Some(*k) == key)?;
        Some(self.waiting.remove(at).1)
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
