//! Anthropic's Messages, in whole strings.

use super::*;

const ANSWER: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_scripted","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"cache_creation_input_tokens":3,"cache_read_input_tokens":5,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"a\"b"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"c"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"call_1","name":"bash","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: ping
data: {"type":"ping"}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":7,"cache_creation_input_tokens":3,"cache_read_input_tokens":5,"output_tokens":9}}

event: message_stop
data: {"type":"message_stop"}

"#;

const WHOLE: &str = r#"{"id":"msg_scripted","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"text","text":"a\"bc"},{"type":"tool_use","id":"call_1","name":"bash","input":{"x":1}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":7,"cache_creation_input_tokens":3,"cache_read_input_tokens":5,"output_tokens":9}}"#;

const MODELS: &str = r#"{"data":[{"type":"model","id":"a","display_name":"a","created_at":"2023-11-14T22:13:20Z"},{"type":"model","id":"b","display_name":"b","created_at":"2023-11-14T22:13:20Z"}],"has_more":false,"first_id":"a","last_id":"b"}"#;

const REFUSALS: [(u16, &str); 8] = [
    (
        401,
        r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_scripted"}"#,
    ),
    (
        404,
        r#"{"type":"error","error":{"type":"not_found_error","message":"model: m"},"request_id":"req_scripted"}"#,
    ),
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"},"request_id":"req_scripted"}"#,
    ),
    (
        429,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 50 requests per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits."},"request_id":"req_scripted"}"#,
    ),
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."},"request_id":"req_scripted"}"#,
    ),
    (
        500,
        r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"},"request_id":"req_scripted"}"#,
    ),
    (
        529,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_scripted"}"#,
    ),
    (
        418,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"tea"},"request_id":"req_scripted"}"#,
    ),
];

const ERROR: &str = r#"event: error
data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_scripted"}

"#;

#[test]
fn an_answer_with_everything() {
    assert_eq!(answer(Protocol::Anthropic), ANSWER);
}

#[test]
fn an_answer_that_is_not_streamed() {
    assert_eq!(whole(Protocol::Anthropic), WHOLE);
}

#[test]
fn a_list_of_models() {
    assert_eq!(models(Protocol::Anthropic), MODELS);
}

#[test]
fn each_refusal_in_the_words_of_the_vendor() {
    check_refusals(Protocol::Anthropic, &REFUSALS);
}

#[test]
fn an_error_inside_an_answer() {
    assert_eq!(error(Protocol::Anthropic), ERROR);
}
