//! The pace of long messages (semantics 3, last rule; performance 9, "Long answers").

use std::time::Duration;

use runwright_agent::Pace;
use runwright_proto::ClientId;
use tokio::time::{Instant, advance};

use crate::api::{Api, Stream, message, parse};

const TICK: Duration = Duration::from_millis(33);

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

#[tokio::test(start_paused = true)]
async fn the_first_snapshot_comes_at_once_and_the_next_with_its_tick_and_only_the_newest() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = work.stream().await;
    press.snapshot("m", "a");
    assert_eq!(
        stream
            .next()
            .await
            .unwrap()
            .message()
            .text()
            .unwrap()
            .to_string(),
        "a"
    );
    let sent = Instant::now();
    for newer in ["ab", "abc", "abcd"] {
        press.snapshot("m", newer);
        assert_eq!(stream.ready_frame().await, None);
    }
    let frame = stream.frame().await.unwrap();
    let got = parse(&frame);
    assert_eq!(got.len(), 1, "the older ones fell away");
    assert_eq!(got[0].message().text().unwrap().to_string(), "abcd");
    assert!(sent.elapsed() <= TICK, "{:?}", sent.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_final_comes_at_once_and_brings_everything_before_it_along() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = work.stream().await;
    press.snapshot("m", &text(30_000));
    stream.next().await.unwrap();
    let sent = Instant::now();
    press.snapshot("m", &text(30_100));
    assert_eq!(stream.ready_frame().await, None);
    press.snapshot("other", "a");
    press.finished("m", "in the end");
    let got = parse(&stream.ready_frame().await.unwrap());
    let ids: Vec<&str> = got.iter().map(|got| got.message().id.as_str()).collect();
    assert_eq!(ids, ["other", "m"]);
    assert_eq!(sent.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_first_words_of_a_message_come_at_once_whatever_came_a_moment_before() {
    for query in ["", "&deltas=1"] {
        let api = Api::new();
        let work = api.open("demo").await;
        let press = work.press().await;
        let mut stream = api.stream(&format!("{}{query}", work.events())).await;
        press.snapshot("m", &text(30_000));
        stream.next().await.unwrap();
        let sent = Instant::now();
        press.snapshot("m", &text(30_100));
        assert_eq!(stream.ready_frame().await, None);
        press.updated(message("new", "a"), Pace::Begun);
        let got = parse(&stream.ready_frame().await.unwrap());
        let last = got.last().unwrap().message();
        assert_eq!(
            (last.id.as_str(), last.text().unwrap()),
            ("new", &"a".into())
        );
        assert_eq!(sent.elapsed(), Duration::ZERO);
        // What comes to it is paced like all that goes on.
        press.updated(message("new", "ab"), Pace::Streamed);
        assert_eq!(stream.ready_frame().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_not_paced_is_not_delayed() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = work.stream().await;
    for n in 0..100 {
        press.created(&format!("m{n}"));
        assert_eq!(parse(&stream.ready_frame().await.unwrap()).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_longer_message_comes_less_often_and_never_later_than_a_quarter_of_a_second() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = work.stream().await;
    let table = [
        (100, 1),
        (4_000, 1),
        (5_000, 2),
        (13_000, 4),
        (30_000, 7),
        (400_000, 7),
    ];
    for (bytes, ticks) in table {
        press.snapshot("m", &text(bytes));
        stream.next().await.unwrap();
        // From a tick of this message's own to the next one.
        press.snapshot("m", &text(bytes));
        stream.next().await.unwrap();
        let sent = Instant::now();
        press.snapshot("m", &text(bytes));
        stream.next().await.unwrap();
        assert_eq!(sent.elapsed(), ticks * TICK, "{bytes} bytes");
        advance(Duration::from_millis(250)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn readers_that_came_at_different_times_wake_together_and_share_their_bytes() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut one = work.stream().await;
    press.snapshot("m", &text(13_000));
    one.frame().await.unwrap();
    advance(Duration::from_millis(50)).await;
    let stranger = work.path(&format!("/events?client_id={}", ClientId::random()));
    let mut other = api.stream(&stranger).await;
    let writing = async {
        for more in 0..400 {
            press.snapshot("m", &text(13_000 + more));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // When each frame was read, and where its bytes are.
    let read = async |stream: &mut Stream| {
        let mut frames = Vec::new();
        for _ in 0..10 {
            let frame = stream.frame().await.unwrap();
            frames.push((Instant::now(), frame));
        }
        frames
            .into_iter()
            .map(|(at, frame)| (at, frame.as_ptr(), frame.len()))
            .collect::<Vec<_>>()
    };
    let ((), one, other) = tokio::join!(writing, read(&mut one), read(&mut other));
    // The newcomer was given its first snapshot at once, so at the next tick both catch up, each from its own place;
    // from then on they are as far as each other.
    assert_ne!(one[0].0, other[0].0);
    assert_eq!((one[0].0, one[0].2), (other[1].0, other[1].2));
    assert_eq!(one[1..9], other[2..]);
}

/// Streams an answer of so many tokens, one every 5 ms, and returns the bytes that one reader was sent and the longest
/// time in which it was sent nothing.
async fn watch(tokens: usize) -> (usize, Duration) {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = work.stream().await;
    let mut said = String::new();
    let (mut bytes, mut quiet, mut last) = (0, Duration::ZERO, Instant::now());
    for token in 0..tokens {
        said.push_str(&format!("tok{:03} ", token % 1000));
        press.snapshot("m", &said);
        tokio::time::sleep(Duration::from_millis(5)).await;
        while let Some(frame) = stream.ready_frame().await {
            bytes += frame.len();
            quiet = quiet.max(last.elapsed());
            last = Instant::now();
        }
    }
    press.finished("m", &said);
    let frame = stream.ready_frame().await.expect("the end comes at once");
    assert!(frame.len() > said.len());
    (bytes + frame.len(), quiet)
}

#[tokio::test(start_paused = true)]
async fn a_watched_answer_costs_its_reader_a_bounded_rate_and_is_never_quiet_for_long() {
    // Performance 10, P9; the contract's own server sends 0.15, 2.07 and 18.6 MB.
    for (tokens, most) in [(500, 400_000), (2_000, 1_400_000), (6_000, 4_000_000)] {
        let (bytes, quiet) = watch(tokens).await;
        assert!(bytes <= most, "{tokens} tokens: {bytes} bytes");
        assert!(
            quiet <= Duration::from_millis(255),
            "{tokens} tokens: quiet for {quiet:?}"
        );
    }
}
