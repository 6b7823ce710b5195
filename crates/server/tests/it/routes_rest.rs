//! The routes of what this version has none of: they say so truthfully, and those that cannot be served say that.

use serde_json::{Value, json};

use crate::api::{Api, unknown_workspace};

#[tokio::test(start_paused = true)]
async fn what_a_workspace_has_none_of_is_empty() {
    let api = Api::new();
    let work = api.open("demo").await;
    let table = [
        ("/lsps", json!({})),
        ("/skills", json!([])),
        ("/permissions", json!([])),
        ("/questions", json!([])),
        ("/mcp/states", json!({})),
        ("/mcp/pending-auth", json!([])),
        ("/mcp/prompts", json!([])),
        ("/providers", json!([])),
        ("/permissions/skip", json!({"skip": false})),
        ("/project/needs-init", json!({"needs_init": false})),
    ];
    for (path, expected) in table {
        assert_eq!(api.get(&work.path(path)).await.ok(), expected, "{path}");
    }
    let prompt = api.get(&work.path("/project/init-prompt")).await.ok();
    assert!(prompt["prompt"].as_str().unwrap().contains("AGENTS.md"));
    assert_eq!(api.get("/v1/config").await.body, "{}\n");
}

#[tokio::test(start_paused = true)]
async fn what_asks_for_something_that_does_not_exist_is_answered_so() {
    let api = Api::new();
    let work = api.open("demo").await;
    api.get(&work.path("/lsps/gopls/diagnostics"))
        .await
        .refused(404, "lsp_not_found");
    let skill = api
        .post(&work.path("/skills/read"), json!({"skill_id": "x"}))
        .await;
    skill.refused(404, "skill_not_found");
    for path in ["/lsps/stop", "/project/init"] {
        api.poke(&work.path(path)).await.void();
    }
    api.post(&work.path("/lsps/start"), json!({"path": "/a.rs"}))
        .await
        .void();
    for path in [
        "/mcp/refresh-tools",
        "/mcp/refresh-prompts",
        "/mcp/refresh-resources",
    ] {
        api.post(&work.path(path), json!({"name": "x"}))
            .await
            .void();
        api.post_text(&work.path(path), "x")
            .await
            .refused(400, "bad_json");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_request_that_is_not_open_resolves_nothing() {
    let api = Api::new();
    let work = api.open("demo").await;
    let grant =
        |action: &str| json!({"permission": {"id": "p", "tool_name": "bash"}, "action": action});
    for action in ["allow", "allow_session", "deny"] {
        let answer = api
            .post(&work.path("/permissions/grant"), grant(action))
            .await;
        assert_eq!(answer.body, "{\"resolved\":false}\n");
    }
    let path = work.path("/permissions/grant");
    api.post(&path, grant("perhaps"))
        .await
        .refused(400, "permission_action_invalid");
    api.post(&path, json!({"permission": {"id": "p"}}))
        .await
        .refused(400, "permission_action_invalid");
    api.post(&path, json!({})).await.refused(400, "bad_json");
    let answer =
        json!({"batch_request_id": "", "responses": [{"request_id": "q", "selected_ids": ["a"]}]});
    let answered = api.post(&work.path("/questions/answer"), answer).await;
    assert_eq!(answered.body, "{\"resolved\":false}\n");
    assert_eq!(
        api.poke(&work.path("/questions/cancel")).await.body,
        "{\"resolved\":false}\n"
    );
}

#[tokio::test(start_paused = true)]
async fn skipping_of_permissions_is_kept_for_the_workspace() {
    let api = Api::new();
    let work = api.open("demo").await;
    let path = work.path("/permissions/skip");
    api.post(&path, json!({"skip": true})).await.void();
    assert_eq!(api.get(&path).await.ok(), json!({"skip": true}));
    api.post(&path, json!({"skip": false})).await.void();
    assert_eq!(api.get(&path).await.ok(), json!({"skip": false}));
    api.post(&path, json!({"skip": "yes"}))
        .await
        .refused(400, "bad_json");

    let yolo = json!({"path": api.backend.dir("yolo"), "client_id": work.client, "yolo": true});
    let id = api.post("/v1/workspaces", yolo).await.ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let skips = api
        .get(&format!("/v1/workspaces/{id}/permissions/skip"))
        .await;
    assert_eq!(skips.ok(), json!({"skip": true}));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_yet_says_so() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let model =
        json!({"scope": 0, "model_type": "large", "model": {"model": "other", "provider": "p"}});
    let table: Vec<(String, Value)> = vec![
        (format!("/agent/sessions/{session}/summarize"), json!({})),
        (
            format!("/agent/sessions/{session}/shell"),
            json!({"command": "ls"}),
        ),
        (
            "/config/set".to_owned(),
            json!({"scope": 0, "key": "a", "value": 1}),
        ),
        ("/config/remove".to_owned(), json!({"scope": 0, "key": "a"})),
        (
            "/config/compact".to_owned(),
            json!({"scope": 0, "enabled": true}),
        ),
        ("/config/provider-key".to_owned(), json!({"scope": 0})),
        ("/config/import-copilot".to_owned(), json!({})),
        ("/config/refresh-oauth".to_owned(), json!({})),
        ("/config/model".to_owned(), model),
        ("/mcp/read-resource".to_owned(), json!({})),
        ("/mcp/get-prompt".to_owned(), json!({})),
        ("/mcp/auth".to_owned(), json!({})),
        ("/mcp/docker/enable".to_owned(), json!({})),
        ("/mcp/docker/disable".to_owned(), json!({})),
    ];
    for (path, body) in table {
        api.post(&work.path(&path), body)
            .await
            .refused(501, "not_implemented");
    }
    api.get(&work.path("/mcp/auth-url?name=x"))
        .await
        .refused(501, "not_implemented");
}

#[tokio::test(start_paused = true)]
async fn selecting_the_model_that_is_selected_is_done_already() {
    let api = Api::new();
    let work = api.open("demo").await;
    let selected = api.get(&work.path("/agent")).await.ok()["model_cfg"].clone();
    let select = |kind: &str| json!({"scope": 0, "model_type": kind, "model": selected});
    let path = work.path("/config/model");
    api.post(&path, select("large")).await.void();
    // There is no small model, so this one is not it.
    api.post(&path, select("small"))
        .await
        .refused(501, "not_implemented");
    api.post(&path, select("medium"))
        .await
        .refused(400, "bad_json");
}

#[tokio::test(start_paused = true)]
async fn every_route_of_an_unknown_workspace_is_404_and_of_an_impossible_one_400() {
    let api = Api::new();
    let document: Value = serde_json::from_str(&runwright_server::openapi_json()).unwrap();
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|_| path.contains("/workspaces/{id}"))
        {
            // The one that is forgiving: a client that leaves need not know whether there is something to leave.
            if (path.as_str(), method.as_str()) == ("/v1/workspaces/{id}", "delete") {
                continue;
            }
            let ask = |id: &str| {
                let path = path
                    .replace("{id}", id)
                    .replace("{session_id}", "s")
                    .replace("{run_id}", "r");
                let path = format!(
                    "{}?client_id={}",
                    path.replace("{lsp}", "l"),
                    unknown_workspace()
                );
                api.send(request(method, &path))
            };
            ask(&unknown_workspace().to_string())
                .await
                .refused(404, "workspace_not_found");
            ask("nowhere").await.refused(400, "invalid_id");
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
}

/// A request with a body that every route takes.
fn request(method: &str, path: &str) -> http::Request<axum::body::Body> {
    let body = json!({
        "session_id": "s", "prompt": "p", "path": "/p", "permission": {"id": "p"}, "action": "deny",
        "model_type": "large", "model": {"model": "m", "provider": "p"},
    });
    let body = if method == "get" {
        String::new()
    } else {
        body.to_string()
    };
    let request = http::Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(path);
    request.body(body.into()).unwrap()
}
