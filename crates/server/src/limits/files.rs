//! Owns the number of files this process may open.
//!
//! It must never know what they are opened for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one and returns it; `None` is no limit.
///
/// The usual soft limit of 1,024 would be reached before the connections are at theirs.
///
/// # Errors
///
/// When the system refuses; the old limit stays.
pub fn raise_open_files() -> std::io::Result<Option<u64>> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )?;
    Ok(limit.maximum)
}
