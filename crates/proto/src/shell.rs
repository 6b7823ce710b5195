//! Owns the command a user runs in a session, outside of any prompt (contract 2.7).
//!
//! It must never know how a command is executed.

use serde::{Deserialize, Serialize};

use crate::wire::{is_zero, nullable};

/// Asks for a command to be run: the body of `POST …/agent/sessions/{sid}/shell`.
///
/// The session is the one in the path; the one that contract clients send in the body does not count.
///
/// # Examples
///
/// ```
/// use runwright_proto::ShellRequest;
///
/// let request: ShellRequest = serde_json::from_str(r#"{"session_id":"","command":"ls -a","term_width":83}"#)?;
/// assert_eq!((request.command.as_str(), request.term_width), ("ls -a", 83));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShellRequest {
    /// The command line.
    #[serde(default, deserialize_with = "nullable")]
    pub command: String,
    /// How many columns the client's terminal has; zero, unknown, is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub term_width: u32,
}

/// Tells what a command printed.
///
/// # Examples
///
/// ```
/// use runwright_proto::ShellReply;
///
/// let reply = ShellReply { output: "a.txt\n".to_owned(), exit_code: 0 };
/// assert_eq!(serde_json::to_string(&reply)?, r#"{"output":"a.txt\n","exit_code":0}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShellReply {
    /// Its output, then its errors.
    #[serde(default, deserialize_with = "nullable")]
    pub output: String,
    /// What it exited with.
    #[serde(default, deserialize_with = "nullable")]
    pub exit_code: i32,
}
