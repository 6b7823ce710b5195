//! Owns how model providers and the tokens that open them are described.
//!
//! It must never know how a provider is spoken to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    CatwalkModel, Secret,
    wire::{is_false, is_zero, nullable},
};

/// Is a provider as it is configured. Every member may be left out.
///
/// # Examples
///
/// ```
/// use runwright_proto::ProviderConfig;
///
/// let json = r#"{"id":"local","type":"openai-compat","api_key":"k"}"#;
/// let provider: ProviderConfig = serde_json::from_str(json)?;
/// assert_eq!(provider.kind, "openai-compat");
/// assert_eq!(serde_json::to_string(&provider)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProviderConfig {
    /// Its id.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub id: String,
    /// What it is called.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    /// Where it is reached.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub base_url: String,
    /// The protocol it speaks, for example `openai-compat` or `anthropic`.
    #[serde(
        rename = "type",
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub kind: String,
    /// The key that opens it. Never in a reply.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Secret::is_empty"
    )]
    pub api_key: Secret,
    /// The token that opens it. Never in a reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OauthToken>,
    /// Whether it is switched off.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub disable: bool,
    /// What is put before each system prompt.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub system_prompt_prefix: String,
    /// Headers of each request. Never in a reply.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub extra_headers: BTreeMap<String, Secret>,
    /// Members of each request's body. Never in a reply.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub extra_body: BTreeMap<String, Value>,
    /// Options in the provider's own words.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub provider_options: BTreeMap<String, Value>,
    /// The command that renews a sign-on.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub aws_auth_refresh: String,
    /// Whether its use costs nothing per token.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub flat_rate: bool,
    /// Whether it is asked for its models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discover_models: Option<bool>,
    /// Its models.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub models: Vec<CatwalkModel>,
}

/// Is an OAuth token.
///
/// # Examples
///
/// ```
/// use runwright_proto::OauthToken;
///
/// let token: OauthToken = serde_json::from_str(r#"{"access_token":"a","expires_in":60,"expires_at":1}"#)?;
/// assert!(!format!("{token:?}").contains("\"a\""));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OauthToken {
    /// What opens the provider.
    #[serde(default, deserialize_with = "nullable")]
    pub access_token: Secret,
    /// What gets the next token.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Secret::is_empty"
    )]
    pub refresh_token: Secret,
    /// How long it is good from its issue, in seconds.
    #[serde(default, deserialize_with = "nullable")]
    pub expires_in: i64,
    /// When it ends, in Unix seconds.
    #[serde(default, deserialize_with = "nullable")]
    pub expires_at: i64,
    /// The client that it was issued to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<OauthClient>,
}

/// Is the client that an OAuth token was issued to.
///
/// # Examples
///
/// ```
/// use runwright_proto::OauthClient;
///
/// assert_eq!(serde_json::to_string(&OauthClient::default())?, "{}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OauthClient {
    /// Its id at the issuer.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub client_id: String,
    /// Its secret at the issuer.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Secret::is_empty"
    )]
    pub client_secret: Secret,
    /// Where a user signs in.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub auth_url: String,
    /// Where a token is renewed.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub token_url: String,
    /// How the client shows itself to the issuer.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "is_zero"
    )]
    pub auth_style: i64,
}

/// Describes a provider that could be configured, from the catalog.
///
/// # Examples
///
/// ```
/// use runwright_proto::CatwalkProvider;
///
/// let provider: CatwalkProvider = serde_json::from_str(r#"{"name":"Local","id":"local","models":null}"#)?;
/// assert!(provider.models.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatwalkProvider {
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// Its id.
    #[serde(default, deserialize_with = "nullable")]
    pub id: String,
    /// Where its key is taken from.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Secret::is_empty"
    )]
    pub api_key: Secret,
    /// Where it is reached.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub api_endpoint: String,
    /// The protocol it speaks.
    #[serde(
        rename = "type",
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub kind: String,
    /// The model to use for the work.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub default_large_model_id: String,
    /// The model to use for small things.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub default_small_model_id: String,
    /// Its models.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub models: Vec<CatwalkModel>,
    /// Headers of each request.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub default_headers: BTreeMap<String, Secret>,
}
