//! Requests that are malformed, ambiguous, too large or too slow (reliability 4.1 and 4.2).

use std::{sync::atomic::Ordering, time::Duration};

use runwright_server::{accept::ServeOptions, limits::BodyLimits};

use crate::common::{Setup, TestServer};

fn server() -> TestServer {
    TestServer::unix(Setup::default())
}

const JSON: &str = "\"x\"";

/// Sends bytes, reads all answers to the end of the connection, and returns the status of each.
async fn statuses(server: &TestServer, request: impl AsRef<[u8]>) -> Vec<String> {
    let mut client = server.connect().await;
    client.send(request).await;
    let answers = String::from_utf8(client.rest().await).unwrap();
    let status = |line: &str| {
        line.strip_prefix("HTTP/1.1 ")
            .map(|rest| rest[..3].to_owned())
    };
    answers.lines().filter_map(status).collect()
}

/// A POST with these header lines and this body, then another request behind it on the same connection.
fn followed(headers: &str, body: &str) -> String {
    format!(
        "POST /v1/echo HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}{}",
        smuggled()
    )
}

fn smuggled() -> String {
    format!(
        "POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{JSON}"
    )
}

#[tokio::test]
async fn a_body_with_two_ends_never_lets_a_second_request_through() {
    // hyper takes the chunks, as RFC 9112 (6.3) allows, and closes; the second request must not be served.
    let chunked = "3\r\n\"x\"\r\n0\r\n\r\n";
    for headers in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    ] {
        let server = server();
        assert_eq!(
            statuses(&server, followed(headers, chunked)).await,
            ["200"],
            "{headers}"
        );
        assert_eq!(server.probe.echoes.load(Ordering::SeqCst), 1, "{headers}");
    }
    // Read by its length this body ends before the request inside it; read by its chunks it is empty.
    let server = server();
    let hidden = format!("0\r\n\r\n{}", smuggled());
    let headers = format!(
        "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n",
        hidden.len()
    );
    assert_eq!(
        statuses(&server, followed(&headers, &hidden)).await,
        ["400"]
    );
    assert_eq!(server.probe.echoes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn ambiguous_and_malformed_requests_are_refused_and_the_connection_is_closed() {
    let table: [(&str, &str, &[&str]); 14] = [
        ("Content-Length: 3\r\n", JSON, &["200", "200"]),
        (
            "Content-Length: 3\r\nContent-Length: 3\r\n",
            JSON,
            &["200", "200"],
        ),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", JSON, &["400"]),
        ("Content-Length: 3, 3\r\n", JSON, &["400"]),
        ("Content-Length: +3\r\n", JSON, &["400"]),
        ("Content-Length: -3\r\n", JSON, &["400"]),
        ("Content-Length: 99999999999999999999\r\n", JSON, &["400"]),
        ("Transfer-Encoding: chunked, identity\r\n", JSON, &["400"]),
        ("Transfer-Encoding: xchunked\r\n", JSON, &["400"]),
        ("Content-Length : 3\r\n", JSON, &["400"]),
        ("Content-Length: 3\r\nX-Folded: a\r\n b\r\n", JSON, &["400"]),
        ("Content-Length: 3\r\nX-Nul: a\0b\r\n", JSON, &["400"]),
        (
            "Transfer-Encoding: chunked\r\n",
            "FFFFFFFFFFFFFFFFF\r\n\"x\"\r\n0\r\n\r\n",
            &["400"],
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            "-3\r\n\"x\"\r\n0\r\n\r\n",
            &["400"],
        ),
    ];
    for (headers, body, expect) in table {
        assert_eq!(
            statuses(&server(), followed(headers, body)).await,
            expect,
            "{headers:?} {body:?}"
        );
    }
}

#[tokio::test]
async fn other_protocols_are_refused() {
    for bytes in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.2\r\n\r\n",
        "GET /\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        "G\u{e9}T / HTTP/1.1\r\n\r\n",
    ] {
        let statuses = statuses(&server(), bytes).await;
        assert!(
            statuses.is_empty() || statuses == ["400"],
            "{bytes:?}: {statuses:?}"
        );
    }
}

