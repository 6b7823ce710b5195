//! Owns how tools, hooks, MCP servers and language servers are configured.
//!
//! It must never know how one is started.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::OauthToken;
use crate::{
    Secret,
    wire::{is_false, is_zero, nullable},
};

/// Says which tools need no approval.
///
/// # Examples
///
/// ```
/// use runwright_proto::Permissions;
///
/// let permissions: Permissions = serde_json::from_str(r#"{"allowed_tools":["view","bash:execute"]}"#)?;
/// assert_eq!(permissions.allowed_tools.len(), 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Permissions {
    /// Names of tools, or `tool:action`.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub allowed_tools: Vec<String>,
}

/// Says how far single tools may go.
///
/// # Examples
///
/// ```
/// use runwright_proto::Tools;
///
/// let tools: Tools = serde_json::from_str(r#"{"grep":{"timeout":5000000000}}"#)?;
/// assert_eq!(tools.grep.timeout, Some(5_000_000_000));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tools {
    /// The tool that lists directories.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub ls: ListTool,
    /// The tool that searches in files.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub grep: GrepTool,
    /// The tool that searches for files.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub glob: GrepTool,
}

/// Says how far the tool that lists directories may go.
///
/// # Examples
///
/// ```
/// use runwright_proto::ListTool;
///
/// assert_eq!(serde_json::to_string(&ListTool::default())?, "{}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListTool {
    /// How many directories deep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<i64>,
    /// How many names at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<i64>,
}

/// Says how long a searching tool may take.
///
/// # Examples
///
/// ```
/// use runwright_proto::GrepTool;
///
/// assert_eq!(serde_json::to_string(&GrepTool { timeout: Some(1) })?, r#"{"timeout":1}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrepTool {
    /// In nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
}

/// Is a command that runs around a tool.
///
/// # Examples
///
/// ```
/// use runwright_proto::HookConfig;
///
/// let hook: HookConfig = serde_json::from_str(r#"{"matcher":"^bash$","command":"./check"}"#)?;
/// assert_eq!(hook.command, "./check");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HookConfig {
    /// What it is called.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    /// The names of tools it runs for, as a regular expression; all when empty.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub matcher: String,
    /// The command line.
    #[serde(default, deserialize_with = "nullable")]
    pub command: String,
    /// How long it may take, in seconds; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub timeout: i64,
}

/// Is an MCP server as it is configured.
///
/// # Examples
///
/// ```
/// use runwright_proto::McpConfig;
///
/// let json = r#"{"command":"files-mcp","type":"stdio"}"#;
/// let server: McpConfig = serde_json::from_str(json)?;
/// assert_eq!(server.kind, "stdio");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpConfig {
    /// The command that starts it.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub command: String,
    /// The environment it is started with. Never in a reply.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub env: BTreeMap<String, Secret>,
    /// The arguments it is started with.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub args: Vec<String>,
    /// How it is reached: `stdio`, `sse` or `http`. Always on the wire.
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    pub kind: String,
    /// Where it is reached.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub url: String,
    /// Whether it is switched off.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub disabled: bool,
    /// Its tools that the agent does not get.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub disabled_tools: Vec<String>,
    /// Its only tools that the agent gets.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub enabled_tools: Vec<String>,
    /// How long it may take to answer, in seconds; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub timeout: i64,
    /// Headers of each request. Never in a reply.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub headers: BTreeMap<String, Secret>,
    /// Whether it wants a sign-on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<bool>,
    /// Our client id at its issuer.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub oauth_client_id: String,
    /// Our secret at its issuer. Never in a reply.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Secret::is_empty"
    )]
    pub oauth_client_secret: Secret,
    /// The port to which its issuer sends the user back; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub oauth_callback_port: u16,
    /// The token that opens it. Never in a reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_token: Option<OauthToken>,
}

/// Is a language server as it is configured.
///
/// # Examples
///
/// ```
/// use runwright_proto::LspConfig;
///
/// let server: LspConfig = serde_json::from_str(r#"{"command":"rust-analyzer","filetypes":["rs"]}"#)?;
/// assert_eq!(server.filetypes, ["rs"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LspConfig {
    /// Whether it is switched off.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub disabled: bool,
    /// The command that starts it.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub command: String,
    /// The arguments it is started with.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub args: Vec<String>,
    /// The environment it is started with. Never in a reply.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub env: BTreeMap<String, Secret>,
    /// The file types it is for.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub filetypes: Vec<String>,
    /// Files whose presence marks the root of a project it is for.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub root_markers: Vec<String>,
    /// What it is told when it starts, in its own words.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub init_options: BTreeMap<String, Value>,
    /// Its settings, in its own words.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub options: BTreeMap<String, Value>,
    /// How long it may take to start, in seconds; zero is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub timeout: i64,
}
