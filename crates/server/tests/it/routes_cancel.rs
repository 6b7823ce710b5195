//! Stop means stop, over HTTP (semantics 2.3): what a cancel covers, and when it is answered.

use std::time::Duration;

use runwright_backend::testing::Call;
use runwright_proto::RunState;
use serde_json::json;
use tokio::time::Instant;

use crate::api::Api;

#[tokio::test(start_paused = true)]
async fn there_is_nothing_to_cancel_in_an_idle_session_and_nothing_is_remembered() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    for path in [
        format!("/agent/sessions/{session}/cancel"),
        "/agent/sessions/unknown/cancel".to_owned(),
    ] {
        for query in ["", "?wait=true", "?wait=true&timeout=0"] {
            api.poke(&work.path(&format!("{path}{query}"))).await.void();
        }
    }
    work.prompt(&session, "r1", "hello").await.is(202);
    api.backend.runner().entered().await.release();
    assert_eq!(stream.ends_of(["r1"]).await, [RunState::Completed]);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_stops_the_active_run_and_the_queue_and_nothing_later() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    for run in ["r1", "r2", "r3"] {
        work.prompt(&session, run, "hello").await.is(202);
    }
    let turn = api.backend.runner().entered().await;
    api.poke(&work.path(&format!("/agent/sessions/{session}/cancel")))
        .await
        .void();
    work.prompt(&session, "r4", "later").await.is(202);
    drop(turn);
    let ends = stream.ends_of(["r1", "r2", "r3"]).await;
    assert_eq!(ends, [RunState::Cancelled; 3]);
    api.backend.runner().entered_by("r4").await.release();
    assert_eq!(stream.ends_of(["r4"]).await, [RunState::Completed]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_answered_after_the_terminal_event() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    turn.ignore_cancel().await;
    let cancelled = api
        .poke(&work.path(&format!("/agent/sessions/{session}/cancel?wait=true")))
        .await;
    cancelled.void();
    // The run did not stop by itself: it was aborted after 5 s.
    let run = api.get(&work.path("/runs/r1")).await.ok();
    assert_eq!(run["state"], "cancelled");
    drop(turn);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_short_is_told_so_and_the_run_ends_all_the_same() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    turn.ignore_cancel().await;
    let (begun, cancel) = (
        Instant::now(),
        work.path(&format!("/agent/sessions/{session}/cancel")),
    );
    api.poke(&format!("{cancel}?wait=true&timeout=2"))
        .await
        .refused(504, "cancel_timeout");
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    assert_eq!(
        api.get(&work.path("/runs/r1")).await.ok()["state"],
        "running"
    );
    // A second cancel finds nothing new to cancel, and waits for the first one's run.
    api.poke(&format!("{cancel}?wait=true")).await.void();
    assert_eq!(
        api.get(&work.path("/runs/r1")).await.ok()["state"],
        "cancelled"
    );
    drop(turn);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_makes_no_sense_is_refused() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    for query in [
        "wait=perhaps",
        "wait=true&timeout=soon",
        "wait=true&timeout=-1",
        "timeout=601",
    ] {
        let path = work.path(&format!("/agent/sessions/{session}/cancel?{query}"));
        api.poke(&path).await.refused(400, "bad_request");
    }
}

#[tokio::test(start_paused = true)]
async fn one_run_is_cancelled_alone() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    for run in ["r1", "r2", "r3"] {
        work.prompt(&session, run, "hello").await.is(202);
    }
    let turn = api.backend.runner().entered().await;
    api.poke(&work.path("/runs/r2/cancel?wait=true"))
        .await
        .void();
    assert_eq!(
        api.get(&work.path("/runs/r2")).await.ok()["state"],
        "cancelled"
    );
    // It is over already, and stays as it is.
    api.poke(&work.path("/runs/r2/cancel?wait=true"))
        .await
        .void();
    api.poke(&work.path("/runs/unknown/cancel"))
        .await
        .refused(404, "run_not_found");
    turn.release();
    api.backend.runner().entered_by("r3").await.release();
    assert_eq!(stream.ends_of(["r3"]).await, [RunState::Completed]);
    let list = work.path("/runs?state=cancelled");
    assert_eq!(
        api.get(&list).await.ok()["runs"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_counted_listed_and_cleared() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    let of = |rest: &str| work.path(&format!("/agent/sessions/{session}/prompts/{rest}"));
    assert_eq!(api.get(&of("queued")).await.body, "0\n");
    assert_eq!(api.get(&of("list")).await.body, "null\n");
    for run in ["r1", "r2", "r3"] {
        work.prompt(&session, run, &format!("prompt of {run}"))
            .await
            .is(202);
    }
    let turn = api.backend.runner().entered().await;
    assert_eq!(api.get(&of("queued")).await.ok(), json!(2));
    assert_eq!(
        api.get(&of("list")).await.ok(),
        json!(["prompt of r2", "prompt of r3"])
    );
    api.poke(&of("clear")).await.void();
    assert_eq!(stream.ends_of(["r2", "r3"]).await, [RunState::Cancelled; 2]);
    assert_eq!(api.get(&of("list")).await.body, "null\n");
    turn.release();
    assert_eq!(stream.ends_of(["r1"]).await, [RunState::Completed]);
}

/// What is answered with 200 would not start again if the process died now; a turn is not waited for.
#[tokio::test(start_paused = true)]
async fn every_cancel_is_answered_when_what_had_not_started_never_will() {
    for stops in ["cancel", "prompts/clear", "runs/r2/cancel", "DELETE"] {
        let api = Api::new();
        let work = api.open("demo").await;
        let session = work.session().await;
        for run in ["r1", "r2"] {
            work.prompt(&session, run, "hello").await.is(202);
        }
        let turn = api.backend.runner().entered().await;
        turn.ignore_cancel().await;
        let ask = async || match stops {
            "DELETE" => api.delete(&work.path("/runs/r2")).await,
            "runs/r2/cancel" => api.poke(&work.path("/runs/r2/cancel")).await,
            rest => {
                let path = work.path(&format!("/agent/sessions/{session}/{rest}"));
                api.poke(&path).await
            }
        };
        api.backend.faults().break_down(Call::Finish);
        for _ in 0..2 {
            let asked = Instant::now();
            ask().await.refused(503, "storage_unavailable");
            assert_eq!(asked.elapsed(), Duration::from_secs(5), "{stops}");
        }
        api.backend.faults().repair(Call::Finish);
        ask().await.void();
        let record = api.get(&work.path("/runs/r2")).await.ok();
        assert_eq!(record["state"], "cancelled", "{stops}");
        drop(turn);
    }
}
