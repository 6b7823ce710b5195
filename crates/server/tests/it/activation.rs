//! The real binary under a service manager: the socket it is handed, what it tells, how it stops.

use std::{
    fs,
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixStream},
    },
    process::{Child, Command, Output, Stdio},
};

use runwright_server::config::ListenAddress;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::{Client, PATIENCE};

/// A server whose standard input is the socket it serves: the only descriptor a safe program can choose for a child.
struct Activated {
    child: Child,
    notices: UnixDatagram,
    dir: TempDir,
}

impl Activated {
    fn start(socket: OwnedFd) -> Self {
        let dir = TempDir::new().unwrap();
        let notify = dir.path().join("notify");
        let notices = UnixDatagram::bind(&notify).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_runwright"))
            .arg("--no-auth")
            .env_clear()
            .env("NOTIFY_SOCKET", notify)
            .env("XDG_RUNTIME_DIR", dir.path())
            .env("STATE_DIRECTORY", dir.path().join("state"))
            .env("LISTEN_FDS", "1")
            .env("LISTEN_FDS_FIRST_FD", "0")
            .stdin(Stdio::from(socket))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            child,
            notices,
            dir,
        }
    }

    /// The next message, as the service manager gets it.
    fn notice(&self) -> String {
        let mut buffer = [0; 256];
        let len = self.notices.recv(&mut buffer).expect("the server tells");
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    }

    fn ended(self) -> (Output, TempDir) {
        (self.child.wait_with_output().unwrap(), self.dir)
    }
}

#[tokio::test]
async fn a_socket_from_the_service_manager_is_served_until_sigterm() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = Activated::start(listener.into());
    assert_eq!(server.notice(), "READY=1\n");

    let mut client = Client::connect(&ListenAddress::Tcp(address)).await.unwrap();
    client
        .send(format!("GET /livez HTTP/1.1\r\nHost: {address}\r\n\r\n"))
        .await;
    assert_eq!(client.reply().await.status, 200);
    let default = server.dir.path().join("runwright.sock");
    assert!(
        !default.exists(),
        "nothing is opened beside what was handed over"
    );

    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    // The drain, the moments that connections and the store have after it, and the margin.
    assert_eq!(
        server.notice(),
        "STOPPING=1\nEXTEND_TIMEOUT_USEC=39000000\n"
    );
    let (output, _dir) = server.ended();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn what_does_not_listen_is_not_served() {
    let (socket, _other) = UnixStream::pair().unwrap();
    let (output, dir) = Activated::start(socket.into()).ended();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("socket 0 from the service manager cannot be used"),
        "{told}"
    );
    let mut left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["notify"], "and nothing else was begun");
}
