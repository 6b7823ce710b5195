//! Folders that are sound and folders that are not: what is said of them, and what is repaired.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use rusqlite::Connection;
use serde_json::json;

use super::{answer, answered, database, on, stop};
use crate::server::{Server, Start};
use crate::workspace::{Member, endings, ends};

/// Does something to a database behind the server's back.
fn hand(server: &Server, sql: &str) {
    let connection = Connection::open(database(server)).unwrap();
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
}

/// Each line with one blank between words.
fn words_of_lines(text: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).collect()
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
