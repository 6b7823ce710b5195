//! The routes of sessions, messages and files.

use runwright_backend::testing::Call;
use runwright_proto::{Change, Event};
use serde_json::{Value, json};

use crate::api::Api;

/// The members of a session that are the same at every run of a test.
fn told(session: &Value) -> Value {
    json!([
        session["title"],
        session["is_busy"],
        session["attached_clients"],
        session["message_count"]
    ])
}

#[tokio::test(start_paused = true)]
async fn a_session_is_made_listed_and_shown_with_every_member_of_the_contract() {
    let api = Api::new();
    let work = api.open("demo").await;
    // As a contract client sends it: a whole session, of which only the title counts.
    let body = json!({"id": "mine", "parent_session_id": "", "title": "first", "message_count": 9, "cost": 3});
    let made = api.post(&work.path("/sessions"), body).await.ok();
    let members = [
        "id",
        "parent_session_id",
        "title",
        "message_count",
        "prompt_tokens",
        "completion_tokens",
        "summary_message_id",
        "cost",
        "created_at",
        "updated_at",
        "is_busy",
        "attached_clients",
    ];
    for member in members {
        assert!(made.get(member).is_some(), "{member}: {made}");
    }
    assert_ne!(made["id"], "mine");
    assert_eq!(told(&made), json!(["first", false, 0, 0]));
    let second = api
        .post(&work.path("/sessions"), json!({"title": "second"}))
        .await
        .ok();
    assert_eq!(
        api.get(&work.path("/sessions")).await.ok(),
        json!([second, made])
    );
    let one = work.path(&format!("/sessions/{}", made["id"].as_str().unwrap()));
    assert_eq!(api.get(&one).await.ok(), made);
}

#[tokio::test(start_paused = true)]
async fn a_rename_changes_the_title_and_nothing_that_belongs_to_the_runs() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    let path = work.path(&format!("/sessions/{session}"));
    let before = api.get(&path).await.ok();
    let stale = json!({
        "id": "another", "title": "renamed", "prompt_tokens": 7, "completion_tokens": 7,
        "summary_message_id": "m", "message_count": 7, "todos": [{"content": "a", "status": "pending", "active_form": "A"}],
    });
    let renamed = api.put(&path, stale).await.ok();
    let mut expected = before;
    expected["title"] = json!("renamed");
    expected["todos"] = json!([{"content": "a", "status": "pending", "active_form": "A"}]);
    assert_eq!(renamed, expected);
    assert_eq!(api.get(&path).await.ok(), renamed);
    let event = stream.next_of(&["session"]).await;
    assert!(
        matches!(event.envelope.event, Event::Session(Change { payload, .. }) if payload.title == "renamed")
    );
    let unchanged = api.put(&path, json!({})).await.ok();
    assert_eq!(unchanged["title"], "renamed");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_busy_from_the_202_to_the_terminal_event() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let shown = || async {
        told(
            &api.get(&work.path(&format!("/sessions/{session}")))
                .await
                .ok(),
        )[1]
        .clone()
    };
    let mut stream = work.stream().await;
    assert_eq!(shown().await, json!(false));
    work.prompt(&session, "r1", "hello").await.is(202);
    assert_eq!(shown().await, json!(true));
    let listed = api.get(&work.path("/sessions")).await.ok();
    assert_eq!(listed[0]["is_busy"], true);
    let seen = api
        .get(&work.path(&format!("/agent/sessions/{session}")))
        .await
        .ok();
    assert_eq!(seen["is_busy"], true);
    api.backend.runner().entered().await.release();
    stream.until_end_of("r1").await;
    api.backend.workspace(work.id).await.unwrap();
    tokio::task::yield_now().await;
    let seen = api
        .get(&work.path(&format!("/agent/sessions/{session}")))
        .await
        .ok();
    assert_eq!(
        (&seen["is_busy"], &seen["title"]),
        (&json!(false), &json!("t"))
    );
}

