//! Owns the processes under measurement: this program in a role, or the product's binary; how they are started, asked
//! what they used, and ended. It must never know what they serve.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    Result,
    net::{Address, PATIENCE},
};

/// The binary that users start, built in the same profile as this program.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_runwright");

/// A directory for what is to be on a disk: the one for temporary files may be in memory.
pub(crate) fn disk() -> Result<TempDir> {
    Ok(TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// The way to a role; a role ends when it is closed.
    control: Option<UnixStream>,
    pub(crate) address: Address,
    /// What a role says of itself when it is ready, after its address.
    pub(crate) words: Vec<String>,
}

impl Server {
    /// Starts this program in a role, with one thread, and waits until it listens.
    pub(crate) fn role(name: &str, listen: &Address) -> Result<Self> {
        Self::role_in(Path::new("."), name, listen)
    }

    /// As [`role`](Self::role), for a role that keeps files: they are in `dir`.
    pub(crate) fn role_in(dir: &Path, name: &str, listen: &Address) -> Result<Self> {
        Self::role_with(dir, name, listen, &[])
    }

    /// As [`role_in`](Self::role_in), for a role that wants to know more than where to listen.
    pub(crate) fn role_with(
        dir: &Path,
        name: &str,
        listen: &Address,
        arguments: &[&str],
    ) -> Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        let child = Command::new(env::current_exe()?)
            .current_dir(dir)
            .args(["--role", name, &listen.to_string()])
            .args(arguments)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()?;
        let mut server = Self {
            child,
            control: Some(ours.try_clone()?),
            address: listen.clone(),
            words: Vec::new(),
        };
        let mut line = String::new();
        BufReader::new(ours).read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let address = words
            .next()
            .ok_or_else(|| format!("role `{name}` did not start"))?;
        server.address = address.parse()?;
        server.words = words.collect();
        Ok(server)
    }

    /// Starts `runwright serve` with one worker thread, its data and its socket in `dir`, and waits until it listens.
    pub(crate) fn binary(dir: &Path, arguments: &[&str]) -> Result<Self> {
        let address = Address::Unix(dir.join("runwright.sock"));
        let mut child = Command::new(BINARY)
            .args(["serve", "--listen", &address.to_string(), "--data-dir"])
            .arg(dir.join("data"))
            // So that nothing stays behind when this program is killed.
            .args(["--idle-exit", "300"])
            .args(arguments)
            .env("TOKIO_WORKER_THREADS", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take();
        let server = Self {
            child,
            control: None,
            address,
            words: Vec::new(),
        };
        let mut said = BufReader::new(stderr.ok_or("stderr is not piped")?);
        let mut line = String::new();
        while !line.starts_with("listening on ") {
            line.clear();
            if said.read_line(&mut line)? == 0 {
                return Err("`runwright serve` ended before it listened".into());
            }
        }
        // It goes on to log as it does for its users; nobody reads that here.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Ok(server)
    }

    /// Asks the binary to stop, and waits until it has stopped in good order.
    pub(crate) fn stop(mut self) -> Result<()> {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM)?;
        let ended = self.child.wait()?;
        if ended.success() {
            Ok(())
        } else {
            Err(format!("a server that was asked to stop ended with {ended}").into())
        }
    }

    /// Opens a workspace for a client that will stay away: its runs go on all the same.
    pub(crate) fn open_workspace(&self, path: &Path) -> Result<String> {
        let request = json!({
            "path": path,
            "client_id": Uuid::new_v4(),
            "on_last_detach": "keep",
        });
        self.make("/v1/workspaces", &request)
    }

    /// Makes a session in a workspace.
    pub(crate) fn open_session(&self, workspace: &str) -> Result<String> {
        self.make(
            &format!("/v1/workspaces/{workspace}/sessions"),
            &json!({"title": "load"}),
        )
    }

    fn make(&self, path: &str, request: &Value) -> Result<String> {
        let made = self.address.tell("POST", path, &request.to_string())?;
        let made: Value = serde_json::from_str(&made)?;
        let id = made["id"].as_str().ok_or("what was made has no id")?;
        Ok(id.to_owned())
    }

    /// Tells a role to do something so many times.
    pub(crate) fn command(&mut self, count: u32) -> Result<()> {
        let control = self
            .control
            .as_mut()
            .ok_or("the binary takes no commands")?;
        Ok(control.write_all(&count.to_le_bytes())?)
    }

    /// Waits for what a role says of what it was told to do.
    pub(crate) fn hear(&mut self) -> Result<String> {
        let control = self.control.as_mut().ok_or("the binary says nothing")?;
        let mut line = String::new();
        BufReader::new(control).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// The CPU time it has used so far, to the nanosecond: the sum of its threads. A thread that ended is not in it;
    /// the servers here keep theirs.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut total = 0;
        for task in fs::read_dir(self.proc("task"))? {
            let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
            let ran = schedstat.split_whitespace().next();
            total += ran.and_then(|ran| ran.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(total))
    }

    /// The part of its CPU time spent outside the kernel. Sampled by the kernel, so only good over a second or more.
    pub(crate) fn user(&self) -> Result<Duration> {
        let stat = fs::read_to_string(self.proc("stat"))?;
        // The name of the program, in parentheses, may contain anything.
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        let ticks = after.split_whitespace().nth(11);
        let ticks = ticks.and_then(|ticks| ticks.parse::<u64>().ok());
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs(ticks.unwrap_or(0)) / u32::try_from(per_second)?)
    }

    /// How often it called `write` or `writev` so far; `send` is not counted by the kernel.
    pub(crate) fn writes(&self) -> Result<u64> {
        self.field("io", "syscw:")
    }

    /// The memory it occupies, in bytes.
    pub(crate) fn rss(&self) -> Result<u64> {
        Ok(self.field("status", "VmRSS:")? * 1024)
    }

    fn field(&self, file: &str, name: &str) -> Result<u64> {
        let text = fs::read_to_string(self.proc(file))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|line| line.split_whitespace().next());
        let value = value.and_then(|value| value.parse().ok());
        value.ok_or_else(|| format!("no `{name}` in `{file}` of a process").into())
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let killed = self.child.kill();
        let waited = self.child.wait();
        if killed.is_err() || waited.is_err() {
            crate::note("a server could not be ended");
        }
    }
}
