//! Owns the files a session has changed or read (contract 2.4).
//!
//! It must never know what is on disk.

use serde::{Deserialize, Serialize};

use crate::{
    SessionId,
    wire::{maybe_id, nullable},
};

/// Is one version of a file that a session has changed. Times are Unix seconds.
///
/// # Examples
///
/// ```
/// use runwright_proto::File;
///
/// let json = r#"{"id":"f","session_id":"s","path":"/a","content":"x","version":1,"created_at":5,"updated_at":5}"#;
/// let file: File = serde_json::from_str(json)?;
/// assert_eq!(file.version, 1);
/// assert_eq!(serde_json::to_string(&file)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct File {
    /// Its own id.
    pub id: String,
    /// The session that changed it.
    pub session_id: SessionId,
    /// Where it is, absolute.
    #[serde(default, deserialize_with = "nullable")]
    pub path: String,
    /// All that is in it.
    #[serde(default, deserialize_with = "nullable")]
    pub content: String,
    /// Counts from zero, the file before the first change.
    #[serde(default, deserialize_with = "nullable")]
    pub version: u64,
    /// When it was made, in Unix seconds.
    #[serde(default, deserialize_with = "nullable")]
    pub created_at: i64,
    /// When it last changed, in Unix seconds.
    #[serde(default, deserialize_with = "nullable")]
    pub updated_at: i64,
}

/// Notes that a session has read a file: the body of `POST …/filetracker/read`.
///
/// # Examples
///
/// ```
/// use runwright_proto::FileRead;
///
/// let request: FileRead = serde_json::from_str(r#"{"session_id":"s","path":"/a"}"#)?;
/// assert_eq!(request.path, "/a");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileRead {
    /// The session.
    #[serde(default, with = "maybe_id")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub session_id: Option<SessionId>,
    /// The file.
    #[serde(default, deserialize_with = "nullable")]
    pub path: String,
}
