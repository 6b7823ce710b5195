//! Owns the product in a role: its accept loop, its layers, its routes and its backend. What is behind them is given to it.
//! It must never know what is measured.
//!
//! It publishes to the log of its one workspace as often as it is told to.

use std::{env, sync::Arc, time::Duration};

use runwright_agent::{EventSink, Pace, Publication};
use runwright_backend::{Backend, BackendOptions, Workspace, WorkspaceFactory};
use runwright_proto::{ClientId, CreateWorkspace};
use runwright_server::{
    AppState, ServerInfo,
    accept::{self, ServeOptions},
    config::{Cli, Command, Environment, ListenAddress, ListenPlan, ServeConfig},
    guard::{Access, GuardPolicy},
    limits::BodyLimits,
    listen::{Inherited, Listener, bind},
    middleware::{App, app},
    router,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing_subscriber::EnvFilter;

use crate::{Result, net::Address};

use super::{control::Control, story::Story};

/// Serves until it is told to end.
pub(crate) async fn serve(
    mut control: Control,
    listen: &Address,
    factory: Arc<dyn WorkspaceFactory>,
) -> Result<()> {
    log_as_by_default()?;
    let config = config(listen)?;
    let backend = Backend::new(factory, BackendOptions::default());
    let client = ClientId::random();
    let request = CreateWorkspace {
        path: env::temp_dir().to_string_lossy().into_owned(),
        ..CreateWorkspace::default()
    };
    let workspace = backend.create(client, request).await?;
    // So that the workspace stays, whoever comes and goes.
    let _attachment = backend.attach(workspace.id(), client, None).await?;
    let listeners = bind(&config.listen, Inherited::none(), &config.auth)?;
    let address = listeners
        .first()
        .map(Listener::address)
        .ok_or("nothing is listened on")?;
    let address = address.to_string().parse()?;
    let options = ServeOptions::new(&config.limits, Duration::ZERO);
    let app = routes(&config, backend);
    TaskTracker::new().spawn(async move {
        accept::serve(listeners, app, &options, CancellationToken::new()).await
    });
    let id = workspace.id();
    let words = format!("{id} /v1/workspaces/{id}/events");
    control.ready(&address, &words).await?;
    publish(control, &workspace).await;
    Ok(())
}

/// With the subscriber and the level that users have, so that what a span costs is counted; nobody reads it.
fn log_as_by_default() -> Result<()> {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new("info")?)
        .with_writer(std::io::sink);
    subscriber
        .try_init()
        .map_err(|error| error.to_string().into())
}

/// What `runwright serve` makes of these flags.
fn config(listen: &Address) -> Result<ServeConfig> {
    let listen: ListenAddress = listen.to_string().parse()?;
    let flags = [
        "--no-auth",
        "--max-connections",
        "20000",
        "--header-timeout",
        "300",
    ];
    let words = ["runwright", "serve"].into_iter().chain(flags);
    let Command::Serve(args) = Cli::from_args(words)?.command else {
        return Err("`serve` was not understood".into());
    };
    let mut config = args.resolve(&Environment::of_process()?)?;
    config.listen = ListenPlan::Explicit(vec![listen]);
    Ok(config)
}

/// The routes within their layers, as the binary puts them together.
fn routes(config: &ServeConfig, backend: Backend) -> App {
    let limits = config.limits.clone();
    let bodies = BodyLimits {
        body_bytes: limits.body_bytes,
        prompt_bytes: limits.prompt_bytes,
        timeout: limits.body_timeout,
    };
    let info = ServerInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        allow_remote_shutdown: false,
        model: None,
        limits,
    };
    let router = router(AppState::new(backend, info));
    app(
        router,
        GuardPolicy::new(Access::Open),
        bodies,
        runwright_server::audit::AuditLog::off(),
    )
}

async fn publish(mut control: Control, workspace: &Workspace) {
    let mut story = Story::new();
    while let Some(count) = control.next().await {
        for _ in 0..count {
            workspace.log().publish(Publication {
                event: story.event(),
                run: None,
                pace: Pace::Now,
            });
        }
    }
}
