//! Owns what belongs to the server as a whole, and the small bodies of single routes.
//!
//! It must never know how any of it is found out.

use serde::{Deserialize, Serialize};

use crate::{
    SessionId, WorkspaceId,
    wire::{maybe_id, nullable, words},
};

/// Says which server this is.
///
/// # Examples
///
/// ```
/// use runwright_proto::Version;
///
/// let version = Version { version: "0.1.0".to_owned(), platform: "linux/amd64".to_owned(), ..Version::default() };
/// assert_eq!(serde_json::to_value(&version)?["go_version"], "", "every member of the contract is present");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Version {
    /// The version of the server.
    #[serde(default, deserialize_with = "nullable")]
    pub version: String,
    /// The commit it was built from.
    #[serde(default, deserialize_with = "nullable")]
    pub commit: String,
    /// Names the build; a contract client compares it with its own.
    #[serde(default, deserialize_with = "nullable")]
    pub build_id: String,
    /// The compiler it was built with. The name is the contract's.
    #[serde(default, deserialize_with = "nullable")]
    pub go_version: String,
    /// What it runs on, as `system/architecture`.
    #[serde(default, deserialize_with = "nullable")]
    pub platform: String,
}

/// Tells the server to do something with itself: the body of `POST /v1/control`.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Control, ControlCommand};
///
/// let control: Control = serde_json::from_str(r#"{"command":"shutdown_if_idle"}"#)?;
/// assert_eq!(control.command, ControlCommand::ShutdownIfIdle);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Control {
    /// What to do.
    #[serde(default, deserialize_with = "nullable")]
    pub command: ControlCommand,
}

words! {
    /// Is something the server can be told to do with itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::ControlCommand;
    ///
    /// assert_eq!("restart".parse(), Ok(ControlCommand::Unknown));
    /// ```
    #[derive(Default)]
    pub enum ControlCommand("command") {
        /// End. The contract has it refused, like the other, when the server is not idle.
        Shutdown = "shutdown",
        /// End if there is nothing to do.
        ShutdownIfIdle = "shutdown_if_idle",
        ;
        /// A word that is no command; the server refuses it.
        #[default]
        else Unknown = "unknown",
    }
}

/// Tells which session a client looks at: the body of `POST …/current-session`.
///
/// # Examples
///
/// ```
/// use runwright_proto::CurrentSession;
///
/// let none: CurrentSession = serde_json::from_str(r#"{"session_id":""}"#)?;
/// assert_eq!(none.session_id, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CurrentSession {
    /// The session; the empty text on the wire for none.
    #[serde(default, with = "maybe_id")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub session_id: Option<SessionId>,
}

/// Says whether a project has yet to be introduced to the agent.
///
/// # Examples
///
/// ```
/// use runwright_proto::NeedsInit;
///
/// assert_eq!(serde_json::to_string(&NeedsInit { needs_init: true })?, r#"{"needs_init":true}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NeedsInit {
    /// Whether it has.
    #[serde(default, deserialize_with = "nullable")]
    pub needs_init: bool,
}

/// Is a prompt that the server made: how to introduce a project, or a prompt of an MCP server.
///
/// # Examples
///
/// ```
/// use runwright_proto::PromptReply;
///
/// assert_eq!(serde_json::to_string(&PromptReply { prompt: "Look".to_owned() })?, r#"{"prompt":"Look"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptReply {
    /// The prompt.
    #[serde(default, deserialize_with = "nullable")]
    pub prompt: String,
}

/// Names the workspace whose configuration changed: the payload of `config_changed`.
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// use runwright_proto::{ConfigChanged, WorkspaceId};
///
/// let changed = ConfigChanged { workspace_id: WorkspaceId::of_path(Path::new("/a")) };
/// assert!(serde_json::to_string(&changed)?.starts_with(r#"{"workspace_id":""#));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigChanged {
    /// The workspace.
    pub workspace_id: WorkspaceId,
}

/// Tells that there is a newer version: the payload of `update_available`.
///
/// # Examples
///
/// ```
/// use runwright_proto::UpdateAvailable;
///
/// let update: UpdateAvailable = serde_json::from_str(r#"{"current_version":"1","latest_version":"2"}"#)?;
/// assert_eq!(update.latest_version, "2");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateAvailable {
    /// What runs.
    #[serde(default, deserialize_with = "nullable")]
    pub current_version: String,
    /// What could run.
    #[serde(default, deserialize_with = "nullable")]
    pub latest_version: String,
    /// Whether what runs was built by hand.
    #[serde(default, deserialize_with = "nullable")]
    pub is_development: bool,
}

/// Says what the server is doing, workspace by workspace: what `runwright status` shows.
///
/// # Examples
///
/// ```
/// use runwright_proto::Status;
///
/// assert_eq!(serde_json::to_string(&Status::default())?, r#"{"version":"","uptime_ms":0,"workspaces":[]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Status {
    /// The version of the server.
    #[serde(default, deserialize_with = "nullable")]
    pub version: String,
    /// How long it has run, in milliseconds.
    #[serde(default, deserialize_with = "nullable")]
    pub uptime_ms: u64,
    /// Which model answers prompts; a server that does not say leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelStatus>,
    /// Its open workspaces.
    #[serde(default, deserialize_with = "nullable")]
    pub workspaces: Vec<WorkspaceStatus>,
}

/// Says which model answers prompts. There is no secret in it.
///
/// # Examples
///
/// ```
/// use runwright_proto::ModelStatus;
///
/// let json = r#"{"provider":"openai","base_url":"https://api.openai.com/v1","model":"m","small_model":"s"}"#;
/// let status: ModelStatus = serde_json::from_str(json)?;
/// assert_eq!(serde_json::to_string(&status)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelStatus {
    /// Whose model it is.
    #[serde(default, deserialize_with = "nullable")]
    pub provider: String,
    /// Where the provider is reached; left out for a model that needs no network.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub base_url: String,
    /// The model that answers.
    #[serde(default, deserialize_with = "nullable")]
    pub model: String,
    /// The model for small things, such as titles.
    #[serde(default, deserialize_with = "nullable")]
    pub small_model: String,
}

/// Says what one workspace is doing.
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// use runwright_proto::{WorkspaceId, WorkspaceStatus};
///
/// let status = WorkspaceStatus {
///     id: WorkspaceId::of_path(Path::new("/a")),
///     path: "/a".to_owned(),
///     clients: 1,
///     runs_active: 0,
///     runs_queued: 0,
///     busy_sessions: Vec::new(),
/// };
/// let json = serde_json::to_string(&status)?;
/// assert_eq!(serde_json::from_str::<WorkspaceStatus>(&json)?, status);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkspaceStatus {
    /// Its id.
    pub id: WorkspaceId,
    /// Its directory.
    #[serde(default, deserialize_with = "nullable")]
    pub path: String,
    /// How many clients hold it open.
    #[serde(default, deserialize_with = "nullable")]
    pub clients: u64,
    /// How many runs are at work or wait for an answer.
    #[serde(default, deserialize_with = "nullable")]
    pub runs_active: u64,
    /// How many runs wait for their turn.
    #[serde(default, deserialize_with = "nullable")]
    pub runs_queued: u64,
    /// The sessions in which a run is active.
    #[serde(default, deserialize_with = "nullable")]
    pub busy_sessions: Vec<SessionId>,
}
