//! Owns how models and a choice among them are described.
//!
//! It must never know how a model is spoken to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::{is_false, is_zero, nullable, number};

/// Describes a model: what it can do and what it costs.
///
/// # Examples
///
/// ```
/// use runwright_proto::CatwalkModel;
///
/// let json = serde_json::to_value(CatwalkModel::default())?;
/// assert_eq!(json["cost_per_1m_in"], 0, "every member of the contract is present");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatwalkModel {
    /// Its id at the provider.
    #[serde(default, deserialize_with = "nullable")]
    pub id: String,
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// US dollars per million tokens read.
    #[serde(default, with = "number")]
    pub cost_per_1m_in: f64,
    /// US dollars per million tokens written.
    #[serde(default, with = "number")]
    pub cost_per_1m_out: f64,
    /// US dollars per million tokens put into the cache.
    #[serde(default, with = "number")]
    pub cost_per_1m_in_cached: f64,
    /// US dollars per million tokens read from the cache.
    #[serde(default, with = "number")]
    pub cost_per_1m_out_cached: f64,
    /// How many tokens it can see at once.
    #[serde(default, deserialize_with = "nullable")]
    pub context_window: i64,
    /// How many tokens it writes at most, unless told otherwise.
    #[serde(default, deserialize_with = "nullable")]
    pub default_max_tokens: i64,
    /// Whether it can think before it speaks.
    #[serde(default, deserialize_with = "nullable")]
    pub can_reason: bool,
    /// How hard it can think, in the provider's words.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub reasoning_levels: Vec<String>,
    /// How hard it thinks unless told otherwise.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub default_reasoning_effort: String,
    /// Whether it can look at images.
    #[serde(default, deserialize_with = "nullable")]
    pub supports_attachments: bool,
    /// Its settings unless told otherwise; left out when there are none.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub options: ModelOptions,
}

/// Is a set of sampling settings; what is absent is left to the provider.
///
/// # Examples
///
/// ```
/// use runwright_proto::ModelOptions;
///
/// let options: ModelOptions = serde_json::from_str(r#"{"temperature":0.2}"#)?;
/// assert_eq!(options.temperature, Some(0.2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelOptions {
    /// How freely it chooses its words.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub temperature: Option<f64>,
    /// Chooses among the likeliest tokens that together have this probability.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub top_p: Option<f64>,
    /// Chooses among this many of the likeliest tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<i64>,
    /// How much a token is avoided for each time it was used.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub frequency_penalty: Option<f64>,
    /// How much a token is avoided because it was used at all.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub presence_penalty: Option<f64>,
    /// Options in the provider's own words.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub provider_options: BTreeMap<String, Value>,
}

/// Is a choice of a model, and how to use it.
///
/// # Examples
///
/// ```
/// use runwright_proto::SelectedModel;
///
/// let json = r#"{"model":"fake-small","provider":"fake","max_tokens":8000}"#;
/// let model: SelectedModel = serde_json::from_str(json)?;
/// assert_eq!(model.max_tokens, 8_000);
/// assert_eq!(serde_json::to_string(&model)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SelectedModel {
    /// The id of the model at its provider.
    #[serde(default, deserialize_with = "nullable")]
    pub model: String,
    /// The id of the provider.
    #[serde(default, deserialize_with = "nullable")]
    pub provider: String,
    /// How hard it thinks, in the provider's words.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub reasoning_effort: String,
    /// Whether it thinks before it speaks.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub think: bool,
    /// How many tokens it writes at most; zero, the model's own limit, is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub max_tokens: i64,
    /// How freely it chooses its words.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub temperature: Option<f64>,
    /// Chooses among the likeliest tokens that together have this probability.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub top_p: Option<f64>,
    /// Chooses among this many of the likeliest tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<i64>,
    /// How much a token is avoided for each time it was used.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub frequency_penalty: Option<f64>,
    /// How much a token is avoided because it was used at all.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub presence_penalty: Option<f64>,
    /// Options in the provider's own words.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub provider_options: BTreeMap<String, Value>,
}
