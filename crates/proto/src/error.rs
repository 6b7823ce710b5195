//! Owns what the server says when it says no: the problem body and its codes (semantics 7).
//!
//! It must never know which failure of the server gives which code; that is one table in the server.

use serde::{Deserialize, Serialize};

use crate::wire::nullable;

mod code;

pub use self::code::ErrorCode;

/// Tells that a text or a number is none of the words an enum has on the wire.
///
/// What was read is not repeated, because it comes from outside and may be long.
///
/// # Examples
///
/// ```
/// use runwright_proto::BusyPolicy;
///
/// let error = "drop".parse::<BusyPolicy>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown busy policy, expected one of `queue`, `reject`, `interrupt`, `steer`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind}, expected one of {expected}")]
pub struct ParseWordError {
    kind: &'static str,
    expected: String,
}

impl ParseWordError {
    pub(crate) fn new(
        kind: &'static str,
        expected: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let expected: Vec<String> = expected
            .into_iter()
            .map(|word| format!("`{word}`"))
            .collect();
        Self {
            kind,
            expected: expected.join(", "),
        }
    }
}

/// Is the body of every answer that is not a success: RFC 9457, plus the contract's `message`.
///
/// # Examples
///
/// ```
/// use runwright_proto::{ErrorCode, Problem};
///
/// let problem = Problem::new(404, ErrorCode::WorkspaceNotFound, "workspace not found");
/// assert_eq!(
///     serde_json::to_string(&problem)?,
///     concat!(
///         r#"{"type":"urn:runwright:problem:workspace_not_found","title":"Workspace not found","status":404,"#,
///         r#""detail":"workspace not found","code":"workspace_not_found","message":"workspace not found"}"#,
///     ),
/// );
///
/// // A contract server says no more than this.
/// let problem: Problem = serde_json::from_str(r#"{"message":"workspace not found"}"#)?;
/// assert_eq!((problem.code, problem.message.as_str()), (ErrorCode::Unknown, "workspace not found"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Names the kind of problem, as a URN made of the code.
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    pub kind: String,
    /// The kind of problem in words; the same for each problem of a code.
    #[serde(default, deserialize_with = "nullable")]
    pub title: String,
    /// The status code of the answer.
    #[serde(default, deserialize_with = "nullable")]
    pub status: u16,
    /// What went wrong this time.
    #[serde(default, deserialize_with = "nullable")]
    pub detail: String,
    /// The kind of problem for programs.
    #[serde(default, deserialize_with = "nullable")]
    pub code: ErrorCode,
    /// The same as `detail`, under the contract's name.
    #[serde(default, deserialize_with = "nullable")]
    pub message: String,
    /// Names this answer, as the log does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// How many runs are in the queue that is full. Ours, with `queue_full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}

impl Problem {
    /// Makes the body of an answer with `status`; `detail` also fills the contract's `message`.
    pub fn new(status: u16, code: ErrorCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            kind: format!("urn:runwright:problem:{code}"),
            title: code.title().to_owned(),
            status,
            message: detail.clone(),
            detail,
            code,
            instance: None,
            position: None,
        }
    }
}
