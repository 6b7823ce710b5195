//! Gemini, in whole strings.

use super::*;

const ANSWER: &str = r#"data: {"candidates":[{"content":{"parts":[{"text":"hm","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":15,"totalTokenCount":15},"modelVersion":"m","responseId":"scripted"}

data: {"candidates":[{"content":{"parts":[{"text":"a\"b","thoughtSignature":"sig"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":15,"totalTokenCount":15},"modelVersion":"m","responseId":"scripted"}

data: {"candidates":[{"content":{"parts":[{"text":"c"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":15,"totalTokenCount":15},"modelVersion":"m","responseId":"scripted"}

data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"bash","args":{"x":1}}}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":15,"totalTokenCount":15},"modelVersion":"m","responseId":"scripted"}

: keep-alive

data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":15,"candidatesTokenCount":5,"totalTokenCount":24,"cachedContentTokenCount":5,"thoughtsTokenCount":4},"modelVersion":"m","responseId":"scripted"}

"#;

const WHOLE: &str = r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"a\"bc","thoughtSignature":"sig"},{"functionCall":{"name":"bash","args":{"x":1}}}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":15,"candidatesTokenCount":5,"totalTokenCount":24,"cachedContentTokenCount":5,"thoughtsTokenCount":4},"modelVersion":"m","responseId":"scripted"}"#;

const MODELS: &str = r#"{"models":[{"name":"models/a","version":"001","displayName":"a","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]},{"name":"models/b","version":"001","displayName":"b","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]}]}"#;

const REFUSALS: [(u16, &str); 8] = [
    (
        400,
        r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}}]}}"#,
    ),
    (
        404,
        r#"{"error":{"code":404,"message":"models/m is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.","status":"NOT_FOUND"}}"#,
    ),
    (
        400,
        r#"{"error":{"code":400,"message":"The input token count (1091639) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
    ),
    (
        429,
        r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"20s"}]}}"#,
    ),
    (
        429,
        r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED"}}"#,
    ),
    (
        500,
        r#"{"error":{"code":500,"message":"An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting","status":"INTERNAL"}}"#,
    ),
    (
        503,
        r#"{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}"#,
    ),
    (
        418,
        r#"{"error":{"code":418,"message":"tea","status":"UNKNOWN"}}"#,
    ),
];

const ERROR: &str = r#"data: {"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}

"#;

#[test]
fn an_answer_with_everything() {
    assert_eq!(answer(Protocol::Gemini), ANSWER.replace('\n', "\r\n"));
}

#[test]
fn an_answer_that_is_not_streamed() {
    assert_eq!(whole(Protocol::Gemini), WHOLE);
}

#[test]
fn a_list_of_models() {
    assert_eq!(models(Protocol::Gemini), MODELS);
}

#[test]
fn each_refusal_in_the_words_of_the_vendor() {
    check_refusals(Protocol::Gemini, &REFUSALS);
}

#[test]
fn an_error_inside_an_answer() {
    assert_eq!(error(Protocol::Gemini), ERROR.replace('\n', "\r\n"));
}
