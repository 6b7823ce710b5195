//! Server processes that come and go in one folder.
//!
//! It must never know what is asked of them.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::shim::Shim;
use crate::wire::Wire;

/// How long a start or a stop may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// How many lines of the servers' logs are kept for a failure.
const KEPT_LINES: usize = 400;

/// A folder in which servers live one after the other: their data, their socket, the directories of workspaces.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) shim: Shim,
    log: Arc<Mutex<Vec<String>>>,
}

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    said: Receiver<String>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&data)
            .unwrap();
        Self {
            shim: Shim::new(&data, folder.path()),
            folder,
            log: Arc::default(),
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data_dir().join("runwright.db")
    }

    pub(crate) fn wire(&self) -> Wire {
        Wire::new(&self.socket())
    }

    /// A directory to make a workspace of.
    pub(crate) fn directory(&self, name: &str) -> String {
        let directory = self.folder.path().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let directory = directory.canonicalize().unwrap();
        directory.to_str().unwrap().to_owned()
    }

    /// Starts a server on the shim as it is set and waits until it listens; how it ended, if it ended before.
    pub(crate) async fn start(&self, flags: &[&str]) -> Result<Server, ExitStatus> {
        let mut server = self.spawn(flags);
        if server.listens() {
            return Ok(server);
        }
        Err(server.wait().await)
    }

    /// Has `runwright doctor` look at the data folder.
    pub(crate) async fn doctor(&self, flags: &[&str]) -> Output {
        let mut command = self.clean_command();
        command
            .arg("doctor")
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(flags);
        timeout(SOON, command.output()).await.unwrap().unwrap()
    }

    /// The last lines of what the servers logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("runwright.sock")
    }

    fn spawn(&self, flags: &[&str]) -> Server {
        let mut command = self.clean_command();
        let (data, socket) = (self.data_dir(), self.socket());
        let listen = format!("unix://{}", socket.display());
        command
            .args(["serve", "--listen", listen.as_str(), "--data-dir"])
            .arg(data)
            .args(flags)
            .envs(self.shim.environment())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap().into_owned_fd().unwrap();
        let said = lines_of(std::fs::File::from(stderr), self.log.clone());
        Server { child, said }
    }

    fn clean_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runwright"));
        for name in inherited() {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

impl Server {
    fn listens(&self) -> bool {
        self.says(|line| line.starts_with("listening on "))
    }

    /// Waits until it logs such a line, one that nobody has waited for.
    pub(crate) fn says(&self, is_it: impl Fn(&str) -> bool) -> bool {
        loop {
            match self.said.recv_timeout(SOON) {
                Ok(line) if is_it(&line) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends a signal; a server that is gone does not hear it.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            kill_process(pid, signal).unwrap();
        }
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        let ended = timeout(SOON, self.child.wait()).await;
        ended.expect("the server ends soon").unwrap()
    }

    /// Waits until it has ended by itself, at most this long.
    pub(crate) async fn wait_for(&mut self, within: Duration) -> Option<ExitStatus> {
        Some(timeout(within, self.child.wait()).await.ok()?.unwrap())
    }
}

/// The variables of whoever runs the tests that would reach the server.
fn inherited() -> impl Iterator<Item = OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name: &OsString| {
        let name: &OsStr = name;
        name.to_string_lossy().starts_with("RUNWRIGHT_")
    })
}

/// Reads lines on a thread, so that the server never blocks on its log.
fn lines_of(stderr: impl Read + Send + 'static, log: Arc<Mutex<Vec<String>>>) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut kept = log.lock().unwrap();
            if kept.len() >= KEPT_LINES {
                kept.drain(..KEPT_LINES / 2);
            }
            kept.push(line.clone());
            drop(kept);
            // Nobody listens any more once the server has started.
            let _heard = sender.send(line);
        }
    });
    receiver
}

/// How much is in a file; nothing if it is not there.
pub(crate) fn size_of(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}
