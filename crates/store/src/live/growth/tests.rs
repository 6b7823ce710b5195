//! Whatever one state of a message is and the next one, the steps lead there; and text that grows costs its growth.

use proptest::prelude::*;
use runwright_proto::{
    Finish, Message, MessageId, Part, Reasoning, Role, SessionId, ToolCall, ToolResult,
};

use super::*;

fn message(parts: Vec<Part>) -> Message {
    let id: MessageId = "m".parse().unwrap();
    let session: SessionId = "s".parse().unwrap();
    Message {
        parts,
        ..Message::new(id, session, Role::Assistant, 7)
    }
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => "[a-z\"é]{0,20}".prop_map(Part::text),
        2 => ("[a-z]{0,9}", "[a-z]{0,3}", 0_i64..3).prop_map(|(thinking, signature, finished_at)| {
            Part::Reasoning(Reasoning {
                thinking: thinking.into(),
                signature: signature.as_str().into(),
                started_at: 1,
                finished_at,
            })
        }),
        1 => ("[a-z]{0,9}", any::<bool>()).prop_map(|(input, finished)| {
            Part::ToolCall(ToolCall {
                input: input.as_str().into(),
                finished,
                ..ToolCall::default()
            })
        }),
        1 => "[a-z]{0,9}".prop_map(|content| {
            Part::ToolResult(ToolResult {
                content: content.as_str().into(),
                ..ToolResult::default()
            })
        }),
        1 => Just(Part::Finish(Finish::stop())),
    ]
}

/// What is done to a message between two states of it.
#[derive(Debug, Clone)]
enum Change {
    Append(usize, String),
    Put(usize, Part),
    Add(Part),
    Cut(usize),
    Model(String),
    EndThinking(usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        5 => (0_usize..4, "[a-zé]{0,12}").prop_map(|(place, text)| Change::Append(place, text)),
        1 => (0_usize..4, part()).prop_map(|(place, part)| Change::Put(place, part)),
        2 => part().prop_map(Change::Add),
        1 => (0_usize..4).prop_map(Change::Cut),
        1 => "[a-z]{1,4}".prop_map(Change::Model),
        1 => (0_usize..4).prop_map(Change::EndThinking),
    ]
}

fn make(message: &mut Message, change: Change) {
    match change {
        Change::Append(place, more) => match message.parts.get_mut(place) {
            Some(Part::Text(part)) => part.text.push_str(&more),
            Some(Part::Reasoning(part)) => part.thinking.push_str(&more),
            Some(Part::ToolCall(part)) => part.input = format!("{}{more}", part.input).into(),
            _ => {}
        },
        Change::Put(place, part) => {
            if let Some(known) = message.parts.get_mut(place) {
                *known = part;
            }
        }
        Change::Add(part) => message.parts.push(part),
        Change::Cut(len) => message.parts.truncate(len),
        Change::Model(model) => message.model = model.as_str().into(),
        Change::EndThinking(place) => {
            if let Some(Part::Reasoning(part)) = message.parts.get_mut(place) {
                part.finished_at = 9;
            }
        }
    }
}

proptest! {
    #[test]
    fn the_steps_lead_from_each_state_to_the_next(
        parts in prop::collection::vec(part(), 0..4),
        changes in prop::collection::vec(prop::collection::vec(change(), 0..4), 0..8),
    ) {
        let mut new = message(parts);
        let mut kept = new.clone();
        for changes in changes {
            let old = new.clone();
            changes.into_iter().for_each(|change| make(&mut new, change));
            let steps = between(&old, &new);
            prop_assert_eq!(steps.is_empty(), old == new);
            apply(&mut kept, &steps).unwrap();
            prop_assert_eq!(&kept, &new);
        }
    }

    #[test]
    fn any_bytes_are_applied_or_refused(bytes: Vec<u8>) {
        let mut message = message(vec![Part::text("a")]);
        let _applied = apply(&mut message, &bytes);
    }
}

#[test]
fn a_text_that_grows_costs_its_growth() {
    let mut message = message(vec![Part::text("x".repeat(100_000))]);
    let before = message.clone();
    make(&mut message, Change::Append(0, "more".into()));
    assert_eq!(between(&before, &message), b"\x00\x00\x04more");

    let thought = |finished_at| {
        Part::Reasoning(Reasoning {
            thinking: "x".repeat(100_000).into(),
            finished_at,
            ..Reasoning::default()
        })
    };
    let (before, after) = (
        Message {
            parts: vec![thought(0)],
            ..message.clone()
        },
        Message {
            parts: vec![thought(9)],
            ..message
        },
    );
    let steps = between(&before, &after);
    assert!(steps.len() < 100, "{} bytes", steps.len());
}

#[test]
fn the_input_of_a_tool_call_that_grows_costs_its_growth() {
    let call = |input: String, finished| {
        let (id, name) = ("c1".into(), "write".into());
        message(vec![Part::ToolCall(ToolCall {
            id,
            name,
            input: input.into(),
            finished,
            ..ToolCall::default()
        })])
    };
    let long = "x".repeat(100_000);
    let (before, after) = (
        call(long.clone(), false),
        call(format!("{long}more"), false),
    );
    assert_eq!(between(&before, &after), b"\x00\x00\x04more");
    let finished = call(format!("{long}more"), true);
    let steps = between(&after, &finished);
    assert!(steps.len() < 200, "{} bytes", steps.len());
    let mut kept = after;
    apply(&mut kept, &steps).unwrap();
    assert_eq!(kept, finished);
    // Another input is told whole.
    let replaced = call("{}".to_owned(), true);
    apply(&mut kept, &between(&finished, &replaced)).unwrap();
    assert_eq!(kept, replaced);
}

#[test]
fn a_change_of_the_model_changes_nothing_else() {
    let mut kept = message(vec![Part::text("a")]);
    let mut new = kept.clone();
    new.model = "model".into();
    let steps = between(&kept, &new);
    apply(&mut kept, &steps).unwrap();
    assert_eq!(kept, new);
}

#[test]
fn steps_that_do_not_fit_are_refused() {
    let mut message = message(vec![Part::Finish(Finish::stop())]);
    for steps in [
        &b"\x00\x00\x01a"[..],
        b"\x00\x05\x01a",
        b"\x01\x02\x02{}",
        b"\x02\x00\x02{}",
        b"\x09\x00\x00",
        b"\x00",
        b"\x00\x00\x09a",
    ] {
        assert_eq!(apply(&mut message, steps), Err(BadGrowth), "{steps:?}");
    }
}
