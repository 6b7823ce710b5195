//! Owns the checks of what is growth and of what is told of it. It must never know a number of the log.

use proptest::prelude::*;
use runwright_proto::{Finish, MessageId, Reasoning, Role, SessionId, ToolCall};

use super::*;

fn message(parts: Vec<Part>) -> Message {
    let session: SessionId = "s".parse().expect("an id");
    let id: MessageId = "m".parse().expect("an id");
    let mut message = Message::new(id, session, Role::Assistant, 7);
    message.parts = parts;
    message
}

fn text(text: &str) -> Part {
    Part::text(text)
}

fn thoughts(thinking: &str, finished_at: i64) -> Part {
    Part::Reasoning(Reasoning {
        thinking: thinking.into(),
        finished_at,
        ..Reasoning::default()
    })
}

fn call(name: &str, input: &str, finished: bool) -> Part {
    Part::ToolCall(ToolCall {
        name: name.into(),
        input: input.into(),
        finished,
        ..ToolCall::default()
    })
}

fn check(older: Vec<Part>, newer: Vec<Part>, expected: bool) {
    let (older, newer) = (message(older), message(newer));
    assert_eq!(is_growth(&older, &newer), expected, "{older:?} {newer:?}");
}

#[test]
fn texts_thoughts_and_inputs_grow_and_texts_begin() {
    let finish = || Part::Finish(Finish::stop());
    check(vec![], vec![], true);
    check(vec![], vec![text("a")], true);
    check(vec![], vec![text(""), text("a")], true);
    check(vec![text("a")], vec![text("ab")], true);
    check(vec![text("é")], vec![text("éé")], true);
    check(vec![thoughts("a", 0)], vec![thoughts("ab", 0)], true);
    check(
        vec![call("a", "{", false)],
        vec![call("a", "{}", false)],
        true,
    );
    check(vec![finish()], vec![finish(), text("a")], true);
}

#[test]
fn what_was_withdrawn_replaced_or_moved_did_not_grow() {
    check(vec![text("ab")], vec![text("a")], false);
    check(vec![text("ab")], vec![text("ax")], false);
    check(vec![text("ab")], vec![text("axb")], false);
    check(vec![text("a"), text("b")], vec![text("a")], false);
    check(
        vec![text("a"), text("b")],
        vec![text("b"), text("a")],
        false,
    );
    check(vec![text("a")], vec![thoughts("a", 0)], false);
    check(
        vec![call("a", "{}", false)],
        vec![call("a", "{", false)],
        false,
    );
    check(
        vec![call("a", "", false)],
        vec![call("b", "", false)],
        false,
    );
}

#[test]
fn what_only_the_whole_message_tells_is_not_growth() {
    check(vec![], vec![thoughts("a", 0)], false);
    check(vec![], vec![call("a", "", false)], false);
    check(
        vec![text("a")],
        vec![text("a"), Part::Finish(Finish::stop())],
        false,
    );
    check(vec![thoughts("a", 0)], vec![thoughts("a", 9)], false);
    check(
        vec![call("a", "", false)],
        vec![call("a", "{}", true)],
        false,
    );
}

#[test]
fn the_time_of_the_last_change_alone_is_growth_and_another_model_is_not() {
    let older = message(vec![text("a")]);
    let later = Message {
        updated_at: 9,
        ..older.clone()
    };
    let other = Message {
        model: "other".into(),
        ..older.clone()
    };
    assert!(is_growth(&older, &later));
    assert!(!is_growth(&older, &other));
}

#[test]
fn a_delta_says_what_came_to_each_part_and_from_where_on() {
    let older = message(vec![thoughts("hm", 0), text("é"), call("a", "{", false)]);
    let newer = message(vec![
        thoughts("hm, hm", 0),
        text("é"),
        call("a", "{}", false),
        text(""),
        text("so"),
    ]);
    let deltas = deltas(&newer, &Lengths::of(&older), &Lengths::of(&newer));
    let told: Vec<_> = deltas
        .iter()
        .map(|delta| (delta.part, delta.offset, &*delta.text))
        .collect();
    let expected = [(0, 2, ", hm"), (2, 1, "}"), (3, 0, ""), (4, 0, "so")];
    assert_eq!(told, expected);
    assert!(deltas.iter().all(|delta| delta.id == newer.id));
}

#[test]
fn what_a_message_was_is_cut_out_of_what_it_is() {
    let older = message(vec![thoughts("hm", 0), text("é"), call("a", "{", false)]);
    let newer = message(vec![
        thoughts("hm, hm", 0),
        text("éa"),
        call("a", "{}", false),
        text("so"),
    ]);
    assert_eq!(cut(&newer, &Lengths::of(&older)), older);
    assert_eq!(cut(&newer, &Lengths::of(&newer)), newer);
}

/// A message that grows by these pieces, each of an existing part or of a new one.
fn grown_by(pieces: Vec<(usize, String)>) -> Vec<Message> {
    let mut snapshots = vec![message(Vec::new())];
    for (part, piece) in pieces {
        let mut next = snapshots[snapshots.len() - 1].clone();
        match next.parts.get_mut(part) {
            Some(Part::Text(part)) => part.text.push_str(&piece),
            Some(_) => unreachable!("all parts are texts"),
            None => next.parts.push(text(&piece)),
        }
        snapshots.push(next);
    }
    snapshots
}

fn apply(told: &mut Message, delta: &MessageDelta) {
    let index = delta.part as usize;
    if index == told.parts.len() {
        told.parts.push(text(""));
    }
    let Part::Text(part) = &mut told.parts[index] else {
        unreachable!("all parts are texts")
    };
    assert_eq!(delta.offset, part.text.len() as u64);
    part.text.push_str(&delta.text);
}

proptest! {
    #[test]
    fn deltas_lead_from_any_snapshot_to_any_later_one(
        pieces in prop::collection::vec((0_usize..4, "[aé€]{0,5}"), 1..40),
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let snapshots = grown_by(pieces);
        let (one, other) = (one.index(snapshots.len()), other.index(snapshots.len()));
        let (from, to) = (&snapshots[one.min(other)], &snapshots[one.max(other)]);
        let newest = &snapshots[snapshots.len() - 1];
        prop_assert!(is_growth(from, newest));
        prop_assert_eq!(&cut(newest, &Lengths::of(to)), to);
        let mut told = from.clone();
        for delta in deltas(newest, &Lengths::of(from), &Lengths::of(to)) {
            apply(&mut told, &delta);
        }
        prop_assert_eq!(&told, to);
    }
}
