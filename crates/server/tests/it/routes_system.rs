//! The routes about the server itself, and what every route has in common.

use axum::body::Body;
use http::{Method, Request};
use runwright_backend::testing::TestBackend;
use serde_json::json;

use crate::api::Api;

#[tokio::test(start_paused = true)]
async fn a_server_that_is_up_says_so_and_one_that_shuts_down_takes_no_more() {
    let api = Api::new();
    for path in ["/livez", "/readyz", "/v1/health"] {
        api.get(path).await.void();
    }
    api.state.begin_shutdown();
    api.get("/livez").await.void();
    let reply = api.get("/readyz").await;
    reply.refused(503, "server_shutting_down");
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn the_version_has_every_member_of_the_contract() {
    let version = Api::new().get("/v1/version").await.ok();
    assert_eq!(version["version"], "1.2.3");
    for member in ["commit", "build_id", "go_version", "platform"] {
        assert!(version[member].is_string(), "{version}");
    }
    assert!(version["platform"].as_str().unwrap().contains('/'));
}

#[tokio::test(start_paused = true)]
async fn the_server_keeps_running_whoever_asks_it_to_end() {
    let api = Api::new();
    let table = [
        (r#"{"command":"shutdown"}"#, 409, "server_not_idle"),
        (r#"{"command":"shutdown_if_idle"}"#, 409, "server_not_idle"),
        (r#"{"command":"reboot"}"#, 400, "unknown_command"),
        ("{}", 400, "unknown_command"),
        ("shutdown", 400, "bad_json"),
        ("", 400, "bad_json"),
    ];
    for (body, status, code) in table {
        let reply = api.post_text("/v1/control", body).await;
        reply.refused(status, code);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_may_be_stopped_ends_when_it_is_idle_and_not_before() {
    let api = Api::with(TestBackend::roomy_figures(), |info| {
        info.allow_remote_shutdown = true
    });
    let work = api.open("demo").await;
    let stop = || api.post_text("/v1/control", r#"{"command":"shutdown_if_idle"}"#);
    stop().await.refused(409, "server_not_idle");

    api.delete(&format!("/v1/clients/{}", work.client))
        .await
        .void();
    // The workspace lingers, then it closes.
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    stop().await.void();
    api.backend.exit_requested().await;
    let late = json!({"path": api.backend.dir("late"), "client_id": work.client});
    api.post("/v1/workspaces", late)
        .await
        .refused(503, "server_shutting_down");
}

#[tokio::test(start_paused = true)]
async fn the_status_tells_what_each_workspace_does() {
    let api = Api::new();
    assert_eq!(api.get("/v1/status").await.ok()["workspaces"], json!([]));
    let work = api.open("demo").await;
    let session = work.session().await;
    for run in ["r1", "r2"] {
        work.prompt(&session, run, "hello").await.is(202);
    }
    let turn = api.backend.runner().entered().await;
    let status = api.get("/v1/status").await.ok();
    assert_eq!(status["version"], "1.2.3");
    let shown = &status["workspaces"][0];
    assert_eq!(shown["id"], work.id.to_string());
    assert_eq!(shown["clients"], 1);
    assert_eq!(
        (&shown["runs_active"], &shown["runs_queued"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(shown["busy_sessions"], json!([session]));
    drop(turn);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_route_is_a_problem_too() {
    let api = Api::new();
    api.get("/v1/nothing").await.refused(404, "route_not_found");
    api.get("/").await.refused(404, "route_not_found");
    let reply = api.delete("/v1/health").await;
    reply.refused(405, "method_not_allowed");
    assert_eq!(reply.header("allow"), Some("GET,HEAD"));
    let work = api.open("demo").await;
    let reply = api.put(&work.path("/sessions"), json!({})).await;
    reply.refused(405, "method_not_allowed");
    let allow = reply.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[tokio::test(start_paused = true)]
async fn head_is_answered_like_get_without_the_body() {
    let api = Api::new();
    let work = api.open("demo").await;
    for path in [
        "/v1/health".to_owned(),
        "/v1/version".to_owned(),
        work.path("/agent"),
        work.path("/sessions"),
    ] {
        let request = Request::builder()
            .method(Method::HEAD)
            .uri(&path)
            .body(Body::empty());
        let head = api.send(request.unwrap()).await;
        head.is(200);
        assert_eq!(head.body, "", "{path}");
        let get = api.get(&path).await;
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
    }
}
