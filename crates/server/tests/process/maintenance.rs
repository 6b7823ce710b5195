//! The commands of whoever runs a server, on the folder of a real one: is it sound, copies of it and of a session, who
//! did what.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::server::{SOON, Server, Start};
use crate::workspace::{Member, endings, ends};

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
    let data_dir = ["--data-dir", data_dir.to_str().unwrap()];
    told(&[args, &data_dir].concat(), &[]).await
}

/// Runs a command with nothing of the environment of whoever runs the tests.
async fn told(args: &[&str], environment: &[(&str, &Path)]) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runwright"));
    command.args(args).env_clear();
    command.envs(environment.iter().copied());
    command.stdin(Stdio::null()).kill_on_drop(true);
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

/// Each line with one blank between words.
fn words_of_lines(text: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).collect()
}

async fn stop(server: &mut Server) {
    server.signal(Signal::TERM);
    assert!(server.wait().await.success());
}

fn database(server: &Server) -> std::path::PathBuf {
    server.data_dir().join("runwright.db")
}

/// Does something to a database behind the server's back.
fn hand(server: &Server, sql: &str) {
    let connection = Connection::open(database(server)).unwrap();
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_of_a_sound_folder_what_is_in_it() {
    let (mut server, ..) = answered().await;
    stop(&mut server).await;
    let text = on(&server.data_dir(), &["doctor"]).await.well();
    let database = database(&server);
    assert!(text.starts_with("checked    every page"), "{text}");
    let lines = words_of_lines(&text);
    for line in [
        &format!("database {}, schema ", database.display()),
        "lock free",
        "size ",
        "table sessions 1 rows ",
        "table messages 2 rows ",
    ] {
        let is_there = lines.iter().any(|told| told.starts_with(line));
        assert!(is_there, "`{line}`: {text}");
    }
    assert!(text.ends_with("\nsound      nothing to repair\n"), "{text}");

    let told = on(&server.data_dir(), &["doctor", "--json"]).await;
    assert_eq!(told.code, Some(0));
    let report = told.json();
    assert_eq!(report["database"], database.to_str().unwrap());
    assert_eq!(
        json!([
            report["lock"],
            report["findings"],
            report["is_sound"],
            report["next"]
        ]),
        json!([{ "state": "free" }, [], true, null])
    );
    let bytes = database.metadata().unwrap().len();
    assert_eq!(report["database_bytes"], bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_looks_at_a_folder_that_a_server_has_and_does_not_touch_it() {
    let (server, member, session) = answered().await;
    let mut events = member.events(Some("now")).await;
    let slow = "[[say 1000]] [[delay 10]]";
    member.prompt(&session, "slow", slow).await.ok(202);
    events.next().await.unwrap();
    let text = on(&server.data_dir(), &["doctor"]).await.well();
    let owner = format!("held by process {}", server.pid());
    assert!(text.contains(&format!("\nlock       {owner}")), "{text}");
    assert!(text.ends_with("\nsound      nothing to repair\n"), "{text}");
    let held = on(&server.data_dir(), &["doctor", "--json"]).await.json();
    assert_eq!(
        held["lock"],
        json!({ "state": "held", "pid": server.pid() })
    );

    let refused = on(&server.data_dir(), &["doctor", "--fix"]).await.refused();
    assert!(refused.starts_with("runwright: "), "{refused}");
    assert!(refused.contains(&owner), "{refused}");
    member.post("runs/slow/cancel").await.ok(200);
    let story = events.until(ends("slow")).await;
    assert_eq!(
        endings(&story),
        [("slow".to_owned(), "cancelled".to_owned())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_what_belongs_to_nothing_says_what_to_do_and_repairs_it() {
    let (mut server, ..) = answered().await;
    hand(&server, "DELETE FROM sessions");
    let finding = "repairable 2 messages without a session\n";
    let while_it_runs = on(&server.data_dir(), &["doctor"]).await;
    let stop_first = format!(
        "{finding}next       stop the server (process {}), then run this again with `--fix`\n",
        server.pid()
    );
    assert!(
        while_it_runs.out.ends_with(&stop_first),
        "{while_it_runs:?}"
    );
    assert_eq!(
        (while_it_runs.err.as_str(), while_it_runs.code),
        ("", Some(1))
    );

    stop(&mut server).await;
    let found = on(&server.data_dir(), &["doctor"]).await;
    let repair = format!("{finding}next       run this again with `--fix`\n");
    assert!(found.out.ends_with(&repair), "{found:?}");
    assert_eq!(found.code, Some(1));
    let found = on(&server.data_dir(), &["doctor", "--json"]).await.json();
    assert_eq!(
        json!([found["findings"], found["is_sound"], found["next"]]),
        json!([
            [{ "severity": "repairable", "text": "2 messages without a session" }],
            false,
            "run this again with `--fix`"
        ])
    );

    let fixed = on(&server.data_dir(), &["doctor", "--fix"]).await.well();
    let done = "\nrepaired   deleted messages without a session: 2\n";
    assert!(fixed.contains(done), "{fixed}");
    assert!(
        fixed.ends_with("\nsound      nothing to repair\n"),
        "{fixed}"
    );
    let again = on(&server.data_dir(), &["doctor", "--fix", "--json"]).await;
    let view = again.json();
    assert_eq!(
        json!([
            view["done"],
            view["failed"],
            view["is_sound"],
            view["next"],
            again.code
        ]),
        json!([[], [], true, null, 0])
    );
    // What was repaired is good enough to work with.
    let server = Server::start_again(server, &Start::default());
    answer(&Member::join(&server, "demo").await, "second").await;
}

/// Writes over the first page of a table.
fn garble(server: &Server, table: &str) {
    let connection = Connection::open(database(server)).unwrap();
    let sql = "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = ?1";
    let (page, bytes): (u32, u32) = connection
        .query_row(sql, [table], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    connection.close().unwrap();
    let file = OpenOptions::new()
        .write(true)
        .open(database(server))
        .unwrap();
    let garbage = vec![0xA5; bytes as usize];
    let place = u64::from(page - 1) * u64::from(bytes);
    file.write_all_at(&garbage, place).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_of_a_garbled_page_that_a_backup_is_needed() {
    let (mut server, ..) = answered().await;
    stop(&mut server).await;
    garble(&server, "audit");
    let found = on(&server.data_dir(), &["doctor"]).await;
    assert!(found.out.contains("\ndamage     "), "{found:?}");
    let next = "\nnext       run this again with `--fix`; damage that is there afterwards needs a backup\n";
    assert!(found.out.ends_with(next), "{found:?}");
    assert_eq!((found.err.as_str(), found.code), ("", Some(1)));

    let fixed = on(&server.data_dir(), &["doctor", "--fix"]).await;
    assert!(
        fixed.out.contains("\nfailed     made the indices anew: "),
        "{fixed:?}"
    );
    assert!(fixed.out.contains("\ndamage     "), "{fixed:?}");
    assert!(
        fixed.out.contains("\nnext       restore a backup: "),
        "{fixed:?}"
    );
    assert_eq!((fixed.err.as_str(), fixed.code), ("", Some(1)));

    let copy = server.directory("copies").join("copy.db");
    let refused = on(&server.data_dir(), &["backup", copy.to_str().unwrap()])
        .await
        .refused();
    assert!(refused.contains("`runwright doctor`"), "{refused}");
    assert!(!copy.exists());
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
        let refused = told(command, &of_home).await.refused();
        assert_eq!(refused, missing(".local/share/runwright"), "{command:?}");
    }
    let variable = home.path().join("variable");
    let set = [
        ("HOME", home.path()),
        ("RUNWRIGHT_DATA_DIR", variable.as_path()),
    ];
    let refused = told(&["doctor"], &set).await.refused();
    assert_eq!(refused, missing("variable"));
    assert_eq!(
        fs::read_dir(home.path()).unwrap().count(),
        0,
        "nothing is made"
    );

    let nowhere = told(&["doctor"], &[]).await;
    assert_eq!((nowhere.out.as_str(), nowhere.code), ("", Some(2)));
    assert!(nowhere.err.contains("--data-dir"), "{nowhere:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_busy_server_can_be_restored_and_begins_a_new_epoch() {
    let (server, member, session) = answered().await;
    let mut events = member.events(Some("0")).await;
    let slow = "[[say 1000]] [[delay 10]]";
    member.prompt(&session, "slow", slow).await.ok(202);
    member.prompt(&session, "waits", "[[say 1]]").await.ok(202);
    events
        .until(|event| event.to_string().contains("word9 "))
        .await;
    let cursor = events.last_id.clone().unwrap();
    let copy = server.directory("copies").join("copy.db");
    let backup = ["backup", copy.to_str().unwrap()];
    let text = on(&server.data_dir(), &backup).await.well();
    let metadata = copy.metadata().unwrap();
    let begin = format!(
        "backup     {}, {} bytes, in ",
        copy.display(),
        metadata.len()
    );
    assert!(text.starts_with(&begin), "{text}");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let refused = on(&server.data_dir(), &backup).await.refused();
    assert!(
        refused.contains("exists, and a backup overwrites nothing"),
        "{refused}"
    );
    assert_eq!(copy.metadata().unwrap().len(), metadata.len());
    // The server has not noticed.
    member.post("runs/slow/cancel").await.ok(200);
    let story = events.until(ends("waits")).await;
    assert_eq!(
        endings(&story),
        [
            ("slow".to_owned(), "cancelled".to_owned()),
            ("waits".to_owned(), "completed".to_owned())
        ]
    );

    let mut other = Server::start();
    stop(&mut other).await;
    fs::rename(&copy, database(&other)).unwrap();
    let other = Server::start_again(other, &Start::default());
    let member = member.on(&other);
    let mut events = member.events(Some(&cursor)).await;
    let gap = events.next().await.unwrap();
    assert_eq!(gap["type"], "gap", "{gap}");
    let epoch = cursor.rsplit_once('-').unwrap().0;
    assert_ne!(gap["payload"]["epoch"], epoch, "{gap}");
    // What the copy has of the two is carried to its end, and told.
    let story = events.until(ends("waits")).await;
    assert_eq!(
        endings(&story),
        [
            ("slow".to_owned(), "interrupted".to_owned()),
            ("waits".to_owned(), "completed".to_owned())
        ]
    );
    assert!(
        story
            .iter()
            .all(|event| event["epoch"] == gap["payload"]["epoch"])
    );
    assert_eq!(member.run("first").await["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_who_prompted_and_who_cancelled_and_nothing_that_was_said() {
    let (mut server, member, session) = answered().await;
    let mut events = member.events(None).await;
    let secret = "[[say 1000]] [[delay 10]] the launch code";
    member.prompt(&session, "slow", secret).await.ok(202);
    member.post("runs/slow/cancel").await.ok(200);
    events.until(ends("slow")).await;
    let pid = server.pid();
    stop(&mut server).await;

    let text = on(&server.data_dir(), &["audit"]).await.well();
    let uid = rustix::process::geteuid().as_raw();
    let who = format!("  uid:{uid} (uid {uid}, pid {})  ", std::process::id());
    let prompted = format!("202 POST {0}/agent -> {0}/runs/slow", member.base);
    let cancelled = format!("200 POST {}/runs/slow/cancel", member.base);
    let place = |what: &str| {
        text.lines()
            .position(|line| line.ends_with(&format!("{who}{what}")))
    };
    let (prompted, cancelled) = (place(&prompted), place(&cancelled));
    assert!(prompted.is_some() && prompted < cancelled, "{pid}: {text}");
    assert!(
        text.lines()
            .next()
            .unwrap()
            .ends_with("200 POST /v1/workspaces"),
        "{text}"
    );
    assert!(!text.contains("launch") && !text.contains("say"), "{text}");

    let lines = on(&server.data_dir(), &["audit", "--json"]).await.well();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), text.lines().count());
    let made: Vec<_> = lines
        .iter()
        .filter_map(|line| line["location"].as_str())
        .collect();
    assert_eq!(
        made,
        [
            format!("{}/runs/first", member.base),
            format!("{}/runs/slow", member.base)
        ]
    );
    let last = on(&server.data_dir(), &["audit", "--limit", "1"])
        .await
        .well();
    assert_eq!(
        last.lines().collect::<Vec<_>>(),
        [text.lines().last().unwrap()]
    );
    let hour = on(&server.data_dir(), &["audit", "--since", "1h"])
        .await
        .well();
    assert_eq!(hour, text);
    let later = on(&server.data_dir(), &["audit", "--since", "2999-01-01"])
        .await
        .well();
    assert_eq!(later, "");
    let wrong = on(&server.data_dir(), &["audit", "--since", "yesterday"]).await;
    assert_eq!(wrong.code, Some(2));
}
