//! Owns `HOST[:PORT]` as a `Host` header carries it: parsing and comparing.
//!
//! It must never know which hosts are allowed.

use std::{
    fmt::{self, Display},
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// A host, by name or address, with the port if one was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    host: Host,
    port: Option<u16>,
}

/// Names compare without case; addresses as addresses, so that no second spelling of one slips through or fails.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Name(String),
    Ip(IpAddr),
}

impl Authority {
    /// Makes the authority of an IP address.
    #[must_use]
    pub fn of_ip(ip: IpAddr, port: Option<u16>) -> Self {
        Self {
            host: Host::Ip(ip.to_canonical()),
            port,
        }
    }

    /// Returns the port if one was written.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns the same host with another port, or none.
    #[must_use]
    pub fn with_port(self, port: Option<u16>) -> Self {
        Self { port, ..self }
    }

    /// Tells whether both name the same host, whatever the ports.
    #[must_use]
    pub fn same_host(&self, other: &Self) -> bool {
        self.host == other.host
    }

    /// Tells whether the host is this IP address.
    #[must_use]
    pub fn is_ip(&self, ip: IpAddr) -> bool {
        self.host == Host::Ip(ip.to_canonical())
    }

    /// Tells whether the host is the name `localhost`.
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        matches!(&self.host, Host::Name(name) if name == "localhost")
    }
}

impl FromStr for Authority {
    type Err = AuthorityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = split_port(text)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => Host::Ip(parse_v6(rest.strip_suffix(']').ok_or(AuthorityError)?)?),
            None => parse_name_or_v4(host)?,
        };
        Ok(Self { host, port })
    }
}

impl Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => f.write_str(name)?,
            Host::Ip(IpAddr::V4(ip)) => write!(f, "{ip}")?,
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Tells that a text is not `HOST[:PORT]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a host is a name or an IP address, IPv6 in brackets, with `:PORT` if you like")]
pub struct AuthorityError;

/// Only digits are a port: `u16::from_str` would also take a plus sign.
fn split_port(text: &str) -> Result<(&str, Option<u16>), AuthorityError> {
    let in_brackets = text.ends_with(']');
    match text.rsplit_once(':') {
        Some((host, port)) if !in_brackets => {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            let port = digits
                .then(|| port.parse().ok())
                .flatten()
                .ok_or(AuthorityError)?;
            Ok((host, Some(port)))
        }
        Some(_) | None => Ok((text, None)),
    }
}

fn parse_v6(text: &str) -> Result<IpAddr, AuthorityError> {
    let ip: Ipv6Addr = text.parse().map_err(|_| AuthorityError)?;
    Ok(ip.to_canonical())
}

fn parse_name_or_v4(text: &str) -> Result<Host, AuthorityError> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return if ip.is_ipv4() {
            Ok(Host::Ip(ip))
        } else {
            Err(AuthorityError)
        };
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if text.is_empty() || text.len() > 255 || !text.bytes().all(plain) {
        return Err(AuthorityError);
    }
    Ok(Host::Name(text.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_in_every_form_and_written_in_one() {
        let read = |text: &str| {
            text.parse::<Authority>()
                .map(|authority| authority.to_string())
        };
        assert_eq!(read("Example.COM:80"), Ok("example.com:80".to_owned()));
        assert_eq!(read("localhost"), Ok("localhost".to_owned()));
        assert_eq!(read("127.0.0.1:7180"), Ok("127.0.0.1:7180".to_owned()));
        assert_eq!(read("[0:0:0:0:0:0:0:1]:7180"), Ok("[::1]:7180".to_owned()));
        assert_eq!(read("[::1]"), Ok("[::1]".to_owned()));
        assert_eq!(read("[::ffff:127.0.0.1]:1"), Ok("127.0.0.1:1".to_owned()));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "", ":80", "a:", "a:+8", "a:65536", "::1", "[::1", "[::1]x", "[a]", "u@h", "a b",
            "a/b", "a,b", "é",
        ] {
            assert_eq!(text.parse::<Authority>(), Err(AuthorityError), "{text}");
        }
    }
}
