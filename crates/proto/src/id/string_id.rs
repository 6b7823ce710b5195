//! Owns the ids that are short texts: sessions, runs, messages, approvals and questions.
//!
//! It must never know which of them exist.

use std::{
    fmt::{self, Display},
    str::FromStr,
    sync::Arc,
};

use uuid::Uuid;

use super::ParseIdError;

/// Checks the bounds that all textual ids share and names the first thing that is wrong.
pub(super) fn validate(
    kind: &'static str,
    text: &str,
    max: usize,
    allowed: impl Fn(u8) -> bool,
) -> Result<(), ParseIdError> {
    if text.is_empty() {
        return Err(ParseIdError::Empty { kind });
    }
    if text.len() > max {
        return Err(ParseIdError::TooLong {
            kind,
            len: text.len(),
            max,
        });
    }
    match text.bytes().enumerate().find(|&(_, byte)| !allowed(byte)) {
        Some((offset, byte)) => Err(ParseIdError::Forbidden { kind, byte, offset }),
        None => Ok(()),
    }
}

/// Defines an id that shares its text, with a length limit in bytes and a rule for its bytes.
macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The longest text this id can have, in bytes.
            pub const MAX_LEN: usize = $max;

            /// Returns the id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                $crate::id::string_id::validate($kind, text, Self::MAX_LEN, $allowed)?;
                Ok(Self(Arc::from(text)))
            }
        }

        $crate::id::string_conversions!($name);
    };
}
pub(super) use string_id;

/// Visible ASCII, without the slash that would end a path segment.
fn is_segment_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'/'
}

fn uuid_text(uuid: Uuid) -> Arc<str> {
    Arc::from(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) as &str)
}

string_id! {
    /// Names a session: a UUID, `<message>$$<tool call>` for a sub-agent's session, or `title-<session>`.
    ///
    /// Clones share the text.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::{MessageId, SessionId};
    ///
    /// let message: MessageId = "00000000-0000-4000-8000-000000000005".parse()?;
    /// let child = SessionId::of_sub_agent(&message, "call_7")?;
    /// assert_eq!(child.as_str(), "00000000-0000-4000-8000-000000000005$$call_7");
    /// # Ok::<(), runwright_proto::ParseIdError>(())
    /// ```
    SessionId, "session id", 256, is_segment_byte
}

impl SessionId {
    /// Makes a new random id, a version 4 UUID.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid_text(Uuid::new_v4()))
    }

    /// Names the session of the sub-agent that a tool call of `message` started.
    ///
    /// # Errors
    ///
    /// When the tool call's id, which the model's provider chose, is too long or has bytes an id cannot have.
    pub fn of_sub_agent(message: &MessageId, tool_call: &str) -> Result<Self, ParseIdError> {
        format!("{message}$${tool_call}").parse()
    }
}

string_id! {
    /// Names a run: the caller's own text, or a UUID when the caller gave none.
    ///
    /// Clones share the text.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::RunId;
    ///
    /// let mine: RunId = "nightly-2026-11-22".parse()?;
    /// assert_eq!(mine.as_str(), "nightly-2026-11-22");
    /// assert!(RunId::generate() < RunId::generate(), "generated ids are in the order of their making");
    /// # Ok::<(), runwright_proto::ParseIdError>(())
    /// ```
    RunId, "run id", 128, |byte| byte.is_ascii_graphic()
}

impl RunId {
    /// Makes a new id, a version 7 UUID: later ones of a process are greater.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid_text(Uuid::now_v7()))
    }
}

string_id! {
    /// Names a message.
    ///
    /// Clones share the text.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::MessageId;
    ///
    /// let id = MessageId::generate();
    /// assert_eq!(id.to_string().parse(), Ok(id));
    /// ```
    MessageId, "message id", 256, is_segment_byte
}

impl MessageId {
    /// Makes a new id, a version 7 UUID: later ones of a process are greater.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid_text(Uuid::now_v7()))
    }
}

string_id! {
    /// Names a request for approval.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::PermissionId;
    ///
    /// let id = PermissionId::generate();
    /// assert_eq!(id.to_string().parse(), Ok(id));
    /// ```
    PermissionId, "permission id", 128, is_segment_byte
}

impl PermissionId {
    /// Makes a new id, a version 7 UUID: later ones of a process are greater.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid_text(Uuid::now_v7()))
    }
}

string_id! {
    /// Names a batch of questions that a run has put to its user.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::QuestionId;
    ///
    /// let id = QuestionId::generate();
    /// assert_eq!(id.to_string().parse(), Ok(id));
    /// ```
    QuestionId, "question id", 128, is_segment_byte
}

impl QuestionId {
    /// Makes a new id, a version 7 UUID: later ones of a process are greater.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid_text(Uuid::now_v7()))
    }
}
