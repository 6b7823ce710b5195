//! Owns MCP servers as clients see them (contract 2.9 and 3.5).
//!
//! It must never know their protocol.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Blob, Timestamp,
    wire::{is_false, is_zero, nullable, words},
};

/// Says how an MCP server is: one value of `GET …/mcp/states`.
///
/// # Examples
///
/// ```
/// use runwright_proto::{McpClientInfo, McpState};
///
/// let json = r#"{"name":"files","state":"connected","tool_count":3,"connected_at":"2026-11-22T15:04:48Z"}"#;
/// let info: McpClientInfo = serde_json::from_str(json)?;
/// assert_eq!(info.state, McpState::Connected);
/// assert_eq!(serde_json::to_string(&info)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpClientInfo {
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// How it is.
    #[serde(default, deserialize_with = "nullable")]
    pub state: McpState,
    /// What went wrong; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub error: String,
    /// How many tools it offers; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub tool_count: u64,
    /// How many prompts it offers; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub prompt_count: u64,
    /// How many resources it offers; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub resource_count: u64,
    /// Since when it is connected.
    #[serde(default, deserialize_with = "nullable")]
    pub connected_at: Timestamp,
}

words! {
    /// Says how an MCP server is. A contract client drops the whole reply when it meets another word, so there is no
    /// word for an unknown state: it is read as `disabled`.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::McpState;
    ///
    /// assert_eq!(McpState::NeedsAuth.as_str(), "needs auth");
    /// assert_eq!("of a later version".parse(), Ok(McpState::Disabled));
    /// ```
    #[derive(Default)]
    pub enum McpState("MCP server state") {
        /// It starts.
        Starting = "starting",
        /// It answers.
        Connected = "connected",
        /// It failed.
        Error = "error",
        /// It waits for its user to sign in.
        NeedsAuth = "needs auth",
        ;
        /// It is switched off.
        #[default]
        else Disabled = "disabled",
    }
}

/// Tells that something about an MCP server changed: the payload of `mcp_event`.
///
/// # Examples
///
/// ```
/// use runwright_proto::{McpEvent, McpEventKind};
///
/// let event: McpEvent = serde_json::from_str(r#"{"type":"tools_list_changed","name":"files","state":"connected"}"#)?;
/// assert_eq!(event.kind, McpEventKind::ToolsListChanged);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpEvent {
    /// What went wrong; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub error: String,
    /// What changed.
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    pub kind: McpEventKind,
    /// What the server is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// How it is.
    #[serde(default, deserialize_with = "nullable")]
    pub state: McpState,
    /// How many tools it offers; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub tool_count: u64,
    /// How many prompts it offers; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub prompt_count: u64,
    /// How many resources it offers; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub resource_count: u64,
}

words! {
    /// Says what changed about an MCP server.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::McpEventKind;
    ///
    /// assert_eq!(McpEventKind::ToolsListChanged.as_str(), "tools_list_changed");
    /// ```
    #[derive(Default)]
    pub enum McpEventKind("MCP server event") {
        /// How it is.
        StateChanged = "state_changed",
        /// Its tools.
        ToolsListChanged = "tools_list_changed",
        /// Its prompts.
        PromptsListChanged = "prompts_list_changed",
        /// Its resources.
        ResourcesListChanged = "resources_list_changed",
        ;
        /// Something of a later version.
        #[default]
        else Unknown = "unknown",
    }
}

/// Names an MCP server: the body of the routes that refresh it or sign in to it.
///
/// # Examples
///
/// ```
/// use runwright_proto::McpName;
///
/// assert_eq!(serde_json::from_str::<McpName>(r#"{"name":"files"}"#)?.name, "files");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpName {
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
}

/// Asks for a resource of an MCP server: the body of `POST …/mcp/read-resource`.
///
/// # Examples
///
/// ```
/// use runwright_proto::ReadResource;
///
/// let request: ReadResource = serde_json::from_str(r#"{"name":"files","uri":"file:///a"}"#)?;
/// assert_eq!(request.uri, "file:///a");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadResource {
    /// The server.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// The resource.
    #[serde(default, deserialize_with = "nullable")]
    pub uri: String,
}

