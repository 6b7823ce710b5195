//! A session that goes from one data directory to another as a file.

use std::path::Path;

use runwright_agent::{AgentCall, Earlier, EventSink, NewSession, Pace, RunEnd, RunQuery};
use runwright_proto::{
    AgentMessage, Attachment, Change, Event, Finish, Message, Part, Role, RunState, Seq, Session,
    ToolCall, Usage,
};
use runwright_store::{
    ExportError, ImportError, OpenStoreError, Store, StoreOptions, export_session, import_session,
};
use serde_json::{Value, json};

use crate::stage::{DEMO, Opened, Stage, id, prompt, workspace};

/// A prompt with a file.
fn with_file(run: &str) -> AgentCall {
    let message = AgentMessage {
        session_id: Some(id("s")),
        run_id: Some(id(run)),
        prompt: "look at this".to_owned(),
        attachments: vec![Attachment {
            file_path: "/tmp/a.bin".to_owned(),
            file_name: "a.bin".to_owned(),
            mime_type: "application/octet-stream".to_owned(),
            content: vec![0, 255, 7].into(),
        }],
        when_busy: None,
    };
    AgentCall::try_from(message).unwrap()
}

/// A session with one of everything, among others.
async fn fill(opened: &Opened) {
    opened.session("other").await;
    opened.session("s").await;
    let child = NewSession {
        title: "sub-agent".to_owned(),
        parent: Some(id("s")),
        id: Some(id("child")),
    };
    opened.parts.transcript.create_session(child).await.unwrap();
    opened.accept(with_file("run"), 0).await;
    opened.parts.journal.start(&id("run")).await.unwrap();
    let stop = Part::Finish(Finish::stop());
    let said = vec![Part::text("look at this"), stop.clone()];
    opened.add(Some("run"), "s", Role::User, said).await;
    let answer = opened.add(Some("run"), "s", Role::Assistant, vec![]).await;
    opened
        .update(&answer, vec![Part::text("done"), stop], Pace::Now)
        .await;
    opened
        .add(Some("run"), "child", Role::User, vec![Part::text("look")])
        .await;
    opened
        .add(None, "other", Role::User, vec![Part::text("elsewhere")])
        .await;
    let end = RunEnd {
        text: Some("done".into()),
        message_id: Some(answer.id),
        usage: Some(Usage {
            cost: 0.5,
            ..Usage::default()
        }),
        ..RunEnd::new(RunState::Completed)
    };
    opened.parts.journal.finish(&id("run"), end).await.unwrap();
    let transcript = &opened.parts.transcript;
    for path in ["a.rs", "b.rs", "a.rs"] {
        transcript.mark_read(&id("s"), path).await.unwrap();
    }
    // These do not travel: they are not over.
    opened.start("s", "running").await;
    opened.accept(prompt("s", "queued", "and then?"), 1).await;
    let streamed = opened
        .add(Some("running"), "s", Role::Assistant, vec![])
        .await;
    opened
        .update(&streamed, vec![Part::text("so fa")], Pace::Streamed)
        .await;
    opened.flush().await;
    opened
        .update(&streamed, vec![Part::text("so far")], Pace::Streamed)
        .await;
    opened.flush().await;
}

fn export(stage: &Stage) -> Vec<u8> {
    let mut file = Vec::new();
    let report = export_session(stage.directory.path(), None, &id("s"), &mut file).unwrap();
    assert_eq!(report.workspace, workspace(DEMO));
    assert_eq!((report.sessions, report.messages, report.runs), (2, 4, 1));
    file
}

fn export_of(stage: &Stage, session: &str) -> Vec<u8> {
    let mut file = Vec::new();
    export_session(stage.directory.path(), None, &id(session), &mut file).unwrap();
    file
}

/// A directory of its own, with nothing in it.
fn empty() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn open(directory: tempfile::TempDir) -> Stage {
    Stage::at(directory, runwright_agent::Timestamp(0), |_| {})
}

async fn history(opened: &Opened) -> (Vec<Session>, Vec<Message>) {
    let transcript = &opened.parts.transcript;
    let mut sessions = Vec::new();
    for session in ["s", "child"] {
        sessions.extend(transcript.session(&id(session)).await.unwrap());
    }
    let mut messages = [opened.messages("s").await, opened.messages("child").await].concat();
    // What is being streamed is ended in a file, with the time.
    messages[2].updated_at = 0;
    let is_end = |part: &Part| matches!(part, Part::Finish(_));
    messages[2].parts.retain(|part| !is_end(part));
    (sessions, messages)
}

