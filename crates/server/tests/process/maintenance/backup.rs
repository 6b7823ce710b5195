//! Copies of a server at work, and what becomes of one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::server::{Server, Start};
use crate::workspace::{endings, ends};

use super::{answered, database, on, stop};

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
