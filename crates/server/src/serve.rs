//! `runwright serve`: listens, says so, and goes down in good order. The story of the process; its parts are elsewhere.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use runwright_server::accept::{self, ServeOptions};
use runwright_server::config::{AuthConfig, ListenAddress, ListenPlan, ServeConfig, TokenSource};
use runwright_server::limits::raise_open_files;
use runwright_server::listen::{BindError, Inherited, Listener, bind};
use runwright_server::service_manager;
use runwright_server::shutdown::{FORCED_EXIT_CODE, Shutdown};
use runwright_server::token::BearerToken;
use runwright_store::Store;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::compose::House;
use crate::compose_model;
use crate::stored;

/// How long connections may take to finish after the last stream has ended: what is left are answers of one write. And
/// how long the store may take to close after them.
const GOODBYE: Duration = Duration::from_secs(2);

/// Why the server did not start.
#[derive(Debug)]
pub(crate) struct StartError {
    pub(crate) cause: Box<dyn Error>,
    /// Whether another command line would help.
    pub(crate) is_usage: bool,
}

/// Serves until a signal or until nothing lives here any more.
pub(crate) async fn serve(
    config: ServeConfig,
    inherited: Inherited,
) -> Result<ExitCode, StartError> {
    for notice in config.notices() {
        tracing::warn!("{notice}");
    }
    if let Err(error) = raise_open_files() {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
    let agent = compose_model::agent(config.model.as_ref()).map_err(|error| StartError {
        cause: error.into(),
        is_usage: true,
    })?;
    let answers = agent.told.clone();
    let tasks = TaskTracker::new();
    let shutdown = Shutdown::on_signals(&tasks).map_err(failed)?;
    let (listeners, token) = open(&config, inherited)?;
    let store = tokio::select! {
        opened = open_store(&config) => opened?,
        () = shutdown.forced.cancelled() => return Ok(ExitCode::from(FORCED_EXIT_CODE)),
    };
    let house = House::build(&config, agent, token, store).map_err(|cause| StartError {
        cause,
        is_usage: false,
    })?;
    announce(&listeners, &answers, &config);
    service_manager::ready();
    Ok(tokio::select! {
        code = serve_until_asked(&config, listeners, house, &shutdown) => code,
        () = shutdown.forced.cancelled() => ExitCode::from(FORCED_EXIT_CODE),
    })
}

/// Opens the listeners, and reads the token if one of them is TCP.
fn open(
    config: &ServeConfig,
    inherited: Inherited,
) -> Result<(Vec<Listener>, Option<BearerToken>), StartError> {
    let listeners = bind(&config.listen, inherited, &config.auth).map_err(|error| StartError {
        is_usage: matches!(error, BindError::Config(_)),
        cause: error.into(),
    })?;
    let is_tcp = |listener: &Listener| matches!(listener.address(), ListenAddress::Tcp(_));
    if !listeners.iter().any(is_tcp) {
        return Ok((listeners, None));
    }
    let token = config.auth.load().map_err(|error| StartError {
        is_usage: true,
        cause: error.into(),
    })?;
    Ok((listeners, token))
}

/// Opens the store on a thread of its own, so that a disk that hangs does not keep a second signal waiting.
async fn open_store(config: &ServeConfig) -> Result<Option<Store>, StartError> {
    let config = config.clone();
    let opening = spawn_blocking(move || stored::open(&config));
    opening.await.map_err(failed)?.map_err(failed)
}

fn failed(error: impl Error + 'static) -> StartError {
    StartError {
        cause: error.into(),
        is_usage: false,
    }
}

async fn serve_until_asked(
    config: &ServeConfig,
    listeners: Vec<Listener>,
    house: House,
    shutdown: &Shutdown,
) -> ExitCode {
    let House {
        backend,
        state,
        app,
        store,
    } = house;
    let stop = CancellationToken::new();
    let options = ServeOptions::new(&config.limits, GOODBYE);
    let serving = accept::serve(listeners, app, &options, stop.clone());
    let resuming = async {
        if let (Some(store), true) = (&store, config.storage.resumes_queued()) {
            let resuming = stored::resume_queued(store, &backend);
            let _stopped = stop.run_until_cancelled(resuming).await;
        }
    };
    let ending = async {
        tokio::select! {
            () = shutdown.requested.cancelled() => {}
            () = backend.exit_requested() => tracing::info!("nothing lives here any more"),
        }
        service_manager::stopping(config.drain_timeout + 2 * GOODBYE);
        state.begin_shutdown();
        // The streams end with their workspaces; only then do the connections have nothing left to say.
        let report = backend.shutdown(config.drain_timeout).await;
        // What a request has begun and its client did not wait for.
        let _finished = timeout(GOODBYE, state.finished()).await;
        stop.cancel();
        report
    };
    let (served, report, ()) = tokio::join!(serving, ending, resuming);
    // Last, after everything that writes to it.
    if let Some(store) = store {
        stored::close(&store, GOODBYE).await;
    }
    let workspaces = report.workspaces;
    if report.drained {
        tracing::info!(workspaces, ?served, "stopped: drained");
    } else {
        tracing::warn!(
            workspaces,
            ?served,
            "stopped: timed out, runs were interrupted"
        );
    }
    ExitCode::SUCCESS
}

/// On stderr, for people and for programs that started us: who answers, one line per listener, and one that shows how to
/// go on.
fn announce(listeners: &[Listener], answers: &str, config: &ServeConfig) {
    let mut stderr = std::io::stderr().lock();
    let _unwritable = writeln!(stderr, "{answers}");
    for listener in listeners {
        let _unwritable = writeln!(stderr, "listening on {}", listener.local_url());
    }
    let program = std::env::args().next();
    let program = program.as_deref().unwrap_or("runwright");
    let place = listeners.first().map(|first| place(first, config));
    let _unwritable = writeln!(
        stderr,
        "send a prompt from another terminal: {program} run {}\"list the files\"",
        place.unwrap_or_default()
    );
}

/// The flags with which a command finds this listener; none for the default socket.
fn place(listener: &Listener, config: &ServeConfig) -> String {
    let url = listener.local_url();
    let token = match &config.auth {
        AuthConfig::Token(TokenSource::File(file) | TokenSource::DataDir(file)) => Some(file),
        AuthConfig::Token(TokenSource::Value(_)) | AuthConfig::Off => None,
    };
    match (listener.address(), &config.listen, token) {
        (ListenAddress::Unix(_), ListenPlan::Default(_), _) => String::new(),
        (ListenAddress::Tcp(_), _, Some(file)) => {
            format!("--host {url} --token-file {} ", file.display())
        }
        _ => format!("--host {url} "),
    }
}
