//! The sessions that were asked for lately, so that a prompt needs no disk to know its session. Must never know where
//! they are stored.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use runwright_proto::{Session, SessionId};

/// So many sessions are kept of a workspace; beyond it all are forgotten, which costs each a read.
const LIMIT: usize = 256;

/// Sessions as they are on disk.
#[derive(Debug, Default)]
pub(crate) struct SessionCache(Mutex<Cached>);

#[derive(Debug, Default)]
struct Cached {
    sessions: HashMap<SessionId, Session>,
    /// Counts the batches that changed a session: what was read before one of them may be old.
    changes: u64,
}

/// When a session was looked for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missed(u64);

/// What a batch has done to a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SessionChanged {
    /// It is this now.
    Is(Session),
    /// A message was added to it.
    Grew {
        id: SessionId,
        message_count: u64,
        updated_at: i64,
    },
    /// It was deleted.
    Gone(SessionId),
}

impl SessionCache {
    /// Finds a session.
    ///
    /// # Errors
    /// [`Missed`], to be given to [`keep`](Self::keep) with what the disk says.
    pub(crate) fn get(&self, id: &SessionId) -> Result<Session, Missed> {
        let cached = self.lock();
        let found = cached.sessions.get(id).cloned();
        found.ok_or(Missed(cached.changes))
    }

    /// Keeps what was read, unless it may have changed since.
    pub(crate) fn keep(&self, missed: Missed, session: &Session) {
        let mut cached = self.lock();
        if cached.changes == missed.0 {
            cached.put(session.clone());
        }
    }

    /// A batch is on disk.
    pub(crate) fn apply(&self, changes: Vec<SessionChanged>) {
        if changes.is_empty() {
            return;
        }
        let mut cached = self.lock();
        cached.changes += 1;
        for change in changes {
            match change {
                SessionChanged::Is(session) => cached.put(session),
                SessionChanged::Grew {
                    id,
                    message_count,
                    updated_at,
                } => {
                    if let Some(session) = cached.sessions.get_mut(&id) {
                        session.message_count = message_count;
                        session.updated_at = updated_at;
                    }
                }
                SessionChanged::Gone(id) => {
                    cached.sessions.remove(&id);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Cached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cached {
    fn put(&mut self, session: Session) {
        if self.sessions.len() >= LIMIT && !self.sessions.contains_key(&session.id) {
            self.sessions.clear();
        }
        self.sessions.insert(session.id.clone(), session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(name: &str) -> Session {
        Session::new(name.parse().unwrap(), name.to_owned(), 7)
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept() {
        let cache = SessionCache::default();
        let old = session("s");
        let missed = cache.get(&old.id).unwrap_err();
        let new = Session {
            title: "new".to_owned(),
            ..old.clone()
        };
        cache.apply(vec![SessionChanged::Is(new.clone())]);
        cache.keep(missed, &old);
        assert_eq!(cache.get(&old.id), Ok(new));
    }

    #[test]
    fn a_session_follows_its_changes_and_is_gone_when_it_is_deleted() {
        let cache = SessionCache::default();
        let known = session("s");
        let missed = cache.get(&known.id).unwrap_err();
        cache.keep(missed, &known);
        let grew = |name: &str| SessionChanged::Grew {
            id: name.parse().unwrap(),
            message_count: 3,
            updated_at: 9,
        };
        cache.apply(vec![grew("s"), grew("unknown")]);
        let expected = Session {
            message_count: 3,
            updated_at: 9,
            ..known.clone()
        };
        assert_eq!(cache.get(&known.id), Ok(expected));
        assert!(cache.get(&session("unknown").id).is_err());
        cache.apply(vec![SessionChanged::Gone(known.id.clone())]);
        assert!(cache.get(&known.id).is_err());
    }

    #[test]
    fn it_stays_small() {
        let cache = SessionCache::default();
        for n in 0..=LIMIT {
            cache.apply(vec![SessionChanged::Is(session(&format!("s{n}")))]);
        }
        assert!(cache.get(&session("s0").id).is_err());
        assert!(cache.get(&session(&format!("s{LIMIT}")).id).is_ok());
    }
}
