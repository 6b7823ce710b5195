//! Owns language servers as clients see them (contract 2.5 and 3.5).
//!
//! It must never know their protocol.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    wire::{codes, is_zero, nullable, words},
};

/// Says how a language server is: one value of `GET …/lsps`.
///
/// # Examples
///
/// ```
/// use runwright_proto::{LspClientInfo, LspState};
///
/// let json = r#"{"name":"gopls","state":2,"connected_at":"2026-11-22T15:04:48Z"}"#;
/// let info: LspClientInfo = serde_json::from_str(json)?;
/// assert_eq!(info.state, LspState::Ready);
/// assert_eq!(serde_json::to_string(&info)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LspClientInfo {
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// How it is.
    #[serde(default, deserialize_with = "nullable")]
    pub state: LspState,
    /// What went wrong; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub error: String,
    /// How many problems it reports; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub diagnostic_count: u64,
    /// Since when it is connected.
    #[serde(default, deserialize_with = "nullable")]
    pub connected_at: Timestamp,
}

codes! {
    /// Says how a language server is.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::LspState;
    ///
    /// assert_eq!(serde_json::from_str::<LspState>("2").unwrap(), LspState::Ready);
    /// assert_eq!(i64::from(LspState::Disabled), 5);
    /// ```
    #[derive(Default)]
    pub enum LspState("language server state") {
        /// Nobody has needed it yet.
        #[default]
        Unstarted = 0,
        /// It starts.
        Starting = 1,
        /// It answers.
        Ready = 2,
        /// It failed.
        Error = 3,
        /// It was stopped.
        Stopped = 4,
        /// It is switched off.
        Disabled = 5,
        ;
        /// A state of a later version.
        else Unknown = -1,
    }
}

/// Tells that something about a language server changed: the payload of `lsp_event`.
///
/// # Examples
///
/// ```
/// use runwright_proto::{LspEvent, LspEventKind};
///
/// let event: LspEvent = serde_json::from_str(r#"{"type":"state_changed","name":"gopls","state":2}"#)?;
/// assert_eq!(event.kind, LspEventKind::StateChanged);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LspEvent {
    /// What went wrong; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub error: String,
    /// What changed.
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    pub kind: LspEventKind,
    /// What the server is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// How it is.
    #[serde(default, deserialize_with = "nullable")]
    pub state: LspState,
    /// How many problems it reports; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub diagnostic_count: u64,
}

words! {
    /// Says what changed about a language server.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::LspEventKind;
    ///
    /// assert_eq!(LspEventKind::DiagnosticsChanged.as_str(), "diagnostics_changed");
    /// ```
    #[derive(Default)]
    pub enum LspEventKind("language server event") {
        /// How it is.
        StateChanged = "state_changed",
        /// The problems it reports.
        DiagnosticsChanged = "diagnostics_changed",
        ;
        /// Something of a later version.
        #[default]
        else Unknown = "unknown",
    }
}

/// Asks for the language servers of a file: the body of `POST …/lsps/start`.
///
/// # Examples
///
/// ```
/// use runwright_proto::StartLsp;
///
/// let request: StartLsp = serde_json::from_str(r#"{"path":"/home/user/demo/a.txt"}"#)?;
/// assert_eq!(request.path, "/home/user/demo/a.txt");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartLsp {
    /// The file.
    #[serde(default, deserialize_with = "nullable")]
    pub path: String,
}
