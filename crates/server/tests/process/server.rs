//! One server process in a folder of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::http::Client;

/// How long anything that should happen soon may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    urls: Vec<String>,
    /// What it logged before it listened.
    log_of_start: Vec<String>,
    log: Receiver<String>,
}

/// How a server is started.
#[derive(Default)]
pub(crate) struct Start<'a> {
    /// Flags besides the listener and the data folder.
    pub(crate) flags: &'a [&'a str],
    /// Its variables, besides those of whoever runs the tests.
    pub(crate) env: &'a [(&'a str, &'a str)],
    /// Where it listens besides its Unix socket.
    pub(crate) tcp: bool,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&Start::default())
    }

    pub(crate) fn start_with(start: &Start<'_>) -> Self {
        Self::start_in(TempDir::new().unwrap(), start)
    }

    /// Starts a server in the folder of one that is gone.
    pub(crate) fn start_again(mut gone: Self, start: &Start<'_>) -> Self {
        let folder = std::mem::replace(&mut gone.folder, TempDir::new().unwrap());
        Self::start_in(folder, start)
    }

    fn start_in(folder: TempDir, start: &Start<'_>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runwright"));
        command
            .arg("serve")
            .arg("--listen")
            .arg(format!("unix://{}", socket(&folder).display()));
        if start.tcp {
            command.args(["--listen", "tcp://127.0.0.1:0"]);
        }
        command
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .args(start.flags);
        // Nothing of whoever runs the tests reaches the server.
        let inherited = std::env::vars_os().map(|(name, _)| name);
        let is_ours = |name: &str| name.starts_with("RUNWRIGHT_") || name.ends_with("_API_KEY");
        for name in inherited.filter(|name| is_ours(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command
            .envs(start.env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap().into_owned_fd().unwrap();
        let log = lines_of(std::fs::File::from(stderr));
        let mut server = Self {
            child,
            folder,
            urls: Vec::new(),
            log_of_start: Vec::new(),
            log,
        };
        server.wait_until_it_listens(1 + usize::from(start.tcp));
        server
    }

    /// A client of its Unix socket.
    pub(crate) fn client(&self) -> Client {
        Client::unix(socket(&self.folder))
    }

    /// The URLs that it said it listens on.
    pub(crate) fn urls(&self) -> &[String] {
        &self.urls
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }

    /// A new directory to make a workspace of.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let directory = self.folder.path().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        directory.canonicalize().unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Kills it without any chance to say goodbye.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        let ended = timeout(SOON, self.child.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("the server does not end: {}", self.rest_of_log()))
            .unwrap()
    }

    /// What it has logged and nobody has read.
    pub(crate) fn rest_of_log(&self) -> String {
        self.log.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// What it has logged and nobody has read, of a server that has ended.
    #[cfg(feature = "providers")]
    pub(crate) fn log_to_the_end(&self) -> String {
        self.log.iter().collect::<Vec<_>>().join("\n")
    }

    /// What it logged before it listened.
    pub(crate) fn log_of_start(&self) -> String {
        self.log_of_start.join("\n")
    }

    /// What it logs from here on, up to a line with these words.
    pub(crate) fn log_until(&self, words: &str) -> String {
        let mut log = Vec::new();
        while !log.last().is_some_and(|line: &String| line.contains(words)) {
            let line = self.log.recv_timeout(SOON);
            log.push(line.unwrap_or_else(|_| panic!("no `{words}` in {}", log.join("\n"))));
        }
        log.join("\n")
    }

    fn wait_until_it_listens(&mut self, listeners: usize) {
        while self.urls.len() < listeners {
            let line = self.log.recv_timeout(SOON);
            let line = line
                .unwrap_or_else(|_| panic!("the server does not listen: {}", self.log_of_start()));
            if let Some(url) = line.strip_prefix("listening on ") {
                self.urls.push(url.to_owned());
            }
            self.log_of_start.push(line);
        }
    }
}

impl Drop for Server {
    #[expect(
        clippy::print_stderr,
        reason = "a failed test shows what the server had to say"
    )]
    fn drop(&mut self) {
        let _gone_already = self.child.start_kill();
        if thread::panicking() {
            eprintln!("the server's log:\n{}", self.rest_of_log());
        }
    }
}

/// Reads lines on a thread, so that the server never blocks on its log.
fn lines_of(stderr: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn socket(folder: &TempDir) -> PathBuf {
    Path::new(folder.path()).join("runwright.sock")
}
