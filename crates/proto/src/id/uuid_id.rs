//! Owns the ids that are always UUIDs: workspaces and clients.
//!
//! It must never know how a path is resolved, nor whether a client is attached.

use std::{
    fmt::{self, Display},
    path::Path,
    str::FromStr,
};

use uuid::Uuid;

use super::{ParseIdError, string_conversions};

/// Names a workspace: one directory, the same id for as long as the directory has the same path.
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// use runwright_proto::WorkspaceId;
///
/// let id = WorkspaceId::of_path(Path::new("/home/user/demo"));
/// assert_eq!(id, WorkspaceId::of_path(Path::new("/home/user/demo")));
/// assert_eq!(id.to_string().parse::<WorkspaceId>(), Ok(id));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceId(Uuid);

impl WorkspaceId {
    /// The namespace of our version 5 UUIDs. It is fixed for good: a new one would give every workspace a new id.
    const NAMESPACE: Uuid = Uuid::from_u128(0x5c1d_6a0e_7f43_5b0b_9c52_1e2f_0d8a_4b67);

    /// Derives the id from a path that the caller has already made absolute and free of symbolic links.
    ///
    /// The same path gives the same id in every process and after every restart (semantics 1), so a client that
    /// reconnects finds its workspace again. The path is not looked at on disk.
    #[must_use]
    pub fn of_path(resolved: &Path) -> Self {
        Self(Uuid::new_v5(
            &Self::NAMESPACE,
            resolved.as_os_str().as_encoded_bytes(),
        ))
    }
}

/// Names a client process, which makes the id itself and keeps it for its life.
///
/// The plain form, the `urn:uuid:` form, braces and the form without dashes are read (contract 2.0); the plain form in
/// lower case is written.
///
/// # Examples
///
/// ```
/// use runwright_proto::ClientId;
///
/// let id: ClientId = "{00000000-0000-4000-8000-000000000001}".parse()?;
/// assert_eq!(id.to_string(), "00000000-0000-4000-8000-000000000001");
/// # Ok::<(), runwright_proto::ParseIdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Uuid);

impl ClientId {
    /// Makes a new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

macro_rules! uuid_id {
    ($name:ident, $kind:literal) => {
        impl $name {
            /// Returns the UUID inside.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                if text.is_empty() {
                    return Err(ParseIdError::Empty { kind: $kind });
                }
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| ParseIdError::NotUuid { kind: $kind })
            }
        }

        string_conversions!($name);
    };
}

uuid_id!(WorkspaceId, "workspace id");
uuid_id!(ClientId, "client id");
