//! The route on which a prompt becomes a run: the cases that the contract names (5.10), and what is ours.

use axum::body::Body;
use http::Request;
use runwright_backend::{
    BackendOptions, RunOptions,
    testing::{Call, TestBackend},
};
use runwright_proto::{AgentEventKind, Event, RunState};
use serde_json::{Value, json};

use crate::api::{Api, Reply, Work, unknown_workspace};

fn message(session: &impl serde::Serialize, prompt: &str) -> Value {
    json!({"session_id": session, "prompt": prompt})
}

async fn with_key(api: &Api, work: &Work<'_>, key: &str, body: &Value) -> Reply {
    let request = Request::post(work.path("/agent")).header("idempotency-key", key);
    api.send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

#[tokio::test(start_paused = true)]
async fn the_first_check_that_fails_is_the_answer() {
    let api = Api::new();
    api.backend.has_agent(false);
    let work = api.open("demo").await;
    let agent = work.path("/agent");
    let nowhere = format!("/v1/workspaces/{}/agent", unknown_workspace());
    api.post(&nowhere, json!({}))
        .await
        .refused(404, "workspace_not_found");
    api.post(&agent, json!({}))
        .await
        .refused(400, "agent_not_initialized");
    api.backend.has_agent(true);
    api.poke(&work.path("/agent/init")).await.void();

    let session = work.session().await;
    let table = [
        (json!({}), 400, "prompt_empty"),
        (
            json!({"session_id": "unknown", "prompt": ""}),
            400,
            "prompt_empty",
        ),
        (json!({"prompt": "hello"}), 400, "session_missing"),
        (
            json!({"session_id": null, "prompt": "hello"}),
            400,
            "session_missing",
        ),
        (
            json!({"session_id": "", "prompt": "hello"}),
            400,
            "session_missing",
        ),
        (message(&"unknown", "hello"), 404, "session_not_found"),
        (message(&"two words", "hello"), 400, "bad_json"),
        (json!({"session_id": session, "prompt": 7}), 400, "bad_json"),
        (
            json!({"session_id": session, "prompt": "a", "when_busy": "drop"}),
            400,
            "bad_json",
        ),
        (
            json!({"session_id": session, "prompt": "a", "run_id": "two words"}),
            400,
            "bad_json",
        ),
        (
            json!({"session_id": session, "prompt": "", "attachments": [{"mime_type": "image/png"}]}),
            400,
            "prompt_empty",
        ),
    ];
    for (body, status, code) in table {
        api.post(&agent, body).await.refused(status, code);
    }
    api.poke(&agent).await.refused(400, "bad_json");
    assert_eq!(api.backend.runner().active(), 0);
    assert_eq!(api.get(&work.path("/runs")).await.ok(), json!({"runs": []}));
}

#[tokio::test(start_paused = true)]
async fn a_closing_workspace_refuses_prompts() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    let workspace = api.backend.workspace(work.id).await.unwrap();
    let mode = runwright_backend::ShutdownMode::Drain;
    let reason = runwright_proto::EndReason::WorkspaceClosed;
    let closing = workspace.shutdown(mode, std::time::Duration::from_secs(30), reason);
    let refused = async {
        work.prompt(&session, "r2", "late")
            .await
            .refused(409, "workspace_closing");
        turn.release();
    };
    let (report, ()) = tokio::join!(closing, refused);
    assert!(report.drained);
}

#[tokio::test(start_paused = true)]
async fn an_accepted_prompt_is_answered_at_once_with_a_receipt_and_counted_until_its_run_returns() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    let first = work.prompt(&session, "r1", "hello").await;
    first.is(202);
    let receipt: Value = serde_json::from_str(&first.body).unwrap();
    let expected = json!({"run_id": "r1", "session_id": session, "state": "running", "position": 0, "seq": receipt["seq"]});
    assert_eq!(receipt, expected);
    assert_eq!(first.header("location").unwrap(), work.path("/runs/r1"));
    assert_eq!(first.header("idempotency-replayed"), None);

    let second = work.prompt(&session, "r2", "and then").await;
    let receipt: Value = serde_json::from_str(&second.body).unwrap();
    assert_eq!(
        (&receipt["state"], &receipt["position"]),
        (&json!("queued"), &json!(1))
    );

    let workspace = api.backend.workspace(work.id).await.unwrap();
    assert!(workspace.has_runs());
    for run in ["r1", "r2"] {
        api.backend.runner().entered_by(run).await.release();
        stream.until_end_of(run).await;
    }
    tokio::task::yield_now().await;
    assert!(!workspace.has_runs());
}

