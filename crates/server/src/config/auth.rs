//! Owns the decision who may come in over TCP, and the refusal to serve a network without a token.
//!
//! It must never know how a request carries the token.

use std::path::PathBuf;

use crate::token::{BearerToken, TokenError};

use super::{ConfigError, ListenAddress};

/// How requests over TCP are authenticated. A Unix socket is protected by its mode and the peer's uid instead.
#[derive(Debug, Clone)]
pub enum AuthConfig {
    /// A bearer token from this source.
    Token(TokenSource),
    /// `--no-auth`: whoever reaches the loopback address is let in.
    Off,
}

impl AuthConfig {
    /// Loads the token, making it on the first start if the source is the data folder; `None` for `--no-auth`.
    ///
    /// # Errors
    ///
    /// As [`BearerToken::read`] and [`BearerToken::read_or_create`].
    pub fn load(&self) -> Result<Option<BearerToken>, TokenError> {
        match self {
            Self::Off => Ok(None),
            Self::Token(TokenSource::Value(token)) => Ok(Some(token.clone())),
            Self::Token(TokenSource::File(path)) => BearerToken::read(path).map(Some),
            Self::Token(TokenSource::DataDir(path)) => BearerToken::read_or_create(path).map(Some),
        }
    }
}

/// Where the bearer token comes from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// `RUNWRIGHT_TOKEN`.
    Value(BearerToken),
    /// `--token-file`: it has to exist, so that a mistyped name is not answered with a token nobody knows.
    File(PathBuf),
    /// The file `token` in the data folder, made on the first start.
    DataDir(PathBuf),
}

/// Refuses an address that other machines reach, unless a token protects it.
///
/// A token in the data folder counts once it is there; one that would be made only now does not, because whoever opens
/// a server to a network is to know its key beforehand.
///
/// # Errors
///
/// [`ConfigError::RemoteWithoutAuth`] and [`ConfigError::RemoteWithoutToken`], for the first such address.
pub fn check_exposure<'a>(
    addresses: impl IntoIterator<Item = &'a ListenAddress>,
    auth: &AuthConfig,
) -> Result<(), ConfigError> {
    let Some(address) = addresses.into_iter().find(|address| address.is_remote()) else {
        return Ok(());
    };
    match auth {
        AuthConfig::Off => Err(ConfigError::RemoteWithoutAuth {
            address: address.clone(),
        }),
        AuthConfig::Token(TokenSource::DataDir(path)) if !path.exists() => {
            Err(ConfigError::RemoteWithoutToken {
                address: address.clone(),
            })
        }
        AuthConfig::Token(_) => Ok(()),
    }
}
