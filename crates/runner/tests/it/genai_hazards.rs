//! What is known to go wrong with the library, one test for each hazard and what it would look like from here.
//!
//! That tool calls come as ever longer copies (3) and that some ids are made up (6) is pinned beside the code as well;
//! what is logged (4) has a file of its own. That the library breaks with each minor version (7) is answered by the
//! exact version in the workspace and by these tests.

use std::time::Duration;

use runwright_runner::testing::{self, Failure, Script};
use runwright_runner::{
    AnswerEvent, GenaiProvider, ModelRequest, Protocol, Provider, ProviderErrorKind,
    ProviderSettings, StopReason, TokenUsage,
};
use serde_json::json;

use crate::genai_stage::{CASES, asking, settings, told};

fn data(value: &serde_json::Value) -> Vec<u8> {
    format!("data: {value}\n\n").into_bytes()
}

/// The library hides the status of an error of a stream inside a boxed error, and its headers.
#[tokio::test]
async fn hazard_1_the_status_of_a_stream_and_its_wait_are_not_lost() {
    for case in CASES {
        let failure = Failure::status(429, "slow down").retry_after("3");
        let told = case.told(Script::failing(failure)).await;
        let error = told.error();
        assert_eq!(
            (error.kind, &*error.message, error.retry_after),
            (
                ProviderErrorKind::RateLimit,
                "slow down",
                Some(Duration::from_secs(3))
            ),
            "{}",
            case.protocol
        );
    }
}

/// The library ends a truncated stream like a whole one, and some servers never send the last line of a whole one.
#[tokio::test]
async fn hazard_2_a_truncated_stream_is_no_answer_and_a_stop_is_enough_for_one() {
    for case in CASES {
        let told = case.told(Script::new().text("a")).await;
        assert_eq!(
            told.error().kind,
            ProviderErrorKind::Network,
            "{}",
            case.protocol
        );
    }
    for case in CASES
        .into_iter()
        .filter(|case| case.spoken == testing::Protocol::OpenAi)
    {
        let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1}});
        let told = case.told(Script::new().text("a").raw(data(&stop))).await;
        let used = TokenUsage {
            input: 3,
            output: 1,
            ..TokenUsage::default()
        };
        let wanted = [
            AnswerEvent::Text("a".to_owned()),
            AnswerEvent::Usage(used),
            AnswerEvent::End(StopReason::EndTurn),
        ];
        assert_eq!(told.events, wanted, "{}", case.protocol);
    }
}

/// The library skips each event of Responses that it cannot read: with the last one, usage, stop and calls are lost.
#[tokio::test]
async fn hazard_3_the_end_of_responses_counts_although_fields_are_missing() {
    let case = CASES[1];
    let item =
        json!({"type": "function_call", "call_id": "c1", "name": "bash", "arguments": "{\"a\":1}"});
    let script = Script::new()
        .text("a")
        .raw(data(
            &json!({"type": "response.output_item.added", "output_index": 1,
            "item": {"type": "function_call", "call_id": "c1", "name": "bash", "arguments": ""}}),
        ))
        .raw(data(
            &json!({"type": "response.output_item.done", "output_index": 1, "item": item}),
        ))
        .raw(data(&json!({"type": "response.completed", "response": {
            "usage": {"input_tokens": 3, "output_tokens": 1}}})));
    let told = case.told(script).await;
    assert_eq!(told.error, None);
    let wanted = [("c1".to_owned(), "bash".to_owned(), "{\"a\":1}".to_owned())];
    assert_eq!(told.calls(), wanted);
    let used = TokenUsage {
        input: 3,
        output: 1,
        ..TokenUsage::default()
    };
    assert_eq!(
        told.events[told.events.len() - 2..],
        [
            AnswerEvent::Usage(used),
            AnswerEvent::End(StopReason::ToolUse)
        ]
    );
}

/// The library would skip a piece in the middle with a line in the log.
#[tokio::test]
async fn hazard_3_a_piece_of_responses_that_cannot_be_read_is_not_left_out() {
    let broken = data(&json!({"type": "response.output_text.delta", "delta": 7}));
    let script = Script::new()
        .text("a")
        .raw(broken)
        .text("c")
        .stop(StopReason::EndTurn);
    let told = CASES[1].told(script).await;
    assert_eq!(
        (&*told.text(), told.error().kind),
        ("a", ProviderErrorKind::Provider)
    );
}

