//! Owns the file of the audit log and the thread that writes it.
//!
//! It must never know what a line says.

use std::{
    fmt,
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use runwright_backend::{Clock, SystemClock};

use super::entry::{Entry, Request};

/// How long the writer gathers lines before it writes: so much is lost when the process is killed, and a busy server
/// writes twenty times a second and not for each request.
const GATHER: Duration = Duration::from_millis(50);

/// How many lines may wait for a disk that does not answer, some 20 MiB; what comes then is dropped and counted.
const MAX_WAITING: usize = 65_536;

/// Where requests are noted. Clones share the file; without one nothing is noted.
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

/// Why the audit log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the audit log `{path}` cannot be written: {source}; name another folder with `--data-dir`", path = .path.display())]
pub struct AuditError {
    path: PathBuf,
    source: io::Error,
}

impl AuditLog {
    /// A log that notes nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Opens `audit.jsonl` in a folder, which is made with mode 0700 if it is not there, and starts the writer.
    ///
    /// # Errors
    ///
    /// [`AuditError`].
    pub fn open(folder: &Path) -> Result<Self, AuditError> {
        let path = folder.join("audit.jsonl");
        let fail = |source| AuditError {
            path: path.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(fail)?;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let (wake, woken) = sync_channel(1);
        let shared = waiting.clone();
        let writer = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write_until_dropped(file, &shared, &woken))
            .map_err(fail)?;
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

fn write_until_dropped(mut file: File, waiting: &Mutex<Waiting>, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        // Gathers what else comes; a further wake ends the wait a little early, which is no harm.
        let gathered = woken.recv_timeout(GATHER);
        write(&mut file, waiting);
        if gathered == Err(RecvTimeoutError::Disconnected) {
            break;
        }
    }
    write(&mut file, waiting);
}

fn write(file: &mut File, waiting: &Mutex<Waiting>) {
    let Waiting { entries, dropped } = std::mem::take(&mut *lock(waiting));
    let mut lines = Vec::with_capacity(entries.len() * 256);
    for entry in &entries {
        entry.write_to(&mut lines);
    }
    if dropped > 0 {
        tracing::error!(
            dropped,
            "lines of the audit log were dropped: the disk is too slow"
        );
    }
    if let Err(error) = file.write_all(&lines) {
        tracing::error!(%error, lines = entries.len(), "the audit log was not written");
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn everything_noted_is_in_the_file_when_the_last_clone_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let log = AuditLog::open(&data).expect("the folder can be written");
        let clone = log.clone();
        for n in 0..100 {
            let request = http::Request::post(format!("/{n}"))
                .body(())
                .expect("a request");
            let request = Request::of(&request).expect("a post may change something");
            clone.note(request, &http::Response::new(()));
        }
        drop((log, clone));
        let text = std::fs::read_to_string(data.join("audit.jsonl")).expect("the file is there");
        let targets: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
            .map(|line| line["target"].as_str().expect("a target").to_owned())
            .collect();
        let expected: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
        assert_eq!(targets, expected);
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!(
            (mode(&data), mode(&data.join("audit.jsonl"))),
            (0o700, 0o600)
        );
    }
}
