//! The guard over raw sockets: what each kind of request is told, and that nothing gets around it.

use runwright_server::{
    guard::{Access, GuardPolicy},
    token::BearerToken,
};

use crate::common::{Reply, Setup, TestServer};

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn guarded() -> TestServer {
    let token: BearerToken = TOKEN.parse().unwrap();
    let policy = GuardPolicy::new(Access::Token(token))
        .with_hosts(vec!["agents.example".parse().unwrap()])
        .with_origins(vec!["https://console.example".parse().unwrap()]);
    TestServer::tcp(Setup {
        policy,
        ..Setup::default()
    })
}

fn bearer() -> String {
    format!("Authorization: Bearer {TOKEN}\r\n")
}

/// Fills in `{host}` and `{auth}`, and adds what every request here has.
async fn ask(server: &TestServer, request: &str) -> Reply {
    let request = request
        .replace("{host}", &format!("Host: {}\r\n", server.host()))
        .replace("{auth}", &bearer());
    server
        .ask(format!("{request}Connection: close\r\n\r\n"))
        .await
}

#[track_caller]
fn check(reply: &Reply, expect: &str) {
    let told = if reply.status < 300 {
        reply.status.to_string()
    } else {
        format!("{} {}", reply.status, reply.code())
    };
    assert_eq!(told, expect, "{reply:?}");
    assert!(
        !reply.head.to_lowercase().contains("access-control"),
        "no CORS header, ever: {}",
        reply.head
    );
    assert!(
        reply.header("x-request-id").is_some(),
        "a refusal has a request id too: {}",
        reply.head
    );
}

#[tokio::test]
async fn each_request_on_tcp_is_judged_by_the_table() {
    let server = guarded();
    let port = server.host().rsplit_once(':').unwrap().1.to_owned();
    let table = [
        // Who we are called.
        ("GET /v1/health HTTP/1.1\r\n{host}{auth}", "200"),
        (
            &format!("GET /v1/health HTTP/1.1\r\nHost: localhost:{port}\r\n{{auth}}"),
            "200",
        ),
        (
            "GET /v1/health HTTP/1.1\r\nHost: agents.example\r\n{auth}",
            "200",
        ),
        (
            "GET /v1/health HTTP/1.1\r\nHost: evil.example\r\n{auth}",
            "421 host_not_allowed",
        ),
        (
            &format!("GET /v1/health HTTP/1.1\r\nHost: evil.example:{port}\r\n{{auth}}"),
            "421 host_not_allowed",
        ),
        (
            "GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n{auth}",
            "421 host_not_allowed",
        ),
        (
            "GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:1\r\n{auth}",
            "421 host_not_allowed",
        ),
        (
            "GET /v1/health HTTP/1.1\r\nHost: user@127.0.0.1\r\n{auth}",
            "400 bad_request",
        ),
        ("GET /v1/health HTTP/1.1\r\n{auth}", "400 bad_request"),
        ("GET /v1/health HTTP/1.0\r\n{auth}", "400 bad_request"),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{host}{auth}",
            "400 bad_request",
        ),
        (
            "GET http://evil.example/v1/health HTTP/1.1\r\n{host}{auth}",
            "400 bad_request",
        ),
        // Which page asks.
        (
            &format!(
                "GET /v1/health HTTP/1.1\r\n{{host}}{{auth}}Origin: http://127.0.0.1:{port}\r\n"
            ),
            "200",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{auth}Origin: https://console.example\r\n",
            "200",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{auth}Origin: https://evil.example\r\n",
            "403 origin_not_allowed",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{auth}Origin: http://localhost:3000\r\n",
            "403 origin_not_allowed",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{auth}Origin: null\r\n",
            "403 origin_not_allowed",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{auth}Sec-Fetch-Site: same-origin\r\n",
            "200",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{auth}Sec-Fetch-Site: none\r\n",
            "200",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{auth}Sec-Fetch-Site: cross-site\r\n",
            "403 origin_not_allowed",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{auth}Sec-Fetch-Site: same-site\r\n",
            "403 origin_not_allowed",
        ),
        // With which token.
        ("GET /v1/health HTTP/1.1\r\n{host}", "401 unauthorized"),
        (
            "GET /v1/health HTTP/1.1\r\n{host}Authorization: Bearer 00\r\n",
            "401 unauthorized",
        ),
        (
            &format!("GET /v1/health HTTP/1.1\r\n{{host}}Authorization: Bearer {TOKEN}00\r\n"),
            "401 unauthorized",
        ),
        (
            &format!(
                "GET /v1/health HTTP/1.1\r\n{{host}}Authorization: Bearer {}\r\n",
                "11".repeat(32)
            ),
            "401 unauthorized",
        ),
        (
            &format!("GET /v1/health HTTP/1.1\r\n{{host}}Authorization: Basic {TOKEN}\r\n"),
            "401 unauthorized",
        ),
        (
            "GET /v1/health HTTP/1.1\r\n{host}{auth}{auth}",
            "401 unauthorized",
        ),
        (
            &format!("GET /v1/health?token={TOKEN} HTTP/1.1\r\n{{host}}"),
            "401 unauthorized",
        ),
        (
            &format!(
                "GET /v1/health HTTP/1.1\r\n{{host}}authorization: bEARER {}\r\n",
                TOKEN.to_uppercase()
            ),
            "200",
        ),
        // Nothing is routed unjudged.
        ("GET /nope HTTP/1.1\r\n{host}", "401 unauthorized"),
        ("GET /nope HTTP/1.1\r\n{host}{auth}", "404 route_not_found"),
        (
            "OPTIONS /v1/health HTTP/1.1\r\n{host}Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n",
            "403 origin_not_allowed",
        ),
        ("OPTIONS /v1/health HTTP/1.1\r\n{host}", "401 unauthorized"),
        (
            "OPTIONS /v1/health HTTP/1.1\r\n{host}{auth}",
            "405 method_not_allowed",
        ),
        ("GET /livez HTTP/1.1\r\n{host}", "200"),
        ("GET /readyz HTTP/1.1\r\n{host}", "200"),
        ("GET /livez/ HTTP/1.1\r\n{host}", "401 unauthorized"),
        (
            "GET /livez HTTP/1.1\r\nHost: evil.example\r\n",
            "421 host_not_allowed",
        ),
        // With a body of which type.
        ("POST /v1/void HTTP/1.1\r\n{host}{auth}", "200"),
        (
            "POST /v1/void HTTP/1.1\r\n{host}{auth}Content-Length: 0\r\n",
            "200",
        ),
        ("DELETE /v1/thing HTTP/1.1\r\n{host}{auth}", "200"),
        (
            "POST /v1/void HTTP/1.1\r\n{host}{auth}Content-Length: 2\r\n",
            "415 unsupported_media_type",
        ),
        (
            "POST /v1/void HTTP/1.1\r\n{host}{auth}Content-Length: 2\r\nContent-Type: text/plain\r\n",
            "415 unsupported_media_type",
        ),
        (
            "POST /v1/void HTTP/1.1\r\n{host}{auth}Transfer-Encoding: chunked\r\nContent-Type: multipart/form-data\r\n",
            "415 unsupported_media_type",
        ),
        (
            "POST /nope HTTP/1.1\r\n{host}{auth}Content-Length: 2\r\nContent-Type: text/plain\r\n",
            "415 unsupported_media_type",
        ),
    ];
    for (request, expect) in table {
        let reply = ask(&server, request).await;
        assert!(!reply.body.contains(TOKEN), "{reply:?}");
        check(&reply, expect);
        let challenge = reply
            .header("www-authenticate")
            .is_some_and(|value| value.starts_with("Bearer"));
        assert_eq!(challenge, reply.status == 401, "{reply:?}");
    }
}

