//! OpenAI's chat completions, in whole strings.

use super::*;

const ANSWER: &str = r#"data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"reasoning_content":"hm"},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"a\"b"},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"c"},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"bash","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"logprobs":null,"finish_reason":null}],"usage":null}

: keep-alive

data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}],"usage":null}

data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[],"usage":{"prompt_tokens":15,"completion_tokens":9,"total_tokens":24,"prompt_tokens_details":{"cached_tokens":5,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}

data: [DONE]

"#;

const WHOLE: &str = r#"{"id":"chatcmpl-scripted","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a\"bc","reasoning_content":"hm","tool_calls":[{"id":"call_1","type":"function","function":{"name":"bash","arguments":"{\"x\":1}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":15,"completion_tokens":9,"total_tokens":24,"prompt_tokens_details":{"cached_tokens":5,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}"#;

const MODELS: &str = r#"{"object":"list","data":[{"id":"a","object":"model","created":1700000000,"owned_by":"scripted"},{"id":"b","object":"model","created":1700000000,"owned_by":"scripted"}]}"#;

const REFUSALS: [(u16, &str); 8] = [
    (
        401,
        r#"{"error":{"message":"Incorrect API key provided: sk-scrip*****key. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
    ),
    (
        404,
        r#"{"error":{"message":"The model `m` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
    ),
    (
        400,
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
    ),
    (
        429,
        r#"{"error":{"message":"Rate limit reached for m in organization org-scripted on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
    ),
    (
        429,
        r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
    ),
    (
        500,
        r#"{"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}}"#,
    ),
    (
        503,
        r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error","param":null,"code":null}}"#,
    ),
    (
        418,
        r#"{"error":{"message":"tea","type":"invalid_request_error","param":null,"code":null}}"#,
    ),
];

const ERROR: &str = r#"data: {"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error","param":null,"code":null}}

"#;

#[test]
fn an_answer_with_everything() {
    assert_eq!(answer(Protocol::OpenAi), ANSWER);
}

#[test]
fn an_answer_that_is_not_streamed() {
    assert_eq!(whole(Protocol::OpenAi), WHOLE);
}

#[test]
fn a_list_of_models() {
    assert_eq!(models(Protocol::OpenAi), MODELS);
}

#[test]
fn each_refusal_in_the_words_of_the_vendor() {
    check_refusals(Protocol::OpenAi, &REFUSALS);
}

#[test]
fn an_error_inside_an_answer() {
    assert_eq!(error(Protocol::OpenAi), ERROR);
}
