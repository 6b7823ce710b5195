//! A server for one call of `runwright run`, in this process, on a socket that nobody else can reach.

use std::path::PathBuf;
use std::time::Duration;

use runwright_proto::RunId;
use runwright_server::accept::{self, ServeOptions};
use runwright_server::config::{
    Cli, Command, Environment, ProviderArgs, ServeArgs, ServeConfig, ServerAddress,
};
use runwright_server::listen::{Inherited, bind, ensure_private_dir};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::compose::House;
use crate::compose_model;
use crate::report::told;

/// How long what is left may take when the call is over: its run has ended by then.
const GOODBYE: Duration = Duration::from_secs(5);

/// A server that lives as long as one call.
#[derive(Debug)]
pub(crate) struct OwnServer {
    folder: PathBuf,
    stop: CancellationToken,
    serving: TaskTracker,
    notices: Vec<String>,
}

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
#[error("no server is running, and none can be started for this call: {0}")]
pub(crate) struct OwnServerError(String);

impl OwnServer {
    /// Starts one, with this model and else the settings of the environment, on a socket in a folder of its own.
    pub(crate) fn start(
        provider: ProviderArgs,
        environment: &Environment,
    ) -> Result<Self, OwnServerError> {
        let why = |error: &dyn std::fmt::Display| OwnServerError(error.to_string());
        let name = format!("runwright-{}-{}", environment.uid, RunId::generate());
        let folder = environment.temp_dir.join(name);
        ensure_private_dir(&folder, environment.uid).map_err(|error| why(&error))?;
        let mut own = Self {
            folder,
            stop: CancellationToken::new(),
            serving: TaskTracker::new(),
            notices: Vec::new(),
        };
        let config = own.config(provider, environment)?;
        if let Some(model) = &config.model {
            own.notices = model.endpoint.notices();
        }
        let listeners =
            bind(&config.listen, Inherited::none(), &config.auth).map_err(|error| why(&error))?;
        let agent = compose_model::agent(config.model.as_ref()).map_err(|error| why(&error))?;
        let house = House::build(&config, agent, None, None).map_err(|error| why(&error))?;
        let options = ServeOptions::new(&config.limits, GOODBYE);
        let stop = own.stop.clone();
        own.serving.spawn(async move {
            let serving = accept::serve(listeners, house.app, &options, stop.clone());
            let ending = async {
                stop.cancelled().await;
                house.backend.shutdown(GOODBYE).await
            };
            tokio::join!(serving, ending)
        });
        own.serving.close();
        Ok(own)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> ServerAddress {
        ServerAddress::Unix(self.socket())
    }

    /// What a person should know about it. There is no log that would say so.
    pub(crate) fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Stops it and takes its folder away.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.serving.wait().await;
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::debug!(%error, "the folder of the server of this call is left behind");
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("runwright.sock")
    }

    /// The settings of `serve` without any flag but the socket and the model, in memory: the data folder belongs to a server that
    /// stays, and two calls at the same time must not wait for each other.
    fn config(
        &self,
        provider: ProviderArgs,
        environment: &Environment,
    ) -> Result<ServeConfig, OwnServerError> {
        let listen = format!("unix://{}", self.socket().display());
        let cli = Cli::from_args(["runwright", "serve", "--in-memory", "--listen", &listen]);
        match cli.map(|cli| cli.command) {
            Ok(Command::Serve(args)) => ServeArgs { provider, ..*args }
                .resolve(environment)
                .map_err(|error| OwnServerError(told(&error))),
            Ok(_) => Err(OwnServerError("`serve` was not understood".to_owned())),
            Err(error) => Err(OwnServerError(error.to_string())),
        }
    }
}
