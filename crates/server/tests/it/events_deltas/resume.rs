//! Readers that come back, fall behind or join in between: each is told what it lacks, and not the text from the start.

use std::time::Duration;

use runwright_backend::{BackendOptions, TopicOptions, testing::TestBackend};
use runwright_proto::Event;

use super::{Writing, next_told, resumed, told, with_deltas, words};
use crate::api::{Api, Known, parse};

#[tokio::test(start_paused = true)]
async fn a_reader_that_resumes_is_told_once_what_came_since_its_number() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut writing = Writing::new(&press, "m");
    press.created("m");
    let mut ends = vec![(press.created("other"), 0)];
    for n in 0..20 {
        let seq = writing.say(&format!("word{n} "));
        ends.push((seq, writing.text.len()));
    }
    let said = writing.text.to_string();
    for (seq, had) in &ends[1..] {
        let mut back = resumed(&api, &work, *seq).await;
        let rest = &said[*had..];
        if rest.is_empty() {
            assert_eq!(back.ready_frame().await, None);
            continue;
        }
        let head = ends.last().unwrap().0;
        let frame = back.ready_frame().await.unwrap();
        assert_eq!(told(&frame), [format!("{head} m.0+{had} {rest}")]);
        assert_eq!(back.ready_frame().await, None);
    }
    // Before the first snapshot it had nothing.
    let mut back = resumed(&api, &work, ends[0].0).await;
    let frame = back.ready_frame().await.unwrap();
    assert_eq!(
        told(&frame),
        [format!("{} updated m {said}", ends.last().unwrap().0)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_falls_behind_is_told_once_what_came_since() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut slow = with_deltas(&api, &work).await;
    let mut writing = Writing::new(&press, "m");
    writing.say("begin ");
    slow.next().await.unwrap();
    for n in 0..5_000 {
        writing.say(&format!("word{n} "));
    }
    press.created("other");
    let story = parse(&slow.ready_frame().await.unwrap());
    assert_eq!(story.len(), 2);
    let Event::MessageDelta(delta) = &story[0].envelope.event else {
        panic!("no delta: {story:?}")
    };
    assert_eq!(delta.offset, "begin ".len() as u64);
    assert_eq!(delta.text.len(), writing.text.len() - "begin ".len());
}

#[tokio::test(start_paused = true)]
async fn a_reader_from_long_ago_is_told_a_little_again_and_misses_nothing() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut writing = Writing::new(&press, "m");
    let mut lengths = Vec::new();
    for n in 0..6_000 {
        let seq = writing.say(&format!("w{n} "));
        lengths.push((seq, writing.text.len()));
    }
    let said = writing.text.to_string();
    for (seq, had) in lengths.iter().step_by(97) {
        let mut back = resumed(&api, &work, *seq).await;
        let story = parse(&back.ready_frame().await.unwrap());
        let Event::MessageDelta(delta) = &story[0].envelope.event else {
            panic!("no delta: {story:?}")
        };
        let offset = usize::try_from(delta.offset).unwrap();
        assert!(offset <= *had, "{offset} is beyond {had}");
        assert_eq!(*delta.text, said[offset..]);
        let (again, new) = (had - offset, said.len() - had);
        assert!(8 * again <= new + again, "{again} of {new} again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_begins_now_begins_with_what_is_being_written() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut one = Writing::new(&press, "one");
    let mut other = Writing::new(&press, "other");
    one.say("a");
    other.say("b");
    one.say("a");
    press.finished("over", "c");
    for query in ["&deltas=1", "&deltas=1&after=now"] {
        let mut stream = api.stream(&format!("{}{query}", work.events())).await;
        let mut begin = Vec::new();
        while let Some(frame) = stream.ready_frame().await {
            begin.extend(parse(&frame));
        }
        let lines: Vec<String> = begin.iter().map(words).collect();
        assert_eq!(lines[0], format!("- updated one {}", one.text));
        assert_eq!(lines[1], format!("- updated other {}", other.text));
        assert!(begin.iter().all(|got| got.id.is_none()));
        let offset = one.text.len();
        let seq = one.say("c");
        assert_eq!(
            next_told(&mut stream).await,
            [format!("{seq} one.0+{offset} c")]
        );
    }
    // A whole-message reader begins with nothing, as always.
    assert_eq!(work.stream().await.ready_frame().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_without_a_cursor_is_told_what_came_to_what_it_had() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut writing = Writing::new(&press, "m");
    let mut first = with_deltas(&api, &work).await;
    writing.say("seen");
    first.next().await.unwrap();
    drop(first);
    writing.say(" missed");
    let mut second = with_deltas(&api, &work).await;
    assert_eq!(next_told(&mut second).await, ["2 m.0+4  missed"]);
    // It leaves before it is told anything: it is told the same.
    drop(second);
    writing.say(" too");
    drop(with_deltas(&api, &work).await);
    let mut third = with_deltas(&api, &work).await;
    assert_eq!(next_told(&mut third).await, ["3 m.0+11  too"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_had_no_deltas_before_begins_with_whole_messages() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut writing = Writing::new(&press, "m");
    let mut whole = work.stream().await;
    writing.say("seen");
    whole.next().await.unwrap();
    drop(whole);
    let mut deltas = with_deltas(&api, &work).await;
    assert_eq!(next_told(&mut deltas).await, ["- updated m seen"]);
    drop(deltas);
    // Nor is one that left before it was told what it begins with taken for one that has it.
    drop(work.stream().await);
    drop(with_deltas(&api, &work).await);
    let mut deltas = with_deltas(&api, &work).await;
    assert_eq!(next_told(&mut deltas).await, ["- updated m seen"]);
}

/// Between two batches of a reader that is behind lies a snapshot that a newer one replaced: the reader passes over it, and
/// is told what it would have lacked.
#[tokio::test(start_paused = true)]
async fn a_reader_that_passes_over_a_replaced_snapshot_is_told_what_it_said() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut slow = api
        .stream(&format!("{}&deltas=1&after=now", work.events()))
        .await;
    let mut writing = Writing::new(&press, "m");
    writing.say("seen");
    let mut known = Known::of(&parse(&slow.ready_frame().await.unwrap()));
    writing.say(" passed over");
    for n in 0..3 {
        // More than a batch holds.
        press.finished(&format!("big{n}"), &"x".repeat(40_000));
    }
    let new = writing.say(" new");
    tokio::time::sleep(Duration::from_millis(33)).await;
    let first = parse(&slow.ready_frame().await.unwrap());
    let lines: Vec<String> = first.iter().map(words).collect();
    assert_eq!(lines[0], "- m.0+4  passed over");
    first.iter().for_each(|got| known.hear(got));
    // Who is cut here has just that.
    let last = first.last().unwrap().seq();
    let mut back = resumed(&api, &work, last).await;
    let rest = back.settled().await;
    assert_eq!(words(rest.last().unwrap()), format!("{new} m.0+16  new"));
    rest.iter().for_each(|got| known.hear(got));
    assert_eq!(known.text("m").unwrap(), "seen passed over new");
    let rest = slow.settled().await;
    assert_eq!(words(rest.last().unwrap()), format!("{new} m.0+16  new"));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_lost_something_is_told_first_what_it_lacks_of_what_goes_on() {
    let api = Api::with(
        BackendOptions {
            log: TopicOptions {
                max_events: 4,
                ..TestBackend::roomy_figures().log
            },
            ..Default::default()
        },
        |_| {},
    );
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut slow = api
        .stream(&format!("{}&deltas=1&after=now", work.events()))
        .await;
    let mut writing = Writing::new(&press, "m");
    writing.say("seen");
    slow.next().await.unwrap();
    writing.say(" lost");
    let mut other = Writing::new(&press, "other");
    other.say("all of it");
    for n in 0..10 {
        press.created(&format!("m{n}"));
    }
    writing.say(" new");
    other.say(" and more");
    let story = slow.settled().await;
    let lines: Vec<String> = story.iter().map(words).collect();
    assert_eq!(
        lines,
        [
            "- m.0+4  lost",
            "- updated other all of it",
            "- gap",
            "12 created m8 ",
            "13 created m9 ",
            "14 m.0+9  new",
            "15 other.0+9  and more",
        ]
    );
}

/// Something else lies between two snapshots of a message, of which the first was replaced: whoever has its number has
/// the text that goes before it.
#[tokio::test(start_paused = true)]
async fn what_came_to_a_message_is_told_before_anything_of_a_later_number() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = api
        .stream(&format!("{}&deltas=1&after=now", work.events()))
        .await;
    let mut writing = Writing::new(&press, "m");
    writing.say("a");
    let mut begun = Writing::new(&press, "new");
    begun.say("x");
    let between = press.created("between");
    writing.say("b");
    begun.say("y");
    let frame = stream.ready_frame().await.unwrap();
    let whole = ["- updated m ab", "- updated new xy", "3 created between "];
    assert_eq!(told(&frame), whole, "nobody had anything of them");

    writing.say("c");
    let other = press.created("other");
    let last = writing.say("d");
    let frame = stream.ready_frame().await.unwrap();
    let expected = ["- m.0+2 cd".to_owned(), format!("{other} created other ")];
    assert_eq!(told(&frame), expected);
    // Where nothing lies between, the number is that of the snapshot.
    press.created("before");
    let seq = writing.say("e");
    let frame = stream.ready_frame().await.unwrap();
    assert_eq!(told(&frame)[1], format!("{seq} m.0+4 e"));

    for (after, expected) in [
        (between, "- m.0+1 bcde".to_owned()),
        (other, "- m.0+3 de".to_owned()),
        (last, format!("{seq} m.0+4 e")),
    ] {
        let mut back = resumed(&api, &work, after).await;
        let story = back.settled().await;
        let lines: Vec<String> = story.iter().map(words).collect();
        assert!(lines.contains(&expected), "{after}: {lines:?}");
    }
}
