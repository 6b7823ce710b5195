//! Owns the one snapshot of the process environment that defaults are made from.
//!
//! It must never know what a variable is used for beyond its name.

use std::{env, ffi::OsString, path::PathBuf};

use crate::token::BearerToken;

use super::{ConfigError, KeyVariables};

/// The variables, folders and the uid that defaults depend on. A test makes its own.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `XDG_RUNTIME_DIR`, if it is an absolute path.
    pub runtime_dir: Option<PathBuf>,
    /// The system's folder for temporary files (`TMPDIR` or `/tmp`).
    pub temp_dir: PathBuf,
    /// `STATE_DIRECTORY`, which a service manager sets: the first of its paths.
    pub state_dir: Option<PathBuf>,
    /// `XDG_DATA_HOME`, if it is an absolute path.
    pub data_home: Option<PathBuf>,
    /// `HOME`, if it is an absolute path.
    pub home: Option<PathBuf>,
    /// `RUNWRIGHT_TOKEN`: the bearer token itself. It has no flag, because arguments are visible to every user.
    pub token: Option<BearerToken>,
    /// `RUNWRIGHT_API_KEY` and the variables in which providers' keys usually are.
    pub keys: KeyVariables,
    /// The effective user id of this process.
    pub uid: u32,
}

impl Environment {
    /// Reads the environment of this process.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TokenVariable`] when `RUNWRIGHT_TOKEN` is set to something that is not a token.
    pub fn of_process() -> Result<Self, ConfigError> {
        Ok(Self {
            runtime_dir: absolute("XDG_RUNTIME_DIR"),
            temp_dir: env::temp_dir(),
            state_dir: first_path(env::var_os("STATE_DIRECTORY")),
            data_home: absolute("XDG_DATA_HOME"),
            home: absolute("HOME"),
            token: token(env::var_os("RUNWRIGHT_TOKEN"))?,
            keys: KeyVariables::read(env::var_os),
            uid: rustix::process::geteuid().as_raw(),
        })
    }
}

/// The XDG specification says that a relative path in its variables is to be ignored.
/// The environment as `NAME=value`, for a workspace whose tools are to run as if this process had started them. What is
/// ours is left out, the token above all, and so is what is not Unicode: the wire cannot carry it.
#[must_use]
pub fn variables() -> Vec<String> {
    let pair = |(name, value): (OsString, OsString)| {
        let (name, value) = (name.to_str()?, value.to_str()?);
        let ours = ["RUNWRIGHT_", "LISTEN_", "NOTIFY_SOCKET"];
        let is_ours = ours.iter().any(|begin| name.starts_with(begin));
        (!is_ours).then(|| format!("{name}={value}"))
    };
    env::vars_os().filter_map(pair).collect()
}

fn absolute(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

fn first_path(value: Option<OsString>) -> Option<PathBuf> {
    env::split_paths(&value?)
        .next()
        .filter(|path| path.is_absolute())
}

fn token(value: Option<OsString>) -> Result<Option<BearerToken>, ConfigError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let text = value.to_str().ok_or(ConfigError::TokenVariable)?;
    text.trim()
        .parse()
        .map(Some)
        .map_err(|_| ConfigError::TokenVariable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_token_variable_is_refused_without_repeating_it() {
        let error = token(Some("hunter2".into())).expect_err("too short");
        assert!(!error.to_string().contains("hunter2"));
        assert!(token(None).expect("unset").is_none());
        assert!(
            token(Some(OsString::new()))
                .expect("empty is unset")
                .is_none()
        );
        assert!(
            token(Some("ab".repeat(32).into()))
                .expect("64 hex digits")
                .is_some()
        );
    }

    #[test]
    fn the_first_state_directory_wins() {
        assert_eq!(first_path(Some("/a:/b".into())), Some(PathBuf::from("/a")));
        assert_eq!(first_path(Some("relative".into())), None);
        assert_eq!(first_path(None), None);
    }
}
