//! The connection to a provider: the only place that speaks with it. Every answer that is no answer becomes an error
//! here, from at most so many bytes. It must never know what is asked and said.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use runwright_proto::Secret;
use tokio::sync::OnceCell;

use super::failure::{self, Scrub};
use super::place::{self, Place};
use crate::provider::{
    AnswerLimits, Protocol, ProviderError, ProviderErrorKind, ProviderSettings, ProviderSetupError,
};

/// How long an answer that is an error may take to say why: the status is known, and its words are a courtesy.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How many connections without work are kept, and for how long.
const IDLE_CONNECTIONS: usize = 4;
const IDLE_TIME: Duration = Duration::from_secs(30);
/// The most headers of an answer.
const MOST_HEADERS: usize = 256;

/// A provider, from our side.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) protocol: Protocol,
    pub(super) place: Place,
    pub(super) limits: AnswerLimits,
    pub(super) scrub: Scrub,
    key: Option<(HeaderName, HeaderValue)>,
    connect_timeout: Duration,
    /// Made for the first request: TLS reads the certificates of the system, and most servers start without a prompt.
    client: OnceCell<Client>,
}

impl Upstream {
    pub(super) fn new(settings: ProviderSettings) -> Result<Self, ProviderSetupError> {
        let ProviderSettings {
            protocol,
            base_url,
            api_key,
            connect_timeout,
            limits,
        } = settings;
        let api_key = api_key.filter(|key: &Secret| !key.expose().trim().is_empty());
        let key = api_key
            .as_ref()
            .map(|key| place::key_header(protocol, key))
            .transpose()?;
        Ok(Self {
            protocol,
            place: Place::new(protocol, base_url.as_deref())?,
            limits,
            scrub: Scrub::new(api_key),
            key,
            connect_timeout,
            client: OnceCell::new(),
        })
    }

    /// Sends a request and waits for the head of a good answer.
    pub(super) async fn open(
        &self,
        method: Method,
        url: Url,
        mut headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Response, ProviderError> {
        if let Some((name, value)) = &self.key {
            headers.insert(name, value.clone());
        }
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut request = self.client().await?.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.unreached(&error))?;
        self.check(response).await
    }

    /// The error for a connection that broke in the middle of an answer.
    pub(super) fn broken(&self, error: &reqwest::Error) -> ProviderError {
        let message = format!(
            "the connection to {} broke: {}",
            self.place.host(),
            self.scrub.text(&root(error).to_string())
        );
        ProviderError::new(ProviderErrorKind::Network, message)
    }

    async fn check(&self, response: Response) -> Result<Response, ProviderError> {
        let header_bytes: usize = response
            .headers()
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if header_bytes > self.limits.header_bytes {
            return Err(failure::too_much(
                "headers",
                self.limits.header_bytes as u64,
            ));
        }
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        // None was asked for, and unpacking could make anything of a few bytes.
        match response.headers().get(CONTENT_ENCODING) {
            Some(encoding) if encoding != "identity" => {
                Err(failure::unreadable("a packed answer that nobody asked for"))
            }
            _ => Ok(response),
        }
    }

    async fn refused(&self, mut response: Response) -> ProviderError {
        let status = response.status();
        if status.is_redirection() {
            // The key would go somewhere else.
            let message = format!("{} redirects; the base URL may be wrong", self.place.host());
            return ProviderError::new(ProviderErrorKind::Refused, message);
        }
        let headers = response.headers().clone();
        let mut body = Vec::new();
        let limit = self.limits.error_body_bytes;
        let words = async {
            while body.len() < limit {
                let Ok(Some(chunk)) = response.chunk().await else {
                    break;
                };
                let room = limit - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
        };
        // What has come when the time is over is enough.
        let _in_time = tokio::time::timeout(LAST_WORDS, words).await;
        failure::refused(status, &headers, &body, &self.scrub)
    }

    async fn client(&self) -> Result<&Client, ProviderError> {
        let is_tls = self.place.is_tls();
        let connect_timeout = self.connect_timeout;
        self.client
            .get_or_try_init(async || {
                let client = if is_tls {
                    // It reads files.
                    tokio::task::spawn_blocking(move || client(is_tls, connect_timeout))
                        .await
                        .map_err(|error| unprepared(&error))?
                } else {
                    client(is_tls, connect_timeout)
                };
                client.map_err(|error| unprepared(root(&error)))
            })
            .await
    }

    /// The error for a request to which no answer came.
    fn unreached(&self, error: &reqwest::Error) -> ProviderError {
        let host = self.place.host();
        let root = root(error);
        if let Some(error) = root.downcast_ref::<hyper::Error>() {
            if error.is_parse_too_large() {
                return failure::too_much("headers", self.limits.header_bytes as u64);
            }
            if error.is_parse() {
                return failure::unreadable("an answer that is no HTTP");
            }
        }
        let message = if error.is_timeout() {
            format!(
                "{host} was not reached within {} s",
                self.connect_timeout.as_secs_f32()
            )
        } else if error.is_connect() {
            format!(
                "{host} cannot be reached: {}",
                self.scrub.text(&root.to_string())
            )
        } else {
            return self.broken(error);
        };
        ProviderError::new(ProviderErrorKind::Network, message)
    }
}

/// What lies at the bottom of an error. What is above it has the URL, with whatever is in there.
fn root<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}

fn unprepared(error: &dyn StdError) -> ProviderError {
    ProviderError::new(
        ProviderErrorKind::Network,
        format!("the connection cannot be prepared: {error}"),
    )
}

fn client(is_tls: bool, connect_timeout: Duration) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .user_agent(concat!("runwright/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        .http1_max_headers(MOST_HEADERS)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIME)
        .redirect(Policy::none());
    let builder = plain(builder);
    if is_tls {
        builder.build()
    } else {
        builder.tls_certs_only([]).build()
    }
}

/// What holds for every connection: one request at a time, so that dropping it closes it; nothing from the
/// environment; nothing packed.
pub(super) fn plain(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
        .http1_only()
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .referer(false)
}