#[tokio::test]
async fn a_session_is_the_same_where_it_is_taken_in() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    fill(&opened).await;
    let file = export(&stage);

    let elsewhere = empty();
    let taken = import_session(elsewhere.path(), None, file.as_slice()).unwrap();
    assert_eq!((taken.workspace, taken.session), (workspace(DEMO), id("s")));
    assert_eq!((taken.sessions, taken.messages, taken.runs), (2, 4, 1));
    let there = open(elsewhere);
    let reopened = there.open().await;
    assert_eq!(history(&reopened).await, history(&opened).await);
    let files = reopened
        .parts
        .transcript
        .files_read(&id("s"))
        .await
        .unwrap();
    assert_eq!(
        files,
        opened.parts.transcript.files_read(&id("s")).await.unwrap()
    );
    let runs = reopened
        .parts
        .journal
        .runs(RunQuery::default())
        .await
        .unwrap();
    assert_eq!(runs.runs, [opened.run("run").await]);
    let known = reopened
        .parts
        .journal
        .find(&with_file("run"))
        .await
        .unwrap();
    assert!(matches!(known, Some(Earlier::Same(_))), "{known:?}");
    let of_others = reopened.parts.transcript.sessions().await.unwrap();
    assert_eq!(of_others.len(), 1, "nothing else came along");

    // And from there it goes on as the same file.
    let again = export(&there);
    let without_time = |file: &[u8]| {
        let mut file: Value = serde_json::from_slice(file).unwrap();
        file["exported_ms"].take();
        file
    };
    assert_eq!(without_time(&again), without_time(&file));
}

#[tokio::test]
async fn what_is_not_over_is_ended_in_the_file_and_goes_on_where_it_is() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    fill(&opened).await;
    let call = ToolCall {
        id: "call".into(),
        name: "look".into(),
        ..ToolCall::default()
    };
    let parts = vec![Part::text("so far"), Part::ToolCall(call)];
    let message = opened.messages("s").await.remove(2);
    opened.update(&message, parts.clone(), Pace::Now).await;
    let here = opened.messages("s").await;

    let file: Value = serde_json::from_slice(&export_of(&stage, "s")).unwrap();
    let entries = file["sessions"][0]["messages"].as_array().unwrap();
    let shown = |entry: &Value| {
        let parts = entry["message"]["parts"].as_array().unwrap().iter();
        let data = parts.map(|part| {
            let data = &part["data"];
            json!([
                part["type"],
                data["text"],
                data["finished"],
                data["is_error"],
                data["message"]
            ])
        });
        json!([
            entry["run_id"],
            entry["message"]["role"],
            data.collect::<Vec<_>>()
        ])
    };
    let expected = [
        json!([
            "running",
            "assistant",
            [
                ["text", "so far", null, null, null],
                ["tool_call", null, true, null, null],
                ["finish", null, null, null, "Interrupted"]
            ]
        ]),
        json!([
            "running",
            "tool",
            [
                ["tool_result", null, null, true, null],
                ["finish", null, null, null, null]
            ]
        ]),
    ];
    assert_eq!(entries[2..].iter().map(shown).collect::<Vec<_>>(), expected);
    assert_eq!(opened.messages("s").await, here);
    assert_eq!(opened.run("running").await.state, RunState::Running);

    let elsewhere = empty();
    let taken = import_session(elsewhere.path(), None, file.to_string().as_bytes()).unwrap();
    assert_eq!(taken.messages, 5);
    assert_eq!(taken.path, Path::new(DEMO));
    let there = open(elsewhere);
    let finish = |message: &Message| message.finish().is_some();
    assert!(there.open().await.messages("s").await.iter().all(finish));
}

#[tokio::test]
async fn the_session_of_a_sub_agent_stands_for_itself_without_its_parent() {
    let stage = Stage::quiet();
    fill(&stage.open().await).await;
    let file = export_of(&stage, "child");
    let elsewhere = empty();
    import_session(elsewhere.path(), None, file.as_slice()).unwrap();
    let opened = open(elsewhere).open().await;
    let sessions = opened.parts.transcript.sessions().await.unwrap();
    let listed: Vec<_> = sessions.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(listed, ["child"]);
}

