//! The stream of one run: its part of the story, up to its terminal event, also when the log no longer has it.

use std::time::Duration;

use runwright_backend::{BackendOptions, TopicOptions};
use runwright_proto::{Event, RunState};
use serde_json::json;

use crate::api::{Api, Got};

fn kinds(story: &[Got]) -> Vec<&str> {
    story.iter().map(Got::kind).collect()
}

fn state(got: &Got) -> RunState {
    let Event::RunComplete(end) = &got.envelope.event else {
        panic!("no end: {got:?}")
    };
    end.payload.state
}

#[tokio::test(start_paused = true)]
async fn a_run_is_followed_from_its_beginning_to_its_terminal_event_and_nothing_else() {
    let api = Api::new();
    let work = api.open("demo").await;
    let (one, other) = (work.session().await, work.session().await);
    work.prompt(&one, "r1", "first").await.is(202);
    work.prompt(&other, "r2", "second").await.is(202);
    let (first, second) = (
        api.backend.runner().entered_by("r1").await,
        api.backend.runner().entered_by("r2").await,
    );
    let mut stream = api.stream(&work.path("/runs/r1/events")).await;
    assert_eq!(
        (
            stream.status.as_u16(),
            stream.headers["content-type"].as_bytes()
        ),
        (200, b"text/event-stream".as_slice())
    );
    second.say("something").await;
    second.release();
    first.say("hello").await;
    first.release();
    let story = stream.rest().await;
    let (end, messages) = story.split_last().unwrap();
    assert!(messages.len() >= 3);
    assert!(story.iter().all(|got| got.id.is_none()));
    assert!(messages.iter().all(|got| got.message().session_id == one));
    assert_eq!(state(end), RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_is_told_from_the_log_and_ends() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut whole = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    api.backend.runner().entered().await.release();
    let told: Vec<Got> = whole.until_end_of("r1").await;
    let mut stream = api.stream(&work.path("/runs/r1/events")).await;
    let story = stream.rest().await;
    assert_eq!(
        kinds(&story),
        ["message", "message", "message", "run_complete"]
    );
    assert_eq!(story.last(), told.last());

    let mut resumed = api.stream(&work.path("/runs/r1/events?after=0")).await;
    let numbered = resumed.rest().await;
    let cursor = numbered[1].id.clone().unwrap();
    let mut rest = api
        .stream(&work.path(&format!("/runs/r1/events?after={cursor}")))
        .await;
    assert_eq!(rest.rest().await, numbered[2..]);
}

/// A log that keeps only the last two events.
fn forgetful() -> BackendOptions {
    BackendOptions {
        log: TopicOptions {
            max_events: 2,
            ..TopicOptions::default()
        },
        ..BackendOptions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_terminal_event_that_the_log_has_lost_is_made_again_from_the_record() {
    let api = Api::with(forgetful(), |_| {});
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut whole = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    api.backend
        .runner()
        .entered()
        .await
        .fail_with("Provider failed", "overloaded");
    let end = whole.until_end_of("r1").await.pop().unwrap();
    let press = work.press().await;
    for n in 0..5 {
        press.created(&format!("m{n}"));
    }
    let story = api.stream(&work.path("/runs/r1/events")).await.rest().await;
    let [made] = &story[..] else {
        panic!("{story:?}")
    };
    assert_eq!(
        made.envelope.event, end.envelope.event,
        "the same in every member"
    );
    assert_eq!((made.envelope.seq, &made.id), (None, &None));
}

#[tokio::test(start_paused = true)]
async fn a_follower_whose_run_ends_in_a_gap_is_told_of_both() {
    let api = Api::with(forgetful(), |_| {});
    let work = api.open("demo").await;
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    let mut slow = api.stream(&work.path("/runs/r1/events?after=now")).await;
    let mut whole = work.stream().await;
    turn.release();
    whole.until_end_of("r1").await;
    let press = work.press().await;
    for n in 0..5 {
        press.created(&format!("m{n}"));
    }
    let story = slow.rest().await;
    assert_eq!(kinds(&story), ["gap", "run_complete"]);
    assert_eq!(state(&story[1]), RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_lost_something_goes_on_while_the_run_does() {
    let api = Api::with(forgetful(), |_| {});
    let work = api.open("demo").await;
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    let mut slow = api.stream(&work.path("/runs/r1/events?after=now")).await;
    let press = work.press().await;
    for n in 0..5 {
        press.done_by("r1", &format!("m{n}"));
    }
    assert_eq!(slow.next().await.unwrap().kind(), "gap");
    assert_eq!(slow.next().await.unwrap().message().id.as_str(), "m3");
    turn.release();
    let story = slow.rest().await;
    assert_eq!(state(story.last().unwrap()), RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_workspace_was_opened_again_is_over_all_the_same() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut whole = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    api.backend.runner().entered().await.release();
    whole.until_end_of("r1").await;
    drop(whole);
    api.backend.retire(work.client);
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(api.get("/v1/workspaces").await.ok(), json!([]));
    let story = api.stream(&work.path("/runs/r1/events")).await.rest().await;
    assert_eq!(
        (kinds(&story), state(&story[0])),
        (vec!["run_complete"], RunState::Completed)
    );
}

#[tokio::test(start_paused = true)]
async fn following_a_run_attaches_nobody_and_beats() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    let mut stream = api.stream(&work.path("/runs/r1/events?after=now")).await;
    let clients = api.backend.clients(work.id);
    assert_eq!(clients, 1);
    assert_eq!(stream.frame().await.unwrap(), "\n");
    turn.release();
    stream.rest().await;
}
