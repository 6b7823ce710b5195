//! Owns the flags of `serve`, each with its variable, its default and the reason for that default.
//!
//! It must never know what a limit limits in code.

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::BoolishValueParser, value_parser};

use crate::guard::{Authority, Origin};

use super::{ByteSize, ListenAddress, ProviderArgs, StorageArgs};

/// The flags of `serve`. [`ServeArgs::resolve`] makes a configuration of them.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Listens here: `unix:///PATH` or `tcp://HOST:PORT`; repeatable, or separated by commas.
    ///
    /// Default: the socket `runwright.sock` in $XDG_RUNTIME_DIR, or in a private folder of ours among the temporary
    /// files; or, when a service manager hands sockets over, those alone. A Unix socket is the default because it is
    /// closed to web pages, to other users and to the network without any further setting.
    #[arg(
        long,
        value_name = "URL",
        env = "RUNWRIGHT_LISTEN",
        value_delimiter = ','
    )]
    pub listen: Vec<ListenAddress>,

    /// Keeps everything in this folder.
    ///
    /// Default: $STATE_DIRECTORY if a service manager sets it, else `runwright` in $XDG_DATA_HOME, else
    /// `~/.local/share/runwright`: where the XDG base directories put data that is to survive.
    #[arg(long, value_name = "DIR", env = "RUNWRIGHT_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Reads the bearer token for TCP from this file.
    ///
    /// Default: RUNWRIGHT_TOKEN, which holds the token itself, else the file `token` in the data folder, made on the
    /// first start that listens on TCP, because a token that exists by itself is one nobody forgets.
    #[arg(
        long,
        value_name = "FILE",
        env = "RUNWRIGHT_TOKEN_FILE",
        conflicts_with = "no_auth"
    )]
    pub token_file: Option<PathBuf>,

    /// Lets everybody in who reaches a loopback address. Refused for any other address.
    ///
    /// Off by default: every process and, by way of a browser, many a web page on this machine reaches loopback.
    #[arg(long, env = "RUNWRIGHT_NO_AUTH", value_parser = BoolishValueParser::new())]
    pub no_auth: bool,

    /// Accepts this `Host` on TCP besides the addresses listened on; repeatable.
    ///
    /// Without a port it stands for the port listened on and for none at all, as behind a proxy. None by default: a
    /// name that nobody announced is how a web page reaches a local server (DNS rebinding).
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        env = "RUNWRIGHT_ALLOW_HOST",
        value_delimiter = ','
    )]
    pub allow_host: Vec<Authority>,

    /// Accepts this `Origin` besides the server's own; repeatable.
    ///
    /// None by default, because pages of other origins have no business here; no CORS header is ever sent.
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "RUNWRIGHT_ALLOW_ORIGIN",
        value_delimiter = ','
    )]
    pub allow_origin: Vec<Origin>,

    /// Gives runs this long to finish after SIGTERM before they are interrupted.
    ///
    /// 30 seconds are enough for most model turns to end and well below the 90 seconds after which a service manager
    /// usually kills.
    #[arg(
        long,
        value_name = "SECS",
        env = "RUNWRIGHT_DRAIN_TIMEOUT",
        default_value_t = 30
    )]
    pub drain_timeout: u64,

    /// Lets clients stop the server through the API.
    ///
    /// Off by default: a client of another version would otherwise replace the server under everybody else.
    #[arg(long, env = "RUNWRIGHT_ALLOW_REMOTE_SHUTDOWN", value_parser = BoolishValueParser::new())]
    pub allow_remote_shutdown: bool,

    /// Exits after this long without clients and runs.
    ///
    /// Off by default: a server that disappears is a surprise unless something starts it again.
    #[arg(long, value_name = "SECS", env = "RUNWRIGHT_IDLE_EXIT")]
    pub idle_exit: Option<u64>,

    /// Keeps a workspace open this long after its last client left and its last run ended.
    ///
    /// 10 seconds cover a client that restarts; existing clients expect their workspace to outlive a cut that long.
    #[arg(
        long,
        value_name = "SECS",
        env = "RUNWRIGHT_LINGER",
        default_value_t = 10
    )]
    pub linger: u64,

    /// Which model answers.
    #[command(flatten)]
    pub provider: ProviderArgs,

    /// Where things are kept, and for how long.
    #[command(flatten)]
    pub storage: StorageArgs,

    /// The limits.
    #[command(flatten)]
    pub limits: LimitArgs,

    /// Writes the log in this format.
    ///
    /// Text by default, for a person at a terminal; JSON for a service, where a foreign line break must not forge a line.
    #[arg(long, value_name = "FORMAT", env = "RUNWRIGHT_LOG", value_enum, default_value_t = LogFormatArg::Text)]
    pub log: LogFormatArg,

    /// Logs what is at least this important; also a filter such as `info,runwright_server=debug`.
    ///
    /// `info` by default: starts, stops and what went wrong, not each request.
    #[arg(
        long,
        value_name = "LEVEL",
        env = "RUNWRIGHT_LOG_LEVEL",
        default_value = "info"
    )]
    pub log_level: String,
}

