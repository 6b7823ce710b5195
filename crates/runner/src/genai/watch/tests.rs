//! What is noted, mended and refused, frame by frame.

use serde_json::{Value, json};

use super::{Look, Noted, Watch};
use crate::genai::failure::Scrub;
use crate::provider::{Protocol, ProviderErrorKind, TokenUsage};

fn watch(protocol: Protocol) -> Watch {
    Watch::new(protocol, Scrub::default())
}

fn frame(protocol: Protocol, value: &Value) -> Vec<u8> {
    let (before, after) = ends(protocol);
    format!("{before}{value}{after}").into_bytes()
}

/// What is before and behind a frame.
fn ends(protocol: Protocol) -> (&'static str, &'static str) {
    if protocol == Protocol::Ollama {
        ("", "\n")
    } else {
        ("data: ", "\n\n")
    }
}

fn look(watch: &mut Watch, value: &Value) -> Look {
    let frame = frame(watch.protocol, value);
    watch.look(&frame).unwrap()
}

#[track_caller]
fn fails(protocol: Protocol, frame: &[u8], wanted: ProviderErrorKind) {
    let error = watch(protocol).look(frame).unwrap_err();
    assert_eq!(error.kind, wanted, "{protocol}: {error}");
}

#[test]
fn what_cannot_be_read_is_refused_in_every_protocol_without_being_repeated() {
    for protocol in Protocol::ALL {
        let (before, after) = ends(protocol);
        for garbage in [&b"{\"sentinel"[..], &b"{\"sentinel\": \"\xff\"}"[..]] {
            let frame = [before.as_bytes(), garbage, after.as_bytes()].concat();
            let error = watch(protocol).look(&frame).unwrap_err();
            assert_eq!(error.kind, ProviderErrorKind::Provider);
            assert!(!error.to_string().contains("sentinel"), "{error}");
        }
    }
}

#[test]
fn comments_and_blank_lines_are_skipped() {
    assert_eq!(watch(Protocol::OpenAi).look(b": ping\n\n"), Ok(Look::Skip));
    assert_eq!(watch(Protocol::OpenAi).look(b"\n\n"), Ok(Look::Skip));
    assert_eq!(watch(Protocol::Ollama).look(b"\n"), Ok(Look::Skip));
}

#[test]
fn data_on_several_lines_is_put_together() {
    let mut watch = watch(Protocol::OpenAi);
    let frame =
        b"event: x\r\ndata: {\"choices\": [\r\ndata: {\"finish_reason\": \"stop\"}]}\r\n\r\n";
    assert_eq!(watch.look(frame), Ok(Look::Pass));
    assert_eq!(watch.noted().stop.as_deref(), Some("stop"));
}

#[test]
fn an_error_is_found_where_each_protocol_has_it() {
    let table = [
        (
            Protocol::OpenAi,
            json!({"error": {"message": "m", "type": "server_error"}}),
        ),
        (
            Protocol::OpenAiCompat,
            json!({"object": "error", "message": "m", "code": 500}),
        ),
        (
            Protocol::OpenAiResponses,
            json!({"type": "error", "code": "server_error", "message": "m"}),
        ),
        (
            Protocol::OpenAiResponses,
            json!({"type": "response.failed", "response": {"id": "r",
            "status": "failed", "error": {"code": "server_error", "message": "m"}}}),
        ),
        (
            Protocol::Anthropic,
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}),
        ),
        (
            Protocol::Gemini,
            json!({"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}),
        ),
        (Protocol::Ollama, json!({"error": "m"})),
    ];
    for (protocol, value) in table {
        let error = watch(protocol).look(&frame(protocol, &value)).unwrap_err();
        assert_eq!(
            (error.kind, &*error.message),
            (ProviderErrorKind::Provider, "m"),
            "{protocol}"
        );
    }
}

#[test]
fn an_error_that_is_null_is_none() {
    let value = json!({"error": null, "choices": []});
    assert_eq!(look(&mut watch(Protocol::OpenAi), &value), Look::Pass);
}

#[test]
fn numbers_of_tokens_that_the_library_would_overflow_on_are_refused() {
    let many = i32::MAX;
    let table = [
        (
            Protocol::OpenAi,
            json!({"choices": [], "usage": {"prompt_tokens": many}}),
        ),
        (
            Protocol::Anthropic,
            json!({"type": "message_start", "message": {"usage":
            {"input_tokens": many, "cache_read_input_tokens": many}}}),
        ),
        (
            Protocol::Anthropic,
            json!({"type": "message_delta", "usage": {"output_tokens": -1}}),
        ),
        (
            Protocol::Gemini,
            json!({"candidates": [], "usageMetadata": {"promptTokenCount": many}}),
        ),
        (Protocol::Ollama, json!({"done": true, "eval_count": many})),
    ];
    for (protocol, value) in table {
        fails(
            protocol,
            &frame(protocol, &value),
            ProviderErrorKind::Provider,
        );
    }
}

