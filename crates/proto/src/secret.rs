//! Owns [`Secret`], a text that must not reach a log.
//!
//! It must never know what the secret opens.

use std::fmt::{self, Debug};

use serde::{Deserialize, Serialize};

/// Holds a key, a token or the value of an environment variable: a string on the wire, nothing in `Debug`.
///
/// # Examples
///
/// ```
/// use runwright_proto::Secret;
///
/// let secret = Secret::from("sk-123".to_owned());
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// assert_eq!(secret.expose(), "sk-123");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Returns the text. The caller takes over the duty not to log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Tells whether there is no text.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