#[tokio::test]
async fn headers_beyond_their_limits_are_refused() {
    let many = |count: usize| "X-A: 1\r\n".repeat(count);
    let big = |len: usize| format!("X-A: {}\r\n", "a".repeat(len));
    let table = [
        (many(63), "200"),
        (many(64), "431"),
        (many(10_000), "431"),
        (big(60 << 10), "200"),
        (big(64 << 10), "431"),
        (big(600 << 10), "431"),
    ];
    for (headers, expect) in table {
        let server = server();
        let mut client = server.connect().await;
        // The server may hang up before it has everything.
        let sent = client
            .try_send(format!(
                "GET /v1/health HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"
            ))
            .await;
        assert!(sent.is_ok() || expect == "431", "{expect}");
        assert_eq!(
            client.reply().await.status.to_string(),
            expect,
            "{} bytes",
            headers.len()
        );
    }
    let one_too_many = format!("GET /v1/health HTTP/1.1\r\n{}\r\n", many(65));
    assert_eq!(
        server().ask(one_too_many).await.code(),
        "header_too_large",
        "and it is said"
    );
    assert_eq!(
        statuses(
            &server(),
            format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70 << 10))
        )
        .await,
        ["431"]
    );
}

#[tokio::test]
async fn whoever_is_slow_with_the_headers_is_disconnected() {
    let options = ServeOptions {
        header_timeout: Duration::from_millis(200),
        ..Setup::default().options
    };
    let server = TestServer::unix(Setup {
        options,
        ..Setup::default()
    });
    for begun in ["", "G", "GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Slow"] {
        let mut client = server.connect().await;
        client.send(begun).await;
        client.rest().await;
    }
    let mut idle = server.connect().await;
    idle.send("GET /v1/health HTTP/1.1\r\n\r\n").await;
    assert_eq!(idle.reply().await.status, 200);
    idle.rest().await;
}

#[tokio::test]
async fn whoever_is_slow_with_the_body_is_told_and_disconnected() {
    let bodies = BodyLimits {
        timeout: Duration::from_millis(200),
        ..Setup::default().bodies
    };
    let server = TestServer::unix(Setup {
        bodies,
        ..Setup::default()
    });
    let mut client = server.connect().await;
    client
        .send("POST /v1/echo HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        .await;
    let reply = client.reply().await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (408, "request_timeout")
    );
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let server = server();
    let too_large = (1 << 20) + 1;
    for path in ["/v1/echo", "/v1/bytes", "/v1/void", "/nope"] {
        let mut client = server.connect().await;
        client.send(format!("POST {path} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {too_large}\r\n\r\n")).await;
        let reply = client.reply().await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (413, "body_too_large"),
            "{path}"
        );
        assert_eq!(reply.header("connection"), Some("close"));
        assert_eq!(client.rest().await, b"");
    }
}

#[tokio::test]
async fn a_chunked_body_is_cut_at_the_limit() {
    let server = server();
    for path in ["/v1/echo", "/v1/bytes"] {
        let mut client = server.connect().await;
        client
            .send(format!(
                "POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            ))
            .await;
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
        let mut sent = 0;
        while sent < 64 && client.try_send(&chunk).await.is_ok() {
            sent += 1;
        }
        let reply = client.reply().await;
        assert_eq!(reply.status, 413, "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn a_prompt_may_be_larger_than_other_bodies() {
    let server = server();
    let post = |path: &str, len: usize| {
        let body = format!("{{\"prompt\":\"{}\"}}", "x".repeat(len));
        format!(
            "POST {path} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let prompt = server.ask(post("/v1/workspaces/w/agent", 3 << 20)).await;
    assert_eq!((prompt.status, prompt.body), (200, (3 << 20).to_string()));
    let mut client = server.connect().await;
    let _closed_early = client
        .try_send(post("/v1/workspaces/w/agent", 5 << 20))
        .await;
    assert_eq!(client.reply().await.code(), "body_too_large");
}

#[tokio::test]
async fn a_body_that_breaks_off_does_not_reach_the_handler() {
    let server = server();
    let mut client = server.connect().await;
    client
        .send("POST /v1/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\"x\"\r\nzz\r\n")
        .await;
    assert_eq!(client.reply().await.code(), "bad_request");
    assert_eq!(server.probe.echoes.load(Ordering::SeqCst), 0);
}
