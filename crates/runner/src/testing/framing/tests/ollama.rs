//! Ollama, in whole strings.

use super::*;

const ANSWER: &str = r#"{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}
{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":"a\"b"},"done":false}
{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":"c"},"done":false}
{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":"","tool_calls":[{"id":"call_1","function":{"index":0,"name":"bash","arguments":{"x":1}}}]},"done":false}
{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":""},"done":false}
{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":3000000,"load_duration":1000000,"prompt_eval_count":15,"prompt_eval_cached_count":5,"prompt_eval_duration":1000000,"eval_count":9,"eval_duration":1000000}
"#;

const WHOLE: &str = r#"{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":"a\"bc","thinking":"hm","tool_calls":[{"id":"call_1","function":{"index":0,"name":"bash","arguments":{"x":1}}}]},"done":true,"done_reason":"stop","total_duration":3000000,"load_duration":1000000,"prompt_eval_count":15,"prompt_eval_cached_count":5,"prompt_eval_duration":1000000,"eval_count":9,"eval_duration":1000000}"#;

const MODELS: &str = r#"{"models":[{"name":"a","model":"a","modified_at":"2023-11-14T22:13:20Z","size":1,"digest":"scripted","details":{"parent_model":"","format":"gguf","family":"scripted","families":["scripted"],"parameter_size":"1B","quantization_level":"Q4_K_M"}},{"name":"b","model":"b","modified_at":"2023-11-14T22:13:20Z","size":1,"digest":"scripted","details":{"parent_model":"","format":"gguf","family":"scripted","families":["scripted"],"parameter_size":"1B","quantization_level":"Q4_K_M"}}]}"#;

const REFUSALS: [(u16, &str); 8] = [
    (401, r#"{"error":"unauthorized"}"#),
    (404, r#"{"error":"model 'm' not found"}"#),
    (
        400,
        r#"{"error":"the input length exceeds the context length"}"#,
    ),
    (429, r#"{"error":"too many requests"}"#),
    (
        429,
        r#"{"error":"you've reached your hourly usage limit, please upgrade to continue"}"#,
    ),
    (
        500,
        r#"{"error":"llama runner process has terminated: exit status 2"}"#,
    ),
    (
        503,
        r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#,
    ),
    (418, r#"{"error":"tea"}"#),
];

const ERROR: &str = r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}
"#;

#[test]
fn an_answer_with_everything() {
    assert_eq!(answer(Protocol::Ollama), ANSWER);
}

#[test]
fn an_answer_that_is_not_streamed() {
    assert_eq!(whole(Protocol::Ollama), WHOLE);
}

#[test]
fn a_list_of_models() {
    assert_eq!(models(Protocol::Ollama), MODELS);
}

#[test]
fn each_refusal_in_the_words_of_the_vendor() {
    check_refusals(Protocol::Ollama, &REFUSALS);
}

#[test]
fn an_error_inside_an_answer() {
    assert_eq!(error(Protocol::Ollama), ERROR);
}
