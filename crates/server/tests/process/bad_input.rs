//! What the real server says to what it should never be sent: a clear 4xx with a stable code, and nothing has changed.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::{SOON, Server, Start};
use crate::workspace::Member;

const NOBODY: &str = "00000000-0000-4000-8000-000000000bad";

/// A raw request over the Unix socket and the status and code of its answer.
async fn answered(server: &Server, request: &[u8]) -> (u16, String) {
    let mut stream = tokio::net::UnixStream::connect(server.socket())
        .await
        .unwrap();
    // A server that refuses early may have closed its side before all is sent.
    let _refused_early = timeout(SOON, stream.write_all(request)).await.unwrap();
    let mut answer = Vec::new();
    let _reset = timeout(SOON, stream.read_to_end(&mut answer))
        .await
        .unwrap();
    status_and_code(&answer)
}

fn status_and_code(answer: &[u8]) -> (u16, String) {
    let text = String::from_utf8_lossy(answer);
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_default();
    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
    let code = serde_json::from_str::<Value>(body)
        .map(|body| body["code"].as_str().unwrap_or_default().to_owned());
    (status, code.unwrap_or_default())
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let mut request = Vec::new();
    write!(
        request,
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    request.extend_from_slice(body);
    request
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
}

/// All that a client could see of the server's state.
async fn state(member: &Member) -> Value {
    let status = member.client.get("/v1/status").await.ok(200);
    json!({
        "workspaces": status["workspaces"],
        "sessions": member.get("sessions").await.ok(200),
        "runs": member.get("runs").await.ok(200),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_a_clear_answer_and_change_nothing() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let _keeps_it_open = member.events(None).await;
    let session = member.session().await;
    let agent = format!("{}/agent", member.base);
    let before = state(&member).await;
    let prompt = |message: Value| post(&agent, message.to_string().as_bytes());
    let create = |request: Value| post("/v1/workspaces", request.to_string().as_bytes());
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        (
            "malformed JSON",
            post(&agent, b"{\"prompt\":"),
            400,
            "bad_json",
        ),
        (
            "bad UTF-8",
            post(&agent, b"{\"prompt\":\"\xff\"}"),
            400,
            "bad_json",
        ),
        (
            "wrong type",
            prompt(json!({ "session_id": session, "prompt": 7 })),
            400,
            "bad_json",
        ),
        ("a list", prompt(json!([1])), 400, "bad_json"),
        (
            "deep nesting",
            post(&agent, deep.as_bytes()),
            400,
            "bad_json",
        ),
        (
            "empty prompt",
            prompt(json!({ "session_id": session, "prompt": "" })),
            400,
            "prompt_empty",
        ),
        (
            "no session",
            prompt(json!({ "prompt": "x" })),
            400,
            "session_missing",
        ),
        (
            "unknown session",
            prompt(json!({ "session_id": NOBODY, "prompt": "x" })),
            404,
            "session_not_found",
        ),
        (
            "unknown policy",
            prompt(json!({ "session_id": session, "prompt": "x", "when_busy": "later" })),
            400,
            "bad_json",
        ),
        (
            "unknown workspace",
            post(
                &format!("/v1/workspaces/{NOBODY}/agent"),
                b"{\"prompt\":\"x\"}",
            ),
            404,
            "workspace_not_found",
        ),
        (
            "workspace id is no UUID",
            get("/v1/workspaces/7/sessions"),
            400,
            "invalid_id",
        ),
        (
            "client id is no UUID",
            get(&format!("{}/events?client_id=7", member.base)),
            400,
            "client_id_invalid",
        ),
        (
            "no client id",
            get(&format!("{}/events", member.base)),
            400,
            "client_id_required",
        ),
        (
            "bad cursor",
            get(&member.events_path(Some("yesterday"))),
            400,
            "invalid_cursor",
        ),
        (
            "unknown run",
            get(&format!("{}/runs/nothing", member.base)),
            404,
            "run_not_found",
        ),
        ("unknown route", get("/v1/nothing"), 404, "route_not_found"),
        (
            "wrong method",
            get("/v1/control"),
            405,
            "method_not_allowed",
        ),
        (
            "no path",
            create(json!({ "client_id": member.client_id })),
            400,
            "path_required",
        ),
        (
            "path that is not there",
            create(json!({ "path": "/nowhere/at/all", "client_id": member.client_id })),
            400,
            "path_invalid",
        ),
        (
            "relative path",
            create(json!({ "path": "demo", "client_id": member.client_id })),
            400,
            "path_invalid",
        ),
        (
            "path with NUL",
            create(json!({ "path": "/tmp/\0x", "client_id": member.client_id })),
            400,
            "path_invalid",
        ),
        (
            "path of a file",
            create(json!({ "path": server.socket(), "client_id": member.client_id })),
            400,
            "path_invalid",
        ),
        (
            "create without client",
            create(json!({ "path": member.directory })),
            400,
            "client_id_required",
        ),
    ];
    for (name, request, status, code) in cases {
        assert_eq!(
            answered(&server, &request).await,
            (status, code.to_owned()),
            "{name}"
        );
    }
    assert_eq!(state(&member).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_hundred_megabytes_is_refused_before_it_is_read() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let head = format!(
        "POST {}/agent HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 104857600\r\n\r\n",
        member.base
    );
    assert_eq!(
        answered(&server, head.as_bytes()).await,
        (413, "body_too_large".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_and_too_large_headers_are_refused() {
    let server = Server::start();
    let many: String = (0..1000).map(|n| format!("x-{n}: y\r\n")).collect();
    let large = format!("x: {}\r\n", "y".repeat(200_000));
    for headers in [many, large] {
        let request = format!("GET /v1/health HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let (status, _) = answered(&server, request.as_bytes()).await;
        assert_eq!(status, 431);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_slow_with_its_headers_is_cut_off() {
    let server = Server::start_with(&Start {
        flags: &["--header-timeout", "1"],
        ..Start::default()
    });
    let mut stream = tokio::net::UnixStream::connect(server.socket())
        .await
        .unwrap();
    stream
        .write_all(b"GET /v1/health HTTP/1.1\r\nhos")
        .await
        .unwrap();
    let mut rest = Vec::new();
    let cut = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    assert!(cut.is_ok(), "it is cut off long before that");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_only_a_known_host_and_origin_with_the_token_comes_in() {
    let server = Server::start_with(&Start {
        tcp: true,
        ..Start::default()
    });
    let url = server
        .urls()
        .iter()
        .find_map(|url| url.strip_prefix("tcp://"))
        .unwrap()
        .to_owned();
    let token = std::fs::read_to_string(server.data_dir().join("token")).unwrap();
    let bearer = format!("authorization: Bearer {}\r\n", token.trim());
    let wrong = format!("authorization: Bearer {}\r\n", "0".repeat(64));
    let host = format!("host: {url}\r\n");
    let port = url.rsplit(':').next().unwrap();
    let cases = [
        ("all is well", format!("{host}{bearer}"), 200, ""),
        (
            "localhost is loopback",
            format!("host: localhost:{port}\r\n{bearer}"),
            200,
            "",
        ),
        ("no token", host.clone(), 401, "unauthorized"),
        ("wrong token", format!("{host}{wrong}"), 401, "unauthorized"),
        (
            "foreign host",
            format!("host: evil.example\r\n{bearer}"),
            421,
            "host_not_allowed",
        ),
        (
            "foreign origin",
            format!("{host}{bearer}origin: https://evil.example\r\n"),
            403,
            "origin_not_allowed",
        ),
        (
            "null origin",
            format!("{host}{bearer}origin: null\r\n"),
            403,
            "origin_not_allowed",
        ),
    ];
    for (name, headers, status, code) in cases {
        let mut stream = TcpStream::connect(&url).await.unwrap();
        let request = format!("GET /v1/workspaces HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(SOON, stream.read_to_end(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            status_and_code(&answer),
            (status, code.to_owned()),
            "{name}"
        );
    }
}
