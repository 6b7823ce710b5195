//! The errors of the vendors as they word them, and what must not be in one of ours.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use runwright_proto::Secret;
use serde_json::{Value, json};

use super::{Scrub, refused, told};
use crate::provider::ProviderErrorKind;

fn kind(status: u16, body: &Value) -> ProviderErrorKind {
    refused(
        StatusCode::from_u16(status).unwrap(),
        &HeaderMap::new(),
        body.to_string().as_bytes(),
        &Scrub::default(),
    )
    .kind
}

fn openai(message: &str, code: &str) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}})
}

#[test]
fn every_status_has_its_kind_when_nothing_is_said() {
    use ProviderErrorKind::{Auth, Provider, RateLimit, Refused};
    let table = [
        (301, Refused),
        (400, Refused),
        (401, Auth),
        (402, Refused),
        (403, Auth),
        (404, Refused),
        (408, Provider),
        (422, Refused),
        (429, RateLimit),
        (500, Provider),
        (502, Provider),
        (503, Provider),
        (529, Provider),
        (599, Provider),
    ];
    for (status, wanted) in table {
        assert_eq!(kind(status, &json!({})), wanted, "{status}");
    }
}

#[test]
fn a_conversation_that_is_too_long_is_recognized_in_the_words_of_each_vendor() {
    let table = [
        (
            400,
            openai(
                "This model's maximum context length is 8192 tokens.",
                "context_length_exceeded",
            ),
        ),
        (
            400,
            openai(
                "Your input exceeds the context window of this model.",
                "context_length_exceeded",
            ),
        ),
        (
            400,
            json!({"type": "error", "error": {"type": "invalid_request_error",
            "message": "prompt is too long: 213462 tokens > 200000 maximum"}}),
        ),
        (
            400,
            json!({"type": "error", "error": {"type": "invalid_request_error",
            "message": "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"}}),
        ),
        (
            400,
            json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT",
            "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."}}]),
        ),
        (
            400,
            json!({"error": "input length exceeds the context length"}),
        ),
        (
            500,
            json!({"error": {"code": 500, "type": "exceed_context_size_error",
            "message": "the request exceeds the available context size"}}),
        ),
        (
            400,
            json!({"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"}),
        ),
        (
            400,
            json!({"error": "This model's maximum prompt length is 131072 but the request contains 150000 tokens."}),
        ),
    ];
    for (status, body) in table {
        assert_eq!(
            kind(status, &body),
            ProviderErrorKind::ContextLength,
            "{body}"
        );
    }
}

#[test]
fn a_quota_that_is_used_up_is_no_rate_limit() {
    let used_up = json!({"error": {"type": "insufficient_quota", "code": "insufficient_quota",
        "message": "You exceeded your current quota, please check your plan and billing details."}});
    assert_eq!(kind(429, &used_up), ProviderErrorKind::Refused);
    assert_eq!(
        told(&used_up, &Scrub::default()).kind,
        ProviderErrorKind::Refused
    );
    let credit = json!({"type": "error", "error": {"type": "invalid_request_error",
        "message": "Your credit balance is too low to access the Anthropic API."}});
    assert_eq!(kind(400, &credit), ProviderErrorKind::Refused);
}

#[test]
fn a_quota_of_google_with_a_time_to_wait_is_a_rate_limit() {
    let body = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "details": [{"retryDelay": "36s"}]}});
    assert_eq!(kind(429, &body), ProviderErrorKind::RateLimit);
}

#[test]
fn a_rate_that_counts_tokens_of_context_stays_a_rate_limit() {
    let body = openai(
        "Rate limit reached: context length 9000 of 8000 tokens per minute",
        "rate_limit_exceeded",
    );
    assert_eq!(kind(429, &body), ProviderErrorKind::RateLimit);
}

#[test]
fn a_key_that_google_does_not_know_is_an_error_of_the_key() {
    let body = json!({"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}});
    assert_eq!(kind(400, &body), ProviderErrorKind::Auth);
}

#[test]
fn an_error_in_the_middle_of_an_answer_is_known_by_its_code() {
    use ProviderErrorKind::{Auth, ContextLength, Provider, RateLimit, Refused};
    let table = [
        (
            json!({"error": {"message": "m", "type": "server_error"}}),
            Provider,
        ),
        (json!({"error": {"message": "m", "code": 429}}), RateLimit),
        (json!({"error": {"message": "m", "code": 502}}), Provider),
        (
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
            Provider,
        ),
        (
            json!({"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}),
            RateLimit,
        ),
        (
            json!({"type": "error", "error": {"type": "authentication_error", "message": "m"}}),
            Auth,
        ),
        (
            json!({"type": "error", "code": "rate_limit_exceeded", "message": "m"}),
            RateLimit,
        ),
        (
            json!({"code": "context_length_exceeded", "message": "m"}),
            ContextLength,
        ),
        (
            json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "m"}}),
            Refused,
        ),
        (
            json!({"error": {"status": "UNAVAILABLE", "message": "m"}}),
            Provider,
        ),
        (
            json!({"error": "model runner has unexpectedly stopped"}),
            Provider,
        ),
        (
            json!({"error": {"message": "something new", "type": "new_error"}}),
            Provider,
        ),
    ];
    for (error, wanted) in table {
        assert_eq!(told(&error, &Scrub::default()).kind, wanted, "{error}");
    }
}

#[test]
fn the_wait_that_google_puts_into_the_body_is_found() {
    let body = json!({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED",
        "details": [{"retryDelay": "36.5s"}]}});
    let error = refused(
        StatusCode::TOO_MANY_REQUESTS,
        &HeaderMap::new(),
        body.to_string().as_bytes(),
        &Scrub::default(),
    );
    assert_eq!(error.retry_after, Some(Duration::from_millis(36_500)));
}

#[test]
fn a_page_for_people_is_not_repeated() {
    let error = refused(
        StatusCode::BAD_GATEWAY,
        &HeaderMap::new(),
        b"<html><body>bad gateway</body></html>",
        &Scrub::default(),
    );
    assert_eq!(error.message, "502 Bad Gateway");
}

#[test]
fn a_key_that_a_provider_repeats_is_taken_out() {
    let scrub = Scrub::new(Some(Secret::from("sk-sentinel\n".to_owned())));
    let error = refused(
        StatusCode::UNAUTHORIZED,
        &HeaderMap::new(),
        openai("bad key: sk-sentinel\u{7}!", "invalid_api_key")
            .to_string()
            .as_bytes(),
        &scrub,
    );
    assert_eq!(error.message, "bad key: … !");
}

#[test]
fn long_words_are_cut() {
    let cut = Scrub::default().text(&"é".repeat(100_000));
    assert_eq!(cut.chars().count(), 501);
    assert!(cut.ends_with('…'));
}
