//! When deltas come, and what they cost.

use std::time::Duration;

use runwright_proto::ClientId;
use tokio::time::{Instant, advance};

use super::{Writing, next_told, told, with_deltas};
use crate::api::{Api, parse};

const TICK: Duration = Duration::from_millis(33);

#[tokio::test(start_paused = true)]
async fn the_first_words_come_at_once_what_follows_with_its_tick_and_the_end_whole() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = with_deltas(&api, &work).await;
    let mut writing = Writing::new(&press, "m");
    press.created("m");
    writing.say("One");
    let frame = stream.ready_frame().await.unwrap();
    assert_eq!(
        told(&frame),
        ["1 created m ", "2 updated m One"],
        "the first snapshot is whole"
    );
    let sent = Instant::now();
    for word in [" two", " three", " four"] {
        writing.say(word);
        assert_eq!(stream.ready_frame().await, None);
    }
    assert_eq!(next_told(&mut stream).await, ["5 m.0+3  two three four"]);
    assert!(sent.elapsed() <= TICK, "{:?}", sent.elapsed());
    // After a pause of the model the next word comes at once.
    advance(Duration::from_millis(200)).await;
    writing.say(" five");
    assert_eq!(
        told(&stream.ready_frame().await.unwrap()),
        ["6 m.0+18  five"]
    );
    writing.say(" six");
    writing.finish();
    let last = stream.ready_frame().await.unwrap();
    assert_eq!(told(&last), ["8 updated m One two three four five six"]);
}

#[tokio::test(start_paused = true)]
async fn the_length_of_a_message_does_not_slow_its_deltas_down() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = with_deltas(&api, &work).await;
    let mut writing = Writing::new(&press, "m");
    writing.say(&"x".repeat(400_000));
    stream.next().await.unwrap();
    for _ in 0..8 {
        // The whole one that came first was paced.
        writing.say("y");
        stream.next().await.unwrap();
    }
    let sent = Instant::now();
    for _ in 0..10 {
        writing.say("z");
        assert_eq!(parse(&stream.frame().await.unwrap()).len(), 1);
    }
    assert_eq!(sent.elapsed(), 10 * TICK);
}

#[tokio::test(start_paused = true)]
async fn whole_messages_that_are_still_being_written_are_paced_as_for_everybody() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = with_deltas(&api, &work).await;
    // Each time something else: never a delta.
    let text = |n: usize| format!("{n}{}", "x".repeat(13_000));
    press.snapshot("m", &text(0));
    stream.next().await.unwrap();
    press.snapshot("m", &text(1));
    stream.next().await.unwrap();
    let sent = Instant::now();
    press.snapshot("m", &text(2));
    assert_eq!(stream.next().await.unwrap().kind(), "message");
    assert_eq!(sent.elapsed(), 4 * TICK);
}

#[tokio::test(start_paused = true)]
async fn readers_in_lockstep_share_their_frames() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let stranger = work.path(&format!(
        "/events?client_id={}&deltas=1",
        ClientId::random()
    ));
    let (mut one, mut other) = (with_deltas(&api, &work).await, api.stream(&stranger).await);
    let mut whole = work.stream().await;
    let mut writing = Writing::new(&press, "m");
    for n in 0..20 {
        writing.say(&format!("word{n} "));
        let (ours, theirs) = (one.frame().await.unwrap(), other.frame().await.unwrap());
        assert_eq!(ours.as_ptr(), theirs.as_ptr());
        assert_ne!(whole.frame().await.unwrap().as_ptr(), ours.as_ptr());
    }
}

/// What a reader of an answer of so many tokens is sent, one every 5 ms: bytes on the wire for each of the text.
async fn watch(tokens: usize, query: &str) -> f64 {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = api.stream(&format!("{}{query}", work.events())).await;
    press.created("m");
    let mut writing = Writing::new(&press, "m");
    let mut bytes = 0;
    for token in 0..tokens {
        writing.say(&format!("tok{:03} ", token % 1000));
        tokio::time::sleep(Duration::from_millis(5)).await;
        while let Some(frame) = stream.ready_frame().await {
            bytes += frame.len();
        }
    }
    writing.finish();
    let frame = stream.ready_frame().await.expect("the end comes at once");
    assert_eq!(
        parse(&frame).last().unwrap().message().text(),
        Some(&writing.text)
    );
    (bytes + frame.len()) as f64 / writing.text.len() as f64
}

#[tokio::test(start_paused = true)]
async fn a_watched_answer_costs_its_reader_a_few_bytes_for_each_of_its_text() {
    // Performance 10, P9.
    for tokens in [500, 2_000, 6_000] {
        for query in ["&deltas=1", "&deltas=1&after=now"] {
            let ratio = watch(tokens, query).await;
            assert!(ratio <= 8.0, "{tokens} tokens: {ratio} bytes for each");
        }
    }
}
