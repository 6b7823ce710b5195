//! Owns the check that a folder belongs to one user alone, and the making of such a folder.
//!
//! Among the temporary files anybody may have made the folder before us: as a symbolic link, as their own, or open to
//! all. Any of these is refused, never repaired, because what is in it cannot be trusted either.
//!
//! It must never know what the folder is for.

use std::{
    fs::{DirBuilder, symlink_metadata},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

/// Makes the folder with mode 0700 if it is not there, then checks it.
///
/// # Errors
///
/// As [`check_private_dir`], or when it cannot be made.
pub fn ensure_private_dir(path: &Path, uid: u32) -> Result<(), PrivateDirError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(PrivateDirError::Io {
            path: path.to_owned(),
            source: error,
        }),
        Ok(()) | Err(_) => check_private_dir(path, uid),
    }
}

/// Checks that a folder belongs to `uid`, is not a symbolic link and is closed to everybody else.
///
/// # Errors
///
/// One variant for each of these.
pub fn check_private_dir(path: &Path, uid: u32) -> Result<(), PrivateDirError> {
    let path = || path.to_owned();
    let metadata = symlink_metadata(path()).map_err(|source| PrivateDirError::Io {
        path: path(),
        source,
    })?;
    if metadata.is_symlink() {
        return Err(PrivateDirError::Symlink { path: path() });
    }
    if !metadata.is_dir() {
        return Err(PrivateDirError::NotADirectory { path: path() });
    }
    if metadata.uid() != uid {
        return Err(PrivateDirError::Foreign {
            path: path(),
            owner: metadata.uid(),
            uid,
        });
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PrivateDirError::Open { path: path(), mode });
    }
    Ok(())
}

/// Tells why a folder is not private.
#[derive(Debug, thiserror::Error)]
pub enum PrivateDirError {
    /// It cannot be looked at or made.
    #[error("the socket folder `{}` cannot be used; choose another place with `--listen unix:///PATH`", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a symbolic link.
    #[error("the socket folder `{}` is a symbolic link, which another user may have made; remove it", path.display())]
    Symlink {
        /// The folder.
        path: PathBuf,
    },
    /// It is something else.
    #[error("the socket folder `{}` is not a directory; remove it", path.display())]
    NotADirectory {
        /// The folder.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error(
        "the socket folder `{}` belongs to uid {owner} and not to us (uid {uid}); set XDG_RUNTIME_DIR to a folder of \
         your own, or choose another place with `--listen unix:///PATH`",
        path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it should be.
        uid: u32,
    },
    /// Others may look into it.
    #[error("the socket folder `{}` has mode {mode:04o} and is open to others; run `chmod 700 {}`", path.display(), path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    fn our_uid() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn a_folder_of_ours_is_made_private_and_found_again() {
        let parent = tempfile::tempdir().expect("folder");
        let path = parent.path().join("ours");
        ensure_private_dir(&path, our_uid()).expect("made");
        ensure_private_dir(&path, our_uid()).expect("found");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o700);
    }

    #[test]
    fn five_bad_folders_are_refused() {
        let parent = tempfile::tempdir().expect("folder");
        let path = |name: &str| parent.path().join(name);
        fs::create_dir(path("open")).expect("made");
        fs::set_permissions(path("open"), Permissions::from_mode(0o750)).expect("mode");
        fs::write(path("file"), "").expect("made");
        fs::create_dir(path("real")).expect("made");
        fs::set_permissions(path("real"), Permissions::from_mode(0o700)).expect("mode");
        symlink(path("real"), path("link")).expect("made");

        let check = |name: &str, uid| ensure_private_dir(&path(name), uid).expect_err(name);
        assert!(matches!(
            check("open", our_uid()),
            PrivateDirError::Open { mode: 0o750, .. }
        ));
        assert!(matches!(
            check("file", our_uid()),
            PrivateDirError::NotADirectory { .. }
        ));
        assert!(matches!(
            check("link", our_uid()),
            PrivateDirError::Symlink { .. }
        ));
        assert!(matches!(
            check("real", our_uid() + 1),
            PrivateDirError::Foreign { .. }
        ));
        assert!(matches!(
            check("no/such", our_uid()),
            PrivateDirError::Io { .. }
        ));
        ensure_private_dir(&path("real"), our_uid()).expect("the good one");
    }
}
