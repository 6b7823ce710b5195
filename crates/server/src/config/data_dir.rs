//! Owns where the data folder is: one answer for the server and for the commands that work on its folder.
//!
//! It must never know what is in the folder.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{ConfigError, Environment};

/// The data folder of a command that is no server.
#[derive(Debug, Clone, Args)]
pub struct DataDirArgs {
    /// The folder in which the server keeps everything.
    ///
    /// Default: that of `serve` without flags, so $STATE_DIRECTORY if a service manager sets it, else `runwright` in
    /// $XDG_DATA_HOME, else `~/.local/share/runwright`.
    #[arg(long, value_name = "DIR", env = "RUNWRIGHT_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}

impl DataDirArgs {
    /// Chooses the folder, as an absolute path. It need not exist.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoDataDir`] when there is neither a flag nor a home, [`ConfigError::RelativePath`] when a relative
    /// path cannot be made absolute.
    pub fn resolve(&self, environment: &Environment) -> Result<PathBuf, ConfigError> {
        data_dir(self.data_dir.as_deref(), environment)
    }
}

/// The data folder that the flag or the environment names.
pub(super) fn data_dir(
    flag: Option<&Path>,
    environment: &Environment,
) -> Result<PathBuf, ConfigError> {
    if let Some(path) = flag {
        return std::path::absolute(path).map_err(|source| ConfigError::RelativePath {
            path: path.to_owned(),
            source,
        });
    }
    let xdg = || {
        environment
            .data_home
            .as_ref()
            .map(|home| home.join("runwright"))
    };
    let home = || {
        environment
            .home
            .as_ref()
            .map(|home| home.join(".local/share/runwright"))
    };
    environment
        .state_dir
        .clone()
        .or_else(xdg)
        .or_else(home)
        .ok_or(ConfigError::NoDataDir)
}
