//! Deltas and the stored log: finished messages come from disk, and what came to the others besides.

use runwright_backend::testing::Call;
use runwright_proto::Seq;

use super::{Writing, resumed, words};
use crate::api::{Api, Known, parse};

#[tokio::test(start_paused = true)]
async fn a_reader_of_deltas_from_disk_is_told_finished_messages_and_what_came_to_the_others() {
    let api = Api::stored(4);
    let work = api.open("demo").await;
    let press = work.stored_press();
    press.created("m");
    let mut writing = Writing::new(&press, "m");
    let mut over = Writing::new(&press, "over");
    let seen = writing.say("seen");
    over.say("half");
    press.created("a");
    writing.say(" on disk");
    over.finish();
    for n in 0..8 {
        press.created(&format!("b{n}"));
    }
    let head = writing.say(" in memory");
    let mut back = resumed(&api, &work, seen).await;
    let story = back.settled().await;
    let lines: Vec<String> = story.iter().map(words).collect();
    assert_eq!(
        lines[0], "- m.0+4  on disk",
        "before anything of a later number"
    );
    assert_eq!(
        lines[1..4],
        ["4 created a ", "6 updated over half", "7 created b0 "]
    );
    assert_eq!(lines.last().unwrap(), &format!("{head} m.0+12  in memory"));
    let asked = work.stored_log().asked();
    assert!(asked.iter().all(|query| query.finished_only), "{asked:?}");

    // From the start: the message is told whole once it was created, and no later than what comes behind it.
    let mut from_start = api
        .stream(&format!("{}&deltas=1&after=0", work.events()))
        .await;
    let story = from_start.settled().await;
    let lines: Vec<String> = story.iter().map(words).collect();
    let begin = ["1 created m ", "- updated m seen on disk", "4 created a "];
    assert_eq!(lines[..3], begin);
    assert_eq!(
        Known::of(&story).text("m").unwrap(),
        "seen on disk in memory"
    );
}

/// A reader of deltas that is cut on its way through the disk goes on from the id it has.
#[tokio::test(start_paused = true)]
async fn a_reader_that_is_cut_on_disk_has_what_its_id_says() {
    let api = Api::stored(4);
    let work = api.open("demo").await;
    let press = work.stored_press();
    press.created("m");
    let mut writing = Writing::new(&press, "m");
    let seen = writing.say("0 ");
    for n in 1..20 {
        press.created(&format!("a{n}"));
        writing.say(&format!("{n} "));
    }
    press.created("last");
    let log = work.stored_log();
    log.set_page(3);
    for cut in 1..12 {
        let mut known = Known::default();
        let mut first = api
            .stream(&format!("{}&deltas=1&after=0", work.events()))
            .await;
        let mut story = Vec::new();
        for _ in 0..cut {
            let frame = first.ready_frame().await;
            story.extend(frame.iter().flat_map(|frame| parse(frame)));
        }
        let last = story.iter().rev().find_map(|got| got.id.clone());
        let Some(last) = last else { continue };
        drop(first);
        let path = format!("{}&deltas=1&after={last}", work.events());
        story.extend(api.stream(&path).await.settled().await);
        story.iter().for_each(|got| known.hear(got));
        assert_eq!(
            known.text("m").unwrap(),
            writing.text.to_string(),
            "cut {cut}"
        );
    }
    let back = resumed(&api, &work, seen).await.settled().await;
    assert!(
        back.iter()
            .all(|got| got.kind() != "message" || got.message().id.as_str() != "m")
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_grows_while_the_disk_is_read_is_told_to_its_end() {
    let api = Api::stored(4);
    let work = api.open("demo").await;
    let press = work.stored_press();
    press.created("m");
    let mut writing = Writing::new(&press, "m");
    writing.say("one");
    for n in 0..10 {
        press.created(&format!("a{n}"));
    }
    let mut stream = api
        .stream(&format!("{}&deltas=1&after=0", work.events()))
        .await;
    let mut held = api.backend.faults().hold(Call::ReadEvents);
    assert_eq!(stream.ready_frame().await, None);
    held.reached().await;
    writing.say(" two");
    for n in 0..10 {
        press.created(&format!("b{n}"));
    }
    writing.say(" three");
    held.release();
    let mut known = Known::of(&stream.settled().await);
    assert_eq!(known.text("m").unwrap(), "one two three");
    writing.finish();
    for n in 0..10 {
        press.created(&format!("c{n}"));
    }
    stream
        .settled()
        .await
        .iter()
        .for_each(|got| known.hear(got));
    assert_eq!(known.text("m").unwrap(), "one two three");
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_beginning_is_pruned_is_told_whole_before_the_gap() {
    let api = Api::stored(4);
    let work = api.open("demo").await;
    let press = work.stored_press();
    let before = press.created("before");
    press.created("m");
    let mut writing = Writing::new(&press, "m");
    writing.say("one");
    let pruned = press.created("a");
    for n in 0..10 {
        press.created(&format!("b{n}"));
    }
    work.stored_log().prune(Seq(pruned));
    let story = resumed(&api, &work, before).await.settled().await;
    let lines: Vec<String> = story.iter().map(words).collect();
    assert_eq!(lines[..3], ["- updated m one", "- gap", "5 created b0 "]);
}
