//! Owns the place on disk where everything is measured. It must never know what is stored there.

use std::{
    fmt::{self, Display},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::Result;

/// A directory of the build directory, gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Ground {
    dir: TempDir,
    /// What the system tells of the disk, where it tells it.
    disk: Option<PathBuf>,
}

impl Ground {
    pub(crate) fn new() -> Result<Self> {
        let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let device = fs::metadata(dir.path())?.dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let disk = PathBuf::from(format!("/sys/dev/block/{major}:{minor}"));
        let disk = disk.exists().then_some(disk);
        Ok(Self { dir, disk })
    }

    /// A new directory in it.
    pub(crate) fn room(&self) -> Result<TempDir> {
        Ok(TempDir::new_in(self.dir.path())?)
    }

    /// How often the disk was told to make durable what it had been given, so far and by everybody, where it says so.
    pub(crate) fn flushes_of_disk(&self) -> Option<u64> {
        let stat = fs::read_to_string(self.disk.as_ref()?.join("stat")).ok()?;
        // The sixteenth, since Linux 5.5; the count is for the whole disk.
        let flushes = stat.split_whitespace().nth(15)?.parse().ok()?;
        (flushes > 0).then_some(flushes)
    }
}

impl Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.dir.path();
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let kind = kind_of(&mounts, path).unwrap_or("unknown");
        write!(f, "a file system of the kind {kind}")
    }
}

/// The kind of file system a path is on: that of the longest mount point above it.
fn kind_of<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        Some((words.next()?, words.next()?))
    });
    mounts
        .filter(|(point, _)| path.starts_with(point))
        .max_by_key(|(point, _)| point.len())
        .map(|(_, kind)| kind)
}
