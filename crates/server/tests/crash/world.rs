//! What all clients share: the server of the moment, which comes and goes, the clocks, and what must never be answered.
//!
//! It must never know what a client does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::server::Site;
use crate::wire::{Answer, Silence, Wire};

/// One server after the other in one folder, and those who use it.
pub(crate) struct World {
    pub(crate) site: Site,
    pub(crate) wire: Wire,
    began: Instant,
    moments: AtomicU64,
    phase: watch::Sender<Phase>,
    strange: Mutex<Vec<String>>,
}

/// How things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Phase {
    /// Which life of the server this is, or will be when it is up again.
    pub(crate) life: usize,
    pub(crate) is_up: bool,
    /// Whether clients go on asking for new things.
    pub(crate) is_loading: bool,
    /// Whether a server that fails to do its work is what is expected: its disk does not work.
    pub(crate) is_faulty: bool,
}

impl World {
    pub(crate) fn new(site: Site) -> Self {
        let phase = Phase {
            life: 0,
            is_up: false,
            is_loading: true,
            is_faulty: false,
        };
        Self {
            wire: site.wire(),
            site,
            began: Instant::now(),
            moments: AtomicU64::new(1),
            phase: watch::Sender::new(phase),
            strange: Mutex::default(),
        }
    }

    /// How long it all goes on.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Milliseconds since 1970, as the server has them.
    pub(crate) fn wall_ms() -> u64 {
        let since = SystemTime::UNIX_EPOCH.elapsed();
        u64::try_from(since.unwrap().as_millis()).unwrap()
    }

    /// The next moment of a clock that only counts.
    pub(crate) fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Phase)) {
        self.phase.send_modify(change);
    }

    /// Waits until a server is up and returns which life it is.
    pub(crate) async fn up(&self) -> usize {
        let mut phases = self.phase.subscribe();
        let up = phases.wait_for(|phase| phase.is_up).await;
        up.expect("the world outlives its clients").life
    }

    /// Notes what must never be answered.
    pub(crate) fn note(&self, what: String) {
        let mut strange = self.strange.lock().unwrap_or_else(PoisonError::into_inner);
        strange.push(what);
    }

    pub(crate) fn take_strange(&self) -> Vec<String> {
        let mut strange = self.strange.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *strange)
    }

    /// Waits for an answer and returns it if it is one; notes it if it is neither a success nor one of the codes that may
    /// come.
    pub(crate) async fn expect(
        &self,
        asked: &str,
        answer: impl Future<Output = Result<Answer, Silence>>,
        codes: &[&str],
    ) -> Option<Answer> {
        let was_faulty = self.phase().is_faulty;
        let answer = match answer.await {
            Ok(answer) => answer,
            Err(Silence::Unreached | Silence::Cut) => return None,
            Err(Silence::Hung) => {
                self.note(format!("{asked}: no answer"));
                return None;
            }
        };
        self.judge(asked, &answer, codes, was_faulty);
        Some(answer)
    }

    /// Notes an answer that is neither a success nor one of these codes, unless the disk did not work when it was asked
    /// for or does not work now.
    pub(crate) fn judge(&self, asked: &str, answer: &Answer, codes: &[&str], was_faulty: bool) {
        let is_expected = answer.status < 300 || codes.contains(&answer.code());
        let is_faulty = was_faulty || self.phase().is_faulty;
        let is_outage = is_faulty && matches!(answer.status, 503 | 504 | 507);
        if !is_expected && !is_outage {
            self.note(format!("{asked}: {} {}", answer.status, answer.body));
        }
    }
}
