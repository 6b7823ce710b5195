//! Owns the refusals of a configuration: each says what to do instead.
//!
//! It must never know how a configuration is put together.

use std::path::PathBuf;

use super::{ListenAddress, ProviderConfigError};

/// The exit code of a refused command line or configuration, the same one clap uses.
pub const USAGE_EXIT_CODE: u8 = 2;

/// Tells why the server does not start with this configuration. All of these are found before anything is bound.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// `RUNWRIGHT_TOKEN` is not 64 hexadecimal digits. The value is not repeated.
    #[error("RUNWRIGHT_TOKEN is not 64 hexadecimal digits; make one with `openssl rand -hex 32`")]
    TokenVariable,
    /// An address that other machines reach, and no token was given.
    #[error(
        "`{address}` can be reached from other machines and there is no token; make one with \
         `(umask 077; openssl rand -hex 32 > FILE)` and pass `--token-file FILE`, or set RUNWRIGHT_TOKEN, or listen on \
         127.0.0.1"
    )]
    RemoteWithoutToken {
        /// The address.
        address: ListenAddress,
    },
    /// `--no-auth` and an address that other machines reach.
    #[error(
        "`{address}` can be reached from other machines and `--no-auth` would let all of them in; drop `--no-auth`, or \
         listen on 127.0.0.1"
    )]
    RemoteWithoutAuth {
        /// The address.
        address: ListenAddress,
    },
    /// `--no-auth` together with a token.
    #[error(
        "`--no-auth` and a token contradict each other; drop `--no-auth`, or unset RUNWRIGHT_TOKEN"
    )]
    TokenAndNoAuth,
    /// There is neither a flag nor a home for the data.
    #[error("there is no folder for the data: pass `--data-dir DIR`, or set HOME")]
    NoDataDir,
    /// The data folder is a relative path and the current directory is unknown.
    #[error("`{}` cannot be made absolute", path.display())]
    RelativePath {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The model cannot be asked like this.
    #[error(transparent)]
    Provider(#[from] ProviderConfigError),
}
