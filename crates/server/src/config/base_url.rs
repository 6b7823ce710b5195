//! Owns the text form of a provider's address: `http://HOST[:PORT][/PATH]`, or the same with `https`.
//!
//! It must never know what is asked for there.

use std::{
    fmt::{self, Debug, Display},
    net::IpAddr,
    str::FromStr,
};

use http::Uri;

/// Where a provider is. It can be shown: what `Display` and `Debug` leave out is its query, in which a secret may be.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Uri);

impl BaseUrl {
    /// Returns all of it. The caller takes over the duty not to log it.
    #[must_use]
    pub fn expose(&self) -> String {
        self.0.to_string()
    }

    /// Returns the host and, if one is given, the port.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0
            .authority()
            .map_or("", |authority| authority.as_str())
    }

    /// Tells whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let ip = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        ip.map_or_else(
            |_| host.eq_ignore_ascii_case("localhost"),
            |ip| ip.to_canonical().is_loopback(),
        )
    }

    /// Tells whether what is sent there is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The parser drops a fragment without a word.
        if text.contains('#') {
            return Err(BaseUrlError::Malformed);
        }
        let url: Uri = text.parse().map_err(|_| BaseUrlError::Malformed)?;
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(BaseUrlError::Malformed);
        };
        if !matches!(scheme, "http" | "https") {
            return Err(BaseUrlError::Malformed);
        }
        if authority.as_str().contains('@') {
            return Err(BaseUrlError::UserInfo);
        }
        // The parser takes any digits for a port, and none.
        let has_port = authority.as_str().len() > authority.host().len();
        if authority.host().is_empty() || has_port && authority.port_u16().is_none() {
            return Err(BaseUrlError::Malformed);
        }
        Ok(Self(url))
    }
}

impl Display for BaseUrl {
    /// Without a query and without a slash at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let path = self.0.path().trim_end_matches('/');
        write!(f, "{scheme}://{}{path}", self.authority())
    }
}

impl Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

/// Tells why a text is not the address of a provider. The text is not repeated: a password may be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It is no address, not of HTTP, or has a fragment.
    #[error("a base URL is `https://HOST[:PORT][/PATH][?QUERY]` or the same with `http`")]
    Malformed,
    /// There is a user name or a password in it.
    #[error(
        "a base URL has no user name and no password, because it is shown to every client; the key goes into \
         RUNWRIGHT_API_KEY"
    )]
    UserInfo,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, BaseUrlError>) {
        let parsed = text.parse::<BaseUrl>().map(|url| url.to_string());
        assert_eq!(parsed, expect.map(str::to_owned), "{text}");
    }

    #[test]
    fn a_base_url_is_http_with_a_host() {
        check("https://api.example/v1", Ok("https://api.example/v1"));
        check("http://127.0.0.1:8080/v1/", Ok("http://127.0.0.1:8080/v1"));
        check("http://[::1]:11434", Ok("http://[::1]:11434"));
        check("HTTPS://api.example", Ok("https://api.example"));
        for wrong in [
            "",
            "api.example/v1",
            "localhost:8080",
            "ftp://api.example",
            "http://",
            "http:///v1",
            "http://:80/v1",
            "http://host:/v1",
            "http://host:70000",
            "http://host:80a",
            "http://ho st/v1",
            "http://[::1/v1",
        ] {
            check(wrong, Err(BaseUrlError::Malformed));
        }
    }

    #[test]
    fn a_base_url_shows_no_secret() {
        check("https://u:pw@api.example/v1", Err(BaseUrlError::UserInfo));
        check("https://key@api.example/v1", Err(BaseUrlError::UserInfo));
        check("https://api.example/v1#k", Err(BaseUrlError::Malformed));
        let url: BaseUrl = "https://api.example/v1/?key=k".parse().expect("a URL");
        let shown = (url.to_string(), format!("{url:?}"));
        let expected = ("https://api.example/v1", "BaseUrl(https://api.example/v1)");
        assert_eq!((&*shown.0, &*shown.1), expected);
        assert_eq!(url.expose(), "https://api.example/v1/?key=k");
    }

    #[test]
    fn what_is_on_this_machine_is_known() {
        let is_local = |text: &str| text.parse::<BaseUrl>().expect(text).is_loopback();
        for here in [
            "http://127.0.0.1:1",
            "http://localhost",
            "http://[::1]/v1",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(is_local(here), "{here}");
        }
        for elsewhere in [
            "http://192.168.0.1",
            "https://localhost.example",
            "http://[2001:db8::1]",
        ] {
            assert!(!is_local(elsewhere), "{elsewhere}");
        }
    }
}