/// The limits of `serve` (semantics 8). Each refuses with a clear 4xx, or closes where no answer is possible.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Connections at once, per listener.
    ///
    /// 1,024 are more than any team's clients hold and cost some 12 MiB. The count is per listener so that strangers on
    /// TCP cannot take the places of the Unix socket.
    #[arg(long, value_name = "N", env = "RUNWRIGHT_MAX_CONNECTIONS", default_value_t = 1024,
          value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,

    /// Event streams at once per client.
    ///
    /// 64 are one for each of many open workspaces, and a client that leaks streams is stopped before it takes all
    /// connections.
    #[arg(long, value_name = "N", env = "RUNWRIGHT_MAX_STREAMS_PER_CLIENT", default_value_t = 64,
          value_parser = value_parser!(u32).range(1..))]
    pub max_streams_per_client: u32,

    /// Size of a request body.
    ///
    /// 1 MiB holds any request but a prompt with attachments, and bounds what 1,024 connections can make us hold.
    #[arg(
        long,
        value_name = "SIZE",
        env = "RUNWRIGHT_MAX_BODY_BYTES",
        default_value = "1MiB"
    )]
    pub max_body_bytes: ByteSize,

    /// Size of the body of a prompt.
    ///
    /// 32 MiB leave room for a few images or PDF files in base64, the most that model providers take in one request.
    #[arg(
        long,
        value_name = "SIZE",
        env = "RUNWRIGHT_MAX_PROMPT_BYTES",
        default_value = "32MiB"
    )]
    pub max_prompt_bytes: ByteSize,

    /// Size of the request line and the headers.
    ///
    /// 64 KiB pass every real client and proxy; it is also the most that a connection's read buffer grows to. At least
    /// 8 KiB, the smallest buffer of the HTTP library.
    #[arg(long, value_name = "SIZE", env = "RUNWRIGHT_MAX_HEADER_BYTES", default_value = "64KiB",
          value_parser = header_bytes)]
    pub max_header_bytes: ByteSize,

    /// Time for the request line and the headers, and for an idle connection to send the next request.
    ///
    /// 10 seconds: a real client sends its headers at once, a slow one only holds a place.
    #[arg(long, value_name = "SECS", env = "RUNWRIGHT_HEADER_TIMEOUT", default_value_t = 10,
          value_parser = value_parser!(u64).range(1..))]
    pub header_timeout: u64,

    /// Time for a request body, beyond one second for each 64 KiB that arrived.
    ///
    /// 30 seconds forgive a stall of a mobile or VPN link, and the allowance lets 32 MiB come in over half a megabit per
    /// second, while a body that trickles byte by byte is cut off after the 30 seconds.
    #[arg(long, value_name = "SECS", env = "RUNWRIGHT_BODY_TIMEOUT", default_value_t = 30,
          value_parser = value_parser!(u64).range(1..))]
    pub body_timeout: u64,

    /// Prompts that wait in one session.
    ///
    /// 64 prompts at the same moment are an ordinary case; who queues more has lost control of a loop.
    #[arg(long, value_name = "N", env = "RUNWRIGHT_MAX_QUEUE", default_value_t = 64,
          value_parser = value_parser!(u32).range(1..))]
    pub max_queue: u32,

    /// Prompts per second for each principal: the token, or the user id behind a Unix socket.
    ///
    /// Off by default: the queue is bounded already, and a rate that fits all teams does not exist.
    #[arg(long, value_name = "N", env = "RUNWRIGHT_PROMPTS_PER_SECOND",
          value_parser = value_parser!(u32).range(1..))]
    pub prompts_per_second: Option<u32>,
}

/// The log formats, as flag values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormatArg {
    /// One readable line for each event.
    Text,
    /// One JSON object for each event.
    Json,
}

/// The smallest buffer that the HTTP library accepts.
const MIN_HEADER_BYTES: u64 = 8 * 1024;

fn header_bytes(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|error: super::SizeError| error.to_string())?;
    if size.0 < MIN_HEADER_BYTES {
        return Err(format!("at least {}", ByteSize(MIN_HEADER_BYTES)));
    }
    Ok(size)
}
