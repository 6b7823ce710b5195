//! Where a provider is and how it knows us: the URL of each request, made of a base URL that people wrote in one of
//! several ways, and the header with the key. It must never know what is asked.

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::Url;
use runwright_proto::Secret;

use crate::provider::{Protocol, ProviderSetupError};

/// The version of its protocol that Anthropic wants to be named in each request.
pub(super) const ANTHROPIC_VERSION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("anthropic-version"),
    HeaderValue::from_static("2023-06-01"),
);

/// Where a provider is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    protocol: Protocol,
    /// Without a slash at its end; with the version, where the protocol has one in its paths.
    base: Url,
}

impl Place {
    /// Reads a base URL as people write it: with or without the version, with or without a slash at the end.
    pub(super) fn new(
        protocol: Protocol,
        base_url: Option<&str>,
    ) -> Result<Self, ProviderSetupError> {
        let text = base_url
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .or(protocol.default_base_url())
            .ok_or(ProviderSetupError::NoBaseUrl(protocol))?;
        let mut base =
            Url::parse(text).map_err(|_| ProviderSetupError::BadBaseUrl("it is no URL"))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(ProviderSetupError::BadBaseUrl(
                "it begins neither with `http://` nor with `https://`",
            ));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(ProviderSetupError::BadBaseUrl(
                "it has a user name or a password in it; the key is a setting of its own",
            ));
        }
        base.set_fragment(None);
        let path = version_path(protocol, base.path().trim_end_matches('/'));
        base.set_path(&path);
        Ok(Self { protocol, base })
    }

    /// Where answers come from.
    pub(super) fn answers(&self, model: &str) -> Url {
        match self.protocol {
            Protocol::OpenAi | Protocol::OpenAiCompat => self.at(&["chat", "completions"]),
            Protocol::OpenAiResponses => self.at(&["responses"]),
            Protocol::Anthropic => self.at(&["messages"]),
            Protocol::Ollama => self.at(&["api", "chat"]),
            Protocol::Gemini => {
                let (folder, name) = model.split_once('/').unwrap_or(("models", model));
                let mut url = self.at(&[folder, &format!("{name}:streamGenerateContent")]);
                url.query_pairs_mut().append_pair("alt", "sse");
                url
            }
        }
    }

    /// Where the list of models is.
    pub(super) fn models(&self) -> Url {
        let (path, page): (&[&str], _) = match self.protocol {
            Protocol::OpenAi | Protocol::OpenAiCompat | Protocol::OpenAiResponses => {
                (&["models"], None)
            }
            Protocol::Anthropic => (&["models"], Some(("limit", "1000"))),
            Protocol::Gemini => (&["models"], Some(("pageSize", "1000"))),
            Protocol::Ollama => (&["api", "tags"], None),
        };
        let mut url = self.at(path);
        if let Some((name, value)) = page {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }

    /// The host, as people are told about it.
    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or("the provider")
    }

    /// Whether TLS is spoken there.
    pub(super) fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

/// The header with which a provider knows us.
pub(super) fn key_header(
    protocol: Protocol,
    key: &Secret,
) -> Result<(HeaderName, HeaderValue), ProviderSetupError> {
    let key = key.expose().trim();
    let (name, value) = match protocol {
        Protocol::OpenAi
        | Protocol::OpenAiCompat
        | Protocol::OpenAiResponses
        | Protocol::Ollama => (AUTHORIZATION, format!("Bearer {key}")),
        Protocol::Anthropic => (HeaderName::from_static("x-api-key"), key.to_owned()),
        Protocol::Gemini => (HeaderName::from_static("x-goog-api-key"), key.to_owned()),
    };
    let mut value = HeaderValue::try_from(value).map_err(|_| ProviderSetupError::BadKey)?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Adds the version where nothing but a host was given, and takes away what belongs to single requests.
fn version_path(protocol: Protocol, path: &str) -> String {
    match protocol {
        Protocol::Ollama => path
            .strip_suffix("/api")
            .or_else(|| path.strip_suffix("/v1"))
            .unwrap_or(path)
            .to_owned(),
        Protocol::Gemini if path.is_empty() => "/v1beta".to_owned(),
        Protocol::OpenAi
        | Protocol::OpenAiCompat
        | Protocol::OpenAiResponses
        | Protocol::Anthropic
            if path.is_empty() =>
        {
            "/v1".to_owned()
        }
        Protocol::OpenAi
        | Protocol::OpenAiCompat
        | Protocol::OpenAiResponses
        | Protocol::Anthropic
        | Protocol::Gemini => path.to_owned(),
    }
}

#[cfg(test)]
mod tests;
