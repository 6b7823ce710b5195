//! Pieces, ids, limits and ends, from the events of the library.

use std::collections::HashSet;

use genai::chat::{
    ChatStreamEvent, MessageContent, PromptTokensDetails, StopReason as Stopped, StreamChunk,
    StreamEnd, ToolCall, ToolChunk, Usage,
};
use serde_json::{Value, json};

use super::Answer;
use crate::genai::watch::Noted;
use crate::provider::{
    AnswerEvent, AnswerLimits, Protocol, ProviderError, ProviderErrorKind, StopReason, TokenUsage,
    ToolCallPiece,
};

fn answer(protocol: Protocol) -> Answer {
    Answer::new(protocol, AnswerLimits::default(), HashSet::new())
}

/// What comes of events.
fn all(
    answer: &mut Answer,
    events: impl IntoIterator<Item = ChatStreamEvent>,
) -> Result<Vec<AnswerEvent>, ProviderError> {
    for event in events {
        answer.take(event, &Noted::default())?;
    }
    Ok(std::iter::from_fn(|| answer.next_event()).collect())
}

fn chunk(text: &str) -> StreamChunk {
    StreamChunk {
        content: text.to_owned(),
    }
}

fn text(text: &str) -> ChatStreamEvent {
    ChatStreamEvent::Chunk(chunk(text))
}

fn thought(text: &str) -> ChatStreamEvent {
    ChatStreamEvent::ReasoningChunk(chunk(text))
}

fn signature(text: &str) -> ChatStreamEvent {
    ChatStreamEvent::ThoughtSignatureChunk(chunk(text))
}

fn tool_call(id: &str, name: &str, input: Value) -> ToolCall {
    ToolCall {
        call_id: id.to_owned(),
        fn_name: name.to_owned(),
        fn_arguments: input,
        thought_signatures: None,
    }
}

fn call(id: &str, name: &str, input: impl Into<Value>) -> ChatStreamEvent {
    ChatStreamEvent::ToolCallChunk(ToolChunk {
        tool_call: tool_call(id, name, input.into()),
    })
}

fn end(reason: &str) -> ChatStreamEvent {
    ChatStreamEvent::End(StreamEnd {
        captured_stop_reason: Some(Stopped::from(reason.to_owned())),
        ..StreamEnd::default()
    })
}

fn piece(id: &str, name: &str, input: &str) -> AnswerEvent {
    AnswerEvent::ToolCall(ToolCallPiece {
        id: id.to_owned(),
        name: name.to_owned(),
        input: input.to_owned(),
    })
}

fn ids(events: &[AnswerEvent]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| {
            let AnswerEvent::ToolCall(piece) = event else {
                return None;
            };
            Some(&*piece.id)
        })
        .collect()
}

#[test]
fn text_and_thoughts_are_told_as_they_come_and_never_empty() {
    let events = all(
        &mut answer(Protocol::OpenAi),
        [
            ChatStreamEvent::Start,
            thought("h"),
            text(""),
            text("a"),
            ChatStreamEvent::Heartbeat,
            text("b"),
            end("stop"),
        ],
    );
    let wanted = vec![
        AnswerEvent::Reasoning("h".to_owned()),
        AnswerEvent::Text("a".to_owned()),
        AnswerEvent::Text("b".to_owned()),
        AnswerEvent::End(StopReason::EndTurn),
    ];
    assert_eq!(events, Ok(wanted));
}

#[test]
fn a_signature_that_comes_in_pieces_is_told_once_and_says_whose_it_is() {
    let events = all(
        &mut answer(Protocol::Anthropic),
        [thought("h"), signature("ab"), signature("cd"), text("t")],
    );
    let wanted = vec![
        AnswerEvent::Reasoning("h".to_owned()),
        AnswerEvent::ReasoningSignature("anthropic:abcd".to_owned()),
        AnswerEvent::Text("t".to_owned()),
    ];
    assert_eq!(events, Ok(wanted));
}

#[test]
fn signatures_that_come_as_a_whole_stay_apart() {
    let events = all(
        &mut answer(Protocol::Gemini),
        [signature("ab"), signature("cd"), end("STOP")],
    );
    let wanted = vec![
        AnswerEvent::ReasoningSignature("gemini:ab".to_owned()),
        AnswerEvent::ReasoningSignature("gemini:cd".to_owned()),
        AnswerEvent::End(StopReason::EndTurn),
    ];
    assert_eq!(events, Ok(wanted));
}

