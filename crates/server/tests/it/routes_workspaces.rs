//! The routes of workspaces and clients, with the cases of the contract's own tests (contract 5.10, multiclient_test).

use std::{sync::Arc, time::Duration};

use runwright_backend::{Backend, BackendOptions, MemoryFactory, testing::Call};
use runwright_proto::{ClientId, Config, CreateWorkspace, ProviderConfig};
use runwright_server::AppState;
use serde_json::{Value, json};

use crate::api::{Api, Door, info, unknown_workspace};

#[tokio::test(start_paused = true)]
async fn a_workspace_is_shown_with_what_an_existing_client_needs_and_without_secrets() {
    let api = Api::new();
    let body = json!({
        "path": api.backend.dir("demo"),
        "client_id": ClientId::random(),
        "env": ["API_KEY=sk-123"],
        "version": "v0.90.0",
        "yolo": true,
    });
    let created = api.post("/v1/workspaces", body).await;
    assert!(!created.body.contains("sk-123"));
    let created = created.ok();
    assert!(created["config"]["options"]["tui"].is_object());
    assert!(created["config"]["providers"].is_object());
    assert!(created["config"]["options"]["data_directory"].is_string());
    assert_eq!(created.get("env"), None);
    assert_eq!(
        (&created["version"], &created["yolo"]),
        (&json!("1.2.3"), &json!(true))
    );

    let id = created["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("/v1/workspaces/{id}")).await.ok(), created);
    assert_eq!(api.get("/v1/workspaces").await.ok(), json!([created]));
    assert_eq!(
        api.get(&format!("/v1/workspaces/{id}/config")).await.ok(),
        created["config"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_server_lists_no_workspaces() {
    assert_eq!(Api::new().get("/v1/workspaces").await.body, "[]\n");
}

#[tokio::test(start_paused = true)]
async fn a_second_client_joins_and_gets_the_first_ones_values() {
    let api = Api::new();
    let first = api.open("demo").await;
    let body =
        json!({"path": api.backend.dir("demo"), "client_id": ClientId::random(), "yolo": true});
    let joined = api.post("/v1/workspaces", body).await.ok();
    assert_eq!(joined["id"], first.id.to_string());
    assert_eq!(joined.get("yolo"), None);
    assert_eq!(api.backend.clients(first.id), 2);
}

#[tokio::test(start_paused = true)]
async fn a_create_is_refused_for_each_reason_with_its_own_code() {
    let api = Api::new();
    let client = ClientId::random();
    let dir = api.backend.dir("demo");
    api.open("demo").await;
    let missing = api.backend.dir("demo").join("missing");
    let file = api.backend.dir("demo").join("file");
    std::fs::write(&file, "").unwrap();
    let table: &[(Value, u16, &str)] = &[
        (json!({"path": dir}), 400, "client_id_required"),
        (
            json!({"path": dir, "client_id": ""}),
            400,
            "client_id_required",
        ),
        (
            json!({"path": dir, "client_id": "me"}),
            400,
            "client_id_invalid",
        ),
        (json!({"client_id": client}), 400, "path_required"),
        (
            json!({"path": "", "client_id": client}),
            400,
            "path_required",
        ),
        (
            json!({"path": "demo", "client_id": client}),
            400,
            "path_invalid",
        ),
        (
            json!({"path": "/a\u{0}b", "client_id": client}),
            400,
            "path_invalid",
        ),
        (
            json!({"path": missing, "client_id": client}),
            400,
            "path_invalid",
        ),
        (
            json!({"path": file, "client_id": client}),
            400,
            "path_invalid",
        ),
        (json!({"path": 7, "client_id": client}), 400, "bad_json"),
        (json!("demo"), 400, "bad_json"),
        (
            json!({"path": dir, "client_id": client, "channels": ["x"]}),
            409,
            "channels_mismatch",
        ),
    ];
    for (body, status, code) in table {
        api.post("/v1/workspaces", body.clone())
            .await
            .refused(*status, code);
    }
    let text = api
        .post("/v1/workspaces", table[11].0.clone())
        .await
        .refused(409, "channels_mismatch");
    let text = text["message"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with("requested channels differ from the existing workspace"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_cannot_be_opened_is_our_failure_and_tells_nothing() {
    let api = Api::new();
    api.backend.faults().fail(Call::Open);
    let body = json!({"path": api.backend.dir("demo"), "client_id": ClientId::random()});
    let problem = api
        .post("/v1/workspaces", body.clone())
        .await
        .refused(503, "storage_unavailable");
    assert_eq!(problem["message"], "the store does not answer");
    api.post("/v1/workspaces", body).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_client_releases_its_claim_whether_it_has_one_or_not() {
    let api = Api::new();
    let work = api.open("demo").await;
    let path = |query: &str| format!("{}{query}", work.path(""));
    api.delete(&path(""))
        .await
        .refused(400, "client_id_required");
    api.delete(&path("?client_id=me"))
        .await
        .refused(400, "client_id_invalid");
    api.delete(&path(&format!("?client_id={}", ClientId::random())))
        .await
        .void();
    assert_eq!(api.backend.clients(work.id), 1);
    for _ in 0..2 {
        api.delete(&path(&format!("?client_id={}", work.client)))
            .await
            .void();
        assert_eq!(api.backend.clients(work.id), 0);
    }
    let unknown = format!(
        "/v1/workspaces/{}?client_id={}",
        unknown_workspace(),
        work.client
    );
    api.delete(&unknown).await.void();
}

#[tokio::test(start_paused = true)]
async fn a_retired_client_is_gone_everywhere_and_stays_so() {
    let api = Api::new();
    let work = api.open("demo").await;
    api.delete("/v1/clients/me")
        .await
        .refused(400, "client_id_invalid");
    for _ in 0..2 {
        api.delete(&format!("/v1/clients/{}", work.client))
            .await
            .void();
    }
    assert_eq!(api.backend.clients(work.id), 0);
    let again = json!({"path": api.backend.dir("demo"), "client_id": work.client});
    let problem = api
        .post("/v1/workspaces", again)
        .await
        .refused(409, "client_retired");
    assert_eq!(problem["message"], "client has been retired");
    api.get(&work.events()).await.refused(409, "client_retired");
}

#[tokio::test(start_paused = true)]
async fn a_client_says_which_session_it_looks_at_once_it_has_a_stream() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let looks_at = json!({"session_id": session});
    let path = |query: &str| work.path(&format!("/current-session{query}"));
    let ours = path(&format!("?client_id={}", work.client));

    api.post(&path(""), looks_at.clone())
        .await
        .refused(400, "client_id_required");
    api.post(&path("?client_id=me"), looks_at.clone())
        .await
        .refused(400, "client_id_invalid");
    api.post_text(&ours, "{").await.refused(400, "bad_json");
    let unknown = format!(
        "/v1/workspaces/{}/current-session?client_id={}",
        unknown_workspace(),
        work.client
    );
    api.post(&unknown, looks_at.clone())
        .await
        .refused(404, "workspace_not_found");
    let stranger = path(&format!("?client_id={}", ClientId::random()));
    api.post(&stranger, looks_at.clone())
        .await
        .refused(409, "client_not_attached");
    api.post(&ours, looks_at.clone())
        .await
        .refused(409, "client_not_attached");

    let stream = work.stream().await;
    api.post(&ours, looks_at.clone()).await.void();
    let shown = api
        .get(&work.path(&format!("/sessions/{session}")))
        .await
        .ok();
    assert_eq!(shown["attached_clients"], 1);
    api.post(&ours, json!({"session_id": ""})).await.void();
    let shown = api.get(&work.path("/sessions")).await.ok();
    assert_eq!(shown[0]["attached_clients"], 0);

    drop(stream);
    api.post(&ours, looks_at)
        .await
        .refused(409, "client_not_attached");
}

#[tokio::test(start_paused = true)]
async fn a_closed_workspace_is_opened_again_by_any_route_that_names_it() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    api.delete(&format!("/v1/clients/{}", work.client))
        .await
        .void();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(api.get("/v1/workspaces").await.ok(), json!([]));
    let sessions = api.get(&work.path("/sessions")).await.ok();
    assert_eq!(sessions[0]["id"], json!(session));
}

#[tokio::test(start_paused = true)]
async fn while_the_server_shuts_down_a_closing_workspace_is_the_servers_doing() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    api.state.begin_shutdown();
    let shutdown = api.backend.shutdown(Duration::from_secs(30));
    let refused = async {
        // The shutdown begins in a task of its own.
        while api.backend.workspace(work.id).await.is_ok() {
            tokio::task::yield_now().await;
        }
        let prompt = work.prompt(&session, "r2", "late").await;
        prompt.refused(503, "server_shutting_down");
        assert_eq!(prompt.header("retry-after"), Some("1"));
        api.get(&work.events())
            .await
            .refused(503, "server_shutting_down");
        turn.release();
    };
    let (report, ()) = tokio::join!(shutdown, refused);
    assert!(report.drained);
}

#[tokio::test(start_paused = true)]
async fn providers_are_listed_in_the_catalogs_form_without_keys() {
    let provider = ProviderConfig {
        id: "p".to_owned(),
        name: "Provider".to_owned(),
        base_url: "https://user:pass@host/v1?key=1".to_owned(),
        kind: "openai-compat".to_owned(),
        api_key: "sk-123".to_owned().into(),
        ..ProviderConfig::default()
    };
    let config = Config {
        providers: [("p".to_owned(), provider)].into(),
        ..Config::default()
    };
    let factory = MemoryFactory::new(Box::new(|_| None), config, "/data".into());
    let backend = Backend::new(Arc::new(factory), BackendOptions::default());
    let dir = tempfile::tempdir().unwrap();
    let request = CreateWorkspace {
        path: dir.path().to_str().unwrap().to_owned(),
        ..CreateWorkspace::default()
    };
    let workspace = backend.create(ClientId::random(), request).await.unwrap();
    let api = Door::new(AppState::new(backend, info()));
    let path = format!("/v1/workspaces/{}", workspace.id());
    assert_eq!(
        api.get(&format!("{path}/providers")).await.ok(),
        json!([{"name": "Provider", "id": "p", "api_endpoint": "https://host/v1", "type": "openai-compat"}])
    );
    assert!(!api.get(&path).await.body.contains("sk-123"));
}
