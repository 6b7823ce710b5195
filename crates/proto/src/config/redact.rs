//! Owns what is taken out of a configuration before it leaves the server.
//!
//! It must never know who asked.

use super::{Config, LspConfig, McpConfig, OauthToken, ProviderConfig};
use crate::Secret;

impl Config {
    /// Takes out everything that opens something, or that may: keys, tokens, headers, environment, the arguments of
    /// servers, and the credentials in addresses.
    ///
    /// What a client needs to show and to choose stays (contract part 9): ids, names, kinds, models and switches.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::Config;
    ///
    /// let json = r#"{"providers":{"p":{"id":"p","api_key":"sk-123","base_url":"https://user:pass@host/v1?key=1"}}}"#;
    /// let config: Config = serde_json::from_str(json)?;
    /// let shown = serde_json::to_string(&config.redacted())?;
    /// assert_eq!(shown, r#"{"providers":{"p":{"id":"p","base_url":"https://host/v1"}},"options":{"tui":{}}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn redacted(mut self) -> Self {
        self.providers = self
            .providers
            .into_iter()
            .map(|(id, provider)| (id, provider.redacted()))
            .collect();
        self.mcp = self
            .mcp
            .into_iter()
            .map(|(name, server)| (name, server.redacted()))
            .collect();
        self.lsp = self
            .lsp
            .into_iter()
            .map(|(name, server)| (name, server.redacted()))
            .collect();
        self.env.clear();
        self
    }
}

impl ProviderConfig {
    fn redacted(self) -> Self {
        Self {
            base_url: without_credentials(&self.base_url),
            api_key: Secret::default(),
            oauth: None,
            extra_headers: Default::default(),
            extra_body: Default::default(),
            ..self
        }
    }
}

impl McpConfig {
    fn redacted(self) -> Self {
        Self {
            args: Vec::new(),
            env: Default::default(),
            url: without_credentials(&self.url),
            headers: Default::default(),
            oauth_client_secret: Secret::default(),
            oauth_token: None::<OauthToken>,
            ..self
        }
    }
}

impl LspConfig {
    fn redacted(self) -> Self {
        Self {
            args: Vec::new(),
            env: Default::default(),
            init_options: Default::default(),
            options: Default::default(),
            ..self
        }
    }
}

/// Cuts the user and password, the query and the fragment out of an address.
fn without_credentials(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    match rest[..authority_end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => address.to_owned(),
    }
}
