//! Any cut and resume is the uninterrupted stream, or an explicit gap (semantics 3).

use std::{collections::BTreeMap, time::Duration};

use axum::body::Body;
use http::Request;
use runwright_backend::{BackendOptions, TopicOptions, testing::TestBackend};
use runwright_proto::{ChangeKind, ClientId, Event, Gap, Seq};
use serde_json::json;

use crate::api::{Api, Got, Press, Stream, Work};

/// What a reader knows in the end: every event that must arrive, in order, and the last state of each message.
fn known(story: &[Got]) -> (Vec<String>, BTreeMap<String, String>) {
    let mut every = Vec::new();
    let mut latest = BTreeMap::new();
    for got in story {
        let Event::Message(change) = &got.envelope.event else {
            continue;
        };
        let id = change.payload.id.to_string();
        if change.kind == ChangeKind::Created {
            every.push(id);
        } else {
            let text = change.payload.text().map(ToString::to_string);
            latest.insert(id, text.unwrap_or_default());
        }
    }
    (every, latest)
}

async fn resume(api: &Api, work: &Work<'_>, last: &str) -> Stream {
    let request = Request::get(work.events()).header("last-event-id", last);
    api.stream_of(request.body(Body::empty()).unwrap()).await
}

/// Tells a story in which messages begin, grow and end.
fn tell(press: &Press, step: usize) {
    let id = format!("m{}", step % 5);
    match step / 5 % 4 {
        0 => press.created(&format!("{id}-{step}")),
        1 | 2 => press.snapshot(&id, &format!("so far {step}")),
        _ => press.finished(&id, &format!("in the end {step}")),
    };
}