#[test]
fn hazard_3_the_ever_longer_tool_call_of_the_library_becomes_pieces() {
    let events = all(
        &mut answer(Protocol::OpenAi),
        [
            call("c1", "bash", ""),
            call("c1", "bash", "{\"a\""),
            call("c1", "bash", "{\"a\""),
            call("c1", "bash", "{\"a\":1}"),
            call("c2", "view", "{}"),
            end("tool_calls"),
        ],
    );
    let wanted = vec![
        piece("c1", "bash", ""),
        piece("c1", "bash", "{\"a\""),
        piece("c1", "bash", ":1}"),
        piece("c2", "view", "{}"),
        AnswerEvent::End(StopReason::ToolUse),
    ];
    assert_eq!(events, Ok(wanted));
}

#[test]
fn hazard_6_the_ids_that_the_library_makes_up_are_replaced() {
    for (protocol, id) in [
        (Protocol::Gemini, "call#bash#0"),
        (Protocol::Ollama, "call_1234abcd"),
    ] {
        let events = all(
            &mut answer(protocol),
            [
                call(id, "bash", json!({"a": 1})),
                call(id, "bash", json!({"a": 1})),
            ],
        )
        .unwrap();
        let ids = ids(&events);
        assert_eq!(ids.len(), 2);
        assert!(ids[0] != ids[1] && !ids.contains(&id), "{ids:?}");
    }
    let events = all(
        &mut answer(Protocol::OpenAiCompat),
        [call("call_0", "bash", "{}")],
    )
    .unwrap();
    assert_ne!(ids(&events), ["call_0"]);
}

#[test]
fn an_id_that_the_conversation_has_already_is_replaced_and_keeps_its_pieces_together() {
    let known = HashSet::from(["c1".into()]);
    let mut answer = Answer::new(Protocol::OpenAi, AnswerLimits::default(), known);
    let events = all(
        &mut answer,
        [call("c1", "bash", "{"), call("c1", "bash", "{}")],
    )
    .unwrap();
    let ids = ids(&events);
    assert!(
        ids.len() == 2 && ids[0] == ids[1] && ids[0] != "c1",
        "{ids:?}"
    );
}

#[test]
fn a_provider_that_gives_one_id_to_two_calls_has_made_two_calls() {
    for id in ["", "c1"] {
        let events = all(
            &mut answer(Protocol::OpenAiCompat),
            [
                call(id, "bash", "{\"a\":1}"),
                call(id, "bash", ""),
                call(id, "bash", "{\"b\":2}"),
            ],
        )
        .unwrap();
        let ids = ids(&events);
        assert_eq!(ids.len(), 3);
        assert!(ids[0] != ids[1] && ids[1] == ids[2], "{ids:?}");
    }
}

#[test]
fn a_call_that_only_the_end_has_is_told_whole() {
    let whole = |calls: Vec<ToolCall>| {
        ChatStreamEvent::End(StreamEnd {
            captured_stop_reason: Some(Stopped::from("completed".to_owned())),
            captured_content: Some(MessageContent::from_tool_calls(calls)),
            ..StreamEnd::default()
        })
    };
    let events = all(
        &mut answer(Protocol::OpenAiResponses),
        [
            call("c1", "bash", "{ \"a\": 1 }"),
            whole(vec![
                tool_call("c1", "bash", json!({"a": 1})),
                tool_call("c2", "view", json!({})),
            ]),
        ],
    );
    let wanted = vec![
        piece("c1", "bash", "{ \"a\": 1 }"),
        piece("c2", "view", "{}"),
        AnswerEvent::End(StopReason::ToolUse),
    ];
    assert_eq!(events, Ok(wanted));
    let differs = all(
        &mut answer(Protocol::OpenAiResponses),
        [
            call("c1", "bash", "{"),
            whole(vec![tool_call("c1", "bash", json!({"a": 1}))]),
        ],
    );
    assert_eq!(differs.unwrap_err().kind, ProviderErrorKind::Provider);
}

