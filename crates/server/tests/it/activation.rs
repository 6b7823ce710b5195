//! What needs a process of its own: sockets from a service manager, its notifications, signals, another user.
//!
//! The child is this test binary again, with one ignored test picked by name.

use std::{
    env,
    io::Read,
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::{
            net::{UnixDatagram, UnixStream},
            process::CommandExt,
        },
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use runwright_server::{
    accept::{Served, serve},
    config::{AuthConfig, DefaultSocket, Environment, ListenAddress, ListenPlan},
    listen::{Inherited, bind},
    middleware::app,
    service_manager,
    shutdown::{FORCED_EXIT_CODE, Shutdown},
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::common::{Client, PATIENCE, Probe, Setup, router};

const SOCKET: &str = "RUNWRIGHT_TEST_SOCKET";

fn child(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([
        "--ignored",
        "--exact",
        &format!("activation::{test}"),
        "--nocapture",
    ]);
    command.stdout(Stdio::null());
    command
}

/// Connects to a socket as another user and waits to be disconnected.
pub(crate) fn knock_as(uid: u32, socket: &Path) -> Child {
    child("knock")
        .env(SOCKET, socket)
        .uid(uid)
        .gid(uid)
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "is the child process of another test"]
fn knock() {
    let socket = env::var_os(SOCKET).unwrap();
    let mut stream = UnixStream::connect(socket).unwrap();
    let mut byte = [0];
    assert!(matches!(stream.read(&mut byte), Ok(0) | Err(_)));
}

/// A child that serves the socket on its standard input, and what it tells its service manager.
struct Activated {
    child: Child,
    address: ListenAddress,
    notices: UnixDatagram,
    _dir: TempDir,
}

impl Activated {
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let notify = dir.path().join("notify");
        let notices = UnixDatagram::bind(&notify).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = ListenAddress::Tcp(listener.local_addr().unwrap());
        let child = child("serve_activated")
            .env("NOTIFY_SOCKET", notify)
            .env("LISTEN_FDS", "1")
            .env("LISTEN_FDS_FIRST_FD", "0")
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .spawn()
            .unwrap();
        Self {
            child,
            address,
            notices,
            _dir: dir,
        }
    }

    /// The next message, as a service manager gets it.
    fn notice(&self) -> String {
        let mut buffer = [0; 256];
        let len = self
            .notices
            .recv(&mut buffer)
            .expect("the child tells its service manager");
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    async fn client(&self, path: &str) -> Client {
        let ListenAddress::Tcp(address) = &self.address else {
            panic!("not TCP")
        };
        let mut client = Client::connect(&self.address).await.unwrap();
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"))
            .await;
        client
    }

    fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

#[tokio::test]
async fn a_socket_from_the_service_manager_is_served_until_sigterm() {
    let server = Activated::start();
    assert_eq!(server.notice(), "READY=1\n");
    assert_eq!(server.client("/v1/health").await.reply().await.status, 200);
    server.signal(Signal::TERM);
    assert_eq!(
        server.notice(),
        "STOPPING=1\nEXTEND_TIMEOUT_USEC=25000000\n"
    );
    assert_eq!(server.ended().code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_a_server_that_is_still_draining() {
    let server = Activated::start();
    assert_eq!(server.notice(), "READY=1\n");
    let mut stuck = server.client("/v1/wait").await;
    let entered = server.client("/v1/entered").await.reply().await;
    assert_eq!(entered.status, 200);
    server.signal(Signal::INT);
    assert!(server.notice().starts_with("STOPPING=1\n"));
    server.signal(Signal::TERM);
    assert_eq!(stuck.rest().await, b"");
    assert_eq!(server.ended().code(), Some(i32::from(FORCED_EXIT_CODE)));
}

/// As `main` does it, in short.
#[test]
#[ignore = "is the child process of other tests"]
fn serve_activated() {
    let inherited = Inherited::from_service_manager();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let code = runtime.block_on(serve_until_signal(inherited));
    runtime.shutdown_background();
    std::io::Write::flush(&mut std::io::stdout()).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no exit code of its own to return"
    )]
    #[expect(clippy::exit, reason = "a test has no exit code of its own to return")]
    std::process::exit(i32::from(code));
}

async fn serve_until_signal(inherited: Inherited) -> u8 {
    let setup = Setup::default();
    let plan = ListenPlan::Default(DefaultSocket::new(&Environment::of_process().unwrap()));
    let listeners = bind(&plan, inherited, &AuthConfig::Off).unwrap();
    assert_eq!(
        listeners.len(),
        1,
        "the default socket is not opened beside those handed over"
    );
    let tasks = TaskTracker::new();
    let shutdown = Shutdown::on_signals(&tasks).unwrap();
    let service = app(router(Probe::default()), setup.policy, setup.bodies);
    let stop = CancellationToken::new();
    let serving = serve(listeners, service, &setup.options, stop.clone());
    service_manager::ready();
    let told = async {
        shutdown.requested.cancelled().await;
        // Before the stop: an idle server is gone a moment later.
        service_manager::stopping(Duration::from_secs(20));
        stop.cancel();
        shutdown.forced.cancelled().await;
        FORCED_EXIT_CODE
    };
    tokio::select! {
        served = serving => u8::from(served != Served::Drained),
        code = told => code,
    }
}
