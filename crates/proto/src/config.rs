//! Owns the configuration of a workspace as clients see it (contract 2.1).
//!
//! It must never know from which files it was merged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Secret,
    wire::{is_zero, nullable},
};

mod change;
mod model;
mod options;
mod provider;
mod redact;
mod tooling;

pub use self::{
    change::{
        CopilotImport, ModelType, ProviderKey, ProviderKeyKind, RefreshOauth, RemoveConfig, Scope,
        SetCompactMode, SetConfig, SetModel, SetProviderKey,
    },
    model::{CatwalkModel, ModelOptions, SelectedModel},
    options::{Attribution, CompletionOptions, Options, TuiOptions},
    provider::{CatwalkProvider, OauthClient, OauthToken, ProviderConfig},
    tooling::{GrepTool, HookConfig, ListTool, LspConfig, McpConfig, Permissions, Tools},
};

/// Is the configuration of a workspace.
///
/// `providers` and `options` are always on the wire, and so is `tui` in the options: a contract client crashes without
/// them (contract 1.4).
///
/// # Examples
///
/// ```
/// use runwright_proto::Config;
///
/// assert_eq!(serde_json::to_string(&Config::default())?, r#"{"providers":{},"options":{"tui":{}}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Config {
    /// Where its schema is; empty is left out.
    #[serde(
        rename = "$schema",
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub schema: String,
    /// The models in use; left out when none is set.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub models: Models,
    /// The models used lately, newest first, by the kind of their use (`large`, `small`).
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub recent_models: BTreeMap<String, Vec<SelectedModel>>,
    /// The providers by id. A client counts as configured when one of them is not disabled.
    #[serde(default, deserialize_with = "nullable")]
    pub providers: BTreeMap<String, ProviderConfig>,
    /// The MCP servers by name.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub mcp: BTreeMap<String, McpConfig>,
    /// The language servers by name.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub lsp: BTreeMap<String, LspConfig>,
    /// Everything else that can be switched.
    #[serde(default, deserialize_with = "nullable")]
    pub options: Options,
    /// What needs no approval.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub permissions: Permissions,
    /// The limits of single tools.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub tools: Tools,
    /// Commands that run around tools, by the name of the moment.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub hooks: BTreeMap<String, Vec<HookConfig>>,
    /// Environment variables of the tools.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub env: BTreeMap<String, Secret>,
}

/// Names the models in use, by the kind of their use.
///
/// # Examples
///
/// ```
/// use runwright_proto::Models;
///
/// let models: Models = serde_json::from_str(r#"{"large":{"model":"m","provider":"p"}}"#)?;
/// assert_eq!(models.large.unwrap().model, "m");
/// assert_eq!(models.small, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Models {
    /// The model that does the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large: Option<SelectedModel>,
    /// The model for titles and other small things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small: Option<SelectedModel>,
}
