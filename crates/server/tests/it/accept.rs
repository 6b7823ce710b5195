//! The accept loop: how many connections, how an answer is framed, how everything ends.

use std::{path::Path, sync::atomic::Ordering, time::Duration};

use runwright_server::{
    accept::{ServeOptions, Served},
    config::ListenAddress,
};
use tokio::time::timeout;

use crate::common::{Client, PATIENCE, Setup, TestServer};

const HEALTH: &str = "GET /v1/health HTTP/1.1\r\n\r\n";

fn options() -> ServeOptions {
    Setup::default().options
}

fn with(options: ServeOptions) -> Setup {
    Setup {
        options,
        ..Setup::default()
    }
}

async fn ended(server: TestServer) -> Served {
    timeout(PATIENCE, server.task)
        .await
        .expect("serving ends")
        .expect("no panic")
}

fn socket(server: &TestServer) -> &Path {
    match &server.address {
        ListenAddress::Unix(path) => path,
        ListenAddress::Tcp(_) => panic!("not a Unix socket"),
    }
}

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_the_others_are_served() {
    for server in [
        TestServer::unix(with(ServeOptions {
            connections: 2,
            ..options()
        })),
        TestServer::tcp(with(ServeOptions {
            connections: 2,
            ..options()
        })),
    ] {
        let health = format!("GET /v1/health HTTP/1.1\r\nHost: {}\r\n\r\n", server.host());
        let mut held = [server.connect().await, server.connect().await];
        for client in &mut held {
            client.send(&health).await;
            assert_eq!(client.reply().await.status, 200);
        }
        let mut third = server.connect().await;
        let reply = third.reply().await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (503, "too_many_connections")
        );
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert_eq!(third.rest().await, b"");
        for client in &mut held {
            client.send(&health).await;
            assert_eq!(client.reply().await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_place_is_free_again_when_its_connection_ended() {
    let server = TestServer::unix(with(ServeOptions {
        connections: 1,
        ..options()
    }));
    for _ in 0..50 {
        let mut client = server.connect().await;
        client
            .send("GET /v1/health HTTP/1.1\r\nConnection: close\r\n\r\n")
            .await;
        // The end of the connection comes a moment before its place is given back; asking again is what a client does.
        let reply = client.reply().await;
        assert!([200, 503].contains(&reply.status), "{reply:?}");
        client.rest().await;
        if reply.status == 503 {
            tokio::task::yield_now().await;
        }
    }
    let mut reply = server.ask(HEALTH).await;
    while reply.status == 503 {
        tokio::task::yield_now().await;
        reply = server.ask(HEALTH).await;
    }
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_stream_on_http_1_0_is_ended_by_the_close_and_not_by_chunks() {
    let server = TestServer::unix(Setup::default());
    let mut client = server.connect().await;
    client
        .send("GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let head = client.until(b"\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    assert!(!head.to_lowercase().contains("content-length"), "{head}");
    // The first frame is there before the second is made.
    assert_eq!(client.until(b"\n\n").await, "data: 1\n\n");
    server.probe.release.add_permits(1);
    assert_eq!(client.rest().await, b"data: 2\n\n");
}

#[tokio::test]
async fn a_stream_notices_that_its_client_left() {
    let server = TestServer::unix(Setup::default());
    let mut client = server.connect().await;
    client.send("GET /v1/stream HTTP/1.1\r\n\r\n").await;
    client.until(b"data: 1\n\n").await;
    drop(client);
    let dropped = timeout(PATIENCE, server.probe.dropped.acquire()).await;
    dropped.expect("the stream is dropped").unwrap().forget();
}

#[tokio::test]
async fn a_reader_that_stalls_is_sent_no_more_than_the_buffers_hold() {
    // One thread: if the endless body were read without bound, nobody else would ever be answered.
    let server = TestServer::unix(Setup::default());
    let mut stalled = server.connect().await;
    stalled.send("GET /v1/flood HTTP/1.1\r\n\r\n").await;
    stalled.until(b"\r\n\r\n").await;
    let mut frames = 0;
    for _ in 0..100 {
        assert_eq!(server.ask(HEALTH).await.status, 200);
        frames = server.probe.frames.load(Ordering::SeqCst);
    }
    assert!(
        (1..1024).contains(&frames),
        "{frames} KiB were taken for a reader that reads nothing"
    );
    assert_eq!(server.ask(HEALTH).await.status, 200);
    assert_eq!(
        server.probe.frames.load(Ordering::SeqCst),
        frames,
        "and it does not grow"
    );
}

#[tokio::test]
async fn an_answer_is_not_held_back_by_the_beginning_of_the_next_request() {
    let server = TestServer::unix(Setup::default());
    let mut client = server.connect().await;
    client.send(format!("{HEALTH}GET /v1/hea")).await;
    assert_eq!(client.reply().await.status, 200);
    client.send("lth HTTP/1.1\r\n\r\n").await;
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test]
async fn stopping_finishes_what_is_being_answered_and_closes_the_rest() {
    let server = TestServer::unix(Setup::default());
    let path = socket(&server).to_owned();
    let mut idle = server.connect().await;
    idle.send(HEALTH).await;
    assert_eq!(idle.reply().await.status, 200);
    let mut busy = server.connect().await;
    busy.send("GET /v1/wait HTTP/1.1\r\n\r\n").await;
    server.probe.entered.acquire().await.unwrap().forget();

    server.stop.cancel();
    assert_eq!(idle.rest().await, b"", "an idle connection is closed");
    assert!(!path.exists(), "nobody new can connect");
    assert!(Client::connect(&server.address).await.is_err());
    server.probe.release.add_permits(1);
    let reply = busy.reply().await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "waited"));
    assert_eq!(busy.rest().await, b"");
    assert_eq!(ended(server).await, Served::Drained);
}

#[tokio::test]
async fn what_does_not_finish_is_cut_at_the_deadline() {
    let server = TestServer::unix(with(ServeOptions {
        drain: Duration::from_millis(50),
        ..options()
    }));
    let mut stuck = server.connect().await;
    stuck.send("GET /v1/wait HTTP/1.1\r\n\r\n").await;
    server.probe.entered.acquire().await.unwrap().forget();
    server.stop.cancel();
    assert_eq!(stuck.rest().await, b"");
    assert_eq!(ended(server).await, Served::Cut(1));
}

#[tokio::test]
async fn dropping_the_server_ends_everything_it_spawned() {
    let server = TestServer::unix(Setup::default());
    let mut stuck = server.connect().await;
    stuck.send("GET /v1/wait HTTP/1.1\r\n\r\n").await;
    server.probe.entered.acquire().await.unwrap().forget();
    server.task.abort();
    assert_eq!(stuck.rest().await, b"");
    assert!(
        !server.stop.is_cancelled(),
        "the caller's token is the caller's"
    );
}
