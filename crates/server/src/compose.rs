//! Puts the house together: the agent that works in a workspace, where its history lives, and what stands around the
//! routes.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use runwright_backend::{
    Backend, BackendOptions, LifecycleOptions, MakeRunner, MemoryFactory, RunOptions,
    WorkspaceFactory,
};
use runwright_proto::ModelStatus;
use runwright_server::audit::AuditLog;
use runwright_server::config::ServeConfig;
use runwright_server::guard::{Access, GuardPolicy};
use runwright_server::limits::BodyLimits;
use runwright_server::middleware::{App, app};
use runwright_server::token::BearerToken;
use runwright_server::{AppState, ServerInfo, router};
use runwright_store::Store;

use crate::compose_model::Agent;
use crate::stored::{StoreAudit, StoreFactory};

/// The parts of a server before it listens.
pub(crate) struct House {
    pub(crate) backend: Backend,
    pub(crate) state: AppState,
    pub(crate) app: App,
    /// Where everything is kept; nothing survives the process without it.
    pub(crate) store: Option<Store>,
}

impl House {
    /// Builds it around an agent, on a store or in memory. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When what is done here could not be noted.
    pub(crate) fn build(
        config: &ServeConfig,
        agent: Agent,
        token: Option<BearerToken>,
        store: Option<Store>,
    ) -> Result<Self, Box<dyn Error>> {
        let audit = match store.clone() {
            Some(store) => AuditLog::to(StoreAudit(store))?,
            None => AuditLog::open(&config.data_dir)?,
        };
        let info = info(config, agent.status.clone());
        let backend = Backend::new(factory(config, agent, store.clone()), options(config));
        let state = AppState::new(backend.clone(), info);
        let access = token.map_or(Access::Open, Access::Token);
        let policy = GuardPolicy::new(access)
            .with_hosts(config.allowed_hosts.clone())
            .with_origins(config.allowed_origins.clone());
        let limits = BodyLimits {
            body_bytes: config.limits.body_bytes,
            prompt_bytes: config.limits.prompt_bytes,
            timeout: config.limits.body_timeout,
        };
        let app = app(router(state.clone()), policy, limits, audit);
        Ok(Self {
            backend,
            state,
            app,
            store,
        })
    }
}

/// The agent, and where its workspaces are kept.
fn factory(config: &ServeConfig, agent: Agent, store: Option<Store>) -> Arc<dyn WorkspaceFactory> {
    let Agent { runner, shown, .. } = agent;
    let make_runner: MakeRunner = Box::new(move |_directory: &Path| Some(runner.clone()));
    let data_dir = config.data_dir.clone();
    match store {
        Some(store) => Arc::new(StoreFactory::new(store, make_runner, shown, data_dir)),
        None => Arc::new(MemoryFactory::new(make_runner, shown, data_dir)),
    }
}

fn options(config: &ServeConfig) -> BackendOptions {
    let defaults = BackendOptions::default();
    BackendOptions {
        lifecycle: LifecycleOptions {
            linger: config.linger,
            idle_exit: config.idle_exit,
            ..defaults.lifecycle
        },
        runs: RunOptions {
            max_queued: config.limits.queue,
            ..defaults.runs
        },
        ..defaults
    }
}

fn info(config: &ServeConfig, model: ModelStatus) -> ServerInfo {
    ServerInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        allow_remote_shutdown: config.allow_remote_shutdown,
        model: Some(model),
        limits: config.limits.clone(),
    }
}
