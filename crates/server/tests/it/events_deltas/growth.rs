//! What is told by deltas, and what only the whole message tells.

use runwright_agent::Pace;
use runwright_proto::{ChangeKind, Event, Message, Part, Reasoning, ToolCall};

use super::{next_told, with_deltas, words};
use crate::api::{Api, Got, Known, message, parse};

fn of(parts: Vec<Part>) -> Message {
    Message {
        parts,
        ..message("m", "")
    }
}

fn thoughts(thinking: &str, finished_at: i64) -> Part {
    Part::Reasoning(Reasoning {
        thinking: thinking.into(),
        finished_at,
        ..Reasoning::default()
    })
}

fn call(input: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: "call".into(),
        name: "bash".into(),
        input: input.into(),
        ..ToolCall::default()
    })
}

#[tokio::test(start_paused = true)]
async fn of_several_deltas_of_one_snapshot_only_the_last_one_has_its_number() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = api
        .stream(&format!("{}&deltas=1&after=now", work.events()))
        .await;
    let parts = |one: &str, two: &str| of(vec![Part::text(one), Part::text(two), call("{")]);
    press.updated(parts("a", "b"), Pace::Streamed);
    stream.next().await.unwrap();
    press.updated(
        of(vec![
            Part::text("ac"),
            Part::text("b"),
            call("{}"),
            Part::text("d"),
        ]),
        Pace::Streamed,
    );
    let story = parse(&stream.frame().await.unwrap());
    let lines: Vec<String> = story.iter().map(words).collect();
    assert_eq!(lines, ["- m.0+1 c", "- m.2+1 }", "2 m.3+0 d"]);
    let ids: Vec<bool> = story.iter().map(|got| got.id.is_some()).collect();
    assert_eq!(
        ids,
        [false, false, true],
        "nor an id: none of them is a place to resume from"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_growth_is_told_whole() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = with_deltas(&api, &work).await;
    let steps = [
        (of(vec![thoughts("hm", 0)]), "updated m "),
        (of(vec![thoughts("hm, hm", 0)]), "m.0+2 , hm"),
        // A part ends and another begins.
        (
            of(vec![thoughts("hm, hm", 9), Part::text("So")]),
            "updated m So",
        ),
        (
            of(vec![thoughts("hm, hm", 9), Part::text("So it")]),
            "m.1+2  it",
        ),
        // A text part is nothing but its text.
        (
            of(vec![
                thoughts("hm, hm", 9),
                Part::text("So it"),
                Part::text("is"),
            ]),
            "m.2+0 is",
        ),
        // A call has a name.
        (
            of(vec![thoughts("hm, hm", 9), Part::text("So it"), call("")]),
            "updated m So it",
        ),
        (
            of(vec![thoughts("hm, hm", 9), Part::text("So it"), call("{}")]),
            "m.2+0 {}",
        ),
        // Withdrawn and replaced.
        (of(vec![Part::text("So")]), "updated m So"),
        (of(vec![Part::text("Yes")]), "updated m Yes"),
        (of(vec![Part::text("Yes!")]), "m.0+3 !"),
    ];
    for (number, (state, expected)) in (1..).zip(steps) {
        press.updated(state, Pace::Streamed);
        assert_eq!(
            next_told(&mut stream).await,
            [format!("{number} {expected}")]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_to_which_nothing_came_is_not_told() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = with_deltas(&api, &work).await;
    press.snapshot("m", "a");
    stream.next().await.unwrap();
    let later = Message {
        updated_at: 9,
        ..message("m", "a")
    };
    press.updated(later, Pace::Streamed);
    assert_eq!(
        stream.frame().await.unwrap(),
        "\n",
        "nothing but a heartbeat"
    );
    press.snapshot("m", "ab");
    assert_eq!(next_told(&mut stream).await, ["3 m.0+1 b"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_shown_whole_in_between_goes_on_from_there() {
    let api = Api::new();
    let work = api.open("demo").await;
    let press = work.press().await;
    let mut stream = with_deltas(&api, &work).await;
    press.snapshot("m", "a");
    stream.next().await.unwrap();
    press.updated(message("m", "ab"), Pace::Now);
    assert_eq!(next_told(&mut stream).await, ["2 updated m ab"]);
    press.snapshot("m", "abc");
    assert_eq!(next_told(&mut stream).await, ["3 m.0+2 c"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_followed_with_deltas() {
    let api = Api::new();
    let work = api.open("demo").await;
    let (session, elsewhere) = (work.session().await, work.session().await);
    work.prompt(&session, "r1", "hello").await.is(202);
    work.prompt(&elsewhere, "r2", "hello").await.is(202);
    let turn = api.backend.runner().entered_by("r1").await;
    let other = api.backend.runner().entered_by("r2").await;
    let path = work.path("/runs/r1/events?deltas=1&after=0");
    let mut stream = api.stream(&path).await;
    turn.say("One").await;
    other.say("something else").await;
    let mut story = stream.settled().await;
    turn.say(" two").await;
    story.extend(stream.settled().await);
    turn.say(" three").await;
    let last = story.last().unwrap().id.clone().unwrap();
    drop(stream);
    let path = work.path(&format!("/runs/r1/events?deltas=1&after={last}"));
    let mut back = api.stream(&path).await;
    story.extend(back.settled().await);
    // Who comes in between begins with what is being written.
    let joined = work.path("/runs/r1/events?deltas=1&after=now");
    let joined = api.stream(&joined).await.settled().await;
    assert_eq!(joined.len(), 1);
    assert_eq!(
        joined[0].message().text().unwrap().to_string(),
        "One two three"
    );
    turn.release();
    other.release();
    story.extend(back.rest().await);
    let kinds: Vec<&str> = story.iter().map(Got::kind).collect();
    let deltas = ["message_delta", "message_delta"];
    let expected = [&["message"; 3][..], &deltas, &["message", "run_complete"]].concat();
    assert_eq!(kinds, expected);
    let answer = story[5].message();
    assert_eq!(answer.text().unwrap().to_string(), "One two three");
    assert_eq!(Known::of(&story).0[&answer.id], answer.parts);
}

/// A runner that writes into several parts at a time, through the history: what the reader puts together is what the
/// history has, at any moment.
#[tokio::test(start_paused = true)]
async fn what_a_reader_puts_together_is_what_the_history_has() {
    let api = Api::new();
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut stream = with_deltas(&api, &work).await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    let mut known = Known::default();
    for n in 0..10 {
        turn.say(&format!("word{n} ")).await;
        if n == 4 {
            turn.call_tool("call").await;
        }
        stream
            .settled()
            .await
            .iter()
            .for_each(|got| known.hear(got));
        let workspace = api.backend.workspace(work.id).await.unwrap();
        let messages = workspace.messages(&session).await.unwrap();
        for message in &messages {
            assert_eq!(known.0[&message.id], message.parts, "{n}");
        }
    }
    turn.release();
    let story = stream.until_end_of("r1").await;
    let whole = |got: &&Got| matches!(&got.envelope.event, Event::Message(change) if change.kind == ChangeKind::Updated);
    assert!(
        story
            .iter()
            .rfind(whole)
            .unwrap()
            .message()
            .finish()
            .is_some()
    );
}
