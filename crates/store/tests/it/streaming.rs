//! Messages that are streamed: what readers of the history see, what is on disk of them, and when.

use std::fs;
use std::time::Duration;

use runwright_agent::{EventSink, Pace, TranscriptError};
use runwright_proto::{
    AgentEvent, Change, Event, Finish, FinishReason, Message, MessageId, Part, Role, Seq, Text,
};
use rusqlite::Connection;

use crate::stage::{Opened, Stage, id};

fn text(text: &str) -> Vec<Part> {
    vec![Part::text(text)]
}

/// A message of a run in the session `s`, as a model begins one.
async fn begin(opened: &Opened) -> Message {
    opened.session("s").await;
    opened.add(Some("run"), "s", Role::Assistant, vec![]).await
}

async fn parts(opened: &Opened) -> Vec<Part> {
    opened.messages("s").await.remove(0).parts
}

/// What the rows of a message are on disk: the length of its body, and how many pieces of how many bytes were added.
fn on_disk(stage: &Stage) -> (i64, i64, i64) {
    let database = Connection::open(stage.directory.path().join("runwright.db")).unwrap();
    let sql =
        "SELECT (SELECT sum(length(body)) FROM messages), count(*), coalesce(sum(length(steps)), 0)
               FROM message_chunks";
    database
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
}

#[tokio::test]
async fn the_newest_state_is_read_at_once_and_a_finished_one_is_on_disk() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    let message = begin(&opened).await;
    for state in [
        "H",
        "He",
        "Hel",
        "something else",
        "something else, in the end",
    ] {
        opened.update(&message, text(state), Pace::Streamed).await;
        assert_eq!(parts(&opened).await, text(state));
    }
    assert_eq!(on_disk(&stage).1, 0, "nothing was stored yet");
    opened.flush().await;
    assert_eq!(on_disk(&stage).1, 1);
    assert_eq!(parts(&opened).await, text("something else, in the end"));
    opened.update(&message, text("done"), Pace::Now).await;
    assert_eq!(on_disk(&stage).1, 0, "it is in its row");
    assert_eq!(parts(&opened).await, text("done"));
    // And it may go on all the same.
    opened
        .update(&message, text("done, and"), Pace::Streamed)
        .await;
    assert_eq!(parts(&opened).await, text("done, and"));
}

#[tokio::test]
async fn text_costs_the_disk_its_length_whatever_was_there_before() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    let mut message = begin(&opened).await;
    let piece = "All work and no play. ".repeat(20);
    let log = stage.directory.path().join("runwright.db-wal");
    let written = || fs::metadata(&log).unwrap().len();
    let mut answer = Text::new();
    let mut sizes = vec![written()];
    for _ in 0..300 {
        for _ in 0..4 {
            answer.push_str(&piece);
            message.parts = vec![Part::Text(runwright_proto::TextPart {
                text: answer.clone(),
            })];
            let parts = message.parts.clone();
            opened.update(&message, parts, Pace::Streamed).await;
        }
        opened.flush().await;
        sizes.push(written());
    }
    let (body, pieces, bytes) = on_disk(&stage);
    let length = i64::try_from(answer.len()).unwrap();
    assert!(
        body < 500,
        "the row of the message stays as it was: {body} bytes"
    );
    assert_eq!(pieces, 300);
    assert!(
        bytes < length + 300 * 16,
        "{bytes} bytes for a text of {length}"
    );
    let grown = |from: usize| sizes[from + 100] - sizes[from];
    let (begin, end) = (grown(0), grown(200));
    assert!(
        end < begin + begin / 4,
        "the first pieces cost {begin} bytes of the log, the last {end}"
    );
    let session = opened.messages("s").await;
    assert_eq!(session[0].text(), Some(&answer));
    assert_eq!(
        stage.killed().open().await.messages("s").await[0].text(),
        Some(&answer)
    );
}

