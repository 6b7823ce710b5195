//! What pieces of an answer make of a message.

use runwright_proto::{MessageId, Role, SessionId};

use super::*;

fn draft() -> Draft {
    let id = MessageId::generate();
    Draft::new(Message::new(id, SessionId::random(), Role::Assistant, 1))
}

fn piece(id: &str, input: &str) -> AnswerEvent {
    AnswerEvent::ToolCall(ToolCallPiece {
        id: id.to_owned(),
        name: "view".to_owned(),
        input: input.to_owned(),
    })
}

/// Takes the events in, one a second from the tenth on.
fn take(draft: &mut Draft, events: Vec<AnswerEvent>) -> Vec<Taken> {
    let timed = events.into_iter().zip(10..);
    timed.map(|(event, now)| draft.take(event, now)).collect()
}

fn thoughts(thinking: &str, signature: &str, from: i64, to: i64) -> Part {
    Part::Reasoning(Reasoning {
        thinking: thinking.into(),
        signature: signature.into(),
        started_at: from,
        finished_at: to,
    })
}

fn call(id: &str, input: &str, finished: bool) -> Part {
    Part::ToolCall(ToolCall {
        id: id.into(),
        name: "view".into(),
        input: input.into(),
        finished,
        ..ToolCall::default()
    })
}

#[test]
fn thoughts_end_where_speech_begins() {
    let mut draft = draft();
    let events = vec![
        AnswerEvent::Reasoning("hm".into()),
        AnswerEvent::Reasoning("m".into()),
        AnswerEvent::Text("Hel".into()),
        AnswerEvent::Text("lo".into()),
        AnswerEvent::Reasoning("again".into()),
        AnswerEvent::End(StopReason::EndTurn),
    ];
    let taken = take(&mut draft, events);
    assert_eq!(taken[..5], [const { Taken::Shown }; 5]);
    assert_eq!(taken[5], Taken::Ended(StopReason::EndTurn));
    let expected = [
        thoughts("hmm", "", 10, 12),
        Part::text("Hello"),
        thoughts("again", "", 14, 15),
    ];
    assert_eq!(draft.message().parts, expected);
    assert_eq!(draft.said(), 3 + 5 + 5);
}

#[test]
fn a_signature_ends_the_thoughts_that_it_signs() {
    let mut draft = draft();
    let events = vec![
        AnswerEvent::Reasoning("one".into()),
        AnswerEvent::ReasoningSignature("s1".into()),
        AnswerEvent::Reasoning("two".into()),
        AnswerEvent::ReasoningSignature("s2".into()),
        AnswerEvent::ReasoningSignature("s3".into()),
    ];
    take(&mut draft, events);
    let expected = [
        thoughts("one", "s1", 10, 11),
        thoughts("two", "s2", 12, 13),
        thoughts("", "s3", 14, 14),
    ];
    assert_eq!(draft.message().parts, expected);
}

#[test]
fn an_answer_begins_without_its_empty_line() {
    let mut draft = draft();
    let events = ["\n", "\n\nHi", "\n"].map(|text| AnswerEvent::Text(text.into()));
    let taken = take(&mut draft, events.into());
    assert_eq!(taken, [Taken::Silent, Taken::Shown, Taken::Shown]);
    assert_eq!(draft.message().parts, [Part::text("\nHi\n")]);
}

#[test]
fn a_call_shows_its_input_once_it_is_complete() {
    let mut draft = draft();
    let events = vec![
        piece("a", "{\"x\""),
        piece("b", ""),
        piece("a", ":1}"),
        piece("c", "{\"x\":"),
    ];
    let taken = take(&mut draft, events);
    assert_eq!(
        taken,
        [Taken::Shown, Taken::Shown, Taken::Silent, Taken::Shown]
    );
    let open = [
        call("a", "", false),
        call("b", "", false),
        call("c", "", false),
    ];
    assert_eq!(draft.message().parts, open);

    let calls = draft.complete_calls();
    let complete = |id: &str, is_valid| CompleteCall {
        id: id.into(),
        name: "view".into(),
        is_valid,
    };
    assert_eq!(
        calls,
        [
            complete("a", true),
            complete("b", true),
            complete("c", false)
        ]
    );
    let closed = [
        call("a", "{\"x\":1}", true),
        call("b", "{}", true),
        call("c", "{}", true),
    ];
    assert_eq!(draft.message().parts, closed);
}

#[test]
fn what_is_withdrawn_leaves_nothing() {
    let mut draft = draft();
    let usage = TokenUsage {
        input: 1,
        ..TokenUsage::default()
    };
    let events = vec![
        AnswerEvent::Text("Hel".into()),
        piece("a", "{"),
        AnswerEvent::Usage(usage),
    ];
    take(&mut draft, events);
    assert_eq!(draft.usage(), Some(usage));
    draft.withdraw();
    assert_eq!(
        (draft.message().parts, draft.usage(), draft.said()),
        (vec![], None, 0)
    );
    assert_eq!(draft.complete_calls(), []);
    // The first piece of the next try is a first piece.
    take(
        &mut draft,
        vec![AnswerEvent::Text("\nHi".into()), piece("a", "{}")],
    );
    assert_eq!(
        draft.message().parts,
        [Part::text("Hi"), call("a", "", false)]
    );
}
