//! What memory no longer has comes from the stored log, and then memory goes on (semantics 3).

mod pages;
mod runs;

use std::time::Duration;

use runwright_backend::{BackendOptions, TopicOptions, testing::Call};
use runwright_proto::{ClientId, Event, Gap, Seq};
use serde_json::json;

use crate::api::{Api, Got, Stream, Work, parse};

/// How many events memory keeps in these tests.
const IN_MEMORY: usize = 4;

fn numbers(story: &[Got]) -> Vec<u64> {
    story.iter().map(Got::seq).collect()
}

fn ids(story: &[Got]) -> Vec<&str> {
    story.iter().map(|got| got.message().id.as_str()).collect()
}

/// Publishes so many events that must arrive.
fn publish(work: &Work<'_>, count: usize) {
    let press = work.stored_press();
    for n in 0..count {
        press.created(&format!("m{n}"));
    }
}

fn gap(got: &Got) -> (u64, u64) {
    let Event::Gap(Gap { from, to, .. }) = &got.envelope.event else {
        panic!("no gap: {got:?}")
    };
    (from.0, to.0)
}

/// Closes the workspace of a client that is gone, and everything that memory has of it.
async fn close(api: &Api) {
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(api.get("/v1/workspaces").await.ok(), json!([]));
}

async fn from_start(api: &Api, work: &Work<'_>) -> Stream {
    api.stream(&format!("{}&after=0", work.events())).await
}

#[tokio::test(start_paused = true)]
async fn what_memory_has_lost_comes_from_disk_and_then_memory_goes_on() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    for after in [0, 1, 17, 25, 26, 27, 29, 30] {
        let mut stream = work.stream_after(after).await;
        let press = work.stored_press();
        let live = press.created("live");
        let story = stream.settled().await;
        let expected: Vec<u64> = (after + 1..=live).collect();
        assert_eq!(numbers(&story), expected);
        let epoch = work.epoch().await;
        let with_ids = story
            .iter()
            .all(|got| got.id == Some(format!("{epoch}-{}", got.seq())));
        assert!(with_ids);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_without_cursors_is_given_what_it_missed_from_disk_without_ids() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    drop(work.stream().await);
    publish(&work, 30);
    let mut back = work.stream().await;
    let story = back.settled().await;
    assert_eq!(numbers(&story), (1..=30).collect::<Vec<u64>>());
    assert!(story.iter().all(|got| got.id.is_none()));
}

