//! What a handler gets, and what the client is told when it gets nothing.

use crate::common::{Reply, Setup, TestServer};

async fn get(server: &TestServer, path: &str) -> Reply {
    server
        .ask(format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n"))
        .await
}

async fn post(server: &TestServer, path: &str, body: &[u8]) -> Reply {
    let head = format!(
        "POST {path} HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    server.ask([head.as_bytes(), body].concat()).await
}

#[track_caller]
fn check(reply: &Reply, status: u16, code: &str, message: &str) {
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (status, code),
        "{reply:?}"
    );
    let problem: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(problem["message"], message);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_named_and_not_repeated() {
    let server = TestServer::unix(Setup::default());
    let table: [(&[u8], &str); 4] = [
        (
            b"",
            "failed to decode request: the JSON ends too early (line 1, column 0)",
        ),
        (
            b"{\"a\": hunter2}",
            "failed to decode request: not valid JSON (line 1, column 7)",
        ),
        (
            b"{\"a\": \"\xff\"}",
            "failed to decode request: not valid JSON (line 1, column 8)",
        ),
        (
            &[b'['; 4000],
            "failed to decode request: nested deeper than 128 levels",
        ),
    ];
    for (body, message) in table {
        let reply = post(&server, "/v1/echo", body).await;
        check(&reply, 400, "bad_json", message);
        assert!(!reply.body.contains("hunter2"));
    }
    assert_eq!(
        post(&server, "/v1/echo", br#"{"nul":"\u0000"}"#).await.body,
        "{\"nul\":\"\\u0000\"}\n"
    );
}

#[tokio::test]
async fn an_empty_body_is_no_mistake_where_it_may_be_missing() {
    let server = TestServer::unix(Setup::default());
    assert_eq!(
        post(&server, "/v1/maybe", b"").await.body,
        "{\"some\":false}\n"
    );
    assert_eq!(
        post(&server, "/v1/maybe", b"{}").await.body,
        "{\"some\":true}\n"
    );
    check(
        &post(&server, "/v1/maybe", b"{").await,
        400,
        "bad_json",
        "failed to decode request: the JSON ends too early (line 1, column 1)",
    );
}

#[tokio::test]
async fn a_client_is_named_in_every_form_that_existing_clients_may_use() {
    let server = TestServer::unix(Setup::default());
    let plain = "8c4a7a76-6f3e-4c43-9df0-7a5a6a0a9f10";
    let simple = plain.replace('-', "");
    for form in [
        plain,
        &simple,
        &format!("urn:uuid:{plain}"),
        &format!("%7B{plain}%7D"),
        &plain.to_uppercase(),
    ] {
        assert_eq!(
            get(&server, &format!("/v1/client?x=1&client_id={form}"))
                .await
                .body,
            plain,
            "{form}"
        );
    }
    for query in ["", "?", "?client_id=", "?client=x"] {
        check(
            &get(&server, &format!("/v1/client{query}")).await,
            400,
            "client_id_required",
            "client_id is required",
        );
    }
    for query in [
        "?client_id=7",
        "?client_id=%FF",
        &format!("?client_id={plain}&client_id={plain}"),
    ] {
        let reply = get(&server, &format!("/v1/client{query}")).await;
        check(
            &reply,
            400,
            "client_id_invalid",
            "client_id is not a valid UUID",
        );
    }
}

#[tokio::test]
async fn parameters_that_cannot_be_are_named_and_not_repeated() {
    let server = TestServer::unix(Setup::default());
    let id = "8c4a7a76-6f3e-4c43-9df0-7a5a6a0a9f10";
    assert_eq!(get(&server, &format!("/v1/workspaces/{id}")).await.body, id);
    for bad in ["hunter2", "%FF", "..%2f..%2fetc"] {
        let reply = get(&server, &format!("/v1/workspaces/{bad}")).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (400, "invalid_id"),
            "{reply:?}"
        );
        assert!(!reply.body.contains("hunter2"), "{reply:?}");
    }
    assert_eq!(get(&server, "/v1/page?limit=3").await.body, "3");
    for query in ["", "?limit=hunter2", "?limit=-1", "?limit=99999999999"] {
        let reply = get(&server, &format!("/v1/page{query}")).await;
        check(
            &reply,
            400,
            "bad_request",
            "a query parameter is missing or not valid",
        );
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems_too() {
    let server = TestServer::unix(Setup::default());
    check(
        &get(&server, "/v1/nope").await,
        404,
        "route_not_found",
        "there is no such route",
    );
    let reply = get(&server, "/v1/echo").await;
    check(
        &reply,
        405,
        "method_not_allowed",
        "this route does not take that method",
    );
    assert_eq!(reply.header("allow"), Some("POST"));
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing_and_the_connection_lives_on() {
    let server = TestServer::unix(Setup::default());
    let mut client = server.connect().await;
    for path in ["/v1/panic", "/v1/broken", "/v1/panic"] {
        client
            .send(format!(
                "GET {path} HTTP/1.1\r\nX-Request-Id: mine-7\r\n\r\n"
            ))
            .await;
        let reply = client.reply().await;
        check(&reply, 500, "internal", "internal server error");
        assert!(!reply.body.contains("secret"), "{reply:?}");
        assert_eq!(reply.header("x-request-id"), Some("mine-7"));
        let problem: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(problem["instance"], "urn:runwright:request:mine-7");
    }
    client.send("GET /v1/health HTTP/1.1\r\n\r\n").await;
    assert_eq!(client.reply().await.status, 200);
}
