//! The routes that look at runs.

use runwright_backend::testing::Call;
use serde_json::{Value, json};

use crate::api::Api;

fn names(list: &Value) -> Vec<&str> {
    let runs = list["runs"].as_array().unwrap();
    runs.iter()
        .map(|run| run["run_id"].as_str().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn runs_are_listed_newest_first_by_session_and_state_a_page_at_a_time() {
    let api = Api::new();
    let work = api.open("demo").await;
    let (one, other) = (work.session().await, work.session().await);
    for (session, run) in [(&one, "r1"), (&other, "r2"), (&one, "r3"), (&one, "r4")] {
        work.prompt(session, run, "hello").await.is(202);
    }
    let turns = (
        api.backend.runner().entered().await,
        api.backend.runner().entered().await,
    );
    let list = |query: &str| {
        let path = work.path(&format!("/runs{query}"));
        let api = &api;
        async move { api.get(&path).await.ok() }
    };
    assert_eq!(names(&list("").await), ["r4", "r3", "r2", "r1"]);
    assert_eq!(
        names(&list("?session_id=&state=&after=&limit=").await),
        ["r4", "r3", "r2", "r1"]
    );
    assert_eq!(names(&list(&format!("?session_id={other}")).await), ["r2"]);
    assert_eq!(names(&list("?session_id=unknown").await), [""; 0]);
    assert_eq!(names(&list("?state=queued").await), ["r4", "r3"]);
    assert_eq!(
        names(&list(&format!("?state=running&session_id={one}")).await),
        ["r1"]
    );

    let page = list("?limit=3").await;
    assert_eq!(names(&page), ["r4", "r3", "r2"]);
    let next = page["next_cursor"].as_str().unwrap();
    let page = list(&format!("?limit=3&after={next}")).await;
    assert_eq!((names(&page), page.get("next_cursor")), (vec!["r1"], None));
    assert_eq!(
        names(&list("?limit=0").await),
        ["r4"],
        "a page has at least one"
    );
    assert_eq!(names(&list("?limit=1000000").await).len(), 4);
    drop(turns);
}

#[tokio::test(start_paused = true)]
async fn a_question_about_runs_that_makes_no_sense_is_refused() {
    let api = Api::new();
    let work = api.open("demo").await;
    let table = [
        ("/runs?after=unknown", 400, "invalid_cursor"),
        ("/runs?state=happy", 400, "bad_request"),
        ("/runs?limit=many", 400, "bad_request"),
        ("/runs?session_id=two+words", 400, "bad_request"),
        ("/runs?after=two+words", 400, "bad_request"),
        ("/runs/unknown", 404, "run_not_found"),
        ("/runs/two%20words", 400, "invalid_id"),
        ("/runs/unknown/events", 404, "run_not_found"),
    ];
    for (path, status, code) in table {
        api.get(&work.path(path)).await.refused(status, code);
    }
    api.backend.faults().break_down(Call::ReadRuns);
    api.get(&work.path("/runs"))
        .await
        .refused(503, "storage_unavailable");
    api.get(&work.path("/runs/r"))
        .await
        .refused(503, "storage_unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_shown_from_the_queue_to_its_end() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    for run in ["r1", "r2"] {
        work.prompt(&session, run, "hello").await.is(202);
    }
    let turn = api.backend.runner().entered().await;
    let shown = |run: &str| {
        let path = work.path(&format!("/runs/{run}"));
        let api = &api;
        async move { api.get(&path).await.ok() }
    };
    let queued = shown("r2").await;
    assert_eq!(
        (&queued["state"], &queued["position"]),
        (&json!("queued"), &json!(1))
    );
    let running = shown("r1").await;
    assert_eq!(
        (&running["state"], running.get("ended_at_ms")),
        (&json!("running"), None)
    );
    assert!(running["started_at_ms"].is_number() && running["created_at_ms"].is_number());
    turn.release();
    stream.until_end_of("r1").await;
    let over = shown("r1").await;
    assert_eq!(
        (&over["state"], &over["text"]),
        (&json!("completed"), &json!("answer to hello"))
    );
    assert!(over["ended_at_ms"].is_number() && over["message_id"].is_string());
}

#[tokio::test(start_paused = true)]
async fn only_a_queued_run_can_be_taken_out_of_the_queue() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    for run in ["r1", "r2"] {
        work.prompt(&session, run, "hello").await.is(202);
    }
    let turn = api.backend.runner().entered().await;
    api.delete(&work.path("/runs/unknown"))
        .await
        .refused(404, "run_not_found");
    api.delete(&work.path("/runs/r1"))
        .await
        .refused(409, "run_not_queued");
    api.delete(&work.path("/runs/r2")).await.void();
    stream.until_end_of("r2").await;
    api.delete(&work.path("/runs/r2"))
        .await
        .refused(409, "run_not_queued");
    assert_eq!(
        api.get(&work.path("/runs/r2")).await.ok()["state"],
        "cancelled"
    );
    turn.release();
    stream.until_end_of("r1").await;
    assert_eq!(
        api.get(&work.path("/runs/r1")).await.ok()["state"],
        "completed"
    );
}
