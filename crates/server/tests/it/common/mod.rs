//! A server over the test router, and a client that sends bytes as they are.

mod client;
mod router;

use std::{path::PathBuf, time::Duration};

use runwright_server::{
    accept::{ServeOptions, Served, serve},
    audit::AuditLog,
    config::{AuthConfig, ListenAddress, ListenPlan, TokenSource},
    guard::{Access, GuardPolicy},
    limits::BodyLimits,
    listen::{Inherited, Listener, bind},
    middleware::app,
    token::BearerToken,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::{
    client::{Client, Reply},
    router::{Probe, router},
};

/// Longer than anything takes here; only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a test may change about the server.
pub(crate) struct Setup {
    pub(crate) policy: GuardPolicy,
    pub(crate) options: ServeOptions,
    pub(crate) bodies: BodyLimits,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            policy: GuardPolicy::new(Access::Open),
            options: ServeOptions {
                connections: 64,
                header_bytes: 64 << 10,
                header_timeout: PATIENCE,
                drain: PATIENCE,
            },
            bodies: BodyLimits {
                body_bytes: 1 << 20,
                prompt_bytes: 4 << 20,
                timeout: PATIENCE,
            },
        }
    }
}

/// A running server.
pub(crate) struct TestServer {
    pub(crate) address: ListenAddress,
    pub(crate) probe: Probe,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<Served>,
    _dir: TempDir,
}

impl TestServer {
    pub(crate) fn tcp(setup: Setup) -> Self {
        let address = ListenAddress::Tcp("127.0.0.1:0".parse().unwrap());
        Self::start(address, setup, TempDir::new().unwrap())
    }

    pub(crate) fn unix(setup: Setup) -> Self {
        let dir = TempDir::new().unwrap();
        Self::start(ListenAddress::Unix(dir.path().join("x.sock")), setup, dir)
    }

    fn start(address: ListenAddress, setup: Setup, dir: TempDir) -> Self {
        let listener = listener(address).unwrap();
        let address = listener.address();
        let probe = Probe::default();
        let service = app(
            router(probe.clone()),
            setup.policy,
            setup.bodies,
            AuditLog::off(),
        );
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = TaskTracker::new()
            .spawn(async move { serve(vec![listener], service, &setup.options, stopped).await });
        Self {
            address,
            probe,
            stop,
            task,
            _dir: dir,
        }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(&self.address).await.unwrap()
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut client = self.connect().await;
        client.send(request).await;
        client.reply().await
    }

    /// The `Host` that a client on TCP sends.
    pub(crate) fn host(&self) -> String {
        match &self.address {
            ListenAddress::Tcp(address) => address.to_string(),
            ListenAddress::Unix(_) => "api.localhost".to_owned(),
        }
    }
}

/// Opens one listener through the same door as the server.
pub(crate) fn listener(
    address: ListenAddress,
) -> Result<Listener, runwright_server::listen::BindError> {
    let plan = ListenPlan::Explicit(vec![address]);
    Ok(bind(&plan, Inherited::none(), &some_token())?.remove(0))
}

/// A configured token, for tests of listeners that no request reaches.
pub(crate) fn some_token() -> AuthConfig {
    AuthConfig::Token(TokenSource::Value(BearerToken::generate().unwrap()))
}

pub(crate) fn unix(path: impl Into<PathBuf>) -> ListenAddress {
    ListenAddress::Unix(path.into())
}
