//! The routes about the agent itself, which clients poll.

use serde_json::json;

use crate::api::{Api, unknown_workspace};

#[tokio::test(start_paused = true)]
async fn an_agent_is_told_ready_and_busy_as_it_is() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    let agent = work.path("/agent");
    let idle = api.get(&agent).await.ok();
    assert_eq!(
        (&idle["is_busy"], &idle["is_ready"]),
        (&json!(false), &json!(true))
    );
    for member in [
        "id",
        "name",
        "context_window",
        "default_max_tokens",
        "can_reason",
        "supports_attachments",
    ] {
        assert!(idle["model"].get(member).is_some(), "{member}: {idle}");
    }
    assert!(idle["model_cfg"]["model"].is_string() && idle["model_cfg"]["provider"].is_string());

    work.prompt(&session, "r1", "hello").await.is(202);
    let mut busy = idle.clone();
    busy["is_busy"] = json!(true);
    assert_eq!(api.get(&agent).await.ok(), busy);
    api.backend.runner().entered().await.release();
    stream.until_end_of("r1").await;
    tokio::task::yield_now().await;
    assert_eq!(api.get(&agent).await.ok(), idle);
    api.get(&format!("/v1/workspaces/{}/agent", unknown_workspace()))
        .await
        .refused(404, "workspace_not_found");
}

#[tokio::test(start_paused = true)]
async fn a_workspace_without_an_agent_gets_one_when_there_is_one_to_get() {
    let api = Api::new();
    api.backend.has_agent(false);
    let work = api.open("demo").await;
    let (agent, init, update) = (
        work.path("/agent"),
        work.path("/agent/init"),
        work.path("/agent/update"),
    );
    let none = api.get(&agent).await.ok();
    assert_eq!(
        (&none["is_busy"], &none["is_ready"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(none["model"]["context_window"], 0);
    api.poke(&update)
        .await
        .refused(400, "agent_not_initialized");
    api.poke(&init).await.refused(400, "agent_not_initialized");

    api.backend.has_agent(true);
    api.post(&init, json!({"interactive": true})).await.void();
    assert_eq!(api.get(&agent).await.ok()["is_ready"], true);
    api.poke(&update).await.void();
    // A second client, and one that knows nothing: nothing changes for the first.
    api.post(&init, json!({"interactive": false})).await.void();
    api.poke(&init).await.void();
    api.post_text(&init, "{").await.refused(400, "bad_json");
}

#[tokio::test(start_paused = true)]
async fn an_agent_is_initialized_once_however_often_it_is_asked_for() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    api.post(&work.path("/agent/init"), json!({"interactive": false}))
        .await
        .void();
    assert_eq!(api.get(&work.path("/agent")).await.ok()["is_busy"], true);
    turn.release();
    stream.until_end_of("r1").await;
}

#[tokio::test(start_paused = true)]
async fn the_small_model_is_the_large_one_where_none_is_configured() {
    let api = Api::new();
    let work = api.open("demo").await;
    let large = api.get(&work.path("/agent")).await.ok()["model_cfg"].clone();
    let path = |query: &str| work.path(&format!("/agent/default-small-model{query}"));
    assert_eq!(api.get(&path("?provider_id=unknown")).await.ok(), large);
    assert_eq!(api.get(&path("")).await.ok(), large);
}

#[tokio::test(start_paused = true)]
async fn what_clients_poll_is_the_same_bytes_until_it_changes() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let list = work.path(&format!("/agent/sessions/{session}/prompts/list"));
    let skip = work.path("/permissions/skip");
    assert_eq!(api.get(&list).await.body, "null\n");
    assert_eq!(api.get(&skip).await.body, "{\"skip\":false}\n");
    let agent = api.get(&work.path("/agent")).await.body;
    assert_eq!(api.get(&work.path("/agent")).await.body, agent);
    for path in [&list, &skip] {
        assert_eq!(
            api.get(path).await.header("content-type"),
            Some("application/json")
        );
    }
}