#[tokio::test(start_paused = true)]
async fn what_a_run_is_called_is_found_at_its_location() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let name = "a/b?c#d%20[e]";
    let reply = work.prompt(&session, name, "hello").await;
    let location = reply.header("location").unwrap().to_owned();
    assert_eq!(location, work.path("/runs/a%2Fb%3Fc%23d%2520%5Be%5D"));
    assert_eq!(api.get(&location).await.ok()["run_id"], name);
    api.poke(&format!("{location}/cancel?wait=true"))
        .await
        .void();
}

#[tokio::test(start_paused = true)]
async fn the_poster_is_answered_at_once_although_the_run_is_cancelled_later() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    api.poke(&work.path(&format!("/agent/sessions/{session}/cancel")))
        .await
        .void();
    drop(turn);
    let story = stream.until_end_of("r1").await;
    let Event::RunComplete(end) = &story[story.len() - 1].envelope.event else {
        unreachable!()
    };
    assert_eq!(
        (end.payload.state, end.payload.cancelled),
        (RunState::Cancelled, true)
    );
    assert!(
        story.iter().all(|got| got.kind() != "agent_event"),
        "a cancel is no error"
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_request_does_not_reach_the_run() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    let mut held = api.backend.faults().hold(Call::Accept);
    {
        // The prompt is being recorded when its client goes away.
        let mut request = std::pin::pin!(work.prompt(&session, "r1", "hello"));
        tokio::select! {
            biased;
            _ = &mut request => panic!("the journal holds it"),
            () = held.reached() => {}
        }
    }
    held.release();
    api.backend.runner().entered().await.release();
    let story = stream.until_end_of("r1").await;
    let Event::RunComplete(end) = &story[story.len() - 1].envelope.event else {
        unreachable!()
    };
    assert_eq!(end.payload.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_before_it_is_accepted_leaves_nothing() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut held = api.backend.faults().hold(Call::Find);
    {
        let mut request = std::pin::pin!(work.prompt(&session, "r1", "hello"));
        tokio::select! {
            biased;
            _ = &mut request => panic!("the journal holds it"),
            () = held.reached() => {}
        }
    }
    held.release();
    tokio::task::yield_now().await;
    api.get(&work.path("/runs/r1"))
        .await
        .refused(404, "run_not_found");
    assert_eq!(api.get(&work.path("/agent")).await.ok()["is_busy"], false);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_run_reaches_its_observers() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    api.backend
        .runner()
        .entered()
        .await
        .fail_with("Provider failed", "it is overloaded");
    let story = stream.until_end_of("r1").await;
    let errors: Vec<_> = story
        .iter()
        .filter_map(|got| {
            let Event::AgentEvent(change) = &got.envelope.event else {
                return None;
            };
            (change.payload.kind == AgentEventKind::Error).then_some(&change.payload)
        })
        .collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(&*errors[0].error, "provider failed: it is overloaded");
    assert_eq!(
        errors[0].run_id.as_ref().map(|run| run.as_str()),
        Some("r1")
    );
    let Event::RunComplete(end) = &story[story.len() - 1].envelope.event else {
        unreachable!()
    };
    assert_eq!(
        (end.payload.state, end.payload.error.as_str()),
        (RunState::Failed, "provider failed: it is overloaded")
    );
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_cannot_be_recorded_has_not_happened() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    api.backend.faults().fail(Call::Accept);
    work.prompt(&session, "r1", "hello")
        .await
        .refused(503, "storage_unavailable");
    assert_eq!(api.get(&work.path("/agent")).await.ok()["is_busy"], false);
    work.prompt(&session, "r1", "hello").await.is(202);
}

#[tokio::test(start_paused = true)]
async fn the_same_request_again_starts_nothing_and_gets_the_same_receipt() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let first = work.prompt(&session, "r1", "hello").await;
    let again = work.prompt(&session, "r1", "hello").await;
    again.is(202);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(
        (&again.body, again.header("location")),
        (&first.body, first.header("location"))
    );
    work.prompt(&session, "r1", "another")
        .await
        .refused(422, "idempotency_mismatch");

    let body = message(&session, "by key");
    let first = with_key(&api, &work, "key 1", &body).await;
    first.is(202);
    let again = with_key(&api, &work, "key 1", &body).await;
    assert_eq!(
        (again.header("idempotency-replayed"), &again.body),
        (Some("true"), &first.body)
    );
    let other = message(&session, "something else");
    with_key(&api, &work, "key 1", &other)
        .await
        .refused(422, "idempotency_mismatch");
    for bad in ["", &"k".repeat(1000), "\u{e4}"] {
        with_key(&api, &work, bad, &body)
            .await
            .refused(400, "bad_request");
    }
    assert_eq!(
        api.get(&work.path("/runs")).await.ok()["runs"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_busy_session_does_what_the_prompt_says() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    let reject = json!({"session_id": session, "prompt": "no", "when_busy": "reject"});
    api.post(&work.path("/agent"), reject)
        .await
        .refused(409, "session_busy");

    // Without a name it steers the turn.
    api.post(&work.path("/agent"), message(&session, "faster"))
        .await
        .is(202);
    assert_eq!(turn.fold().await, ["faster"]);
    let interrupt =
        json!({"session_id": session, "run_id": "r3", "prompt": "stop", "when_busy": "interrupt"});
    api.post(&work.path("/agent"), interrupt).await.is(202);
    drop(turn);
    stream.until_end_of("r1").await;
    api.backend.runner().entered_by("r3").await.release();
    stream.until_end_of("r3").await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_says_when_to_try_again_and_how_full_it_is() {
    let options = BackendOptions {
        runs: RunOptions {
            max_queued: 1,
            ..RunOptions::default()
        },
        ..TestBackend::roomy_figures()
    };
    let api = Api::with(options, |_| {});
    let work = api.open("demo").await;
    let session = work.session().await;
    for run in ["r1", "r2"] {
        work.prompt(&session, run, "hello").await.is(202);
    }
    let refused = work.prompt(&session, "r3", "hello").await;
    assert_eq!(refused.refused(429, "queue_full")["position"], 2);
    assert_eq!(refused.header("retry-after"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn prompts_beyond_the_rate_are_refused_before_anything_happens() {
    let api = Api::with(TestBackend::roomy_figures(), |info| {
        info.limits.prompts_per_second = Some(1)
    });
    let work = api.open("demo").await;
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let refused = work.prompt(&session, "r2", "hello").await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("1"));
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    work.prompt(&session, "r2", "hello").await.is(202);
}

#[tokio::test(start_paused = true)]
async fn sixty_four_prompts_at_the_same_moment_are_an_ordinary_case() {
    let api = Api::new();
    let work = api.open("demo").await;
    let mut stream = work.stream().await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(work.session().await);
    }
    let prompts = (0..64).map(|n| {
        let (work, session) = (&work, &sessions[n % 8]);
        async move {
            work.prompt(session, &format!("r{n}"), "hello")
                .await
                .is(202)
        }
    });
    futures_util::future::join_all(prompts).await;
    for _ in 0..64 {
        api.backend.runner().entered().await.release();
    }
    let mut ended = std::collections::BTreeSet::new();
    while ended.len() < 64 {
        let Event::RunComplete(end) = stream.next_of(&["run_complete"]).await.envelope.event else {
            unreachable!()
        };
        assert_eq!(end.payload.state, RunState::Completed);
        assert!(ended.insert(end.payload.run_id), "each ends once");
    }
}
