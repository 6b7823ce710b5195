//! The layer under the files of a server: compiles it, and steers it through its control file. What it does is written
//! in `shim/shim.h`.
//!
//! It must never know who writes the files.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::NamedTempFile;

/// The sources of the shim, relative to this package.
const SOURCES: &str = "tests/crash/shim";

/// The numbers of the control file, in their order: `struct control`.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(crate) enum Number {
    FailCalls,
    FailErrno,
    Room,
    SyncDelayMs,
    RealSync,
    Record,
    DieAt,
    DieWhen,
    Power,
    Seed,
    Loaded,
    Points,
    Writes,
    WrittenBytes,
    Syncs,
    WalSyncs,
    Resizes,
    Names,
    Failed,
    LostWrites,
    LostNames,
}

/// How many numbers there are.
const NUMBERS: u64 = Number::LostNames as u64 + 1;

/// Which calls a disk lets fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is room for so many bytes, and for no new file after them.
    Full { room: u64 },
    /// Every write, sync and new file fails, as on a disk that was mounted again for reading only.
    ReadOnly,
    /// The device does not answer: writes, syncs and reads fail.
    Broken,
    /// Syncs fail, and nothing else: what was written is there, and nobody can say whether it stays.
    Unsynced,
    /// Reads fail, and nothing else.
    Unreadable,
}

/// When to die at a write point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum When {
    Before,
    After,
    /// Half of the bytes of a write are written; any other call is not made.
    Halfway,
}

/// What becomes of what no fsync has made safe, when the process dies by the shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Power {
    /// It stays: only the process is gone.
    Stays,
    /// All of it is lost.
    LosesAll,
    /// Each sector and each name is lost or not, at random.
    LosesSome,
}

/// The shim of one process, or of several one after the other.
#[derive(Debug)]
pub(crate) struct Shim {
    library: PathBuf,
    watched: PathBuf,
    control_path: PathBuf,
    control: File,
}

impl Shim {
    /// Prepares a shim that watches the files below `watched`; its own files go into `own`, on the same file system.
    pub(crate) fn new(watched: &Path, own: &Path) -> Self {
        let control_path = own.join("control");
        let control = OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&control_path)
            .unwrap();
        control.set_len(NUMBERS * 8).unwrap();
        Self {
            library: library(),
            watched: watched.to_owned(),
            control_path,
            control,
        }
    }

    /// The variables with which a process is started under the shim.
    pub(crate) fn environment(&self) -> [(&'static str, &OsStr); 3] {
        [
            ("LD_PRELOAD", self.library.as_os_str()),
            ("CRASH_SHIM_DIR", self.watched.as_os_str()),
            ("CRASH_SHIM_CONTROL", self.control_path.as_os_str()),
        ]
    }

    /// Sets all numbers to zero: before another process is started. A sync does not reach the disk then, which makes it
    /// quick, and the page cache outlives a process anyway.
    pub(crate) fn reset(&self) {
        let zeros = vec![0; usize::try_from(NUMBERS * 8).unwrap()];
        self.control.write_all_at(&zeros, 0).unwrap();
    }

    pub(crate) fn get(&self, number: Number) -> u64 {
        let mut bytes = [0; 8];
        self.control
            .read_exact_at(&mut bytes, number as u64 * 8)
            .unwrap();
        u64::from_ne_bytes(bytes)
    }

    pub(crate) fn set(&self, number: Number, value: u64) {
        let bytes = value.to_ne_bytes();
        self.control
            .write_all_at(&bytes, number as u64 * 8)
            .unwrap();
    }

    /// Lets calls fail from now on, or no more.
    pub(crate) fn fail(&self, fault: Option<Fault>) {
        const WRITES: u64 = 1;
        const SYNCS: u64 = 2;
        const NAMES: u64 = 4;
        const READS: u64 = 8;
        use rustix::io::Errno;
        let Some(fault) = fault else {
            return self.set(Number::FailCalls, 0);
        };
        let (calls, errno, room) = match fault {
            Fault::Full { room } => (WRITES, Errno::NOSPC, room),
            Fault::ReadOnly => (WRITES | SYNCS | NAMES, Errno::ROFS, 0),
            Fault::Broken => (WRITES | SYNCS | READS, Errno::IO, 0),
            Fault::Unsynced => (SYNCS, Errno::IO, 0),
            Fault::Unreadable => (READS, Errno::IO, 0),
        };
        self.set(
            Number::FailErrno,
            u64::try_from(errno.raw_os_error()).unwrap(),
        );
        self.set(Number::Room, room);
        self.set(Number::FailCalls, calls);
    }

    /// Lets the process die at a write point, counted from its start.
    pub(crate) fn die_at(&self, point: u64, when: When) {
        self.set(Number::DieWhen, when as u64);
        self.set(Number::DieAt, point);
    }

    /// Says what is lost when the process dies by the shim. Has to be said before the process is started.
    pub(crate) fn lose(&self, power: Power, seed: u64) {
        self.set(Number::Record, u64::from(power != Power::Stays));
        self.set(Number::Power, power as u64);
        self.set(Number::Seed, seed);
    }
}

/// Compiles C with warnings as errors, once for each state of its sources, and returns where the product is.
///
/// It stays in the folder that cargo keeps for tests: every test may be a process of its own.
fn compiled(name: &str, arguments: &[&str], sources: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(SOURCES);
    let paths = || sources.iter().map(|source| folder.join(source));
    let mut state = DefaultHasher::new();
    for path in paths().chain([folder.join("shim.h")]) {
        std::fs::read(path).unwrap().hash(&mut state);
    }
    let products = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let product = products.join(format!("{name}-{:016x}", state.finish()));
    if !product.exists() {
        let unnamed = NamedTempFile::new_in(products).unwrap().into_temp_path();
        let compiler = Command::new("cc")
            .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"])
            .args(paths())
            .arg("-o")
            .arg(&unnamed)
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&compiler.stderr);
        assert!(compiler.status.success(), "{said}");
        unnamed.persist(&product).unwrap();
    }
    product
}

fn library() -> PathBuf {
    let sources = ["files.c", "undo.c", "hooks.c"];
    let arguments = ["-shared", "-fPIC", "-ldl", "-lpthread"];
    compiled("crash-shim.so", &arguments, &sources)
}

mod tests;
