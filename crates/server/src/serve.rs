//! `runwright serve`: listens, says so, and goes down in good order. The story of the process; its parts are elsewhere.

use std::io::Write;
use std::process::ExitCode;

use runwright_server::accept::{self, ServeOptions};
use runwright_server::config::{ListenAddress, ServeConfig, USAGE_EXIT_CODE};
use runwright_server::limits::raise_open_files;
use runwright_server::listen::{BindError, Inherited, Listener, bind};
use runwright_server::service_manager;
use runwright_server::shutdown::{FORCED_EXIT_CODE, Shutdown};
use runwright_server::token::BearerToken;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::compose::House;

/// Something went wrong that is not a usage error.
const FAILURE: u8 = 1;

/// Serves until a signal or until nothing lives here any more.
pub(crate) async fn serve(config: ServeConfig) -> ExitCode {
    for notice in config.notices() {
        tracing::warn!("{notice}");
    }
    if let Err(error) = raise_open_files() {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
    let tasks = TaskTracker::new();
    let shutdown = match Shutdown::on_signals(&tasks) {
        Ok(shutdown) => shutdown,
        Err(error) => return refuse(&format!("signals cannot be handled: {error}"), FAILURE),
    };
    let (listeners, token) = match open(&config) {
        Ok(opened) => opened,
        Err((why, code)) => return refuse(&why, code),
    };
    let house = match House::build(&config, token) {
        Ok(house) => house,
        Err(error) => return refuse(&error.to_string(), FAILURE),
    };
    announce(&listeners);
    service_manager::ready();
    tokio::select! {
        code = serve_until_asked(&config, listeners, house, &shutdown) => code,
        () = shutdown.forced.cancelled() => ExitCode::from(FORCED_EXIT_CODE),
    }
}

/// Opens the listeners, and reads the token if one of them is TCP.
fn open(config: &ServeConfig) -> Result<(Vec<Listener>, Option<BearerToken>), (String, u8)> {
    let listeners = bind(
        &config.listen,
        Inherited::from_service_manager(),
        &config.auth,
    )
    .map_err(|error| {
        let code = match error {
            BindError::Config(_) => USAGE_EXIT_CODE,
            _ => FAILURE,
        };
        (error.to_string(), code)
    })?;
    let tcp = listeners
        .iter()
        .any(|listener| matches!(listener.address(), ListenAddress::Tcp(_)));
    let token = if tcp {
        config
            .auth
            .load()
            .map_err(|error| (error.to_string(), USAGE_EXIT_CODE))?
    } else {
        None
    };
    Ok((listeners, token))
}

async fn serve_until_asked(
    config: &ServeConfig,
    listeners: Vec<Listener>,
    house: House,
    shutdown: &Shutdown,
) -> ExitCode {
    let stop = CancellationToken::new();
    let options = ServeOptions::new(&config.limits, config.drain_timeout);
    let serving = accept::serve(listeners, house.app, &options, stop.clone());
    let ending = async {
        tokio::select! {
            () = shutdown.requested.cancelled() => {}
            () = house.backend.exit_requested() => tracing::info!("nothing lives here any more"),
        }
        service_manager::stopping(config.drain_timeout);
        house.state.begin_shutdown();
        // The streams end with their workspaces; only then do the connections have nothing left to say.
        let report = house.backend.shutdown(config.drain_timeout).await;
        stop.cancel();
        report
    };
    let (served, report) = tokio::join!(serving, ending);
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

/// One line per listener on stderr, for people and for programs that started us.
fn announce(listeners: &[Listener]) {
    let mut stderr = std::io::stderr().lock();
    for listener in listeners {
        let _unwritable = writeln!(stderr, "listening on {}", listener.local_url());
    }
    let _unwritable = writeln!(stderr, "{}", hint(listeners));
}

/// How to talk to the server, in a line that can be copied.
fn hint(listeners: &[Listener]) -> String {
    match listeners.first().map(Listener::address) {
        Some(ListenAddress::Tcp(address)) => {
            format!(
                "send a prompt from another terminal: runwright run --host tcp://{address} \"list the files\""
            )
        }
        Some(ListenAddress::Unix(_)) | None => {
            "send a prompt from another terminal: runwright run \"list the files\"".to_owned()
        }
    }
}

fn refuse(why: &str, code: u8) -> ExitCode {
    let _unwritable = writeln!(std::io::stderr().lock(), "runwright: {why}");
    ExitCode::from(code)
}