/// Is one piece of a resource.
///
/// # Examples
///
/// ```
/// use runwright_proto::ResourceContent;
///
/// let content: ResourceContent = serde_json::from_str(r#"{"uri":"file:///a","text":"hi"}"#)?;
/// assert_eq!(content.text, "hi");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceContent {
    /// What it is a piece of.
    #[serde(default, deserialize_with = "nullable")]
    pub uri: String,
    /// What it is, for example `text/plain`; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub mime_type: String,
    /// Its text; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub text: String,
    /// Its bytes; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Blob::is_empty"
    )]
    pub blob: Blob,
}

/// Describes a prompt that an MCP server offers: one element of `GET …/mcp/prompts`.
///
/// # Examples
///
/// ```
/// use runwright_proto::McpPrompt;
///
/// let prompt: McpPrompt = serde_json::from_str(r#"{"id":"files:sum","prompt_id":"sum","client_id":"files"}"#)?;
/// assert_eq!(prompt.client_id, "files");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpPrompt {
    /// Its id: `<server>:<prompt>`.
    #[serde(default, deserialize_with = "nullable")]
    pub id: String,
    /// What it is called; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub title: String,
    /// What it is for; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
    /// Its id at its server.
    #[serde(default, deserialize_with = "nullable")]
    pub prompt_id: String,
    /// The name of its server. The name of the member is the contract's; it is no client's id.
    #[serde(default, deserialize_with = "nullable")]
    pub client_id: String,
    /// What it wants to be told; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub arguments: Vec<McpPromptArgument>,
}

/// Describes what a prompt wants to be told.
///
/// # Examples
///
/// ```
/// use runwright_proto::McpPromptArgument;
///
/// let argument: McpPromptArgument = serde_json::from_str(r#"{"id":"path","title":"Path","required":true}"#)?;
/// assert!(argument.required);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpPromptArgument {
    /// Its id.
    #[serde(default, deserialize_with = "nullable")]
    pub id: String,
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub title: String,
    /// What it is; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
    /// Whether the prompt cannot do without; `false` is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub required: bool,
}

/// Asks for a prompt of an MCP server: the body of `POST …/mcp/get-prompt`. The reply is a [`PromptReply`].
///
/// [`PromptReply`]: crate::PromptReply
///
/// # Examples
///
/// ```
/// use runwright_proto::GetMcpPrompt;
///
/// let request: GetMcpPrompt = serde_json::from_str(r#"{"client_id":"files","prompt_id":"sum","args":null}"#)?;
/// assert!(request.args.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetMcpPrompt {
    /// The name of the server.
    #[serde(default, deserialize_with = "nullable")]
    pub client_id: String,
    /// The prompt.
    #[serde(default, deserialize_with = "nullable")]
    pub prompt_id: String,
    /// What it wants to be told.
    #[serde(default, deserialize_with = "nullable")]
    pub args: BTreeMap<String, String>,
}

/// Is an MCP server that waits for its user to sign in: one element of `GET …/mcp/pending-auth`.
///
/// # Examples
///
/// ```
/// use runwright_proto::PendingAuth;
///
/// let pending = PendingAuth { name: "files".to_owned(), url: "https://login".to_owned() };
/// assert_eq!(serde_json::to_string(&pending)?, r#"{"name":"files","url":"https://login"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingAuth {
    /// The server.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// Where to sign in.
    #[serde(default, deserialize_with = "nullable")]
    pub url: String,
}

/// Tells where to sign in to an MCP server: the reply of `GET …/mcp/auth-url`.
///
/// # Examples
///
/// ```
/// use runwright_proto::AuthUrl;
///
/// assert_eq!(serde_json::to_string(&AuthUrl::default())?, "{}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthUrl {
    /// The page; empty, not known yet, is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub auth_url: String,
}
