//! Owns workspaces as clients create, see and leave them (contract 2.1 and 2.3).
//!
//! It must never know who is attached, nor when one is torn down.

use std::fmt::{self, Debug};

use serde::{Deserialize, Serialize};

use crate::{
    ClientId, Config, ParseIdError, SkillState, WorkspaceId,
    wire::{is_false, nullable, words},
};

/// Asks to create the workspace of a directory, or to join it: the body of `POST /v1/workspaces`.
///
/// Path and client id are required; that they may be empty here lets the server say which of them is missing. Contract
/// clients send more, which does not count.
///
/// # Examples
///
/// ```
/// use runwright_proto::CreateWorkspace;
///
/// let json = r#"{"id":"","path":"/home/user/demo","client_id":"00000000-0000-4000-8000-000000000001","env":null}"#;
/// let request: CreateWorkspace = serde_json::from_str(json)?;
/// assert_eq!(request.path, "/home/user/demo");
/// assert!(request.client_id().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateWorkspace {
    /// The directory, absolute.
    #[serde(default, deserialize_with = "nullable")]
    pub path: String,
    /// Whether tools need no approval.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub yolo: bool,
    /// Whether more is logged.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub debug: bool,
    /// Where the workspace's data is to be; the server's choice when empty.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub data_dir: String,
    /// The version of the client.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub version: String,
    /// Who asks, as it was sent; [`client_id()`](Self::client_id()) parses it.
    #[serde(default, deserialize_with = "nullable")]
    pub client_id: String,
    /// The environment of the workspace's tools.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Environment::is_empty"
    )]
    pub env: Environment,
    /// The channels to join; all clients of a workspace agree on them.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub channels: Vec<String>,
    /// What happens to runs when the last client leaves. Ours; the server's choice when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_last_detach: Option<OnLastDetach>,
}

impl CreateWorkspace {
    /// Parses the client's id.
    ///
    /// # Errors
    ///
    /// [`ParseIdError::Empty`] when there is none, [`ParseIdError::NotUuid`] when it is no UUID.
    pub fn client_id(&self) -> Result<ClientId, ParseIdError> {
        self.client_id.parse()
    }
}

words! {
    /// Says what happens to a workspace's runs when its last client leaves (semantics 4).
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::OnLastDetach;
    ///
    /// assert_eq!(OnLastDetach::default().as_str(), "finish");
    /// ```
    #[derive(Default)]
    pub enum OnLastDetach("on_last_detach policy") {
        /// They end, then the workspace closes.
        #[default]
        Finish = "finish",
        /// They are cancelled, then the workspace closes.
        Cancel = "cancel",
        /// They end, and the workspace stays open.
        Keep = "keep",
    }
}

/// Is a workspace as it is shown.
///
/// There is no member for the environment: it is used for the workspace's tools and never sent back (semantics 4).
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// use runwright_proto::{Workspace, WorkspaceId};
///
/// let path = "/home/user/demo";
/// let workspace = Workspace::new(WorkspaceId::of_path(Path::new(path)), path.to_owned());
/// let json = serde_json::to_value(&workspace)?;
/// assert!(json["config"]["options"]["tui"].is_object(), "a contract client crashes without it");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Workspace {
    /// Its own id.
    pub id: WorkspaceId,
    /// The directory, as its first client named it.
    #[serde(default, deserialize_with = "nullable")]
    pub path: String,
    /// Whether its tools need no approval.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub yolo: bool,
    /// Whether more is logged.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub debug: bool,
    /// Where its data is, absolute.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub data_dir: String,
    /// The version of the server.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub version: String,
    /// Its configuration, redacted. Always on the wire: a contract client crashes without it.
    #[serde(default, deserialize_with = "nullable")]
    pub config: Config,
    /// The channels it was made with.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub channels: Vec<String>,
    /// The skills that were looked at, and how that went.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub skills: Vec<SkillState>,
    /// What happens to its runs when the last client leaves. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_last_detach: Option<OnLastDetach>,
}

impl Workspace {
    /// Makes the view of a workspace that has nothing but its path to tell.
    #[must_use]
    pub fn new(id: WorkspaceId, path: String) -> Self {
        Self {
            id,
            path,
            yolo: false,
            debug: false,
            data_dir: String::new(),
            version: String::new(),
            config: Config::default(),
            channels: Vec::new(),
            skills: Vec::new(),
            on_last_detach: None,
        }
    }
}

/// Holds the environment that a client sends: `NAME=value` strings on the wire, their number in `Debug`.
///
/// # Examples
///
/// ```
/// use runwright_proto::Environment;
///
/// let env: Environment = serde_json::from_str(r#"["HOME=/home/user","API_KEY=sk=1"]"#)?;
/// assert_eq!(env.variables().collect::<Vec<_>>(), [("HOME", "/home/user"), ("API_KEY", "sk=1")]);
/// assert_eq!(format!("{env:?}"), "Environment(2 variables)");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Environment(Vec<String>);

impl Environment {
    /// Iterates over names and values. Entries without a name or without `=` are left out.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(|entry| entry.split_once('='))
            .filter(|(name, _)| !name.is_empty())
    }

    /// Tells whether nothing was sent.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<String>> for Environment {
    fn from(entries: Vec<String>) -> Self {
        Self(entries)
    }
}

impl Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}
