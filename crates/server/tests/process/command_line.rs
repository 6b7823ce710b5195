//! The commands of the binary, as a person or a script uses them.

use std::path::Path;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::server::{SOON, Server, Start};
use crate::workspace::Member;

/// A person at a machine: a home, a runtime directory, a project.
pub(crate) struct Person {
    home: TempDir,
}

impl Person {
    pub(crate) fn new() -> Self {
        let home = TempDir::new().unwrap();
        let person = Self { home };
        std::fs::create_dir(person.project()).unwrap();
        std::fs::write(person.project().join("notes.txt"), "one\ntwo\n").unwrap();
        person
    }

    pub(crate) fn project(&self) -> std::path::PathBuf {
        self.home.path().join("project")
    }

    /// The binary with these arguments, in the project, with nothing of the environment of whoever runs the tests.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runwright"));
        command.args(args).current_dir(self.project()).env_clear();
        command
            .env("HOME", self.home.path())
            .env("TMPDIR", self.home.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn runs(&self, args: &[&str]) -> Output {
        timeout(SOON, self.command(args).output())
            .await
            .unwrap()
            .unwrap()
    }
}

pub(crate) fn host(server: &Server) -> String {
    server.urls()[0].clone()
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn run_starts_a_server_for_the_call_where_none_runs() {
    let person = Person::new();
    let output = person.runs(&["run", "how many lines has notes.txt?"]).await;
    assert_eq!(text(&output.stdout), "`notes.txt` has 2 lines.\n");
    assert_eq!((text(&output.stderr), output.status.code()), ("", Some(0)));
    let mut left: Vec<_> = std::fs::read_dir(person.home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(
        left,
        [".local", "project"],
        "its socket is gone, the data folder stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn run_finds_the_server_on_the_default_socket() {
    let person = Person::new();
    let mut server = person.command(&["serve"]).spawn().unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("listening on unix://") {
        timeout(
            SOON,
            tokio::io::AsyncBufReadExt::read_line(&mut log, &mut said),
        )
        .await
        .unwrap()
        .unwrap();
    }
    let output = person.runs(&["run", "list the files"]).await;
    assert_eq!(text(&output.stdout), "This workspace has:\nnotes.txt\n");
    let status = person.runs(&["status"]).await;
    assert!(
        text(&status.stdout).contains(person.project().canonicalize().unwrap().to_str().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_says_why_and_exits_with_one() {
    let (person, server) = (Person::new(), Server::start());
    let output = person
        .runs(&[
            "run",
            "--host",
            &host(&server),
            "[[say 2]] [[fail out of coffee]]",
        ])
        .await;
    assert_eq!(text(&output.stdout), "word0 word1 \n");
    assert_eq!(
        text(&output.stderr),
        "run failed: offline model failure: out of coffee\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_cancels_the_run_on_the_server_and_says_so() {
    let (person, server) = (Person::new(), Server::start());
    let mut run = person
        .command(&["run", "--host", &host(&server), "[[say 1000]] [[delay 20]]"])
        .spawn()
        .unwrap();
    let mut first = [0; 5];
    timeout(SOON, run.stdout.as_mut().unwrap().read_exact(&mut first))
        .await
        .unwrap()
        .unwrap();
    let pid = Pid::from_raw(i32::try_from(run.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = timeout(SOON, run.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        text(&output.stderr),
        "cancelling the run on the server (Ctrl-C again leaves at once)\nrun cancelled\n"
    );
    assert_eq!(output.status.code(), Some(130));
    let watcher = Member::in_directory(&server, &person.project()).await;
    let runs = watcher.get("runs").await.ok(200);
    assert_eq!(runs["runs"][0]["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_one_value_a_line() {
    let (person, server) = (Person::new(), Server::start());
    let output = person
        .runs(&["--json", "run", "--host", &host(&server), "[[say 2]]"])
        .await;
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.first().unwrap()["type"], "message");
    let end = lines
        .iter()
        .find(|line| line["type"] == "run_complete")
        .unwrap();
    assert_eq!(end["payload"]["payload"]["text"], "word0 word1 ");
    let status = person
        .runs(&["status", "--json", "--host", &host(&server)])
        .await;
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["workspaces"][0]["runs_active"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn continue_goes_on_with_the_last_session() {
    let (person, server) = (Person::new(), Server::start());
    let host = host(&server);
    person
        .runs(&["run", "--host", &host, "first [[say 1]]"])
        .await;
    person
        .runs(&["run", "--host", &host, "--continue", "second [[say 1]]"])
        .await;
    let watcher = Member::in_directory(&server, &person.project()).await;
    let sessions = watcher.get("sessions").await.ok(200);
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    assert_eq!(
        (&sessions[0]["title"], &sessions[0]["message_count"]),
        (&"first".into(), &4.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn status_without_a_server_says_what_to_do() {
    let person = Person::new();
    let output = person.runs(&["status"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("start one with `runwright serve`"),
        "{}",
        text(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_socket_says_that_one_is_there() {
    let (person, server) = (Person::new(), Server::start());
    let output = person.runs(&["serve", "--listen", &host(&server)]).await;
    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("already"),
        "{}",
        text(&output.stderr)
    );
    server.client().get("/v1/health").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_asks_for_the_token_that_the_first_start_made() {
    let person = Person::new();
    let server = Server::start_with(&Start {
        tcp: true,
        ..Start::default()
    });
    let url = server
        .urls()
        .iter()
        .find(|url| url.starts_with("tcp://"))
        .unwrap()
        .clone();
    let refused = person.runs(&["run", "--host", &url, "[[say 1]]"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("--token-file"),
        "{}",
        text(&refused.stderr)
    );
    let token = server.data_dir().join("token");
    let output = person
        .runs(&[
            "run",
            "--host",
            &url,
            "--token-file",
            token.to_str().unwrap(),
            "[[say 1]]",
        ])
        .await;
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("word0 \n", "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_are_printed_for_every_shell() {
    let person = Person::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = person.runs(&["completions", shell]).await;
        assert!(output.status.success());
        assert!(text(&output.stdout).contains("runwright"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_session_and_a_missing_directory_are_told_apart_from_failures() {
    let (person, server) = (Person::new(), Server::start());
    let host = host(&server);
    let unknown = person
        .runs(&["run", "--host", &host, "--session", "nobody", "x"])
        .await;
    assert!(
        text(&unknown.stderr).contains("session `nobody` not found"),
        "{}",
        text(&unknown.stderr)
    );
    let missing = Path::new("/nowhere/at/all");
    let output = person
        .runs(&[
            "run",
            "--host",
            &host,
            "--cwd",
            missing.to_str().unwrap(),
            "x",
        ])
        .await;
    assert!(
        text(&output.stderr).contains("does not exist"),
        "{}",
        text(&output.stderr)
    );
}
