//! Owns the decision: a request's head and the connection it came on in, a principal or a refusal out. Pure.
//!
//! It must never know how a refusal is answered, nor read the clock or the body.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use runwright_proto::ErrorCode;

use crate::{listen::Peer, problem::ApiError, token::BearerToken};

use super::{Authority, Origin, Refusal};

/// Paths that are answered without a token: a prober has none, and they tell nothing but up or down.
pub const PUBLIC_PATHS: &[&str] = &["/livez", "/readyz"];

/// Several times what clients and proxies send; more only costs time to look through. It is checked here and not set in
/// the HTTP library, which answers without a body to more than 100, and takes longer for each request when told to count.
const MAX_HEADERS: usize = 64;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who a request was made by, in the request's extensions of everything that the guard let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A process of this user, or of root, on the Unix socket.
    Uid(u32),
    /// Whoever holds the token.
    Token,
    /// Anybody: a public path, or any path with `--no-auth`.
    Anonymous,
}

/// How TCP requests prove who they are.
#[derive(Debug, Clone)]
pub enum Access {
    /// With this token.
    Token(BearerToken),
    /// Not at all (`--no-auth`).
    Open,
}

/// Everything the guard decides by.
#[derive(Debug, Clone)]
pub struct GuardPolicy {
    access: Access,
    hosts: Vec<Authority>,
    origins: Vec<Origin>,
    public_paths: &'static [&'static str],
}

impl GuardPolicy {
    /// Makes a policy that lets nothing in but what the listeners' own addresses allow.
    #[must_use]
    pub const fn new(access: Access) -> Self {
        Self {
            access,
            hosts: Vec::new(),
            origins: Vec::new(),
            public_paths: PUBLIC_PATHS,
        }
    }

    /// Adds `Host` values (`--allow-host`).
    #[must_use]
    pub fn with_hosts(mut self, hosts: Vec<Authority>) -> Self {
        self.hosts.extend(hosts);
        self
    }

    /// Adds `Origin` values (`--allow-origin`).
    #[must_use]
    pub fn with_origins(mut self, origins: Vec<Origin>) -> Self {
        self.origins.extend(origins);
        self
    }

    /// Decides about one request.
    ///
    /// # Errors
    ///
    /// The first [`Refusal`] in the order of the table in [`guard`](super).
    pub fn judge<B>(&self, request: &Request<B>, peer: Peer) -> Result<Principal, Refusal> {
        let (uri, headers) = (request.uri(), request.headers());
        check_form(uri, headers)?;
        match peer {
            Peer::Unix { uid, .. } => Ok(Principal::Uid(uid)),
            Peer::Tcp { local, .. } => self.judge_tcp(uri, headers, local),
        }
    }

    fn judge_tcp(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        local: SocketAddr,
    ) -> Result<Principal, Refusal> {
        let host: Authority = single(headers, &header::HOST)
            .map_err(|_| Refusal::BadHost)?
            .and_then(parse)
            .ok_or(Refusal::BadHost)?;
        if !self.host_allowed(&host, local) {
            return Err(Refusal::HostNotAllowed);
        }
        self.check_page(headers, &host)?;
        let principal = self.authenticate(uri, headers)?;
        check_content_type(headers)?;
        Ok(principal)
    }

    fn host_allowed(&self, host: &Authority, local: SocketAddr) -> bool {
        let ours = host.is_ip(local.ip())
            || (host.is_localhost() && local.ip().to_canonical().is_loopback());
        // Without a port a client means the port of the scheme.
        let our_port = host.port().unwrap_or(80) == local.port();
        (ours && our_port)
            || self
                .hosts
                .iter()
                .any(|allowed| listed(allowed, host, local.port()))
    }

    /// Looks at what only a browser sends.
    fn check_page(&self, headers: &HeaderMap, host: &Authority) -> Result<(), Refusal> {
        if let Some(value) =
            single(headers, &header::ORIGIN).map_err(|_| Refusal::OriginNotAllowed)?
        {
            let origin: Origin = parse(value).ok_or(Refusal::OriginNotAllowed)?;
            if !origin.is_of_host(host) && !self.origins.contains(&origin) {
                return Err(Refusal::OriginNotAllowed);
            }
        }
        match single(headers, &SEC_FETCH_SITE)
            .map_err(|_| Refusal::CrossSite)?
            .map(HeaderValue::as_bytes)
        {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => Err(Refusal::CrossSite),
        }
    }

    fn authenticate(&self, uri: &Uri, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let Access::Token(token) = &self.access else {
            return Ok(Principal::Anonymous);
        };
        if self.public_paths.contains(&uri.path()) {
            return Ok(Principal::Anonymous);
        }
        let value = single(headers, &header::AUTHORIZATION).map_err(|_| Refusal::TokenWrong)?;
        let presented = bearer(value.ok_or(Refusal::TokenMissing)?).ok_or(Refusal::TokenWrong)?;
        if token.matches(&presented) {
            Ok(Principal::Token)
        } else {
            Err(Refusal::TokenWrong)
        }
    }
}

impl Principal {
    /// Returns the principal of a request.
    ///
    /// # Errors
    ///
    /// An internal error when the request did not pass the guard: that is a fault in how the server was put together.
    pub fn of(extensions: &http::Extensions) -> Result<Self, ApiError> {
        extensions.get().copied().ok_or_else(|| {
            ApiError::new(ErrorCode::Internal, "internal server error")
                .with_cause("the request did not pass the guard")
        })
    }
}

/// Refuses what would be read in two ways on the way here.
///
/// hyper 1.12 drops the `Content-Length` of a request that has both, reads the body by its chunks and closes the
/// connection after the answer, as RFC 9112 (6.3) allows; the check is for the day on which it hands both over.
fn check_form(uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    if uri.scheme().is_some() || uri.authority().is_some() {
        return Err(Refusal::AbsoluteForm);
    }
    if headers.contains_key(header::TRANSFER_ENCODING)
        && headers.contains_key(header::CONTENT_LENGTH)
    {
        return Err(Refusal::AmbiguousLength);
    }
    if headers.len() > MAX_HEADERS {
        return Err(Refusal::TooManyHeaders);
    }
    Ok(())
}

/// A host listed without a port stands for the port listened on and for none, as behind a proxy.
fn listed(allowed: &Authority, host: &Authority, listening: u16) -> bool {
    let port = match allowed.port() {
        Some(port) => host.port() == Some(port),
        None => host.port().is_none_or(|port| port == listening),
    };
    port && allowed.same_host(host)
}

/// A page of another site can send only three types without asking first; JSON is none of them, so asking for JSON is
/// what makes the browser ask, and be refused.
fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length != "0");
    let json =
        || single(headers, &header::CONTENT_TYPE).is_ok_and(|value| value.is_some_and(is_json));
    if has_body && !json() {
        return Err(Refusal::ContentType);
    }
    Ok(())
}

fn is_json(value: &HeaderValue) -> bool {
    let essence = value
        .as_bytes()
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    essence
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/json")
}

fn bearer(value: &HeaderValue) -> Option<BearerToken> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().parse().ok())
        .flatten()
}

fn parse<T: std::str::FromStr>(value: &HeaderValue) -> Option<T> {
    value.to_str().ok()?.parse().ok()
}

struct Repeated;

/// Returns the value of a header that may occur once.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Repeated),
    }
}

#[cfg(test)]
mod tests;
