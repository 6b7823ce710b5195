//! Owns what can be switched in a workspace.
//!
//! It must never know what a switch does.

use serde::{Deserialize, Serialize};

use crate::wire::{is_false, is_zero, nullable};

/// Is everything that can be switched. `tui` is always on the wire; everything else may be left out.
///
/// # Examples
///
/// ```
/// use runwright_proto::Options;
///
/// assert_eq!(serde_json::to_string(&Options::default())?, r#"{"tui":{}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Options {
    /// Files that tell the agent about the project.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub context_paths: Vec<String>,
    /// Files that tell the agent about the user.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub global_context_paths: Vec<String>,
    /// Where skills are looked for.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub skills_paths: Vec<String>,
    /// How the interactive client looks. A contract client crashes without it.
    #[serde(default, deserialize_with = "nullable")]
    pub tui: TuiOptions,
    /// Whether more is logged.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub debug: bool,
    /// Whether more is logged about language servers.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub debug_lsp: bool,
    /// Whether a long conversation is left to hit the model's limit.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub disable_auto_summarize: bool,
    /// Where the workspace's data is; absolute. A contract client logs below it.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub data_directory: String,
    /// Tools the agent does not get.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub disabled_tools: Vec<String>,
    /// Whether the catalog of providers stays as it is.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub disable_provider_auto_update: bool,
    /// Whether only configured providers count.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub disable_default_providers: bool,
    /// What the agent writes into commits about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
    /// Whether the client reports nothing about its use.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub disable_metrics: bool,
    /// The file that initializing a project writes.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub initialize_as: String,
    /// Whether language servers start by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_lsp: Option<bool>,
    /// Whether the terminal shows progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<bool>,
    /// How the client notifies: `auto`, `native`, `osc`, `bell` or `disabled`.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub notifications: String,
    /// Skills the agent does not get.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub disabled_skills: Vec<String>,
}

/// Says how the interactive client looks.
///
/// # Examples
///
/// ```
/// use runwright_proto::TuiOptions;
///
/// let options: TuiOptions = serde_json::from_str(r#"{"diff_mode":"split"}"#)?;
/// assert_eq!(options.diff_mode, "split");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TuiOptions {
    /// Whether it leaves out its frame.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub compact_mode: bool,
    /// How differences are shown: `unified` or `split`.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub diff_mode: String,
    /// How far file names are looked for.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub completions: CompletionOptions,
    /// Whether the terminal's background shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transparent: Option<bool>,
    /// When a scroll bar shows: `default`, `always` or `never`.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub scrollbar: String,
}

/// Says how far file names are looked for.
///
/// # Examples
///
/// ```
/// use runwright_proto::CompletionOptions;
///
/// let options = CompletionOptions { max_depth: Some(3), ..CompletionOptions::default() };
/// assert_eq!(serde_json::to_string(&options)?, r#"{"max_depth":3}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CompletionOptions {
    /// How many directories deep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<i64>,
    /// How many names at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<i64>,
}

/// Says what the agent writes into commits about itself.
///
/// # Examples
///
/// ```
/// use runwright_proto::Attribution;
///
/// let attribution: Attribution = serde_json::from_str(r#"{"trailer_style":"none"}"#)?;
/// assert_eq!(attribution.trailer_style, "none");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attribution {
    /// The form of the trailer.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub trailer_style: String,
    /// Whether a co-author line is written; the older switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub co_authored_by: Option<bool>,
    /// Whether a line names the program.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub generated_with: bool,
}
