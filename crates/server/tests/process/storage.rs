//! A data folder that a server cannot use: it says which, why and what to do, and does not start.

use std::path::Path;
use std::process::{Output, Stdio};

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::server::{SOON, Server};

/// Starts a server on this folder that is expected to refuse.
async fn refused(data_dir: &Path) -> Output {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_runwright"));
    command
        .env_clear()
        .arg("serve")
        .arg("--listen")
        .arg(format!(
            "unix://{}",
            folder.path().join("runwright.sock").display()
        ))
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    timeout(SOON, command.output()).await.unwrap().unwrap()
}

#[track_caller]
fn assert_says(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("runwright: "), "{said}");
    for word in words {
        assert!(last.contains(word), "`{word}`: {said}");
    }
    assert!(!said.contains("listening on"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_a_live_server_holds_is_refused_and_the_server_is_named() {
    let server = Server::start();
    let output = refused(&server.data_dir()).await;
    let owner = format!("process {}", server.pid());
    assert_says(
        &output,
        &["runwright.lock", &owner, "another data directory"],
    );
    server.client().get("/v1/health").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_a_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("data");
    std::fs::write(&file, "not a folder").unwrap();
    let output = refused(&file).await;
    assert_says(&output, &[file.to_str().unwrap(), "check that"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_none_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("runwright.db");
    let text = "not a database, but long enough to be taken for one: ".repeat(100);
    std::fs::write(&database, &text).unwrap();
    let output = refused(folder.path()).await;
    assert_says(&output, &[database.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(&database).unwrap(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_server_is_refused() {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("runwright.db");
    let newer = rusqlite::Connection::open(&database).unwrap();
    newer.pragma_update(None, "user_version", 9_999).unwrap();
    drop(newer);
    let output = refused(folder.path()).await;
    assert_says(&output, &[database.to_str().unwrap()]);
}