#[tokio::test]
async fn json_of_any_spelling_is_taken_over_tcp() {
    let server = guarded();
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        let reply = server
            .ask(format!(
                "POST /v1/echo HTTP/1.1\r\nHost: {}\r\n{}Content-Type: {kind}\r\nContent-Length: 2\r\n\r\n{{}}",
                server.host(),
                bearer(),
            ))
            .await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "{}\n"));
    }
}

#[tokio::test]
async fn a_unix_socket_needs_neither_host_nor_token_nor_type() {
    let token: BearerToken = TOKEN.parse().unwrap();
    let server = TestServer::unix(Setup {
        policy: GuardPolicy::new(Access::Token(token)),
        ..Setup::default()
    });
    let table = [
        (
            "GET /v1/health HTTP/1.1\r\nHost: api.crush.localhost\r\n\r\n",
            "200",
        ),
        ("GET /v1/health HTTP/1.1\r\n\r\n", "200"),
        (
            "POST /v1/echo HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
            "200",
        ),
        ("POST /v1/void HTTP/1.1\r\n\r\n", "200"),
        (
            "GET http://evil.example/v1/health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            "400 bad_request",
        ),
        ("GET /nope HTTP/1.1\r\n\r\n", "404 route_not_found"),
    ];
    for (request, expect) in table {
        check(&server.ask(request).await, expect);
    }
}

#[tokio::test]
async fn a_request_carries_who_made_it() {
    let uid = rustix::process::geteuid().as_raw();
    let unix = TestServer::unix(Setup::default());
    assert_eq!(
        unix.ask("GET /v1/who HTTP/1.1\r\n\r\n").await.body,
        format!("unix {uid} Uid({uid})")
    );
    let tcp = guarded();
    let reply = ask(&tcp, "GET /v1/who HTTP/1.1\r\n{host}{auth}").await;
    assert_eq!(reply.body, format!("tcp {} Token", tcp.host()));
    let open = TestServer::tcp(Setup::default());
    let reply = ask(&open, "GET /v1/who HTTP/1.1\r\n{host}").await;
    assert_eq!(reply.body, format!("tcp {} Anonymous", open.host()));
}