#[tokio::test(start_paused = true)]
async fn zero_is_the_oldest_event_on_disk_and_what_was_before_it_is_no_gap() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    let story = from_start(&api, &work).await.settled().await;
    assert_eq!(numbers(&story), (1..=30).collect::<Vec<u64>>());
    work.stored_log().prune(Seq(12));
    let story = from_start(&api, &work).await.settled().await;
    assert_eq!(numbers(&story), (13..=30).collect::<Vec<u64>>());
    // Also when nothing is left of what memory does not have.
    work.stored_log().prune(Seq(28));
    let story = from_start(&api, &work).await.settled().await;
    assert_eq!(numbers(&story), (27..=30).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn only_what_is_lost_on_disk_too_is_a_gap() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    work.stored_log().prune(Seq(12));
    let mut stream = work.stream_after(5).await;
    let story = stream.settled().await;
    assert_eq!(gap(&story[0]), (6, 12));
    let epoch = work.epoch().await;
    assert_eq!(story[0].id, Some(format!("{epoch}-12")));
    assert_eq!(numbers(&story[1..]), (13..=30).collect::<Vec<u64>>());

    work.stored_log().prune(Seq(28));
    let story = work.stream_after(5).await.settled().await;
    assert_eq!(gap(&story[0]), (6, 26), "memory still has the rest");
    assert_eq!(numbers(&story[1..]), [27, 28, 29, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_an_earlier_life_of_the_process_goes_on_where_it_was() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    let epoch = work.epoch().await;
    close(&api).await;
    // Nothing was published yet when it comes back.
    let mut first = work.stream_after(20).await;
    assert_eq!(
        numbers(&first.settled().await),
        (21..=30).collect::<Vec<u64>>()
    );
    assert_eq!(work.epoch().await, epoch);
    let press = work.stored_press();
    let live = press.created("live");
    assert!(live > 31, "numbers go on behind what was reserved");
    assert_eq!(numbers(&first.settled().await), [live]);
    // Numbers between both lives were never used.
    for between in [30, 31, live - 2, live - 1] {
        let mut stream = work.stream_after(between).await;
        assert_eq!(numbers(&stream.settled().await), [live], "{between}");
    }
    let story = from_start(&api, &work).await.settled().await;
    assert_eq!(
        numbers(&story),
        (1..=30).chain([live]).collect::<Vec<u64>>()
    );
    let ahead = format!("{}&after={epoch}-{}", work.events(), live + 1);
    api.get(&ahead).await.refused(400, "invalid_cursor");
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_epoch_is_told_so_and_given_all_that_is_stored() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    let other = format!("{}&after=anotherlife-40", work.events());
    let mut early = api.stream(&other).await;
    let story = early.settled().await;
    assert_eq!(story.len(), 1);
    assert_eq!(gap(&story[0]), (1, 0), "nothing of this epoch is lost");

    publish(&work, 30);
    let story = api.stream(&other).await.settled().await;
    assert_eq!(gap(&story[0]), (1, 0));
    assert_eq!(numbers(&story[1..]), (1..=30).collect::<Vec<u64>>());
    work.stored_log().prune(Seq(12));
    let story = api.stream(&other).await.settled().await;
    assert_eq!(gap(&story[0]), (1, 12), "one gap, for both reasons");
    assert_eq!(numbers(&story[1..]), (13..=30).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_falls_behind_is_given_what_it_missed_from_disk() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    let mut slow = work.stream_after(0).await;
    let mut story = Vec::new();
    for _ in 0..5 {
        publish(&work, 10);
        // It takes one frame and is slow again.
        story.extend(parse(&slow.ready_frame().await.unwrap()));
    }
    story.extend(slow.settled().await);
    assert_eq!(numbers(&story), (1..=50).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn states_that_newer_ones_replaced_are_left_out_on_disk_too() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    let press = work.stored_press();
    press.created("m");
    for n in 0..20 {
        press.snapshot("m", &format!("so far {n}"));
        press.created(&format!("other{n}"));
    }
    let mut stream = work.stream_after(0).await;
    let story = stream.settled().await;
    let last = story.iter().rfind(|got| got.message().id.as_str() == "m");
    assert_eq!(
        last.unwrap().message().text().unwrap().to_string(),
        "so far 19"
    );
    assert_eq!(story.len(), 22, "the message twice, the others once");
    assert!(numbers(&story).is_sorted_by(|one, next| one < next));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_cut_off_between_two_pages_misses_nothing() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    drop(work.stream().await);
    publish(&work, 30);
    work.stored_log().set_page(10);
    // It has no cursor: where it had come to is remembered for it.
    let mut first = work.stream().await;
    let page = parse(&first.ready_frame().await.unwrap());
    assert_eq!(numbers(&page), (1..=10).collect::<Vec<u64>>());
    drop(first);
    let mut second = work.stream().await;
    let held = api.backend.faults().hold(Call::ReadEvents);
    assert_eq!(second.ready_frame().await, None);
    drop((second, held));
    let mut third = work.stream().await;
    assert_eq!(
        numbers(&third.settled().await),
        (11..=30).collect::<Vec<u64>>()
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_cut_off_before_it_was_told_of_a_loss_is_told_of_it_later() {
    let api = Api::with(
        BackendOptions {
            log: TopicOptions {
                max_events: IN_MEMORY,
                ..TopicOptions::default()
            },
            ..BackendOptions::default()
        },
        |_| {},
    );
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut first = work.stream().await;
    press.created("seen");
    first.next().await.unwrap();
    for n in 0..10 {
        press.created(&format!("m{n}"));
    }
    drop(first);
    let story = work.stream().await.settled().await;
    assert_eq!(gap(&story[0]), (2, 7));
    assert_eq!(ids(&story[1..]), ["m6", "m7", "m8", "m9"]);
}

#[tokio::test(start_paused = true)]
async fn two_readers_from_different_places_are_told_the_same_story() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    let session = work.session().await;
    let stranger = work.path(&format!("/events?client_id={}", ClientId::random()));
    let mut live = api.stream(&format!("{stranger}&after=0")).await;
    work.prompt(&session, "r1", "hello").await.is(202);
    api.backend.runner().entered().await.release();
    let told = live.until_end_of("r1").await;
    publish(&work, 20);
    let late = from_start(&api, &work).await.settled().await;
    assert_eq!(late[..told.len()], told);
}
