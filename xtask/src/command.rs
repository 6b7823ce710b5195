//! Running programs: each is shown as a line to copy before it starts.
//!
//! Knows the checkout and processes; must never know what a program is run for.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use xshell::{Cmd, Shell};

/// A directory with a copy of this repository: the checkout itself, or a scratch copy of it.
#[derive(Debug)]
pub(crate) struct Repo {
    shell: Shell,
    root: PathBuf,
    /// Where the reader of the lines is: the checkout, also for a copy.
    reader: PathBuf,
}

/// How a watched program ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// `None` if the program was stopped because its time was up.
    pub(crate) status: Option<ExitStatus>,
    /// Both output streams, line by line in the order of their arrival.
    pub(crate) output: String,
    pub(crate) elapsed: Duration,
}

/// Wall-clock time since a start.
#[derive(Debug)]
pub(crate) struct Stopwatch(Instant);

impl Repo {
    /// Opens the checkout that this program was built from.
    pub(crate) fn open() -> Result<Self> {
        let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest_dir
            .parent()
            .context("xtask is not inside a workspace")?;
        Self::at(root)
    }

    /// Opens the checkout at `root`.
    pub(crate) fn at(root: &Path) -> Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(root);
        Ok(Self {
            shell,
            root: root.to_owned(),
            reader: root.to_owned(),
        })
    }

    /// Opens a copy of this checkout, below it.
    pub(crate) fn copy_at(&self, dir: &str) -> Result<Self> {
        let copy = Self::at(&self.root.join(dir))?;
        Ok(Self {
            reader: self.root.clone(),
            ..copy
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The shell to build commands with, `cmd!(repo.shell(), "...")`; this type runs them.
    pub(crate) fn shell(&self) -> &Shell {
        &self.shell
    }

    /// Runs a program with this terminal and requires that it succeeds.
    pub(crate) fn run(&self, cmd: Cmd<'_>) -> Result<()> {
        let mut command = self.announced(cmd);
        let status = command
            .stdin(Stdio::null())
            .status()
            .with_context(|| could_not_start(&command))?;
        require_success(&command, status)
    }

    /// Runs a program and returns its standard output; its errors go to this terminal.
    pub(crate) fn read(&self, cmd: Cmd<'_>) -> Result<String> {
        let mut command = self.announced(cmd);
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command
            .output()
            .with_context(|| could_not_start(&command))?;
        require_success(&command, output.status)?;
        String::from_utf8(output.stdout).context("the output is not UTF-8")
    }

    /// Runs a program with this terminal, requires that it succeeds, and returns a copy of its standard output.
    pub(crate) fn run_and_read(&self, cmd: Cmd<'_>) -> Result<String> {
        let mut command = self.announced(cmd);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| could_not_start(&command))?;
        let mut copy = String::new();
        for line in child.stdout.take().into_iter().flat_map(lines) {
            print!("{line}");
            copy.push_str(&line);
        }
        require_success(&command, child.wait()?)?;
        Ok(copy)
    }

    /// Runs a program for at most `timeout`, then kills it; says nothing about success.
    pub(crate) fn watch(&self, cmd: Cmd<'_>, timeout: Duration) -> Result<Finished> {
        let mut command = self.announced(cmd);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let stopwatch = Stopwatch::start();
        let mut child = command.spawn().with_context(|| could_not_start(&command))?;
        let (sender, received) = mpsc::channel();
        forward(child.stdout.take(), sender.clone());
        forward(child.stderr.take(), sender);
        // Both streams are closed when the program ends, whichever way it ends.
        let (output, in_time) = collect(&received, timeout, &stopwatch);
        if !in_time {
            child.kill()?;
        }
        let status = child.wait()?;
        Ok(Finished {
            status: in_time.then_some(status),
            output,
            elapsed: stopwatch.elapsed(),
        })
    }

    /// Tells whether a program can be started and succeeds; shows nothing.
    pub(crate) fn probe(&self, cmd: Cmd<'_>) -> bool {
        let mut command = Command::from(cmd);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn announced(&self, cmd: Cmd<'_>) -> Command {
        let command = Command::from(cmd);
        println!("$ {}", shown(&command, &self.reader));
        command
    }
}

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "the rule is for product code, whose tests pause the clock"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Renders seconds for a table.
pub(crate) fn seconds(elapsed: Duration) -> String {
    format!("{:.2}", elapsed.as_secs_f64())
}

fn could_not_start(command: &Command) -> String {
    format!("could not start `{}`", command.get_program().display())
}

fn require_success(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        let words = [command.get_program()]
            .into_iter()
            .chain(command.get_args())
            .map(quoted);
        bail!("`{}` failed: {status}", words.collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

/// Renders a command as a line for a POSIX shell in the directory `reader`.
fn shown(command: &Command, reader: &Path) -> String {
    let dir = command.get_current_dir().unwrap_or(reader);
    let way = (dir != reader).then(|| format!("cd {} &&", quoted(below(dir, reader))));
    let set = |(key, value): (&OsStr, Option<&OsStr>)| {
        Some(format!("{}={}", key.display(), quoted(value?)))
    };
    let variables = command.get_envs().filter_map(set);
    let program = quoted(below(Path::new(command.get_program()), dir));
    let line = way
        .into_iter()
        .chain(variables)
        .chain([program])
        .chain(command.get_args().map(quoted));
    line.collect::<Vec<_>>().join(" ")
}

/// The shorter form of a path that is below `dir`.
fn below<'a>(path: &'a Path, dir: &Path) -> &'a OsStr {
    path.strip_prefix(dir).unwrap_or(path).as_os_str()
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    let mut quoted = String::from('"');
    for c in word.chars() {
        if "\"\\$`".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

fn forward(stream: Option<impl Read + Send + 'static>, sender: Sender<String>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || lines(stream).try_for_each(|line| sender.send(line)));
}

fn collect(
    received: &Receiver<String>,
    timeout: Duration,
    stopwatch: &Stopwatch,
) -> (String, bool) {
    let mut output = String::new();
    loop {
        match received.recv_timeout(timeout.saturating_sub(stopwatch.elapsed())) {
            Ok(line) => output.push_str(&line),
            Err(RecvTimeoutError::Disconnected) => return (output, true),
            Err(RecvTimeoutError::Timeout) => return (output, false),
        }
    }
}

/// Lines with their ends; bytes that are no UTF-8 are replaced.
fn lines(stream: impl Read) -> impl Iterator<Item = String> {
    let mut stream = BufReader::new(stream);
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        let read = stream.read_until(b'\n', &mut line).unwrap_or(0);
        (read > 0).then(|| String::from_utf8_lossy(&line).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use xshell::cmd;

    use super::*;

    #[test]
    fn a_command_is_shown_with_its_environment_as_a_line_to_copy() {
        let mut command = Command::new("cargo");
        command
            .current_dir("/repo")
            .args(["test", "-p", "x", "--", "a b", "$HOME"]);
        command
            .env("RUSTFLAGS", "--cfg runwright_loom")
            .env("CARGO_TARGET_DIR", "target/loom");
        assert_eq!(
            shown(&command, Path::new("/repo")),
            r#"CARGO_TARGET_DIR=target/loom RUSTFLAGS="--cfg runwright_loom" cargo test -p x -- "a b" "\$HOME""#
        );
    }

    #[test]
    fn a_command_in_a_copy_shows_the_way_there_and_a_short_program() {
        let mut command = Command::new("/repo/target/tree/target/model");
        command.current_dir("/repo/target/tree").arg("");
        assert_eq!(
            shown(&command, Path::new("/repo")),
            r#"cd target/tree && target/model """#
        );
    }

    #[test]
    fn a_watched_program_reports_both_streams_and_its_status() {
        let repo = Repo::open().unwrap();
        let script = "echo out; echo err >&2; exit 3";
        let finished = repo
            .watch(
                cmd!(repo.shell(), "sh -c {script}"),
                Duration::from_secs(60),
            )
            .unwrap();
        let mut lines: Vec<_> = finished.output.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["err", "out"]);
        assert_eq!(finished.status.and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn a_program_that_never_ends_is_stopped_when_its_time_is_up() {
        let repo = Repo::open().unwrap();
        // `exec`, so that the program which is killed is the one that holds the streams.
        let finished = repo.watch(
            cmd!(repo.shell(), "sh -c 'echo begun; exec tail -f /dev/null'"),
            Duration::from_millis(200),
        );
        assert_eq!(finished.unwrap().status, None);
    }

    #[test]
    fn a_failing_program_is_named_with_its_arguments() {
        let repo = Repo::open().unwrap();
        let error = repo.run(cmd!(repo.shell(), "sh -c 'exit 4'")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c \"exit 4\"` failed: exit status: 4"
        );
    }
}