#[tokio::test]
async fn streamed_text_is_stored_soon_by_itself() {
    let stage = Stage::with(|options| {
        options.stream_delay = Duration::from_millis(5);
        options.idle_after = Duration::from_secs(3_600);
    });
    let opened = stage.open().await;
    let message = begin(&opened).await;
    opened.update(&message, text("a"), Pace::Streamed).await;
    // It comes by itself; a test that hangs here says that it does not.
    while on_disk(&stage).1 == 0 {
        tokio::task::yield_now().await;
    }
    opened.update(&message, text("ab"), Pace::Streamed).await;
    while on_disk(&stage).1 == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        stage.killed().open().await.messages("s").await[0].parts,
        text("ab")
    );
}

#[tokio::test]
async fn the_end_of_a_run_ends_what_is_being_streamed() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    let message = begin(&opened).await;
    opened.update(&message, text("Hel"), Pace::Streamed).await;
    let finish = Finish {
        reason: FinishReason::Canceled,
        ..Finish::default()
    };
    let run = id("run");
    let closed = opened.parts.transcript.close_run(&run, finish.clone());
    let ended = [
        text("Hel"),
        vec![Part::Finish(Finish {
            time: 1_795_357_488,
            ..finish
        })],
    ]
    .concat();
    assert_eq!(closed.await.unwrap().unwrap().parts, ended);
    assert_eq!(parts(&opened).await, ended);
    assert_eq!(
        stage.killed().open().await.messages("s").await[0].parts,
        ended
    );
}

#[tokio::test]
async fn a_message_of_an_earlier_process_may_be_streamed_and_an_unknown_one_not() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    let message = begin(&opened).await;
    opened.update(&message, text("a"), Pace::Now).await;
    let stage = stage.killed();
    let opened = stage.open().await;
    opened.update(&message, text("ab"), Pace::Streamed).await;
    assert_eq!(parts(&opened).await, text("ab"));
    opened.flush().await;
    let unknown = Message::new(MessageId::generate(), id("s"), Role::Assistant, 7);
    let refused = opened
        .parts
        .transcript
        .update_message(unknown.clone(), Pace::Streamed)
        .await;
    assert!(
        matches!(&refused, Err(TranscriptError::UnknownMessage(id)) if *id == unknown.id),
        "{refused:?}"
    );
    assert_eq!(
        stage.killed().open().await.messages("s").await[0].parts,
        text("ab")
    );
}

#[tokio::test]
async fn text_that_is_being_streamed_when_a_workspace_closes_is_kept_under_its_number() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    let message = begin(&opened).await;
    opened.update(&message, text("a"), Pace::Streamed).await;
    opened.flush().await;
    opened.update(&message, text("ab"), Pace::Streamed).await;
    let head = opened.sink.head();
    let log = opened.log(head).await;
    opened.parts.events.close().await;
    assert_eq!(on_disk(&stage).1, 0);
    let opened = stage.closed().await.open().await;
    assert_eq!(opened.messages("s").await[0].parts, text("ab"));
    assert_eq!(opened.log(head).await, log);
}

#[tokio::test]
async fn nothing_happens_in_a_workspace_that_is_closed() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    let message = begin(&opened).await;
    opened.update(&message, text("a"), Pace::Streamed).await;
    opened.parts.events.close().await;
    let head = opened.sink.head();
    let transcript = &opened.parts.transcript;
    for pace in [Pace::Now, Pace::Streamed] {
        let refused = transcript.update_message(message.clone(), pace).await;
        assert!(
            matches!(refused, Err(TranscriptError::Storage(_))),
            "{refused:?}"
        );
    }
    let refused = transcript.delete_session(&id("s")).await;
    assert!(
        matches!(refused, Err(TranscriptError::Storage(_))),
        "{refused:?}"
    );
    let late = AgentEvent::finished(id("s"), "late");
    let late = runwright_agent::Publication {
        event: Event::AgentEvent(Change::created(late)),
        run: None,
        pace: Pace::Now,
    };
    opened.parts.events.tell(late.clone());
    opened.parts.events.announce(late);
    assert!(opened.parts.events.flush().await.is_err(), "it is closed");
    assert_eq!(opened.sink.head(), head);
    assert_eq!(opened.messages("s").await.len(), 1, "it may still be read");
    assert_eq!(stage.killed().open().await.next, Seq(head.0 + 1));
}
