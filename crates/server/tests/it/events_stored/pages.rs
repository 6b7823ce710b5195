//! Pages: one at a time, shared, from a disk that may be slow or fail.

use std::time::Duration;

use runwright_agent::LogQuery;
use runwright_backend::testing::Call;
use runwright_proto::Seq;

use super::{IN_MEMORY, numbers, publish};
use crate::api::{Api, parse};

#[tokio::test(start_paused = true)]
async fn what_is_published_while_a_page_is_read_comes_after_it() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    work.stored_log().set_page(10);
    let mut stream = work.stream_after(0).await;
    let mut held = api.backend.faults().hold(Call::ReadEvents);
    assert_eq!(stream.ready_frame().await, None);
    held.reached().await;
    publish(&work, 30);
    held.release();
    let story = stream.settled().await;
    assert_eq!(numbers(&story), (1..=60).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn a_stream_beats_while_the_disk_is_slow() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    let mut stream = work.stream_after(0).await;
    let held = api.backend.faults().hold(Call::ReadEvents);
    for _ in 0..3 {
        assert_eq!(stream.frame().await.unwrap(), "\n");
    }
    held.release();
    assert_eq!(
        numbers(&stream.settled().await),
        (1..=30).collect::<Vec<u64>>()
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_is_one_write_and_the_next_one_is_read_when_it_is_wanted() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    let log = work.stored_log();
    log.set_page(10);
    for plain in [false, true] {
        let mut stream = if plain {
            // Without an id the client is given what it missed since a stream of its own was cut.
            drop(work.stream_after(0).await);
            work.stream().await
        } else {
            work.stream_after(0).await
        };
        for (first, after) in [(1, 0), (11, 10), (21, 20)] {
            let frame = stream.ready_frame().await.unwrap();
            let story = parse(&frame);
            let last = (first + 9).min(26);
            assert_eq!(numbers(&story), (first..=last).collect::<Vec<u64>>());
            let asked = LogQuery {
                after: Seq(after),
                until: Seq(26),
                run: None,
                finished_only: false,
            };
            assert_eq!(log.asked(), [asked], "one page at a time");
        }
        assert_eq!(
            numbers(&parse(&stream.ready_frame().await.unwrap())),
            [27, 28, 29, 30]
        );
        assert_eq!(stream.ready_frame().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn readers_that_come_back_to_the_same_place_share_one_reading_of_it() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(work.stream_after(7).await);
    }
    let mut held = api.backend.faults().hold(Call::ReadEvents);
    for stream in &mut streams {
        assert_eq!(stream.ready_frame().await, None);
    }
    held.reached().await;
    held.release();
    let mut places = Vec::new();
    for stream in &mut streams {
        let frame = stream.ready_frame().await.unwrap();
        assert_eq!(numbers(&parse(&frame)), (8..=26).collect::<Vec<u64>>());
        places.push(frame.as_ptr());
    }
    places.dedup();
    assert_eq!(places.len(), 1, "the same bytes");
    assert_eq!(api.backend.faults().made(Call::ReadEvents), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_leaves_while_it_reads_for_others_leaves_the_reading_to_them() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    let (mut one, mut other) = (work.stream_after(7).await, work.stream_after(7).await);
    let mut held = api.backend.faults().hold(Call::ReadEvents);
    assert_eq!(one.ready_frame().await, None);
    assert_eq!(other.ready_frame().await, None);
    held.reached().await;
    drop(one);
    assert_eq!(
        numbers(&other.settled().await),
        (8..=30).collect::<Vec<u64>>()
    );
    assert_eq!(api.backend.faults().made(Call::ReadEvents), 2);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_cuts_the_stream_without_an_end_and_the_reader_comes_back() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    work.stored_log().set_page(10);
    api.backend.faults().fail_nth(Call::ReadEvents, 2);
    let mut stream = work.stream_after(0).await;
    let story = stream.rest().await;
    assert_eq!(
        numbers(&story),
        (1..=10).collect::<Vec<u64>>(),
        "and no end"
    );
    assert_eq!(stream.frame().await, None);
    let mut back = work.stream_after(10).await;
    assert_eq!(
        numbers(&back.settled().await),
        (11..=30).collect::<Vec<u64>>()
    );
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_for_many_readers_is_asked_once() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(work.stream_after(7).await);
    }
    let mut held = api.backend.faults().hold(Call::ReadEvents);
    for stream in &mut streams {
        assert_eq!(stream.ready_frame().await, None);
    }
    held.reached().await;
    held.fail();
    for stream in &mut streams {
        assert_eq!(stream.rest().await, []);
    }
    // Who fails logs it: it is said once.
    assert_eq!(api.backend.faults().made(Call::ReadEvents), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_reads_from_disk_when_its_workspace_closes_reads_on_to_the_end() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    publish(&work, 30);
    let mut stream = work.stream_after(0).await;
    let mut held = api.backend.faults().hold(Call::ReadEvents);
    assert_eq!(stream.ready_frame().await, None);
    held.reached().await;
    assert!(api.backend.shutdown(Duration::from_secs(30)).await.drained);
    held.release();
    let story = stream.rest().await;
    let (end, events) = story.split_last().unwrap();
    assert_eq!(end.kind(), "end");
    assert_eq!(numbers(events), (1..=30).collect::<Vec<u64>>());
}
