//! The event stream of a workspace: its head, its frames, its order at the opening, its heartbeat and its end.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, Version};
use runwright_backend::testing::TestBackend;
use runwright_proto::{ClientId, End, EndReason, Event};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::api::{Api, parse, unknown_workspace};

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_ended_does_not_hold_up_a_server_that_stops() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = work.stream().await;
    press.snapshot("m", "a");
    stream.next().await.unwrap();
    let quiet = timeout(Duration::from_secs(1), stream.next()).await;
    assert!(quiet.is_err(), "it waits for a heartbeat");
    drop(stream);
    let began = Instant::now();
    api.state.finished().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_of_http_1_0_so_that_its_end_is_the_end_of_the_connection() {
    let api = Api::new();
    let work = api.open("demo").await;
    let mut stream = work.stream().await;
    assert_eq!(
        (stream.status.as_u16(), stream.version),
        (200, Version::HTTP_10)
    );
    let header = |name: &str| {
        stream
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap())
    };
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!(header("cache-control"), Some("no-cache, no-transform"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert_eq!(header("connection"), Some("close"));
    assert_eq!(
        (header("content-length"), header("transfer-encoding")),
        (None, None)
    );
    assert_eq!(
        stream.ready_frame().await,
        None,
        "nothing is written before something happens"
    );
}

#[tokio::test(start_paused = true)]
async fn http_2_keeps_its_own_end_of_a_stream() {
    let api = Api::new();
    let work = api.open("demo").await;
    let request = Request::get(work.events())
        .version(Version::HTTP_2)
        .body(Body::empty());
    let stream = api.stream_of(request.unwrap()).await;
    assert_ne!(stream.version, Version::HTTP_10);
    assert_eq!(stream.headers.get("connection"), None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_refused_before_it_starts() {
    let api = Api::new();
    let work = api.open("demo").await;
    let events = |query: &str| work.path(&format!("/events{query}"));
    let ours = |query: &str| format!("{}{query}", work.events());
    api.get(&events(""))
        .await
        .refused(400, "client_id_required");
    api.get(&events("?client_id="))
        .await
        .refused(400, "client_id_required");
    api.get(&events("?client_id=me"))
        .await
        .refused(400, "client_id_invalid");
    for cursor in [
        "1",
        "now-",
        "K3v9-1",
        "k3v9",
        "k3v9--1",
        "k3v9-+1",
        "k3v9-99999999999999999999",
        "",
    ] {
        api.get(&ours(&format!("&after={cursor}")))
            .await
            .refused(400, "invalid_cursor");
    }
    for deltas in ["2", "true", ""] {
        api.get(&ours(&format!("&deltas={deltas}")))
            .await
            .refused(400, "bad_request");
    }
    let unknown = format!(
        "/v1/workspaces/{}/events?client_id={}",
        unknown_workspace(),
        work.client
    );
    let problem = api.get(&unknown).await.refused(404, "workspace_not_found");
    assert_eq!(problem["message"], "workspace not found");
    let epoch = api
        .backend
        .workspace(work.id)
        .await
        .unwrap()
        .log()
        .epoch()
        .clone();
    api.get(&ours(&format!("&after={epoch}-7")))
        .await
        .refused(400, "invalid_cursor");
    api.backend.retire(work.client);
    api.get(&work.events()).await.refused(409, "client_retired");
}

#[tokio::test(start_paused = true)]
async fn what_is_published_after_the_200_reaches_the_stream_and_the_client_is_attached_by_then() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    press.created("before");
    let mut stream = work.stream().await;
    // The body has not been asked for anything yet.
    let set = work.path(&format!("/current-session?client_id={}", work.client));
    api.post(&set, json!({"session_id": "s"})).await.void();
    press.created("after");
    assert_eq!(stream.next().await.unwrap().message().id.as_str(), "after");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_created_the_workspace_may_attach() {
    let api = Api::new();
    let work = api.open("demo").await;
    let path = work.path(&format!("/events?client_id={}", ClientId::random()));
    let stream = api.stream(&path).await;
    assert_eq!(stream.status.as_u16(), 200);
    assert_eq!(api.backend.clients(work.id), 2);
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_one_line_of_json_and_has_an_id_only_for_a_reader_that_knows_cursors() {
    let api = Api::new();
    let work = api.open("demo").await;
    let mut plain = work.stream().await;
    let mut numbered = api.stream(&format!("{}&after=now", work.events())).await;
    let workspace = api.backend.workspace(work.id).await.unwrap();
    workspace.announce_config_changed();
    let (epoch, id) = (workspace.log().epoch(), work.id);
    let payload = format!(r#""payload":{{"type":"updated","payload":{{"workspace_id":"{id}"}}}}"#);
    let data = format!(
        "data: {{\"type\":\"config_changed\",\"seq\":1,\"epoch\":\"{epoch}\",{payload}}}\n\n"
    );
    assert_eq!(plain.frame().await.unwrap(), data);
    assert_eq!(
        numbered.frame().await.unwrap(),
        format!("id: {epoch}-1\n{data}")
    );
}

#[tokio::test(start_paused = true)]
async fn everything_that_waits_is_one_write_and_readers_share_its_bytes() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let (mut one, mut other) = (work.stream().await, work.stream().await);
    let mut numbered = api.stream(&format!("{}&after=0", work.events())).await;
    for n in 0..32 {
        press.created(&format!("m{n}"));
    }
    let frame = one.ready_frame().await.unwrap();
    assert_eq!(parse(&frame).len(), 32);
    let same = other.ready_frame().await.unwrap();
    assert_eq!(frame.as_ptr(), same.as_ptr(), "made once, for all readers");
    assert_eq!(parse(&numbered.ready_frame().await.unwrap()).len(), 32);
    for stream in [&mut one, &mut other, &mut numbered] {
        assert_eq!(stream.ready_frame().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn two_clients_are_told_the_same_story_and_one_that_leaves_does_not_disturb_the_other() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let stranger = work.path(&format!("/events?client_id={}", ClientId::random()));
    let (mut one, mut other) = (work.stream().await, api.stream(&stranger).await);
    work.prompt(&session, "r1", "hello").await.is(202);
    api.backend.runner().entered().await.release();
    let story = one.until_end_of("r1").await;
    assert_eq!(other.until_end_of("r1").await, story);

    drop(other);
    work.prompt(&session, "r2", "hello").await.is(202);
    api.backend.runner().entered().await.release();
    one.until_end_of("r2").await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_detaches_its_client() {
    let api = Api::new();
    let work = api.open("demo").await;
    let set = work.path(&format!("/current-session?client_id={}", work.client));
    let (one, other) = (work.stream().await, work.stream().await);
    drop(one);
    api.post(&set, json!({"session_id": "s"})).await.void();
    drop(other);
    api.post(&set, json!({"session_id": "s"}))
        .await
        .refused(409, "client_not_attached");
}

#[tokio::test(start_paused = true)]
async fn asking_for_the_head_attaches_nobody() {
    let api = Api::new();
    let work = api.open("demo").await;
    let request = Request::builder()
        .method(Method::HEAD)
        .uri(work.events())
        .body(Body::empty());
    let head = api.send(request.unwrap()).await;
    head.is(200);
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    let set = work.path(&format!("/current-session?client_id={}", work.client));
    api.post(&set, json!({"session_id": "s"}))
        .await
        .refused(409, "client_not_attached");
}

#[tokio::test(start_paused = true)]
async fn a_client_has_so_many_streams_at_once_and_no_more() {
    let api = Api::with(TestBackend::roomy_figures(), |info| {
        info.limits.streams_per_client = 2
    });
    let work = api.open("demo").await;
    let first = work.stream().await;
    let second = work.stream().await;
    let refused = api.get(&work.events()).await;
    refused.refused(429, "too_many_streams");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let stranger = work.path(&format!("/events?client_id={}", ClientId::random()));
    let elsewhere = api.stream(&stranger).await;
    drop(first);
    assert_eq!(work.stream().await.status.as_u16(), 200);
    drop((second, elsewhere));
}

#[tokio::test(start_paused = true)]
async fn a_refused_stream_takes_no_place_from_another() {
    let api = Api::with(TestBackend::roomy_figures(), |info| {
        info.limits.streams_per_client = 1
    });
    let work = api.open("demo").await;
    for _ in 0..3 {
        let unknown = format!(
            "/v1/workspaces/{}/events?client_id={}",
            unknown_workspace(),
            work.client
        );
        api.get(&unknown).await.refused(404, "workspace_not_found");
    }
    assert_eq!(work.stream().await.status.as_u16(), 200);
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_beats_every_15_seconds() {
    let api = Api::new();
    let work = api.open("demo").await;
    let mut stream = work.stream().await;
    let mut last = Instant::now();
    for _ in 0..4 {
        assert_eq!(stream.frame().await.unwrap(), "\n");
        let passed = last.elapsed();
        assert!(
            (Duration::from_secs(14)..=Duration::from_secs(15)).contains(&passed),
            "{passed:?}"
        );
        last = Instant::now();
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_stream_beats_too() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = work.stream().await;
    let mut beats = 0;
    for second in 0..60 {
        tokio::time::advance(Duration::from_secs(1)).await;
        press.created(&format!("m{second}"));
        while let Some(frame) = stream.ready_frame().await {
            beats += usize::from(frame == "\n");
        }
    }
    assert!((3..=4).contains(&beats), "{beats}");
}

#[tokio::test(start_paused = true)]
async fn the_last_word_of_a_stream_says_why_it_ends() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    let ending = async {
        api.state.begin_shutdown();
        api.backend.shutdown(Duration::from_secs(30)).await
    };
    let reading = async {
        turn.release();
        stream.rest().await
    };
    let (report, story) = tokio::join!(ending, reading);
    assert!(report.drained);
    let kinds: Vec<&str> = story.iter().map(|got| got.kind()).collect();
    assert_eq!(
        kinds[kinds.len() - 3..],
        ["run_complete", "agent_event", "end"]
    );
    let end = End {
        reason: EndReason::ServerShutdown,
    };
    assert_eq!(story[story.len() - 1].envelope.event, Event::End(end));
    assert_eq!(stream.frame().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_workspace_closes() {
    let api = Api::new();
    let work = api.open("demo").await;
    // Following a run keeps nothing alive, so the workspace closes under it.
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    let mut stream = api.stream(&work.path("/runs/r1/events")).await;
    turn.ignore_cancel().await;
    let workspace = api.backend.workspace(work.id).await.unwrap();
    let mode = runwright_backend::ShutdownMode::Cancel;
    workspace
        .shutdown(mode, Duration::from_secs(1), EndReason::WorkspaceClosed)
        .await;
    let story = stream.rest().await;
    assert_eq!(story[story.len() - 1].kind(), "run_complete");
}
