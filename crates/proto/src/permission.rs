//! Owns approvals: what a tool asks for, and what somebody answers (contract 2.6, semantics 6).
//!
//! It must never know what is allowed without asking.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ClientId, PermissionId, RunId, SessionId,
    wire::{maybe_id, nullable, words},
};

/// Is a tool's request for approval.
///
/// # Examples
///
/// ```
/// use runwright_proto::{PermissionId, PermissionRequest, SessionId};
///
/// let request = PermissionRequest {
///     id: PermissionId::generate(),
///     session_id: SessionId::random(),
///     tool_call_id: "call_7".to_owned(),
///     tool_name: "bash".to_owned(),
///     description: "Execute command: ls".to_owned(),
///     action: "execute".to_owned(),
///     params: serde_json::json!({ "command": "ls" }),
///     path: "/home/user/demo".to_owned(),
/// };
/// let json = serde_json::to_string(&request)?;
/// assert_eq!(serde_json::from_str::<PermissionRequest>(&json)?, request);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermissionRequest {
    /// Its own id.
    pub id: PermissionId,
    /// The session of the run that asks.
    pub session_id: SessionId,
    /// The tool call that asks; may be empty.
    #[serde(default, deserialize_with = "nullable")]
    pub tool_call_id: String,
    /// The tool that asks.
    #[serde(default, deserialize_with = "nullable")]
    pub tool_name: String,
    /// What it wants, in words.
    #[serde(default, deserialize_with = "nullable")]
    pub description: String,
    /// What it wants, as the tool's own word, for example `execute`.
    #[serde(default, deserialize_with = "nullable")]
    pub action: String,
    /// The details, in a form that depends on the tool; an object or `null`.
    #[serde(default)]
    pub params: Value,
    /// The directory it is about.
    #[serde(default, deserialize_with = "nullable")]
    pub path: String,
}

/// Tells how a request for approval stands: asked (neither), granted, or denied.
///
/// # Examples
///
/// ```
/// use runwright_proto::PermissionNotification;
///
/// let asked = PermissionNotification { tool_call_id: "call_7".to_owned(), ..PermissionNotification::default() };
/// let json = r#"{"tool_call_id":"call_7","granted":false,"denied":false}"#;
/// assert_eq!(serde_json::to_string(&asked)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermissionNotification {
    /// The tool call that asked.
    #[serde(default, deserialize_with = "nullable")]
    pub tool_call_id: String,
    /// Whether it was granted.
    #[serde(default, deserialize_with = "nullable")]
    pub granted: bool,
    /// Whether it was denied.
    #[serde(default, deserialize_with = "nullable")]
    pub denied: bool,
    /// The request. Ours; absent when none had to be made.
    #[serde(default, with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub permission_id: Option<PermissionId>,
    /// The client that answered. Ours; absent when a rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<ClientId>,
}

/// Answers a request for approval: the body of `POST …/permissions/grant`.
///
/// # Examples
///
/// ```
/// use runwright_proto::{GrantPermission, PermissionAction};
///
/// let json = r#"{"permission":{"id":"p-1","tool_name":"bash"},"action":"allow_session"}"#;
/// let answer: GrantPermission = serde_json::from_str(json)?;
/// assert_eq!(answer.permission.id.as_str(), "p-1");
/// assert_eq!(answer.action, PermissionAction::AllowSession);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantPermission {
    /// The request that is answered.
    pub permission: PermissionRef,
    /// The answer.
    #[serde(default, deserialize_with = "nullable")]
    pub action: PermissionAction,
}

/// Names a request for approval.
///
/// Contract clients send the whole request back. Only its id is read: what was asked for is what the server remembers,
/// not what a client says it was.
///
/// # Examples
///
/// ```
/// use runwright_proto::PermissionRef;
///
/// let permission: PermissionRef = serde_json::from_str(r#"{"id":"p-1","action":"execute"}"#)?;
/// assert_eq!(permission.id.as_str(), "p-1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermissionRef {
    /// The id of the request.
    pub id: PermissionId,
}

words! {
    /// Is an answer to a request for approval.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::PermissionAction;
    ///
    /// assert_eq!("allow_session".parse(), Ok(PermissionAction::AllowSession));
    /// assert_eq!("maybe".parse(), Ok(PermissionAction::Unknown));
    /// ```
    #[derive(Default)]
    pub enum PermissionAction("permission action") {
        /// This time.
        Allow = "allow",
        /// Now, and each time this session asks for the same.
        AllowSession = "allow_session",
        /// No.
        Deny = "deny",
        ;
        /// A word that is no answer; the server refuses it.
        #[default]
        else Unknown = "unknown",
    }
}

/// Tells whether an answer counted. The first one does (semantics 6).
///
/// # Examples
///
/// ```
/// use runwright_proto::Resolved;
///
/// assert_eq!(serde_json::to_string(&Resolved::first())?, r#"{"resolved":true}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resolved {
    /// Whether this answer was the one that counted.
    #[serde(default, deserialize_with = "nullable")]
    pub resolved: bool,
    /// The client whose answer counted. Ours; only for an answer that came too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<ClientId>,
    /// The answer that counted. Ours; only for an answer that came too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<PermissionAction>,
}

impl Resolved {
    /// Makes the reply to the answer that counted.
    #[must_use]
    pub const fn first() -> Self {
        Self {
            resolved: true,
            resolved_by: None,
            action: None,
        }
    }
}

/// Is an open request for approval: one element of `GET …/permissions`.
///
/// # Examples
///
/// ```
/// use runwright_proto::OpenPermission;
///
/// let json = r#"{"request":{"id":"p","session_id":"s"},"run_id":"r","created_at_ms":1000,"age_ms":250}"#;
/// let open: OpenPermission = serde_json::from_str(json)?;
/// assert_eq!(open.age_ms, 250);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenPermission {
    /// What is asked for.
    pub request: PermissionRequest,
    /// The run that asks.
    #[serde(default, with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// When it was asked, in Unix milliseconds.
    #[serde(default, deserialize_with = "nullable")]
    pub created_at_ms: i64,
    /// How long it has waited, in milliseconds.
    #[serde(default, deserialize_with = "nullable")]
    pub age_ms: u64,
}

/// Says whether tools need no approval: both the body and the reply of `…/permissions/skip`.
///
/// # Examples
///
/// ```
/// use runwright_proto::SkipPermissions;
///
/// assert!(serde_json::from_str::<SkipPermissions>(r#"{"skip":true}"#)?.skip);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkipPermissions {
    /// Whether approval is skipped.
    #[serde(default, deserialize_with = "nullable")]
    pub skip: bool,
}
