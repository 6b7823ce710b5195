//! Whether the files of a database can be read, where SQLite says that it is damaged: it says so of a disk that fails to
//! read as well, and only a look at the disk tells the two apart.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::time::now;

/// How much is read at once.
const CHUNK: usize = 1024 * 1024;

/// How long a look may take: nobody writes meanwhile, if it is the writer's. What has not failed until then is taken for
/// readable.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the answer of a look that found nothing counts: damage that is met again and again is not looked for each
/// time.
const COUNTS_FOR: Duration = Duration::from_secs(10);

/// Looks at the files of a database.
#[derive(Debug)]
pub(super) struct Probe {
    database: Arc<Path>,
    log: PathBuf,
    /// Kept from the first look on: to close it would give up SQLite's locks of the whole process.
    file: OnceLock<File>,
    readable: Mutex<Option<Instant>>,
}

impl Probe {
    pub(super) fn new(database: &Arc<Path>, log: &Path) -> Self {
        Self {
            database: Arc::clone(database),
            log: log.to_owned(),
            file: OnceLock::new(),
            readable: Mutex::default(),
        }
    }

    /// Whether reading fails. Blocking.
    pub(super) fn finds_unreadable(&self) -> bool {
        // Under the lock, so that of many who are in the same trouble one looks.
        let mut readable = self.readable.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = now();
        if readable.is_some_and(|when| begun - when < COUNTS_FOR) {
            return false;
        }
        let until = begun + PATIENCE;
        let read = self.read_database(until).and_then(|()| {
            // Nobody has locks on the log itself.
            absent_is_fine(File::open(&self.log).and_then(|log| read_all(&log, until)))
        });
        *readable = read.is_ok().then(now);
        read.is_err()
    }

    fn read_database(&self, until: Instant) -> io::Result<()> {
        if let Some(file) = self.file.get() {
            return read_all(file, until);
        }
        let file = match File::open(&self.database) {
            Ok(file) => self.file.get_or_init(|| file),
            missing => return absent_is_fine(missing.map(drop)),
        };
        read_all(file, until)
    }
}

/// Reads a file to its end.
fn read_all(file: &File, until: Instant) -> io::Result<()> {
    let mut bytes = vec![0; CHUNK];
    let mut offset = 0;
    while now() < until {
        match file.read_at(&mut bytes, offset) {
            Ok(0) => break,
            Ok(read) => offset += read as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A file that is gone is another fault.
fn absent_is_fine(read: io::Result<()>) -> io::Result<()> {
    let is_absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    read.or_else(|error| {
        if is_absent(&error) {
            Ok(())
        } else {
            Err(error)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that can be opened, and fails to be read where it begins.
    const BROKEN: &str = "/proc/self/mem";

    fn probe(database: &Path, log: &Path) -> Probe {
        Probe::new(&database.into(), log)
    }

    #[test]
    fn files_that_can_be_read_and_files_that_are_not_there_are_no_fault_of_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let [file, missing] = ["file", "missing"].map(|name| directory.path().join(name));
        std::fs::write(&file, vec![7; CHUNK + 1]).unwrap();
        for (database, log) in [
            (&file, &file),
            (&file, &missing),
            (&missing, &file),
            (&missing, &missing),
        ] {
            assert!(!probe(database, log).finds_unreadable());
        }
    }

    #[test]
    fn a_file_that_fails_to_be_read_is_found_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "sound").unwrap();
        for probe in [probe(BROKEN.as_ref(), &file), probe(&file, BROKEN.as_ref())] {
            assert!(probe.finds_unreadable());
            assert!(probe.finds_unreadable());
        }
    }

    #[test]
    fn what_was_readable_a_moment_ago_is_not_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "sound").unwrap();
        let probe = probe(&file, &file);
        assert!(!probe.finds_unreadable());
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(BROKEN, &file).unwrap();
        assert!(!probe.finds_unreadable());
        *probe.readable.lock().unwrap() = None;
        assert!(probe.finds_unreadable(), "the log is opened anew");
    }
}