const STEPS: usize = 60;

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_cut_anywhere_and_resumes_knows_what_an_uninterrupted_one_knows() {
    for cut in 0..STEPS {
        let api = Api::new();
        let work = api.open("demo").await;
        let press = work.press().await;
        let mut whole = api.stream(&format!("{}&after=now", work.events())).await;
        let mut first = api.stream(&format!("{}&after=now", work.events())).await;
        let mut story = Vec::new();
        for step in 0..cut {
            tell(&press, step);
        }
        story.extend(first.settled().await);
        drop(first);
        for step in cut..STEPS {
            tell(&press, step);
        }
        let mut second = match story.last() {
            Some(got) => resume(&api, &work, got.id.as_ref().unwrap()).await,
            None => api.stream(&format!("{}&after=0", work.events())).await,
        };
        story.extend(second.settled().await);
        assert_eq!(known(&story), known(&whole.settled().await), "cut at {cut}");
        let numbers: Vec<u64> = story.iter().map(Got::seq).collect();
        assert!(
            numbers.is_sorted_by(|one, next| one < next),
            "cut at {cut}: {numbers:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_header_of_a_reconnect_is_stronger_than_the_first_address() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let epoch = api
        .backend
        .workspace(work.id)
        .await
        .unwrap()
        .log()
        .epoch()
        .clone();
    for id in ["a", "b", "c"] {
        press.created(id);
    }
    let request = Request::get(format!("{}&after=0", work.events()))
        .header("last-event-id", format!("{epoch}-2"));
    let mut stream = api.stream_of(request.body(Body::empty()).unwrap()).await;
    assert_eq!(stream.next().await.unwrap().id, Some(format!("{epoch}-3")));
    // An empty one is what a browser has before its first event.
    let request = Request::get(format!("{}&after=0", work.events())).header("last-event-id", "");
    let mut stream = api.stream_of(request.body(Body::empty()).unwrap()).await;
    assert_eq!(stream.next().await.unwrap().id, Some(format!("{epoch}-1")));
    let request = Request::get(work.events()).header("last-event-id", "nonsense");
    let refused = api.send(request.body(Body::empty()).unwrap()).await;
    refused.refused(400, "invalid_cursor");
}

#[tokio::test(start_paused = true)]
async fn now_and_zero_are_cursors() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    press.created("a");
    let mut from_start = api.stream(&format!("{}&after=0", work.events())).await;
    let mut from_now = api.stream(&format!("{}&after=now", work.events())).await;
    press.created("b");
    let ids = |story: Vec<Got>| {
        story
            .iter()
            .map(|got| got.message().id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(from_start.settled().await), ["a", "b"]);
    assert_eq!(ids(from_now.settled().await), ["b"]);
}

/// A log that keeps only the last four events.
fn forgetful() -> BackendOptions {
    BackendOptions {
        log: TopicOptions {
            max_events: 4,
            ..TopicOptions::default()
        },
        ..BackendOptions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_older_than_what_is_kept_is_told_of_the_gap_and_goes_on_behind_it() {
    let api = Api::with(forgetful(), |_| {});
    let work = api.open("demo").await;
    let press = work.press().await;
    let epoch = api
        .backend
        .workspace(work.id)
        .await
        .unwrap()
        .log()
        .epoch()
        .clone();
    for n in 1..=10 {
        press.created(&format!("m{n}"));
    }
    let mut stream = resume(&api, &work, &format!("{epoch}-2")).await;
    let frame = stream.frame().await.unwrap();
    let gap = format!(
        "id: {epoch}-6\ndata: {{\"type\":\"gap\",\"payload\":{{\"from\":3,\"to\":6,\"epoch\":\"{epoch}\"}}}}\n\n"
    );
    assert_eq!(frame, gap);
    let rest: Vec<u64> = stream.settled().await.iter().map(Got::seq).collect();
    assert_eq!(rest, [7, 8, 9, 10]);
    // Whoever was cut right after the gap does not get it again.
    let mut again = resume(&api, &work, &format!("{epoch}-6")).await;
    assert_eq!(again.next().await.unwrap().seq(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_life_of_the_log_is_told_of_the_gap() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    press.created("a");
    let mut stream = resume(&api, &work, "anotherlife-40").await;
    let gap = stream.next().await.unwrap();
    let epoch = api
        .backend
        .workspace(work.id)
        .await
        .unwrap()
        .log()
        .epoch()
        .clone();
    let Event::Gap(gap) = gap.envelope.event else {
        panic!("{gap:?}")
    };
    assert_eq!(
        (gap.to, gap.epoch),
        (Seq(0), epoch),
        "nothing of this life is lost"
    );
    assert_eq!(stream.next().await.unwrap().message().id.as_str(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_too_slow_is_told_what_it_lost() {
    let api = Api::with(forgetful(), |_| {});
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut slow = work.stream().await;
    for n in 1..=10 {
        press.created(&format!("m{n}"));
    }
    let gap = slow.next().await.unwrap();
    assert_eq!(gap.id, None);
    assert!(
        matches!(
            gap.envelope.event,
            Event::Gap(Gap {
                from: Seq(1),
                to: Seq(6),
                ..
            })
        ),
        "{gap:?}"
    );
    let rest: Vec<u64> = slow.settled().await.iter().map(Got::seq).collect();
    assert_eq!(rest, [7, 8, 9, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_within_its_grace_is_given_what_it_missed() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut first = work.stream().await;
    press.created("seen");
    first.next().await.unwrap();
    drop(first);
    press.created("missed");
    tokio::time::advance(Duration::from_secs(9)).await;
    let mut second = work.stream().await;
    press.created("later");
    let ids: Vec<String> = second
        .settled()
        .await
        .iter()
        .map(|got| got.message().id.to_string())
        .collect();
    assert_eq!(ids, ["missed", "later"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_too_late_begins_now() {
    let api = Api::new();
    let work = api.open("demo").await;
    // Somebody else keeps the workspace open.
    let stranger = work.path(&format!("/events?client_id={}", ClientId::random()));
    let _keeps = api.stream(&stranger).await;
    let press = work.press().await;
    drop(work.stream().await);
    press.created("missed");
    tokio::time::sleep(Duration::from_secs(11)).await;
    let mut late = work.stream().await;
    press.created("later");
    assert_eq!(late.next().await.unwrap().message().id.as_str(), "later");
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_was_closed_and_opened_again_has_another_story() {
    let api = Api::with(TestBackend::roomy_figures(), |_| {});
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = api.stream(&format!("{}&after=0", work.events())).await;
    let last = stream.next().await.unwrap().id.unwrap();
    drop(stream);
    // Its claim, its linger: then it is closed, and opened again by the next who comes.
    tokio::time::sleep(Duration::from_secs(90)).await;
    let mut back = resume(&api, &work, &last).await;
    assert_eq!(back.next().await.unwrap().kind(), "gap");
    let sessions = api.get(&work.path("/sessions")).await.ok();
    assert_eq!(sessions[0]["id"], json!(session));
}
