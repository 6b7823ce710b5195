//! Owns the text form of an address: `unix:///PATH` and `tcp://HOST:PORT`.
//!
//! It must never know how to bind or to dial one.

use std::{
    fmt::{self, Display},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

/// Names a place to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A Unix socket at this absolute path.
    Unix(PathBuf),
    /// A TCP address; port 0 lets the system choose.
    Tcp(SocketAddr),
}

impl ListenAddress {
    /// Tells whether another machine can reach this address.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        match self {
            Self::Unix(_) => false,
            Self::Tcp(address) => !address.ip().to_canonical().is_loopback(),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    /// Parses an address to listen on.
    ///
    /// A TCP host is an IP address or `localhost` (which is 127.0.0.1), never another name: what a name resolves to is
    /// known only after the check that keeps an unprotected server off the network.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match split(text)? {
            Split::Unix(path) => Ok(Self::Unix(path)),
            Split::Tcp { host, port } => {
                let ip = if host.eq_ignore_ascii_case("localhost") {
                    IpAddr::V4(Ipv4Addr::LOCALHOST)
                } else {
                    host.parse().map_err(|_| AddressError::NotAnIp)?
                };
                Ok(Self::Tcp(SocketAddr::new(ip, port)))
            }
        }
    }
}

impl Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Names a server to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAddress {
    /// The Unix socket at this absolute path.
    Unix(PathBuf),
    /// A host, by name or IP address (IPv6 without brackets), and its port.
    Tcp {
        /// The name or IP address.
        host: String,
        /// The port.
        port: u16,
    },
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match split(text)? {
            Split::Unix(path) => Self::Unix(path),
            Split::Tcp { host, port } => Self::Tcp {
                host: host.to_owned(),
                port,
            },
        })
    }
}

impl Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
        }
    }
}

/// Tells why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text starts with neither scheme.
    #[error("an address is `unix:///PATH` or `tcp://HOST:PORT`")]
    Scheme,
    /// The path of a Unix socket is relative or empty.
    #[error("the path of a Unix socket is absolute: `unix:///PATH`")]
    RelativePath,
    /// There is no port, or it is not a number below 65536.
    #[error("a TCP address ends with its port: `tcp://HOST:PORT`")]
    Port,
    /// The host is empty, or an IPv6 address without brackets.
    #[error(
        "the host is missing or malformed; an IPv6 address is written in brackets: `tcp://[::1]:PORT`"
    )]
    Host,
    /// The host to listen on is a name.
    #[error(
        "listen on an IP address or on `localhost`, not on a name: a name may lead to another machine's network"
    )]
    NotAnIp,
}

enum Split<'a> {
    Unix(PathBuf),
    Tcp { host: &'a str, port: u16 },
}

fn split(text: &str) -> Result<Split<'_>, AddressError> {
    if let Some(path) = text.strip_prefix("unix://") {
        let path = PathBuf::from(path);
        return if path.is_absolute() {
            Ok(Split::Unix(path))
        } else {
            Err(AddressError::RelativePath)
        };
    }
    let rest = text.strip_prefix("tcp://").ok_or(AddressError::Scheme)?;
    let (host, port) = rest.rsplit_once(':').ok_or(AddressError::Port)?;
    let port = port.parse().map_err(|_| AddressError::Port)?;
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(host) if host.parse::<std::net::Ipv6Addr>().is_ok() => Ok(Split::Tcp { host, port }),
        None if !host.is_empty() && !host.contains([':', '[', ']', '/', '@']) => {
            Ok(Split::Tcp { host, port })
        }
        Some(_) | None => Err(AddressError::Host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_listen(text: &str, expect: Result<&str, AddressError>) {
        let parsed = text
            .parse::<ListenAddress>()
            .map(|address| address.to_string());
        assert_eq!(parsed, expect.map(str::to_owned), "{text}");
    }

    #[test]
    fn a_listen_address_is_an_absolute_path_or_an_ip_with_a_port() {
        check_listen("unix:///run/x.sock", Ok("unix:///run/x.sock"));
        check_listen("tcp://127.0.0.1:7180", Ok("tcp://127.0.0.1:7180"));
        check_listen("tcp://localhost:0", Ok("tcp://127.0.0.1:0"));
        check_listen("tcp://[::1]:80", Ok("tcp://[::1]:80"));
        check_listen("unix://x.sock", Err(AddressError::RelativePath));
        check_listen("unix://", Err(AddressError::RelativePath));
        check_listen("tcp://127.0.0.1", Err(AddressError::Port));
        check_listen("tcp://127.0.0.1:70000", Err(AddressError::Port));
        check_listen("tcp://::1:80", Err(AddressError::Host));
        check_listen("tcp://:80", Err(AddressError::Host));
        check_listen("tcp://build.example:80", Err(AddressError::NotAnIp));
        check_listen("127.0.0.1:80", Err(AddressError::Scheme));
    }

    #[test]
    fn a_server_address_may_be_a_name() {
        for text in [
            "unix:///run/x.sock",
            "tcp://build.example:7180",
            "tcp://[::1]:7180",
            "tcp://10.0.0.1:1",
        ] {
            assert_eq!(
                text.parse::<ServerAddress>()
                    .map(|address| address.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!(
            "tcp://user@host:1".parse::<ServerAddress>(),
            Err(AddressError::Host)
        );
    }

    #[test]
    fn only_what_another_machine_can_reach_is_remote() {
        let remote = |text: &str| {
            text.parse::<ListenAddress>()
                .map(|address| address.is_remote())
        };
        assert_eq!(remote("unix:///x"), Ok(false));
        assert_eq!(remote("tcp://127.8.8.8:1"), Ok(false));
        assert_eq!(remote("tcp://[::1]:1"), Ok(false));
        assert_eq!(remote("tcp://[::ffff:127.0.0.1]:1"), Ok(false));
        assert_eq!(remote("tcp://0.0.0.0:1"), Ok(true));
        assert_eq!(remote("tcp://[::]:1"), Ok(true));
        assert_eq!(remote("tcp://192.168.0.7:1"), Ok(true));
    }
}
