//! Each protocol's frames for one answer that has everything, its whole answer, its errors and its list of models, as
//! whole strings.

mod anthropic;
mod gemini;
mod ollama;
mod openai;
mod responses;

use super::*;
use crate::{StopReason, TokenUsage};

fn about() -> About {
    About {
        model: "m".to_owned(),
        usage: Some(Usage {
            tokens: TokenUsage {
                input: 7,
                output: 9,
                cache_read: 5,
                cache_write: 3,
            },
            reasoning: 4,
        }),
        include_usage: true,
    }
}

fn pieces() -> Vec<Piece> {
    vec![
        Piece::Begin,
        Piece::Reasoning("hm".to_owned()),
        Piece::Signature("sig".to_owned()),
        Piece::Text("a\"b".to_owned()),
        Piece::Text("c".to_owned()),
        Piece::CallBegin {
            id: "call_1".to_owned(),
            name: "bash".to_owned(),
        },
        Piece::CallInput("{\"x\":".to_owned()),
        Piece::CallInput("1}".to_owned()),
        Piece::CallEnd,
        Piece::Ping,
        Piece::Stop(StopReason::ToolUse),
        Piece::End,
    ]
}

fn answer(protocol: Protocol) -> String {
    frames(protocol, about(), &pieces())
}

fn frames(protocol: Protocol, about: About, pieces: &[Piece]) -> String {
    let mut framing = protocol.framing(about);
    pieces.iter().map(|piece| framing.frame(piece)).collect()
}

fn whole(protocol: Protocol) -> String {
    let mut whole = Whole::default();
    for piece in pieces() {
        whole.add(&piece);
    }
    protocol.whole(&about(), &whole)
}

fn models(protocol: Protocol) -> String {
    protocol.models(&["a".to_owned(), "b".to_owned()])
}

fn error(protocol: Protocol) -> String {
    protocol.framing(about()).error(&Failure::overloaded())
}

#[track_caller]
fn check_refusals(protocol: Protocol, expected: &[(u16, &str)]) {
    let failures = [
        Failure::bad_key(),
        Failure::unknown_model(),
        Failure::context_too_long(),
        Failure::rate_limited(),
        Failure::out_of_quota(),
        Failure::internal(),
        Failure::overloaded(),
        Failure::status(418, "tea"),
    ];
    let refusals: Vec<Refusal> = failures
        .iter()
        .map(|failure| protocol.refuse(failure, "m"))
        .collect();
    let expected: Vec<Refusal> = expected
        .iter()
        .map(|&(status, body)| Refusal {
            status,
            content_type: JSON.to_owned(),
            body: body.to_owned(),
        })
        .collect();
    assert_eq!(refusals, expected);
}

/// The word in which each protocol says why it stopped, looked for in the frames of the stop and the end.
#[test]
fn every_reason_to_stop_has_its_word_in_each_protocol() {
    let reasons = [
        StopReason::EndTurn,
        StopReason::MaxTokens,
        StopReason::ToolUse,
        StopReason::ContentFilter,
        StopReason::Other("tired".to_owned()),
    ];
    let words = |protocol: Protocol, field: &str| -> Vec<String> {
        let said = reasons.iter().map(|reason| {
            let stop = [Piece::Stop(reason.clone()), Piece::End];
            let frames = frames(protocol, about(), &stop);
            let (_, word) = frames.rsplit_once(&format!("\"{field}\":\"")).unwrap();
            word.split('"').next().unwrap().to_owned()
        });
        said.collect()
    };
    let expected = [
        (
            Protocol::OpenAi,
            "finish_reason",
            "stop length tool_calls content_filter tired",
        ),
        (
            Protocol::Anthropic,
            "stop_reason",
            "end_turn max_tokens tool_use refusal tired",
        ),
        (
            Protocol::Gemini,
            "finishReason",
            "STOP MAX_TOKENS STOP SAFETY tired",
        ),
        (
            Protocol::Ollama,
            "done_reason",
            "stop length stop stop tired",
        ),
    ];
    for (protocol, field, expected) in expected {
        assert_eq!(words(protocol, field).join(" "), expected, "{protocol:?}");
    }
    let statuses = words(Protocol::OpenAiResponses, "status").join(" ");
    assert_eq!(
        statuses,
        "completed incomplete completed incomplete incomplete"
    );
    let incomplete = [StopReason::MaxTokens, StopReason::ContentFilter].map(|reason| {
        let stop = [Piece::Stop(reason), Piece::End];
        let frames = frames(Protocol::OpenAiResponses, about(), &stop);
        let (_, word) = frames
            .split_once(r#""incomplete_details":{"reason":""#)
            .unwrap();
        word.split('"').next().unwrap().to_owned()
    });
    assert_eq!(incomplete.join(" "), "max_output_tokens content_filter");
}

#[test]
fn chat_completions_tell_no_usage_to_who_did_not_ask() {
    let about = About {
        include_usage: false,
        ..about()
    };
    let frames = frames(Protocol::OpenAi, about, &pieces());
    assert!(!frames.contains("usage"), "{frames}");
}

#[test]
fn a_script_without_usage_says_nothing_of_it() {
    for protocol in Protocol::ALL {
        let about = About {
            usage: None,
            ..about()
        };
        let frames = frames(protocol, about, &pieces());
        let told = [
            "prompt_tokens",
            "input_tokens",
            "usageMetadata",
            "eval_count",
        ];
        let told = told.map(|field| frames.contains(field));
        assert_eq!(told, [false; 4], "{protocol:?}: {frames}");
    }
}

#[test]
fn garbage_is_no_json_in_any_protocol() {
    let garbage = Protocol::ALL.map(|protocol| protocol.framing(about()).garbage());
    let expected = [
        "data: {not JSON\n\n",
        "event: response.output_text.delta\ndata: {not JSON\n\n",
        "event: content_block_delta\ndata: {not JSON\n\n",
        "data: {not JSON\r\n\r\n",
        "{not JSON\n",
    ];
    assert_eq!(garbage, expected);
}

#[test]
fn a_body_of_ones_own_is_a_frame_as_it_is() {
    let failure = Failure::body(500, "text/plain", "oh no");
    let frames = Protocol::ALL.map(|protocol| protocol.framing(about()).error(&failure));
    let expected = [
        "data: oh no\n\n",
        "event: error\ndata: oh no\n\n",
        "event: error\ndata: oh no\n\n",
        "data: oh no\r\n\r\n",
        "oh no\n",
    ];
    assert_eq!(frames, expected);
}