#[tokio::test(start_paused = true)]
async fn deleting_a_session_cancels_its_runs_first() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    api.delete(&work.path(&format!("/sessions/{session}")))
        .await
        .void();
    drop(turn);
    let story = stream.settled().await;
    let kinds: Vec<&str> = story.iter().map(|got| got.kind()).collect();
    let ended = kinds
        .iter()
        .position(|kind| *kind == "run_complete")
        .unwrap();
    let deleted = story.iter().position(|got| {
        matches!(&got.envelope.event, Event::Session(change) if change.kind == runwright_proto::ChangeKind::Deleted)
    });
    assert!(ended < deleted.unwrap(), "{kinds:?}");
    assert_eq!(api.get(&work.path("/sessions")).await.ok(), json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_delete_goes_on_when_its_client_hangs_up() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    turn.ignore_cancel().await;
    {
        let path = work.path(&format!("/sessions/{session}"));
        let mut delete = std::pin::pin!(api.delete(&path));
        // It waits for the run, which takes its time to end.
        tokio::select! {
            biased;
            _ = &mut delete => panic!("the run is not over"),
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
        }
    }
    turn.stop();
    stream.until_end_of("r1").await;
    api.state.finished().await;
    assert_eq!(api.get(&work.path("/sessions")).await.ok(), json!([]));
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_an_unknown_session_is_404_or_empty() {
    let api = Api::new();
    let work = api.open("demo").await;
    let unknown = |rest: &str| work.path(&format!("/sessions/unknown{rest}"));
    api.get(&unknown(""))
        .await
        .refused(404, "session_not_found");
    api.put(&unknown(""), json!({"title": "x"}))
        .await
        .refused(404, "session_not_found");
    api.delete(&unknown(""))
        .await
        .refused(404, "session_not_found");
    api.get(&work.path("/agent/sessions/unknown"))
        .await
        .refused(404, "session_not_found");
    for rest in [
        "/messages",
        "/messages/user",
        "/history",
        "/filetracker/files",
    ] {
        assert_eq!(api.get(&unknown(rest)).await.ok(), json!([]), "{rest}");
    }
    api.get(&work.path("/sessions/two%20words"))
        .await
        .refused(400, "invalid_id");
    // A session of a sub-agent.
    api.get(&work.path("/sessions/message$$call"))
        .await
        .refused(404, "session_not_found");
}

#[tokio::test(start_paused = true)]
async fn messages_are_listed_in_order_and_what_people_said_newest_first() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    for run in ["r1", "r2"] {
        work.prompt(&session, run, &format!("prompt of {run}"))
            .await
            .is(202);
        api.backend.runner().entered().await.release();
        stream.until_end_of(run).await;
    }
    let texts = |messages: Value| -> Vec<String> {
        let messages = messages.as_array().unwrap().clone();
        let text = |message: Value| {
            message["parts"][0]["data"]["text"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        messages.into_iter().map(text).collect()
    };
    let of = |rest: &str| work.path(&format!("/sessions/{session}{rest}"));
    let all = [
        "prompt of r1",
        "answer to prompt of r1",
        "prompt of r2",
        "answer to prompt of r2",
    ];
    assert_eq!(texts(api.get(&of("/messages")).await.ok()), all);
    let users = ["prompt of r2", "prompt of r1"];
    assert_eq!(texts(api.get(&of("/messages/user")).await.ok()), users);
    assert_eq!(
        texts(api.get(&work.path("/messages/user")).await.ok()),
        users
    );
}

#[tokio::test(start_paused = true)]
async fn files_that_were_read_are_noted() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mark = work.path("/filetracker/read");
    let last = |query: &str| work.path(&format!("/filetracker/lastread?{query}"));
    let never = json!("0001-01-01T00:00:00Z");
    assert_eq!(
        api.get(&last(&format!("session_id={session}&path=/a.txt")))
            .await
            .ok(),
        never
    );

    api.post(&mark, json!({"session_id": session, "path": "/a.txt"}))
        .await
        .void();
    let listed = api
        .get(&work.path(&format!("/sessions/{session}/filetracker/files")))
        .await
        .ok();
    assert_eq!(listed, json!(["/a.txt"]));
    let at = api
        .get(&last(&format!("session_id={session}&path=/a.txt")))
        .await
        .ok();
    assert!(at.as_str().unwrap().starts_with("20"), "{at}");
    assert_eq!(
        api.get(&last(&format!("session_id={session}&path=/b.txt")))
            .await
            .ok(),
        never
    );

    api.post(&mark, json!({"path": "/a.txt"}))
        .await
        .refused(400, "session_missing");
    api.post(&mark, json!({"session_id": "unknown", "path": "/a"}))
        .await
        .refused(404, "session_not_found");
    api.get(&last("path=/a.txt"))
        .await
        .refused(400, "session_missing");
    api.get(&last("session_id=two+words"))
        .await
        .refused(400, "bad_request");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_told_without_its_reasons() {
    let api = Api::new();
    let work = api.open("demo").await;
    api.backend.faults().break_down(Call::ReadHistory);
    for path in [
        "/sessions",
        "/sessions/s",
        "/sessions/s/messages",
        "/messages/user",
        "/sessions/s/history",
    ] {
        let reply = api.get(&work.path(path)).await;
        reply.refused(503, "storage_unavailable");
        assert_eq!(reply.header("retry-after"), Some("1"), "{path}");
        assert!(!reply.body.contains("injected"), "{reply:?}");
    }
    api.backend.faults().repair(Call::ReadHistory);
    assert_eq!(api.get(&work.path("/sessions")).await.ok(), json!([]));
}
