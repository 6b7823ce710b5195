//! Why a command failed, in a sentence for the person at the terminal.

use std::error::Error;
use std::io;

use runwright_proto::Problem;
use runwright_server::config::ConfigError;

use crate::report::told;

/// Why a command failed. The message says what to do where there is something to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No server answers there.
    #[error(
        "no server answers at {url}: {cause}\nstart one with `runwright serve`, or name another with `--host`"
    )]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What happened.
        cause: io::Error,
    },
    /// The server said no.
    #[error("{}{}", .0.detail, hint(.0))]
    Refused(Box<Problem>),
    /// The connection broke.
    #[error("the connection to the server broke")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    /// The server answered something that this program does not understand.
    #[error("the server's answer makes no sense: {0}")]
    Nonsense(String),
    /// The server is gone and did not come back.
    #[error(
        "the server went away and did not come back; the run may have ended without us: see `runwright status`"
    )]
    Lost,
    /// A setting is wrong.
    #[error("{0}")]
    Usage(String),
    /// The provider of models does not say what was asked for.
    #[error("{0}")]
    Provider(String),
    /// What is kept cannot be read, repaired, copied or added to; it says itself what to do.
    #[error(transparent)]
    Store(Box<dyn Error + Send + Sync>),
    /// What was asked for could not be printed.
    #[error("output cannot be written")]
    Output(#[source] io::Error),
}

impl Failure {
    /// The failure of something that was done to a data folder.
    pub(super) fn store(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Store(Box::new(error))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(told(&error))
    }
}

fn hint(problem: &Problem) -> &'static str {
    match problem.status {
        401 => "\nname the token's file with `--token-file`, or put the token into RUNWRIGHT_TOKEN",
        _ => "",
    }
}
