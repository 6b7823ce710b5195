//! Owns what all ids share: the error of a failed parse and the serde glue that treats an id as a JSON string.
//!
//! It must never know what an id refers to, nor where the thing is stored.

use std::{
    fmt::{self, Display},
    marker::PhantomData,
    str::FromStr,
};

use serde::{Deserializer, de};

mod cursor;
mod string_id;
mod uuid_id;

pub use self::{
    cursor::{Cursor, Epoch, Seq},
    string_id::{MessageId, PermissionId, QuestionId, RunId, SessionId},
    uuid_id::{ClientId, WorkspaceId},
};

/// Tells why a text is not a valid id.
///
/// The offending text is not repeated, because it comes from outside and may be long: only its kind, its length or one
/// byte of it is named.
///
/// # Examples
///
/// ```
/// use runwright_proto::{ParseIdError, RunId};
///
/// let error = "two words".parse::<RunId>().unwrap_err();
/// assert_eq!(error, ParseIdError::Forbidden { kind: "run id", byte: b' ', offset: 3 });
/// assert_eq!(error.to_string(), "run id has the forbidden byte `0x20` at offset 3");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// The text has no characters.
    #[error("{kind} is empty")]
    Empty {
        /// What was parsed, for example `session id`.
        kind: &'static str,
    },
    /// The text is longer than the kind allows.
    #[error("{kind} is {len} bytes long, at most {max} are allowed")]
    TooLong {
        /// What was parsed.
        kind: &'static str,
        /// The length of the text in bytes.
        len: usize,
        /// The longest length of this kind in bytes.
        max: usize,
    },
    /// The text has a byte that the kind does not allow.
    #[error("{kind} has the forbidden byte `{byte:#04x}` at offset {offset}")]
    Forbidden {
        /// What was parsed.
        kind: &'static str,
        /// The first byte that is not allowed.
        byte: u8,
        /// Where that byte is, in bytes from the start.
        offset: usize,
    },
    /// The text is not a UUID in any of the accepted forms.
    #[error("{kind} is not a valid UUID")]
    NotUuid {
        /// What was parsed.
        kind: &'static str,
    },
    /// The text is not a cursor: neither `0`, nor `now`, nor `<epoch>-<seq>`.
    #[error("cursor is neither `0`, nor `now`, nor `<epoch>-<seq>`")]
    NotCursor,
}

/// Decodes a JSON string through `FromStr`, without a copy of it in between.
pub(crate) fn deserialize_from_str<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    deserializer.deserialize_str(FromStrVisitor(PhantomData))
}

struct FromStrVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err: Display>> de::Visitor<'_> for FromStrVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<T, E> {
        value.parse().map_err(E::custom)
    }
}

/// Implements the conversions that every id has in terms of its `FromStr` and `Display`.
macro_rules! string_conversions {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = $crate::ParseIdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::ParseIdError;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::id::deserialize_from_str(deserializer)
            }
        }
    };
}
use string_conversions;
