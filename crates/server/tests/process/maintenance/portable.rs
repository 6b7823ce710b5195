//! A session that leaves one server and goes on with another.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{answer, answered, on, on_input, stop};
use crate::server::{Server, Start};
use crate::workspace::{Member, ends};

/// What was said in a session, and by whom.
async fn said(member: &Member, session: &str) -> Vec<(String, String)> {
    let messages = member.get(&format!("sessions/{session}/messages")).await;
    let messages = messages.ok(200);
    let said = messages.as_array().unwrap().iter().map(|message| {
        let role = message["role"].as_str().unwrap().to_owned();
        let parts = message["parts"].as_array().unwrap();
        let text = parts.iter().find(|part| part["type"] == "text").unwrap();
        (role, text["data"]["text"].as_str().unwrap().to_owned())
    });
    said.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_leaves_a_live_server_and_goes_on_with_another() {
    let (here, member, session) = answered().await;
    let file = here.directory("files").join("session.json");
    let path = file.to_str().unwrap();
    let exported = on(&here.data_dir(), &["export", &session, path])
        .await
        .well();
    let workspace = member.base.rsplit_once('/').unwrap().1;
    assert_eq!(
        exported,
        format!(
            "exported   session {session} of workspace {workspace}\nholds      sessions: 1, messages: 2, runs: 1\n"
        )
    );
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let before = said(&member, &session).await;

    let mut there = Server::start();
    let elsewhere = there.directory("elsewhere");
    let into = ["import", path, "--workspace", elsewhere.to_str().unwrap()];
    let refused = on(&there.data_dir(), &into).await.refused();
    let owner = format!("held by process {}", there.pid());
    assert!(
        refused.contains(path) && refused.contains(&owner),
        "{refused}"
    );
    stop(&mut there).await;
    let imported = on(&there.data_dir(), &into).await.well();
    let begin = format!(
        "imported   session {session} into `{}`, workspace ",
        elsewhere.display()
    );
    assert!(imported.starts_with(&begin), "{imported}");
    let twice = on(&there.data_dir(), &into).await.refused();
    let known = format!("session `{session}` is in the workspace already");
    assert!(twice.contains(&known), "{twice}");

    let there = Server::start_again(there, &Start::default());
    assert!(
        !there.log_of_start().contains("good order"),
        "{}",
        there.log_of_start()
    );
    let member = Member::in_directory(&there, &elsewhere).await;
    assert_eq!(said(&member, &session).await, before);
    assert_eq!(member.run("first").await["state"], "completed");
    let mut events = member.events(Some("0")).await;
    member.prompt(&session, "next", "[[say 1]]").await.ok(202);
    let story = events.until(ends("next")).await;
    let made = |event: &&Value| event["type"] == "session" && event["payload"]["type"] == "created";
    let made: Vec<_> = story
        .iter()
        .filter(made)
        .map(|event| &event["payload"]["payload"]["id"])
        .collect();
    assert_eq!(made, [&json!(session)]);
    let next = [("user", "[[say 1]]"), ("assistant", "word0 ")];
    let next = next.map(|(role, text)| (role.to_owned(), text.to_owned()));
    assert_eq!(
        said(&member, &session).await,
        [before, next.to_vec()].concat()
    );
    // What was sent under a name that came along is not done again.
    let again = member.prompt(&session, "first", "[[say 2]]").await;
    assert_eq!(again.headers["idempotency-replayed"], "true", "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_the_same_on_standard_output_and_overwrites_nothing() {
    let (here, member, session) = answered().await;
    answer(&member, "other").await;
    let file = here.directory("files").join("session.json");
    let export = ["export", &session, file.to_str().unwrap(), "--json"];
    let told = on(&here.data_dir(), &export).await;
    let workspace = member.base.rsplit_once('/').unwrap().1;
    assert_eq!(
        told.json(),
        json!({ "session": session, "workspace": workspace, "sessions": 1, "messages": 2, "runs": 1 })
    );
    let without_time = |text: &str| {
        let mut file: Value = serde_json::from_str(text).unwrap();
        assert!(file["exported_ms"].take().is_u64());
        file
    };
    let written = fs::read_to_string(&file).unwrap();
    for standard in [&["export", &session][..], &["export", &session, "-"]] {
        let told = on(&here.data_dir(), standard).await;
        assert_eq!(without_time(&told.out), without_time(&written));
        assert!(told.err.starts_with("exported   session "), "{told:?}");
        assert_eq!(told.code, Some(0));
    }
    let refused = on(&here.data_dir(), &export[..3]).await.refused();
    assert!(
        refused.contains("exists, and an export overwrites nothing"),
        "{refused}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), written);

    let unknown = on(&here.data_dir(), &["export", "nobody"]).await.refused();
    assert!(unknown.contains("session `nobody` not found"), "{unknown}");
    let garbage = here.directory("files").join("garbage.json");
    fs::write(&garbage, "{").unwrap();
    let nowhere = here.directory("empty");
    let refused = on(&nowhere, &["import", garbage.to_str().unwrap()])
        .await
        .refused();
    assert!(
        refused.contains("garbage.json`: file is not a session"),
        "{refused}"
    );
    assert_eq!(
        fs::read_dir(&nowhere).unwrap().count(),
        0,
        "nothing is made"
    );
}

/// The prompt is worked on where it was given, and not a second time.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_has_said_so_far_comes_along_ended() {
    let (here, member, session) = answered().await;
    let mut events = member.events(Some("now")).await;
    let slow = "[[say 1000]] [[delay 10]]";
    member.prompt(&session, "slow", slow).await.ok(202);
    events
        .until(|event| event.to_string().contains("word99 "))
        .await;
    let file = here.directory("files").join("session.json");
    let path = file.to_str().unwrap();
    on(&here.data_dir(), &["export", &session, path])
        .await
        .well();

    let mut there = Server::start();
    stop(&mut there).await;
    let file = fs::File::open(&file).unwrap();
    let imported = on_input(&there.data_dir(), &["import", "-"], file)
        .await
        .well();
    assert!(
        imported.contains(&format!("into `{}`", member.directory)),
        "{imported}"
    );
    let there = Server::start_again(there, &Start::default());
    let copied = member.on(&there);
    let runs = copied.get("runs").await.ok(200);
    let runs: Vec<_> = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["run_id"])
        .collect();
    assert_eq!(runs, [&json!("first")]);
    let messages = copied
        .get(&format!("sessions/{session}/messages"))
        .await
        .ok(200);
    let cut = &messages[3]["parts"];
    let finish = cut
        .as_array()
        .unwrap()
        .iter()
        .find(|part| part["type"] == "finish");
    assert_eq!(finish.unwrap()["data"]["message"], "Interrupted", "{cut}");
    // A word took 10 ms and more, and what is lost is what was said in the last 250 ms; a busy disk may be late.
    let text = said(&copied, &session).await.pop().unwrap().1;
    assert!(text.contains("word49 "), "{text}");

    member.post("runs/slow/cancel").await.ok(200);
    events.until(ends("slow")).await;
}