#[test]
fn an_index_of_a_tool_call_does_not_reserve_memory() {
    for call in [
        json!({"index": 4_000_000_000_u32}),
        json!({"index": -1}),
        json!({}),
    ] {
        let value = json!({"choices": [{"delta": {"tool_calls": [call]}}]});
        fails(
            Protocol::OpenAi,
            &frame(Protocol::OpenAi, &value),
            ProviderErrorKind::Provider,
        );
    }
}

#[test]
fn chat_completions_note_why_and_what() {
    let mut watch = watch(Protocol::OpenAi);
    look(
        &mut watch,
        &json!({"choices": [{"delta": {"content": "a"}, "finish_reason": null}], "usage": null}),
    );
    look(
        &mut watch,
        &json!({"choices": [{"delta": {}, "finish_reason": "length"}]}),
    );
    look(
        &mut watch,
        &json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 6}}}),
    );
    let wanted = Noted {
        stop: Some("length".to_owned()),
        usage: Some(TokenUsage {
            input: 4,
            output: 4,
            cache_read: 6,
            cache_write: 0,
        }),
    };
    assert_eq!(watch.noted(), &wanted);
}

#[test]
fn the_end_of_responses_is_mended_when_fields_are_missing() {
    let mut watch = watch(Protocol::OpenAiResponses);
    let mended = look(
        &mut watch,
        &json!({"type": "response.completed", "response": {
        "output": [{"type": "function_call"}],
        "usage": {"input_tokens": 10, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 6}}}}),
    );
    let Look::Mended(frame) = mended else {
        panic!("{mended:?}")
    };
    let text = std::str::from_utf8(&frame).unwrap();
    let data = text
        .strip_prefix("event: response.completed\ndata: ")
        .unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(data).unwrap(),
        json!({"type": "response.completed", "response": {"id": "", "status": "completed", "model": "",
            "output": [{"type": "function_call"}]}})
    );
    let wanted = Noted {
        stop: Some("completed".to_owned()),
        usage: Some(TokenUsage {
            input: 4,
            output: 4,
            cache_read: 6,
            cache_write: 0,
        }),
    };
    assert_eq!(watch.noted(), &wanted);
}

#[test]
fn responses_say_why_they_are_incomplete() {
    for (reason, wanted) in [
        ("max_output_tokens", "max_tokens"),
        ("content_filter", "content_filter"),
    ] {
        let mut watch = watch(Protocol::OpenAiResponses);
        look(
            &mut watch,
            &json!({"type": "response.incomplete", "response": {"status": "incomplete",
            "incomplete_details": {"reason": reason}}}),
        );
        assert_eq!(watch.noted().stop.as_deref(), Some(wanted));
    }
}

#[test]
fn a_piece_of_responses_that_the_library_would_skip_is_refused() {
    for value in [
        json!({"type": "response.output_text.delta"}),
        json!({"type": "response.output_text.delta", "delta": 1}),
        json!({"type": "response.completed"}),
    ] {
        fails(
            Protocol::OpenAiResponses,
            &frame(Protocol::OpenAiResponses, &value),
            ProviderErrorKind::Provider,
        );
    }
}

#[test]
fn citations_are_skipped() {
    let citation =
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta"}});
    let text = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}});
    assert_eq!(look(&mut watch(Protocol::Anthropic), &citation), Look::Skip);
    assert_eq!(look(&mut watch(Protocol::Anthropic), &text), Look::Pass);
}

#[test]
fn a_blocked_prompt_of_gemini_is_a_filter_and_no_error() {
    let mut watch = watch(Protocol::Gemini);
    let value = json!({"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": {}});
    assert_eq!(look(&mut watch, &value), Look::Skip);
    assert_eq!(watch.noted().stop.as_deref(), Some("PROHIBITED_CONTENT"));
}

#[test]
fn an_ollama_that_is_done_has_stopped() {
    let mut watch = watch(Protocol::Ollama);
    look(
        &mut watch,
        &json!({"message": {"content": "a"}, "done": false}),
    );
    assert_eq!(watch.noted().stop, None);
    look(
        &mut watch,
        &json!({"message": {"content": ""}, "done": true}),
    );
    assert_eq!(watch.noted().stop.as_deref(), Some("stop"));
}

#[test]
fn a_last_frame_without_its_end_counts_and_a_piece_of_one_does_not() {
    let mut watch = watch(Protocol::OpenAi);
    assert_eq!(watch.look_at_rest(b"data: [DONE]"), Ok(Look::Pass));
    assert_eq!(
        watch.look_at_rest(b"data: {\"choices\": [{\"finish_re"),
        Ok(Look::Skip)
    );
    assert_eq!(watch.look_at_rest(b""), Ok(Look::Skip));
    assert_eq!(
        watch.look_at_rest(b"data: {\"choices\": [{\"finish_reason\": \"stop\"}]}"),
        Ok(Look::Pass)
    );
    assert_eq!(watch.noted().stop.as_deref(), Some("stop"));
}
