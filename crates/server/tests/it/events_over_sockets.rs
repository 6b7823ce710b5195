//! Streams over real sockets, through the accept loop: what is on the wire, and that a peer which is gone or does not read
//! is detached.

use std::time::Duration;

use runwright_proto::RunState;
use runwright_server::{
    accept::{ServeOptions, Served, serve},
    config::ListenAddress,
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::{Api, Work, parse},
    common::{PATIENCE, listener},
};

/// The routes of a test behind a Unix socket.
struct Door {
    address: ListenAddress,
    stop: CancellationToken,
    task: JoinHandle<Served>,
    _dir: TempDir,
}

impl Door {
    fn open(api: &Api) -> Self {
        let dir = TempDir::new().unwrap();
        let address = ListenAddress::Unix(dir.path().join("x.sock"));
        let listener = listener(address.clone()).unwrap();
        let options = ServeOptions {
            connections: 64,
            header_bytes: 64 << 10,
            header_timeout: PATIENCE,
            drain: PATIENCE,
        };
        let stop = CancellationToken::new();
        let (stopped, service) = (stop.clone(), api.router());
        let task = TaskTracker::new()
            .spawn(async move { serve(vec![listener], service, &options, stopped).await });
        Self {
            address,
            stop,
            task,
            _dir: dir,
        }
    }

    async fn connect(&self) -> UnixStream {
        let ListenAddress::Unix(path) = &self.address else {
            unreachable!()
        };
        UnixStream::connect(path).await.unwrap()
    }

    /// Sends a `GET` and returns the head of the answer and the connection behind it.
    async fn get(&self, path: &str) -> (String, UnixStream) {
        let mut connection = self.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: api.localhost\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        (String::from_utf8(head).unwrap(), connection)
    }
}

async fn is_attached(api: &Api, work: &Work<'_>) -> bool {
    let set = work.path(&format!("/current-session?client_id={}", work.client));
    api.post(&set, json!({"session_id": "s"}))
        .await
        .status
        .is_success()
}

#[tokio::test]
async fn the_stream_is_delimited_by_the_close_of_the_connection() {
    let api = Api::new();
    let door = Door::open(&api);
    let work = api.open("demo").await;
    let press = work.press().await;
    let (head, mut connection) = door.get(&work.events()).await;
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    let head = head.to_lowercase();
    assert!(
        head.contains("connection: close\r\n")
            && head.contains("content-type: text/event-stream\r\n"),
        "{head}"
    );
    assert!(
        !head.contains("transfer-encoding") && !head.contains("content-length"),
        "{head}"
    );

    press.created("m");
    api.state.begin_shutdown();
    assert!(api.backend.shutdown(PATIENCE).await.drained);
    let mut body = Vec::new();
    timeout(PATIENCE, connection.read_to_end(&mut body))
        .await
        .unwrap()
        .unwrap();
    let events = String::from_utf8(body).unwrap();
    let kinds: Vec<String> = events
        .split_inclusive("\n\n")
        .flat_map(|frame| parse(frame.as_bytes()))
        .map(|got| got.kind().to_owned())
        .collect();
    assert_eq!(kinds, ["message", "end"]);
    door.stop.cancel();
    assert_eq!(door.task.await.unwrap(), Served::Drained);
}

#[tokio::test]
async fn a_client_that_hangs_up_is_detached() {
    let api = Api::new();
    let door = Door::open(&api);
    let work = api.open("demo").await;
    let (_, connection) = door.get(&work.events()).await;
    assert!(is_attached(&api, &work).await);
    drop(connection);
    let gone = async {
        while is_attached(&api, &work).await {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("its end is noticed");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_detached_after_30_seconds() {
    let api = Api::new();
    let door = Door::open(&api);
    let work = api.open("demo").await;
    let press = work.press().await;
    let (_, connection) = door.get(&work.events()).await;
    let text = "x".repeat(64 << 10);
    // More than any buffer in between takes.
    for n in 0..64 {
        press.finished(&format!("m{n}"), &text);
    }
    let stalled = Instant::now();
    while is_attached(&api, &work).await {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let patience = stalled.elapsed();
    assert!(
        (Duration::from_secs(29)..Duration::from_secs(33)).contains(&patience),
        "{patience:?}"
    );
    drop(connection);
}

#[tokio::test]
async fn a_client_that_hangs_up_after_its_request_leaves_a_whole_run_and_one_that_breaks_off_leaves_none()
 {
    let api = Api::new();
    let door = Door::open(&api);
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    let body = json!({"session_id": session, "run_id": "r1", "prompt": "hello"}).to_string();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: api.localhost\r\nContent-Length: {}\r\n\r\n{body}",
        work.path("/agent"),
        body.len(),
    );
    let mut half = door.connect().await;
    half.write_all(&request.as_bytes()[..request.len() - 1])
        .await
        .unwrap();
    drop(half);

    let mut whole = door.connect().await;
    whole.write_all(request.as_bytes()).await.unwrap();
    // It leaves without reading its answer, whether that is written already or not.
    let turn = api.backend.runner().entered().await;
    drop(whole);
    turn.release();
    assert_eq!(stream.ends_of(["r1"]).await, [RunState::Completed]);
    let runs = api.get(&work.path("/runs")).await.ok();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
}
