//! Owns where the socket is when nobody says where: the same answer for the server and for its clients.
//!
//! It must never know how a socket is bound.

use std::path::{Path, PathBuf};

use super::Environment;

/// The default Unix socket and the folder that protects it.
///
/// `$XDG_RUNTIME_DIR/runwright.sock`, or, without that variable, `runwright-<uid>/runwright.sock` in the folder for
/// temporary files. Either folder has to be private to this user before a socket in it can be trusted, by the server
/// that binds it as much as by a client that sends prompts into it; `listen::private_dir` checks that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultSocket {
    folder: PathBuf,
    ours: bool,
}

impl DefaultSocket {
    /// Chooses the folder.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        match &environment.runtime_dir {
            Some(folder) => Self {
                folder: folder.clone(),
                ours: false,
            },
            None => Self {
                folder: environment
                    .temp_dir
                    .join(format!("runwright-{}", environment.uid)),
                ours: true,
            },
        }
    }

    /// Returns the path of the socket.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join("runwright.sock")
    }

    /// Returns the folder that has to be private.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tells whether the server may create the folder: the runtime directory of the user is not ours to make.
    #[must_use]
    pub const fn may_create_folder(&self) -> bool {
        self.ours
    }
}