/// The library takes a provider from the name of a model, a key from the environment, and an effort from the end of a
/// name, which it cuts off.
#[tokio::test]
async fn hazard_5_nothing_is_inferred_from_the_name_of_a_model() {
    let names = [
        "claude-opus-4-5",
        "gpt-5-codex-max",
        "gemini-2.5-pro",
        "qwen-max",
        "ns::model-high",
        "x-none",
        "such:7b",
    ];
    for case in CASES {
        let stage = case.stage().await;
        for (number, name) in names.into_iter().enumerate() {
            let request = ModelRequest {
                model: name.into(),
                ..asking("hi")
            };
            assert_eq!(told(stage.provider.answer(request)).await.text(), "hello");
            let exchange = stage.server.request(number).await;
            let request = exchange.request();
            if case.protocol == Protocol::Gemini {
                let path = format!("/v1beta/models/{name}:streamGenerateContent");
                assert_eq!(request.path, path);
            } else {
                assert_eq!(request.model(), name, "{}", case.protocol);
            }
            let body = request.body.to_string();
            for inferred in ["effort", "thinking", "think\"", "verbosity"] {
                let asks_gemini = case.protocol == Protocol::Gemini && name == "gemini-2.5-pro";
                assert!(
                    !body.contains(inferred) || asks_gemini,
                    "{} {body}",
                    case.protocol
                );
            }
        }
    }
}

#[tokio::test]
async fn hazard_5_without_a_key_none_is_sent() {
    for case in CASES {
        let stage = case.stage().await;
        let base_url = stage.server.base_url(case.spoken);
        let provider = GenaiProvider::new(ProviderSettings {
            api_key: None,
            ..settings(case.protocol, &base_url)
        })
        .unwrap();
        assert_eq!(told(provider.answer(asking("hi"))).await.text(), "hello");
        let exchange = stage.server.request(0).await;
        for name in ["authorization", "x-api-key", "x-goog-api-key"] {
            assert_eq!(exchange.request().header(name), None, "{}", case.protocol);
        }
    }
}

/// The library numbers the calls of Gemini within one frame, and cuts an id of its own short for Ollama.
#[tokio::test]
async fn hazard_6_no_two_calls_of_two_answers_have_one_id() {
    for case in CASES {
        let stage = case.stage().await;
        let mut ids = Vec::new();
        for id in ["call_0", "call_1"] {
            let script = Script::new().tool_call(id, "bash", &["{}"]);
            stage.server.script(script.stop(StopReason::ToolUse));
            let calls = stage.told().await.calls();
            ids.extend(calls.into_iter().map(|(id, _, _)| id));
        }
        assert_eq!(ids.len(), 2, "{}", case.protocol);
        assert_ne!(ids[0], ids[1], "{}", case.protocol);
    }
}

/// Asking the library for thoughts changes the request, which models without thoughts refuse.
#[tokio::test]
async fn hazard_6_thoughts_are_asked_for_only_where_there_are_any() {
    let asked = async |protocol: usize, model: &str| {
        let stage = CASES[protocol].stage().await;
        let request = ModelRequest {
            model: model.into(),
            ..asking("hi")
        };
        let _answer = told(stage.provider.answer(request)).await;
        stage.server.request(0).await.request().body.clone()
    };
    let thinking = asked(3, "gemini-2.5-flash").await;
    assert_eq!(
        thinking["generationConfig"],
        json!({"thinkingConfig": {"includeThoughts": true}})
    );
    assert_eq!(
        asked(3, "gemini-2.0-flash").await.get("generationConfig"),
        None
    );
    let responses = asked(1, "gpt-5").await;
    assert_eq!(
        (responses.get("reasoning"), responses.get("include")),
        (None, None)
    );
}

/// A number of tokens, or the index of a call, must not bring the process down: the library adds and reserves.
#[tokio::test]
async fn numbers_that_cannot_be_do_no_harm() {
    let many = i32::MAX;
    let frames = [
        (
            0,
            json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": u32::MAX, "id": "c",
            "function": {"name": "bash", "arguments": ""}}]}}]}),
        ),
        (
            3,
            json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}],
            "usageMetadata": {"promptTokenCount": many, "toolUsePromptTokenCount": many}}),
        ),
    ];
    for (case, frame) in frames {
        let told = CASES[case].told(Script::new().raw(data(&frame))).await;
        assert_eq!(told.error().kind, ProviderErrorKind::Provider);
    }
    let start = json!({"type": "message_start", "message": {"usage":
        {"input_tokens": many, "cache_read_input_tokens": many}}});
    let start = format!("event: message_start\ndata: {start}\n\n").into_bytes();
    let told = CASES[2].told(Script::new().headers().raw(start)).await;
    assert_eq!(told.error().kind, ProviderErrorKind::Provider);
}
