//! Whether there is room on a disk, where SQLite says no more than that writing failed: a quota that is used up looks
//! like a broken disk to it.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The name of the file that is written, flushed and removed.
const PROBE: &str = "runwright.probe";

/// As much as a small batch needs.
const BYTES: usize = 64 * 1024;

/// Whether writing to a directory fails because there is no space, or the quota is used up.
pub(super) fn is_exhausted(directory: &Path) -> bool {
    let path = directory.join(PROBE);
    let written = probe(&path);
    // What cannot be removed is written again by the next probe.
    drop(std::fs::remove_file(&path));
    written.is_err_and(|error| is_space(&error))
}

fn probe(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path)?;
    file.write_all(&vec![0; BYTES])?;
    file.sync_data()
}

fn is_space(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == ErrorKind::StorageFull || kind == ErrorKind::QuotaExceeded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_with_room_is_not_exhausted_and_the_probe_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_exhausted(directory.path()));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_device_without_room_is_found_out() {
        let full = probe(Path::new("/dev/full")).unwrap_err();
        assert!(is_space(&full), "{full}");
    }

    #[test]
    fn another_failure_is_not_a_lack_of_space() {
        let missing = probe(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(!is_space(&missing), "{missing}");
    }
}