#[tokio::test]
async fn the_log_tells_of_a_session_that_was_taken_in() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    fill(&opened).await;
    let file = export(&stage);

    let there = Stage::quiet();
    let before = there.open().await;
    before.session("here").await;
    before.parts.events.close().await;
    there.store.close().await;
    let head = before.sink.head();
    let directory = there.directory;
    import_session(directory.path(), None, file.as_slice()).unwrap();
    let there = open(directory);
    let after = there.open().await;
    assert_eq!(after.epoch, before.epoch);
    assert_eq!(
        after.parts.seen, head,
        "who followed it has seen nothing of it"
    );
    let told = after.read(head, Seq(after.next.0 - 1), None).await;
    let told: Vec<Event> = told.into_iter().map(|envelope| envelope.event).collect();
    let (sessions, _) = history(&after).await;
    let created = sessions
        .into_iter()
        .map(|session| Event::Session(Change::created(session)));
    assert_eq!(told, created.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_session_is_taken_into_the_directory_that_is_named() {
    let stage = Stage::quiet();
    fill(&stage.open().await).await;
    let file = export(&stage);
    let elsewhere = empty();
    for path in ["/first", "/second"] {
        let into = Some(Path::new(path));
        let taken = import_session(elsewhere.path(), into, file.as_slice()).unwrap();
        assert_eq!(taken.workspace, workspace(path));
    }
    let export = |workspace| export_session(elsewhere.path(), workspace, &id("s"), Vec::new());
    let ambiguous = export(None).unwrap_err();
    let ExportError::Ambiguous { mut workspaces, .. } = ambiguous else {
        panic!("{ambiguous}");
    };
    workspaces.sort();
    let mut expected = vec![workspace("/first"), workspace("/second")];
    expected.sort();
    assert_eq!(workspaces, expected);
    assert_eq!(export(Some(expected[0])).unwrap().workspace, expected[0]);
    let unknown = export(Some(workspace("/third"))).unwrap_err();
    assert!(matches!(unknown, ExportError::Unknown(_)), "{unknown}");
}

#[tokio::test]
async fn what_is_there_already_is_refused_and_nothing_is_changed() {
    let stage = Stage::quiet();
    fill(&stage.open().await).await;
    let file = export(&stage);
    let text = String::from_utf8(file.clone()).unwrap();
    for (what, known, import) in [
        ("session", "s", text.clone()),
        ("session", "child", text.replace(r#""s""#, r#""new""#)),
        (
            "run",
            "run",
            text.replace(r#""s""#, r#""new""#)
                .replace(r#""child""#, r#""new child""#.replace(' ', "-").as_str()),
        ),
    ] {
        let directory = empty();
        import_session(directory.path(), None, file.as_slice()).unwrap();
        let mut import: Value = serde_json::from_str(&import).unwrap();
        if what == "run" {
            let messages = import["sessions"].as_array_mut().unwrap();
            messages
                .iter_mut()
                .for_each(|session| session["messages"] = Value::Array(vec![]));
        }
        let import = import.to_string();
        let refused = import_session(directory.path(), None, import.as_bytes()).unwrap_err();
        let ImportError::Exists { what: found, id } = &refused else {
            panic!("{refused}");
        };
        assert_eq!((*found, id.as_str()), (what, known));
        let there = open(directory);
        let opened = there.open().await;
        assert_eq!(opened.parts.transcript.sessions().await.unwrap().len(), 1);
        assert_eq!(opened.messages("s").await.len(), 3);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_trusted_is_refused() {
    let stage = Stage::quiet();
    fill(&stage.open().await).await;
    let file: Value = serde_json::from_slice(&export(&stage)).unwrap();
    let changed = |change: fn(&mut Value)| {
        let mut file = file.clone();
        change(&mut file);
        import_session(empty().path(), None, file.to_string().as_bytes()).unwrap_err()
    };
    let later = changed(|file| file["version"] = 2.into());
    assert!(
        matches!(&later, ImportError::Format { version: 2, .. }),
        "{later}"
    );
    let other = changed(|file| file["format"] = "something".into());
    assert!(matches!(&other, ImportError::Format { .. }), "{other}");
    for contradiction in [
        changed(|file| file["sessions"] = Value::Array(vec![])),
        changed(|file| {
            let session = file["sessions"][0].clone();
            file["sessions"].as_array_mut().unwrap().push(session);
        }),
        changed(|file| file["sessions"][0]["messages"][0]["message"]["session_id"] = "x".into()),
        changed(|file| file["runs"][0]["run"]["state"] = "queued".into()),
        changed(|file| file["runs"][0]["request"]["prompt"] = "".into()),
        changed(|file| {
            let run = file["runs"][0].clone();
            file["runs"].as_array_mut().unwrap().push(run);
        }),
    ] {
        let is_told = matches!(&contradiction, ImportError::Contradiction(_));
        assert!(is_told, "{contradiction}");
    }
    let directory = empty();
    let garbage = import_session(directory.path(), None, &b"{"[..]).unwrap_err();
    assert!(matches!(garbage, ImportError::File(_)), "{garbage}");
    assert_eq!(
        directory.path().read_dir().unwrap().count(),
        0,
        "nothing was made"
    );
}

#[tokio::test]
async fn a_directory_that_a_server_has_takes_nothing_in() {
    let stage = Stage::quiet();
    fill(&stage.open().await).await;
    let file = export(&stage);
    let refused = import_session(stage.directory.path(), None, file.as_slice()).unwrap_err();
    assert!(
        matches!(&refused, ImportError::Open(OpenStoreError::Locked { .. })),
        "{refused}"
    );
    // When it is done, the directory is free again at once.
    let directory = empty();
    import_session(directory.path(), None, file.as_slice()).unwrap();
    Store::open(directory.path(), StoreOptions::default()).unwrap();
}
