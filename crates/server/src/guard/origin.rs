//! Owns `SCHEME://HOST[:PORT]` as an `Origin` header carries it: parsing and comparing.
//!
//! It must never know which origins are allowed.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use super::Authority;

/// The origin of a web page. `null`, which sandboxed and local pages send, is no origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    https: bool,
    /// Without a port where the port is the scheme's own.
    authority: Authority,
}

impl Origin {
    /// Tells whether a page of this origin was served under the given, already checked `Host`.
    ///
    /// The scheme is not compared: behind a TLS proxy the page says `https` while this server is spoken to in plain.
    #[must_use]
    pub fn is_of_host(&self, host: &Authority) -> bool {
        self.authority.same_host(host) && self.port() == host.port().unwrap_or(self.default_port())
    }

    fn port(&self) -> u16 {
        self.authority.port().unwrap_or(self.default_port())
    }

    const fn default_port(&self) -> u16 {
        if self.https { 443 } else { 80 }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError)?;
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(OriginError),
        };
        let authority: Authority = rest.parse().map_err(|_| OriginError)?;
        let default = Some(if https { 443 } else { 80 });
        let port = authority.port().filter(|port| Some(*port) != default);
        Ok(Self {
            https,
            authority: authority.with_port(port),
        })
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            if self.https { "https" } else { "http" },
            self.authority
        )
    }
}

/// Tells that a text is not `http[s]://HOST[:PORT]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is `http://HOST[:PORT]` or `https://HOST[:PORT]`, without a path")]
pub struct OriginError;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(origin: &str, host: &str, expect: bool) {
        let origin: Origin = origin.parse().expect("origin");
        assert_eq!(
            origin.is_of_host(&host.parse().expect("host")),
            expect,
            "{origin} for {host}"
        );
    }

    #[test]
    fn an_origin_is_of_a_host_when_name_and_port_agree() {
        check("http://127.0.0.1:7180", "127.0.0.1:7180", true);
        check("http://[::1]:7180", "[::1]:7180", true);
        check("https://agents.example", "agents.example", true);
        check("https://agents.example", "agents.example:443", true);
        check("http://agents.example:80", "agents.example", true);
        check("http://127.0.0.1:3000", "127.0.0.1:7180", false);
        check("http://localhost:7180", "127.0.0.1:7180", false);
        check("http://agents.example", "agents.example:443", false);
    }

    #[test]
    fn null_and_paths_are_no_origins() {
        for text in [
            "null",
            "",
            "http://",
            "file://x",
            "http://a/b",
            "http://a b",
            "HTTP://a",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
    }
}
