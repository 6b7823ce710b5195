//! Answers in which anything may be anything: nothing that a provider sends makes the adapter panic, hang or tell an
//! answer that is not whole. Each case is a good answer with one or two values of its frames replaced, left out or
//! repeated.

use proptest::prelude::*;
use proptest::sample::Index;
use runwright_runner::testing::Script;
use serde_json::{Value, json};

use crate::genai_stage::{CASES, Case, Stage};

/// What a value may become.
fn values() -> Vec<Value> {
    let deep = (0..100).fold(json!("x"), |inner, _| json!([inner]));
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(i32::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("é".repeat(500)),
        json!([]),
        json!([[], {}, "x", 7]),
        json!({}),
        json!({"type": "x", "text": 1, "name": [], "arguments": {}}),
        deep,
    ]
}

/// What happens to one value.
#[derive(Debug, Clone)]
enum Change {
    Replace {
        frame: Index,
        place: Index,
        value: Index,
    },
    Remove {
        frame: Index,
        place: Index,
    },
    RepeatFrame {
        frame: Index,
    },
    DropFrame {
        frame: Index,
    },
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let index = any::<Index>;
    let change = prop_oneof![
        6 => (index(), index(), index())
            .prop_map(|(frame, place, value)| Change::Replace { frame, place, value }),
        3 => (index(), index()).prop_map(|(frame, place)| Change::Remove { frame, place }),
        1 => index().prop_map(|frame| Change::RepeatFrame { frame }),
        1 => index().prop_map(|frame| Change::DropFrame { frame }),
    ];
    proptest::collection::vec(change, 1..3)
}

fn change(frames: &mut Vec<Value>, change: &Change) {
    if frames.is_empty() {
        return;
    }
    match change {
        Change::Replace {
            frame,
            place,
            value,
        } => {
            let frame = frame.get_mut(frames);
            let place = place.get(&places(frame)).clone();
            let new = value.get(&values()).clone();
            if let Some(value) = frame.pointer_mut(&place) {
                *value = new;
            }
        }
        Change::Remove { frame, place } => {
            let frame = frame.get_mut(frames);
            let place = place.get(&places(frame)).clone();
            let Some((parent, name)) = place.rsplit_once('/') else {
                return;
            };
            if let Some(Value::Object(parent)) = frame.pointer_mut(parent) {
                parent.remove(name);
            }
        }
        Change::RepeatFrame { frame } => {
            let place = frame.index(frames.len());
            frames.insert(place, frames[place].clone());
        }
        Change::DropFrame { frame } => {
            frames.remove(frame.index(frames.len()));
        }
    }
}

/// The pointers to all values in a frame, itself among them.
fn places(value: &Value) -> Vec<String> {
    let mut places = vec![String::new()];
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(place, value)| (place.to_string(), value))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, value) in inner {
        places.extend(
            self::places(value)
                .into_iter()
                .map(|place| format!("/{name}{place}")),
        );
    }
    places
}

/// A good answer in the frames of a protocol: thoughts, text, a tool call, usage, a stop.
fn good(case: usize) -> Vec<Value> {
    match case {
        0 | 5 => vec![
            json!({"id": "x", "choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "hm"}, "finish_reason": null}], "usage": null}),
            json!({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": null}]}),
            json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "bash", "arguments": "{"}}]}}]}),
            json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}}]}),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
            json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 1}}}),
        ],
        1 => vec![
            json!({"type": "response.created", "response": {"id": "r", "status": "in_progress"}}),
            json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "hm"}),
            json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "a"}),
            json!({"type": "response.output_item.added", "output_index": 2, "item": {"type": "function_call", "call_id": "c1", "name": "bash", "arguments": ""}}),
            json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"}),
            json!({"type": "response.output_item.done", "output_index": 2, "item": {"type": "function_call", "call_id": "c1", "name": "bash", "arguments": "{}"}}),
            json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "model": "m", "output": [], "usage": {"input_tokens": 9, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 2}}}}),
        ],
        2 => vec![
            json!({"type": "message_start", "message": {"id": "m", "role": "assistant", "content": [], "usage": {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 2, "cache_creation": {"ephemeral_5m_input_tokens": 1}}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "a"}}),
            json!({"type": "content_block_stop", "index": 1}),
            json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "c1", "name": "bash", "input": {}}}),
            json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
            json!({"type": "content_block_stop", "index": 2}),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}}),
            json!({"type": "message_stop"}),
        ],
        3 => vec![
            json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "hm", "thought": true}]}}], "usageMetadata": {"promptTokenCount": 9}}),
            json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "a", "thoughtSignature": "s"}]}}]}),
            json!({"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "bash", "args": {"a": 1}}}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 1, "cachedContentTokenCount": 2, "totalTokenCount": 13}}),
        ],
        _ => vec![
            json!({"model": "m", "message": {"role": "assistant", "thinking": "hm", "content": ""}, "done": false}),
            json!({"message": {"role": "assistant", "content": "a"}, "done": false}),
            json!({"message": {"role": "assistant", "content": "", "tool_calls": [{"id": "x", "function": {"name": "bash", "arguments": {"a": 1}}}]}, "done": false}),
            json!({"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop", "prompt_eval_count": 9, "prompt_eval_cached_count": 2, "eval_count": 3}),
        ],
    }
}

fn body(case: usize, frames: &[Value]) -> String {
    let mut body = String::new();
    for frame in frames {
        let event = frame.get("type").and_then(Value::as_str);
        body += &match (case, event) {
            (4, _) => format!("{frame}\n"),
            (2, Some(event)) => format!("event: {event}\ndata: {frame}\n\n"),
            _ => format!("data: {frame}\n\n"),
        };
    }
    if matches!(case, 0 | 5) {
        body += "data: [DONE]\n\n";
    }
    body
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn stage(case: Case) -> (tokio::runtime::Runtime, Stage) {
    let runtime = runtime();
    let stage = runtime.block_on(case.stage());
    (runtime, stage)
}

#[test]
fn the_answers_are_good_before_anything_is_changed() {
    for (number, case) in CASES.into_iter().enumerate() {
        let (runtime, stage) = stage(case);
        let frames = body(number, &good(number));
        stage.server.script(Script::new().headers().raw(frames));
        let told = runtime.block_on(stage.told());
        assert_eq!(
            (told.error.as_ref(), &*told.text()),
            (None, "a"),
            "{}",
            case.protocol
        );
        assert_eq!(told.calls().len(), 1, "{}", case.protocol);
    }
}

#[test]
fn nothing_that_a_provider_sends_makes_the_adapter_panic_or_hang() {
    for (number, case) in CASES.into_iter().enumerate().take(5) {
        let (runtime, stage) = stage(case);
        let config = ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(400)
        };
        proptest!(config, |(changes in changes())| {
            let mut frames = good(number);
            for one in &changes {
                change(&mut frames, one);
            }
            stage.server.script(Script::new().headers().raw(body(number, &frames)));
            // That there is one end, and nothing behind it, is looked at while it is read.
            let told = runtime.block_on(stage.told());
            prop_assert!(told.error.is_some() || !told.events.is_empty());
        });
    }
}
