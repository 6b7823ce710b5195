//! The names under which requests of a workspace are known, as numbers: a new name needs no look at the disk. It says
//! "new" or "perhaps". Must never know the requests.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many names are kept of a workspace, 9 bytes each; beyond it the disk is asked.
pub(crate) const LIMIT: usize = 100_000;

/// The names of the requests of a workspace.
#[derive(Debug, Default)]
pub(crate) struct Names {
    hasher: RandomState,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    hashes: HashSet<u64>,
    /// Whether those of the disk are among them.
    is_loaded: bool,
    is_full: bool,
}

/// A name, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NameHash(u64);

/// What is known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// Nobody has used it.
    New,
    /// Somebody may have.
    Perhaps,
    /// The names on disk are to be read first.
    NotLoaded,
}

impl Names {
    /// A name as it is kept; the two kinds of names do not meet.
    pub(crate) fn hash_run(&self, run: &str) -> NameHash {
        NameHash(self.hasher.hash_one((0_u8, run)))
    }

    pub(crate) fn hash_key(&self, key: &str) -> NameHash {
        NameHash(self.hasher.hash_one((1_u8, key)))
    }

    /// Looks for names.
    pub(crate) fn look_up(&self, names: &[NameHash]) -> Knowledge {
        let known = self.lock();
        if known.is_full || names.iter().any(|name| known.hashes.contains(&name.0)) {
            Knowledge::Perhaps
        } else if known.is_loaded {
            Knowledge::New
        } else {
            Knowledge::NotLoaded
        }
    }

    /// Adds names that are on disk now.
    pub(crate) fn add(&self, names: impl IntoIterator<Item = NameHash>) {
        let mut known = self.lock();
        known.add(names);
    }

    /// Adds all names that are on disk; a few more than [`LIMIT`] are enough to say that there are too many. Those that
    /// came meanwhile are there already.
    pub(crate) fn load(&self, names: impl IntoIterator<Item = NameHash>) {
        let mut known = self.lock();
        known.add(names);
        known.is_loaded = true;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn add(&mut self, names: impl IntoIterator<Item = NameHash>) {
        if self.is_full {
            return;
        }
        self.hashes.extend(names.into_iter().map(|name| name.0));
        if self.hashes.len() > LIMIT {
            self.is_full = true;
            self.hashes = HashSet::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_new_only_when_all_names_are_known() {
        let names = Names::default();
        let [a, b] = ["a", "b"].map(|name| names.hash_run(name));
        assert_eq!(names.look_up(&[a]), Knowledge::NotLoaded);
        names.add([a]);
        assert_eq!(names.look_up(&[a]), Knowledge::Perhaps);
        assert_eq!(names.look_up(&[b]), Knowledge::NotLoaded);
        names.load([]);
        assert_eq!(names.look_up(&[b]), Knowledge::New);
        assert_eq!(names.look_up(&[b, a]), Knowledge::Perhaps);
        assert_eq!(names.look_up(&[names.hash_key("a")]), Knowledge::New);
    }

    #[test]
    fn with_too_many_names_the_disk_is_asked() {
        let names = Names::default();
        names.load((0..=LIMIT as u64).map(NameHash));
        assert_eq!(names.look_up(&[names.hash_run("new")]), Knowledge::Perhaps);
        assert_eq!(names.lock().hashes.capacity(), 0, "nothing is kept then");
    }
}
