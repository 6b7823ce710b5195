//! Owns the requests that change a workspace's configuration (contract 2.8).
//!
//! It must never know which file a scope is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{OauthToken, SelectedModel};
use crate::{
    Secret,
    wire::{codes, nullable, words},
};

codes! {
    /// Says where a change is written.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::Scope;
    ///
    /// assert_eq!(serde_json::from_str::<Scope>("1")?, Scope::Workspace);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default)]
    pub enum Scope("scope") {
        /// For all workspaces of the user.
        #[default]
        Global = 0,
        /// For this workspace.
        Workspace = 1,
    }
}

/// Asks for one value to be set.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Scope, SetConfig};
///
/// let json = r#"{"scope":0,"key":"options.tui.transparent","value":true}"#;
/// let request: SetConfig = serde_json::from_str(json)?;
/// assert_eq!(request.scope, Scope::Global);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetConfig {
    /// Where it is written.
    #[serde(default, deserialize_with = "nullable")]
    pub scope: Scope,
    /// Which value, as a path with dots.
    #[serde(default, deserialize_with = "nullable")]
    pub key: String,
    /// The new value.
    #[serde(default)]
    pub value: Value,
}

/// Asks for one value to be removed.
///
/// # Examples
///
/// ```
/// use runwright_proto::RemoveConfig;
///
/// let request: RemoveConfig = serde_json::from_str(r#"{"scope":1,"key":"providers.local.oauth"}"#)?;
/// assert_eq!(request.key, "providers.local.oauth");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RemoveConfig {
    /// Where it is removed.
    #[serde(default, deserialize_with = "nullable")]
    pub scope: Scope,
    /// Which value, as a path with dots.
    #[serde(default, deserialize_with = "nullable")]
    pub key: String,
}

/// Asks for another model.
///
/// # Examples
///
/// ```
/// use runwright_proto::{ModelType, SetModel};
///
/// let json = r#"{"scope":0,"model_type":"large","model":{"model":"m","provider":"p"}}"#;
/// let request: SetModel = serde_json::from_str(json)?;
/// assert_eq!(request.model_type, ModelType::Large);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetModel {
    /// Where it is written.
    #[serde(default, deserialize_with = "nullable")]
    pub scope: Scope,
    /// For which use.
    pub model_type: ModelType,
    /// The choice.
    #[serde(default, deserialize_with = "nullable")]
    pub model: SelectedModel,
}

words! {
    /// Says what a model is used for.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::ModelType;
    ///
    /// assert_eq!(ModelType::Large.as_str(), "large");
    /// ```
    pub enum ModelType("model type") {
        /// The work.
        Large = "large",
        /// Titles and other small things.
        Small = "small",
    }
}

/// Asks for the compact mode of the interactive client to be switched.
///
/// # Examples
///
/// ```
/// use runwright_proto::SetCompactMode;
///
/// assert!(serde_json::from_str::<SetCompactMode>(r#"{"scope":0,"enabled":true}"#)?.enabled);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetCompactMode {
    /// Where it is written.
    #[serde(default, deserialize_with = "nullable")]
    pub scope: Scope,
    /// On or off.
    #[serde(default, deserialize_with = "nullable")]
    pub enabled: bool,
}

/// Asks for a provider's key to be set.
///
/// # Examples
///
/// ```
/// use runwright_proto::{ProviderKey, SetProviderKey};
///
/// let json = r#"{"scope":0,"provider_id":"local","kind":"string","api_key":"k"}"#;
/// let request: SetProviderKey = serde_json::from_str(json)?;
/// assert!(matches!(&request.api_key, ProviderKey::Text(key) if key.expose() == "k"));
/// assert!(request.is_consistent());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetProviderKey {
    /// Where it is written.
    #[serde(default, deserialize_with = "nullable")]
    pub scope: Scope,
    /// Whose key.
    #[serde(default, deserialize_with = "nullable")]
    pub provider_id: String,
    /// What the key is.
    pub kind: ProviderKeyKind,
    /// The key.
    pub api_key: ProviderKey,
}

impl SetProviderKey {
    /// Tells whether the key is what `kind` says it is.
    #[must_use]
    pub const fn is_consistent(&self) -> bool {
        matches!(
            (self.kind, &self.api_key),
            (ProviderKeyKind::String, ProviderKey::Text(_))
                | (ProviderKeyKind::Oauth, ProviderKey::Token(_))
        )
    }
}

words! {
    /// Says what a provider's key is.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::ProviderKeyKind;
    ///
    /// assert_eq!(ProviderKeyKind::Oauth.as_str(), "oauth");
    /// ```
    pub enum ProviderKeyKind("key kind") {
        /// A plain key.
        String = "string",
        /// An OAuth token.
        Oauth = "oauth",
    }
}

/// Is a provider's key: a string or a token object on the wire.
///
/// # Examples
///
/// ```
/// use runwright_proto::ProviderKey;
///
/// let key: ProviderKey = serde_json::from_str(r#"{"access_token":"a"}"#).unwrap();
/// assert!(matches!(key, ProviderKey::Token(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ProviderKey {
    /// A plain key.
    Text(Secret),
    /// An OAuth token.
    Token(OauthToken),
}

/// Tells how the import of another program's token went.
///
/// # Examples
///
/// ```
/// use runwright_proto::CopilotImport;
///
/// assert_eq!(serde_json::to_string(&CopilotImport::default())?, r#"{"token":null,"success":false}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CopilotImport {
    /// The token that was found.
    #[serde(default)]
    pub token: Option<OauthToken>,
    /// Whether one was found.
    #[serde(default, deserialize_with = "nullable")]
    pub success: bool,
}

/// Asks for a provider's token to be renewed.
///
/// # Examples
///
/// ```
/// use runwright_proto::RefreshOauth;
///
/// let request: RefreshOauth = serde_json::from_str(r#"{"scope":0,"provider_id":"p"}"#)?;
/// assert_eq!(request.provider_id, "p");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefreshOauth {
    /// Where it is written.
    #[serde(default, deserialize_with = "nullable")]
    pub scope: Scope,
    /// Whose token.
    #[serde(default, deserialize_with = "nullable")]
    pub provider_id: String,
}
