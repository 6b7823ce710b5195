//! Owns the configuration of the server as plain values, and how it is made of flags and environment.
//!
//! It must never know how a value is used.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::guard::{Authority, Origin};

use super::{
    AuthConfig, ConfigError, DefaultSocket, Environment, ListenAddress, ModelConfig, ServeArgs,
    StorageConfig, TokenSource, check_exposure,
    data_dir::data_dir,
    serve_args::{LimitArgs, LogFormatArg},
};

/// Everything `serve` needs to know, with all defaults filled in.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// Where to listen.
    pub listen: ListenPlan,
    /// How TCP requests are authenticated.
    pub auth: AuthConfig,
    /// `Host` values accepted on TCP besides the addresses listened on.
    pub allowed_hosts: Vec<Authority>,
    /// `Origin` values accepted besides the server's own.
    pub allowed_origins: Vec<Origin>,
    /// The folder of the database and the token: an absolute path, which need not exist yet.
    pub data_dir: PathBuf,
    /// Where sessions, runs and events are kept.
    pub storage: StorageConfig,
    /// Which model answers prompts; `None` for the offline model.
    pub model: Option<ModelConfig>,
    /// How long runs may go on after the first signal.
    pub drain_timeout: Duration,
    /// How long a workspace stays open without clients and runs.
    pub linger: Duration,
    /// How long the server stays without clients and runs; `None` for ever.
    pub idle_exit: Option<Duration>,
    /// Whether clients may stop the server.
    pub allow_remote_shutdown: bool,
    /// The limits.
    pub limits: Limits,
    /// How to log.
    pub log: LogConfig,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenPlan {
    /// Exactly here, besides the sockets a service manager hands over.
    Explicit(Vec<ListenAddress>),
    /// On the sockets a service manager hands over or, without any, on the default socket.
    Default(DefaultSocket),
}

/// The limits of semantics 8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, per listener.
    pub connections: usize,
    /// Event streams at once per client.
    pub streams_per_client: usize,
    /// Bytes of a request body.
    pub body_bytes: u64,
    /// Bytes of the body of a prompt.
    pub prompt_bytes: u64,
    /// Bytes of the request line and the headers.
    pub header_bytes: usize,
    /// Time for the headers, and for an idle connection to send the next request.
    pub header_timeout: Duration,
    /// Time for a body beyond the allowance for what arrived.
    pub body_timeout: Duration,
    /// Prompts that wait in one session.
    pub queue: usize,
    /// Prompts per second for each principal; `None` for no limit.
    pub prompts_per_second: Option<u32>,
}

/// How to log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The format of a line.
    pub format: LogFormat,
    /// A level or a filter, as `tracing_subscriber::EnvFilter` reads it.
    pub filter: String,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line for each event.
    Text,
    /// One JSON object for each event.
    Json,
}

impl ServeArgs {
    /// Fills in the defaults and refuses what must not start.
    ///
    /// # Errors
    ///
    /// Any [`ConfigError`]. Sockets that a service manager hands over are checked later, by `listen::bind`, with the
    /// same errors.
    pub fn resolve(self, environment: &Environment) -> Result<ServeConfig, ConfigError> {
        let data_dir = data_dir(self.data_dir.as_deref(), environment)?;
        let auth = auth(self.no_auth, self.token_file, environment, &data_dir)?;
        check_exposure(&self.listen, &auth)?;
        let listen = if self.listen.is_empty() {
            ListenPlan::Default(DefaultSocket::new(environment))
        } else {
            ListenPlan::Explicit(self.listen)
        };
        Ok(ServeConfig {
            listen,
            auth,
            allowed_hosts: self.allow_host,
            allowed_origins: self.allow_origin,
            data_dir,
            storage: self.storage.into(),
            model: self.provider.resolve(environment)?,
            drain_timeout: Duration::from_secs(self.drain_timeout),
            linger: Duration::from_secs(self.linger),
            idle_exit: self.idle_exit.map(Duration::from_secs),
            allow_remote_shutdown: self.allow_remote_shutdown,
            limits: self.limits.into(),
            log: LogConfig {
                format: self.log.into(),
                filter: self.log_level,
            },
        })
    }
}

impl ServeConfig {
    /// Returns what an operator should read in the log at the start: settings that lower the protection, of the machine or
    /// of what is told to the server.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let addresses: &[ListenAddress] = match &self.listen {
            ListenPlan::Explicit(addresses) => addresses,
            ListenPlan::Default(_) => &[],
        };
        let mut notices = Vec::new();
        if matches!(self.auth, AuthConfig::Off) {
            notices.push(
                "--no-auth: every process on this machine that reaches a TCP address is let in"
                    .to_owned(),
            );
        }
        if self.storage == StorageConfig::Memory {
            notices.push(
                "--in-memory: nothing survives this process, neither sessions nor accepted prompts"
                    .to_owned(),
            );
        }
        notices.extend(addresses.iter().filter(|address| address.is_remote()).map(|address| {
            format!("`{address}` can be reached from other machines and is not encrypted: put a TLS proxy before it")
        }));
        if let Some(model) = &self.model {
            notices.extend(model.endpoint.notices());
        }
        notices
    }
}

impl From<LimitArgs> for Limits {
    fn from(args: LimitArgs) -> Self {
        Self {
            connections: to_usize(args.max_connections.into()),
            streams_per_client: to_usize(args.max_streams_per_client.into()),
            body_bytes: args.max_body_bytes.0,
            prompt_bytes: args.max_prompt_bytes.0,
            header_bytes: to_usize(args.max_header_bytes.0),
            header_timeout: Duration::from_secs(args.header_timeout),
            body_timeout: Duration::from_secs(args.body_timeout),
            queue: to_usize(args.max_queue.into()),
            prompts_per_second: args.prompts_per_second,
        }
    }
}

impl From<LogFormatArg> for LogFormat {
    fn from(format: LogFormatArg) -> Self {
        match format {
            LogFormatArg::Text => Self::Text,
            LogFormatArg::Json => Self::Json,
        }
    }
}

fn auth(
    no_auth: bool,
    token_file: Option<PathBuf>,
    environment: &Environment,
    data_dir: &Path,
) -> Result<AuthConfig, ConfigError> {
    match (no_auth, token_file, &environment.token) {
        (true, None, None) => Ok(AuthConfig::Off),
        (true, _, _) => Err(ConfigError::TokenAndNoAuth),
        (false, Some(path), _) => Ok(AuthConfig::Token(TokenSource::File(path))),
        (false, None, Some(token)) => Ok(AuthConfig::Token(TokenSource::Value(token.clone()))),
        (false, None, None) => Ok(AuthConfig::Token(TokenSource::DataDir(
            data_dir.join("token"),
        ))),
    }
}

/// Caps what does not fit the machine's word: a limit beyond the address space is no limit.
fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
