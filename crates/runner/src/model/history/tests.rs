//! What a model is given of all kinds of histories.

use proptest::prelude::*;
use runwright_proto::{Finish, Reasoning, SessionId, ToolResult};

use super::*;
use crate::provider::ModelRequest;

fn message(role: Role, parts: Vec<Part>) -> Message {
    let mut message = Message::new(MessageId::generate(), SessionId::random(), role, 0);
    message.parts = parts;
    message.provider = "p".into();
    message.model = "m".into();
    message
}

fn user(text: &str) -> Message {
    message(
        Role::User,
        vec![Part::text(text), Part::Finish(Finish::stop())],
    )
}

fn assistant(parts: Vec<Part>) -> Message {
    message(Role::Assistant, parts)
}

fn call(id: &str, input: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.into(),
        name: "view".into(),
        input: input.into(),
        finished: true,
        ..ToolCall::default()
    })
}

fn result(id: &str, content: &str) -> Message {
    let result = ToolResult {
        tool_call_id: id.into(),
        name: "view".into(),
        content: content.into(),
        ..ToolResult::default()
    };
    message(
        Role::Tool,
        vec![Part::ToolResult(result), Part::Finish(Finish::stop())],
    )
}

fn model() -> ModelSpec {
    ModelSpec {
        id: "m".to_owned(),
        ..ModelSpec::default()
    }
}

fn read(history: &[Message], summary: Option<&MessageId>) -> Vec<RequestMessage> {
    let model = model();
    let reader = Reader {
        provider: "p",
        model: &model,
    };
    conversation(history, summary, reader)
}

fn asked(texts: &[&str]) -> RequestMessage {
    let part = |text: &&str| UserPart::Text((*text).to_owned());
    RequestMessage::User(texts.iter().map(part).collect())
}

fn said(text: &str) -> AssistantPart {
    AssistantPart::Text(text.to_owned())
}

fn wanted(id: &str, input: &str) -> AssistantPart {
    AssistantPart::ToolCall {
        id: id.into(),
        name: "view".into(),
        input: input.into(),
    }
}

fn got(id: &str, content: &str, is_error: bool) -> ToolAnswer {
    ToolAnswer {
        call_id: id.into(),
        name: "view".into(),
        content: content.to_owned(),
        is_error,
    }
}

#[test]
fn what_the_same_speaker_says_in_a_row_is_one_message() {
    let history = [
        user("one"),
        assistant(vec![]),
        user("two"),
        assistant(vec![Part::text("a")]),
        assistant(vec![Part::text("b")]),
        user("three"),
    ];
    let expected = [
        asked(&["one", "two"]),
        RequestMessage::Assistant(vec![said("a"), said("b")]),
        asked(&["three"]),
    ];
    assert_eq!(read(&history, None), expected);
}

#[test]
fn a_result_stands_behind_its_call_whatever_was_said_in_between() {
    let history = [
        user("look"),
        assistant(vec![
            Part::text("I look"),
            call("a", "{}"),
            call("b", "{\"x\":1}"),
        ]),
        user("hurry"),
        result("b", "B"),
        result("a", ""),
        result("stray", "nobody asked"),
        user("well?"),
    ];
    let expected = [
        asked(&["look"]),
        RequestMessage::Assistant(vec![
            said("I look"),
            wanted("a", "{}"),
            wanted("b", "{\"x\":1}"),
        ]),
        RequestMessage::Tools(vec![got("a", "(no output)", false), got("b", "B", false)]),
        asked(&["hurry", "well?"]),
    ];
    assert_eq!(read(&history, None), expected);
}

#[test]
fn a_call_without_a_result_gets_one_that_says_so() {
    let history = [user("look"), assistant(vec![call("a", "not json")])];
    let expected = [
        asked(&["look"]),
        RequestMessage::Assistant(vec![wanted("a", "{}")]),
        RequestMessage::Tools(vec![got("a", results::UNANSWERED, true)]),
    ];
    assert_eq!(read(&history, None), expected);
}

#[test]
fn calls_of_the_same_id_are_told_apart() {
    let history = [
        user("look"),
        assistant(vec![call("0", "{}")]),
        result("0", "first"),
        assistant(vec![call("0", "{}"), call("", "{}")]),
        result("0", "second"),
        result("", "third"),
    ];
    let expected = [
        asked(&["look"]),
        RequestMessage::Assistant(vec![wanted("0", "{}")]),
        RequestMessage::Tools(vec![got("0", "first", false)]),
        RequestMessage::Assistant(vec![wanted("0_2", "{}"), wanted("call", "{}")]),
        RequestMessage::Tools(vec![
            got("0_2", "second", false),
            got("call", "third", false),
        ]),
    ];
    assert_eq!(read(&history, None), expected);
}

