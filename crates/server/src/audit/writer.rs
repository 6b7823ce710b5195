//! Owns the lines that wait to be kept, and the thread that hands them to their sink.
//!
//! It must never know what a line says, nor where it is kept.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use runwright_backend::{Clock, SystemClock};

use super::entry::{AuditLine, Entry, Request};

/// How long the writer gathers lines before it writes: so much is lost when the process is killed, and a busy server
/// writes twenty times a second and not for each request.
const GATHER: Duration = Duration::from_millis(50);

/// How many lines may wait for a disk that does not answer, some 20 MiB; what comes then is dropped and counted.
const MAX_WAITING: usize = 65_536;

/// Keeps the lines of an audit log.
pub trait AuditSink: Send + 'static {
    /// Keeps lines, in their order, after all that it was given before. Called on a thread of its own, so it may wait
    /// for a disk; what it cannot keep it reports itself.
    fn keep(&mut self, lines: Vec<AuditLine>);
}

/// Where requests are noted. Clones share the sink; without one nothing is noted.
#[derive(Clone, Default)]
pub struct AuditLog(Option<Arc<Shared>>);

struct Shared {
    waiting: Arc<Mutex<Waiting>>,
    /// Taken when the last clone is dropped, which ends the writer.
    writer: Option<(SyncSender<()>, JoinHandle<()>)>,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    dropped: u64,
}

impl AuditLog {
    /// A log that notes nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// A log that is kept by `sink`, and starts the thread that writes to it.
    ///
    /// # Errors
    ///
    /// The system's, when it has no thread left.
    pub fn to(mut sink: impl AuditSink) -> io::Result<Self> {
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let (wake, woken) = sync_channel(1);
        let shared = waiting.clone();
        let writer = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write_until_dropped(&mut sink, &shared, &woken))?;
        Ok(Self(Some(Arc::new(Shared {
            waiting,
            writer: Some((wake, writer)),
        }))))
    }

    pub(super) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Notes a request and its answer. Never waits.
    pub(super) fn note<B>(&self, request: Request, response: &http::Response<B>) {
        let Some(shared) = &self.0 else { return };
        let entry = request.answered(response, SystemClock.now().millis());
        let mut waiting = lock(&shared.waiting);
        if waiting.entries.len() >= MAX_WAITING {
            waiting.dropped += 1;
            return;
        }
        waiting.entries.push(entry);
        let is_first = waiting.entries.len() == 1;
        drop(waiting);
        if let (true, Some((wake, _))) = (is_first, &shared.writer) {
            // A full channel has a wake on its way already.
            let _on_its_way = wake.try_send(());
        }
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuditLog").field(&self.is_on()).finish()
    }
}

impl Drop for Shared {
    /// Waits until everything is written.
    fn drop(&mut self) {
        if let Some((wake, writer)) = self.writer.take() {
            drop(wake);
            if writer.join().is_err() {
                tracing::error!("the writer of the audit log has died");
            }
        }
    }
}

fn write_until_dropped(sink: &mut impl AuditSink, waiting: &Mutex<Waiting>, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        // Gathers what else comes; a further wake ends the wait a little early, which is no harm.
        let gathered = woken.recv_timeout(GATHER);
        write(sink, waiting);
        if gathered == Err(RecvTimeoutError::Disconnected) {
            break;
        }
    }
    write(sink, waiting);
}

fn write(sink: &mut impl AuditSink, waiting: &Mutex<Waiting>) {
    let Waiting { entries, dropped } = std::mem::take(&mut *lock(waiting));
    if dropped > 0 {
        tracing::error!(
            dropped,
            "lines of the audit log were dropped: the disk is too slow"
        );
    }
    if !entries.is_empty() {
        sink.keep(entries.iter().map(Entry::line).collect());
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<AuditLine>>>);

    impl AuditSink for Kept {
        fn keep(&mut self, lines: Vec<AuditLine>) {
            self.0.lock().expect("nobody panics here").extend(lines);
        }
    }

    #[test]
    fn everything_noted_is_kept_when_the_last_clone_is_gone() {
        let kept = Kept::default();
        let log = AuditLog::to(kept.clone()).expect("a thread");
        let clone = log.clone();
        for n in 0..100 {
            let request = http::Request::post(format!("/{n}"))
                .body(())
                .expect("a request");
            let request = Request::of(&request).expect("a post may change something");
            clone.note(request, &http::Response::new(()));
        }
        drop((log, clone));
        let lines = kept.0.lock().expect("nobody panics here");
        let target = |line: &AuditLine| {
            let line: serde_json::Value = serde_json::from_str(&line.json).expect("JSON");
            line["target"].as_str().expect("a target").to_owned()
        };
        let expected: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
        assert_eq!(lines.iter().map(target).collect::<Vec<_>>(), expected);
    }
}