#[test]
fn hazard_2_an_end_without_a_reason_is_none_and_neither_is_no_end() {
    let silent = ChatStreamEvent::End(StreamEnd::default());
    let error = all(&mut answer(Protocol::Ollama), [text("a"), silent]).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Network);
    assert!(error.message.contains("cut off"), "{error}");

    let mut answer = answer(Protocol::OpenAi);
    all(&mut answer, [call("c1", "bash", "{}")]).unwrap();
    assert_eq!(answer.finish(&Noted::default()), Err(error));
    assert_eq!(answer.next_event(), None);
}

#[test]
fn what_the_frames_said_is_enough_for_an_end() {
    let mut answer = answer(Protocol::OpenAiCompat);
    let noted = Noted {
        stop: Some("stop".to_owned()),
        usage: Some(TokenUsage {
            input: 3,
            output: 4,
            ..TokenUsage::default()
        }),
    };
    answer.finish(&noted).unwrap();
    let wanted = vec![
        AnswerEvent::Usage(noted.usage.unwrap()),
        AnswerEvent::End(StopReason::EndTurn),
    ];
    assert_eq!(all(&mut answer, []), Ok(wanted));
}

#[test]
fn every_reason_to_stop_is_mapped() {
    let table = [
        ("stop", StopReason::EndTurn),
        ("end_turn", StopReason::EndTurn),
        ("STOP", StopReason::EndTurn),
        ("completed", StopReason::EndTurn),
        ("stop_sequence", StopReason::EndTurn),
        ("length", StopReason::MaxTokens),
        ("max_tokens", StopReason::MaxTokens),
        ("MAX_TOKENS", StopReason::MaxTokens),
        ("incomplete", StopReason::MaxTokens),
        ("content_filter", StopReason::ContentFilter),
        ("refusal", StopReason::ContentFilter),
        ("SAFETY", StopReason::ContentFilter),
        ("pause_turn", StopReason::Other("pause_turn".to_owned())),
    ];
    for (reason, wanted) in table {
        let events = all(&mut answer(Protocol::OpenAi), [end(reason)]);
        assert_eq!(events, Ok(vec![AnswerEvent::End(wanted)]), "{reason}");
    }
}

#[test]
fn a_plain_stop_with_tool_calls_waits_for_its_tools() {
    let events = all(
        &mut answer(Protocol::Gemini),
        [call("x", "bash", json!({})), end("STOP")],
    )
    .unwrap();
    assert_eq!(events.last(), Some(&AnswerEvent::End(StopReason::ToolUse)));
}

#[test]
fn tool_calls_that_are_announced_and_do_not_come_are_an_error() {
    let error = all(&mut answer(Protocol::OpenAi), [end("tool_calls")]).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Provider);
}

#[test]
fn what_was_cached_is_taken_out_of_the_input() {
    let end = ChatStreamEvent::End(StreamEnd {
        captured_stop_reason: Some(Stopped::from("end_turn".to_owned())),
        captured_usage: Some(Usage {
            prompt_tokens: Some(100),
            completion_tokens: Some(7),
            prompt_tokens_details: Some(PromptTokensDetails {
                cached_tokens: Some(60),
                cache_creation_tokens: Some(30),
                ..PromptTokensDetails::default()
            }),
            ..Usage::default()
        }),
        ..StreamEnd::default()
    });
    let wanted = TokenUsage {
        input: 10,
        output: 7,
        cache_read: 60,
        cache_write: 30,
    };
    let events = all(&mut answer(Protocol::Anthropic), [end]).unwrap();
    assert_eq!(events.first(), Some(&AnswerEvent::Usage(wanted)));
}

#[test]
fn more_than_the_limits_is_refused() {
    let limits = AnswerLimits {
        answer_bytes: 4,
        tool_input_bytes: 4,
        ..AnswerLimits::default()
    };
    let fresh = || Answer::new(Protocol::OpenAi, limits, HashSet::new());
    for events in [
        vec![text("abc"), thought("de")],
        vec![signature("abcde")],
        vec![call("c1", "bash", "abcde")],
        vec![call("c1", "bash", "abc"), call("c2", "bash", "de")],
        vec![call("c1", "bash", "abc"), call("c1", "bash", "abcde")],
    ] {
        let error = all(&mut fresh(), events).unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::TooMuch);
    }
    assert!(
        all(
            &mut fresh(),
            [text("abc"), thought("d"), call("c1", "b", "abcd")]
        )
        .is_ok()
    );
}