#[test]
fn a_summary_stands_for_what_came_before_it() {
    let summary = assistant(vec![Part::text("they talked")]);
    let history = [
        user("old"),
        assistant(vec![Part::text("older")]),
        summary.clone(),
        user("new"),
    ];
    assert_eq!(
        read(&history, Some(&summary.id)),
        [asked(&["they talked", "new"])]
    );
    let unknown = MessageId::generate();
    assert_eq!(read(&history, Some(&unknown)).len(), 3, "nothing is lost");
}

#[test]
fn thoughts_go_back_only_to_the_model_whose_they_are_and_only_within_its_turn() {
    let thoughts = |signature: &str| {
        Part::Reasoning(Reasoning {
            thinking: "hm".into(),
            signature: signature.into(),
            ..Reasoning::default()
        })
    };
    let mut others = assistant(vec![thoughts("other"), Part::text("c")]);
    others.model = "another".into();
    let history = [
        user("one"),
        assistant(vec![thoughts("old"), Part::text("a")]),
        user("two"),
        assistant(vec![
            thoughts("mine"),
            thoughts(""),
            Part::text("b"),
            call("t", "{}"),
        ]),
        result("t", "T"),
        others,
        assistant(vec![thoughts("alone")]),
        user("three"),
    ];
    let mine = AssistantPart::Reasoning {
        text: "hm".to_owned(),
        signature: "mine".into(),
    };
    let within = read(&history[..5], None);
    assert_eq!(
        within[1..],
        [
            RequestMessage::Assistant(vec![said("a")]),
            asked(&["two"]),
            RequestMessage::Assistant(vec![mine, said("b"), wanted("t", "{}")]),
            RequestMessage::Tools(vec![got("t", "T", false)]),
        ]
    );
    assert_eq!(
        read(&history, None)[3..],
        [
            RequestMessage::Assistant(vec![said("b"), wanted("t", "{}")]),
            RequestMessage::Tools(vec![got("t", "T", false)]),
            RequestMessage::Assistant(vec![said("c")]),
            asked(&["three"]),
        ]
    );
}

#[test]
fn a_conversation_begins_and_ends_with_somebody_else_than_the_model() {
    let history = [assistant(vec![Part::text("a")])];
    let expected = [
        asked(&[BEGINS_LATER]),
        RequestMessage::Assistant(vec![said("a")]),
        asked(&[GO_ON]),
    ];
    assert_eq!(read(&history, None), expected);
    assert_eq!(read(&[], None), [asked(&[GO_ON])]);
}

fn assert_well_formed(messages: Vec<RequestMessage>) {
    let request = ModelRequest {
        messages,
        ..ModelRequest::default()
    };
    assert_eq!(request.problem(), None, "{request:#?}");
}

fn any_part() -> impl Strategy<Value = Part> {
    let text = prop_oneof![Just(""), Just(" \n"), Just("words")];
    let id = prop_oneof![Just(""), Just("0"), Just("1"), Just("0_2")];
    let input = prop_oneof![Just(""), Just("{"), Just("[]"), Just("{\"a\":1}")];
    prop_oneof![
        text.clone().prop_map(Part::text),
        (text.clone(), prop_oneof![Just(""), Just("sig")]).prop_map(|(thinking, signature)| {
            Part::Reasoning(Reasoning {
                thinking: thinking.into(),
                signature: signature.into(),
                ..Reasoning::default()
            })
        }),
        (id.clone(), input).prop_map(|(id, input)| call(id, input)),
        (id, text).prop_map(|(id, content)| result(id, content).parts.swap_remove(0)),
        Just(Part::Finish(Finish::stop())),
    ]
}

fn any_history() -> impl Strategy<Value = Vec<Message>> {
    let role = prop_oneof![
        Just(Role::User),
        Just(Role::Assistant),
        Just(Role::Tool),
        Just(Role::System)
    ];
    let parts = prop::collection::vec(any_part(), 0..4);
    let message = (role, parts).prop_map(|(role, parts)| message(role, parts));
    prop::collection::vec(message, 0..12)
}

proptest! {
    #[test]
    fn whatever_the_history_is_the_conversation_is_well_formed(
        history in any_history(),
        summary in any::<prop::sample::Index>(),
    ) {
        assert_well_formed(read(&history, None));
        if !history.is_empty() {
            let summary = &history[summary.index(history.len())].id;
            assert_well_formed(read(&history, Some(summary)));
        }
    }
}
