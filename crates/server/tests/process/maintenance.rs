//! The commands of whoever runs a server, on the folder of a real one: is it sound, copies of it and of a session, who
//! did what.

mod audit;
mod backup;
mod doctor;
mod portable;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::server::{SOON, Server};
use crate::workspace::{Member, ends};

/// What a command printed, and with which code it ended.
#[derive(Debug)]
struct Told {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Told {
    /// The output of a command that went well and has nothing else to say.
    #[track_caller]
    fn well(self) -> String {
        assert_eq!(
            (self.err.as_str(), self.code),
            ("", Some(0)),
            "{}",
            self.out
        );
        self.out
    }

    /// Why a command did nothing.
    #[track_caller]
    fn refused(self) -> String {
        assert_eq!(
            (self.out.as_str(), self.code),
            ("", Some(1)),
            "{}",
            self.err
        );
        self.err
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command on a data folder.
async fn on(data_dir: &Path, args: &[&str]) -> Told {
    on_input(data_dir, args, Stdio::null()).await
}

/// The same with something on standard input.
async fn on_input(data_dir: &Path, args: &[&str], input: impl Into<Stdio>) -> Told {
    let data_dir = ["--data-dir", data_dir.to_str().unwrap()];
    told(&[args, &data_dir].concat(), &[], input).await
}

/// Runs a command with nothing of the environment of whoever runs the tests.
async fn told(args: &[&str], environment: &[(&str, &Path)], input: impl Into<Stdio>) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runwright"));
    command.args(args).env_clear();
    command.envs(environment.iter().copied());
    command.stdin(input).kill_on_drop(true);
    let output = timeout(SOON, command.output()).await.unwrap().unwrap();
    Told {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

/// A server, one client, and a session in which one prompt was answered.
async fn answered() -> (Server, Member, String) {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let session = answer(&member, "first").await;
    (server, member, session)
}

/// A new session in which a prompt of this name was answered.
async fn answer(member: &Member, run: &str) -> String {
    let mut events = member.events(None).await;
    let session = member.session().await;
    member.prompt(&session, run, "[[say 2]]").await.ok(202);
    events.until(ends(run)).await;
    session
}

async fn stop(server: &mut Server) {
    server.signal(Signal::TERM);
    assert!(server.wait().await.success());
}

fn database(server: &Server) -> PathBuf {
    server.data_dir().join("runwright.db")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_is_the_one_that_serve_would_use() {
    let home = TempDir::new().unwrap();
    let named = |path: &str| home.path().join(path).join("runwright.db");
    let missing = |path: &str| {
        let database = named(path);
        format!(
            "runwright: there is no database `{}`; check the data directory\n",
            database.display()
        )
    };
    let of_home = [("HOME", home.path())];
    for command in [
        &["doctor"][..],
        &["doctor", "--fix"],
        &["backup", "copy.db"],
        &["audit"],
    ] {
        let refused = told(command, &of_home, Stdio::null()).await.refused();
        assert_eq!(refused, missing(".local/share/runwright"), "{command:?}");
    }
    let variable = home.path().join("variable");
    let set = [
        ("HOME", home.path()),
        ("RUNWRIGHT_DATA_DIR", variable.as_path()),
    ];
    let refused = told(&["doctor"], &set, Stdio::null()).await.refused();
    assert_eq!(refused, missing("variable"));
    assert_eq!(
        home.path().read_dir().unwrap().count(),
        0,
        "nothing is made"
    );

    let nowhere = told(&["doctor"], &[], Stdio::null()).await;
    assert_eq!((nowhere.out.as_str(), nowhere.code), ("", Some(2)));
    assert!(nowhere.err.contains("--data-dir"), "{nowhere:?}");
}
