//! Owns where the key of a provider comes from, and that it is one.
//!
//! It must never know where the key goes.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use runwright_proto::Secret;

use super::ProviderKind;

/// The variable with the key itself. It has no flag, because arguments are visible to every user.
pub(super) const KEY_VARIABLE: &str = "RUNWRIGHT_API_KEY";

/// The longest file that is taken for a key.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// What opens a provider, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key.
    pub secret: Secret,
    /// Where it was found.
    pub source: KeySource,
}

/// Where a key was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In this environment variable.
    Variable(&'static str),
    /// In this file.
    File(PathBuf),
}

/// The environment variables that may hold a key. A test makes its own.
#[derive(Debug, Clone, Default)]
pub struct KeyVariables(Vec<(&'static str, Secret)>);

impl KeyVariables {
    /// Collects those that are set. An empty one is none.
    pub(super) fn read(variable: impl Fn(&'static str) -> Option<OsString>) -> Self {
        let usual = ProviderKind::ALL
            .into_iter()
            .flat_map(ProviderKind::key_variables);
        let names = std::iter::once(KEY_VARIABLE).chain(usual.copied());
        // What is not Unicode is no key either, and is refused if it is needed.
        let text = |name| Some((name, variable(name)?.to_string_lossy().into_owned()));
        names.filter_map(text).collect()
    }

    /// Tells whether `RUNWRIGHT_API_KEY` is set.
    pub(super) fn has_own(&self) -> bool {
        self.get(KEY_VARIABLE).is_some()
    }

    fn get(&self, name: &str) -> Option<&Secret> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, secret)| secret)
    }
}

impl FromIterator<(&'static str, String)> for KeyVariables {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(variables: I) -> Self {
        let set = variables
            .into_iter()
            .filter(|(_, value)| !value.trim().is_empty());
        Self(
            set.map(|(name, value)| (name, Secret::from(value)))
                .collect(),
        )
    }
}

impl ApiKey {
    /// Finds the key of a provider: the one of ours, in its variable or its file, else the one in the provider's usual
    /// variables. `None` when there is none.
    pub(super) fn find(
        kind: ProviderKind,
        file: Option<&Path>,
        variables: &KeyVariables,
    ) -> Result<Option<Self>, ApiKeyError> {
        match (variables.has_own(), file) {
            (true, Some(_)) => Err(ApiKeyError::Two),
            (false, Some(file)) => Self::in_file(file).map(Some),
            (_, None) => {
                let names = [KEY_VARIABLE]
                    .into_iter()
                    .chain(kind.key_variables().iter().copied());
                let mut set = names.filter_map(|name| Some((name, variables.get(name)?)));
                set.next()
                    .map(|(name, secret)| Self::in_variable(name, secret))
                    .transpose()
            }
        }
    }

    fn in_variable(name: &'static str, secret: &Secret) -> Result<Self, ApiKeyError> {
        let secret = key(secret.expose()).ok_or(ApiKeyError::MalformedVariable { name })?;
        Ok(Self {
            secret,
            source: KeySource::Variable(name),
        })
    }

    fn in_file(path: &Path) -> Result<Self, ApiKeyError> {
        let text = read(path).map_err(|source| ApiKeyError::File {
            path: path.to_owned(),
            source,
        })?;
        if text.trim_ascii().is_empty() {
            return Err(ApiKeyError::EmptyFile {
                path: path.to_owned(),
            });
        }
        let secret = str::from_utf8(&text).ok().and_then(key);
        let secret = secret.ok_or_else(|| ApiKeyError::MalformedFile {
            path: path.to_owned(),
        })?;
        Ok(Self {
            secret,
            source: KeySource::File(path.to_owned()),
        })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut text)?;
    Ok(text)
}

/// A key without the white space around it: visible ASCII, as a header can carry it.
fn key(text: &str) -> Option<Secret> {
    let text = text.trim();
    let is_key = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_key.then(|| Secret::from(text.to_owned()))
}

/// Tells why there is no key where one should be. What was found is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// Both the variable and the file are given.
    #[error("RUNWRIGHT_API_KEY and `--api-key-file` contradict each other: keep one of them")]
    Two,
    /// The file cannot be read.
    #[error("key file `{}` cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing in the file.
    #[error("key file `{}` is empty: put the key of the provider into it, and nothing else", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// There is something else in the file.
    #[error("key file `{}` holds something else than one key: put the key of the provider into it, and nothing else", path.display())]
    MalformedFile {
        /// The file.
        path: PathBuf,
    },
    /// There is something else in the variable.
    #[error("{name} holds something else than one key: white space or a character that no key has")]
    MalformedVariable {
        /// The variable.
        name: &'static str,
    },
}
