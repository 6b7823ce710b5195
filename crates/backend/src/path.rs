//! Which directory a request names. It must never know what becomes of it.

use std::io;
use std::path::PathBuf;

use crate::error::CreateError;

/// The directory that a request names, without symbolic links.
pub(crate) fn resolve(path: &str) -> Result<PathBuf, CreateError> {
    let asked = PathBuf::from(path);
    let invalid = |problem| CreateError::PathInvalid {
        path: asked.clone(),
        problem,
    };
    if path.is_empty() {
        return Err(CreateError::PathRequired);
    }
    if path.contains('\0') {
        return Err(invalid("contains a NUL byte"));
    }
    if !asked.is_absolute() {
        return Err(invalid("is not an absolute path"));
    }
    let resolved = asked
        .canonicalize()
        .map_err(|error| invalid(why_unresolved(error.kind())))?;
    if resolved.is_dir() {
        Ok(resolved)
    } else {
        Err(invalid("is not a directory"))
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the standard library names more than forty kinds"
)]
fn why_unresolved(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "does not exist",
        io::ErrorKind::PermissionDenied => "cannot be reached: permission denied",
        _ => "cannot be resolved",
    }
}
