//! What a request asks for and what its user said, in each protocol.

use serde_json::json;

use super::*;

fn request(method: &str, target: &str, body: Value) -> Request {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| {
            (path, Some(query.to_owned()))
        });
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        headers: Vec::new(),
        body,
        arrived: Instant::now(),
    }
}

#[track_caller]
fn check_ask(method: &str, target: &str, body: Value, expected: Ask) {
    assert_eq!(request(method, target, body).ask(), expected, "{target}");
}

fn answer(protocol: Protocol, streamed: bool) -> Ask {
    Ask::Answer { protocol, streamed }
}

#[test]
fn a_path_says_the_protocol_under_every_base() {
    use Protocol::{Anthropic, Gemini, Ollama, OpenAi, OpenAiResponses};
    let streams = json!({"stream": true});
    let gemini = "/v1beta/models/m:streamGenerateContent";
    let cases = [
        ("/v1/chat/completions", OpenAi),
        ("/gateway/openai/chat/completions", OpenAi),
        ("/v1/responses", OpenAiResponses),
        ("/v1/messages", Anthropic),
        ("/api/chat", Ollama),
    ];
    for (target, protocol) in cases {
        check_ask("POST", target, streams.clone(), answer(protocol, true));
    }
    check_ask(
        "POST",
        &format!("{gemini}?alt=sse"),
        json!({}),
        answer(Gemini, true),
    );
    check_ask(
        "POST",
        "/v1beta/models/m:generateContent",
        json!({}),
        answer(Gemini, false),
    );
    check_ask("POST", gemini, json!({}), Ask::Unknown);
    check_ask(
        "POST",
        "/v1//chat/completions",
        streams.clone(),
        Ask::Unknown,
    );
    check_ask("GET", "/v1/chat/completions", streams, Ask::Unknown);
}

#[test]
fn only_ollama_streams_unasked() {
    check_ask(
        "POST",
        "/v1/messages",
        json!({}),
        answer(Protocol::Anthropic, false),
    );
    check_ask(
        "POST",
        "/api/chat",
        json!({}),
        answer(Protocol::Ollama, true),
    );
    check_ask(
        "POST",
        "/api/chat",
        json!({"stream": false}),
        answer(Protocol::Ollama, false),
    );
}

#[test]
fn a_header_says_whose_models_are_listed() {
    let mut list = request("GET", "/v1/models", Value::Null);
    assert_eq!(list.ask(), Ask::Models(Protocol::OpenAi));
    list.headers = vec![("anthropic-version".to_owned(), "2023-06-01".to_owned())];
    assert_eq!(list.ask(), Ask::Models(Protocol::Anthropic));
    list.headers = vec![("x-goog-api-key".to_owned(), "k".to_owned())];
    assert_eq!(list.ask(), Ask::Models(Protocol::Gemini));
    check_ask(
        "GET",
        "/v1beta/models",
        Value::Null,
        Ask::Models(Protocol::Gemini),
    );
    check_ask(
        "GET",
        "/api/tags",
        Value::Null,
        Ask::Models(Protocol::Ollama),
    );
}

#[test]
fn the_model_is_in_the_body_or_in_the_path() {
    let body = json!({"model": "a"});
    assert_eq!(request("POST", "/v1/messages", body).model(), "a");
    let gemini = "/v1beta/models/g-2:streamGenerateContent?alt=sse";
    assert_eq!(request("POST", gemini, json!({})).model(), "g-2");
    assert_eq!(request("GET", "/v1/models", Value::Null).model(), "");
}

#[test]
fn what_the_user_said_last_is_found_in_each_protocol() {
    let bodies = [
        json!({"messages": [
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "ok"},
            {"role": "user", "content": "last"},
            {"role": "tool", "tool_call_id": "1", "content": "result"},
        ]}),
        json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "la"}, {"type": "text", "text": "st"}]}]}),
        json!({"messages": [
            {"role": "user", "content": "last"},
            {"role": "assistant", "content": [{"type": "tool_use"}]},
            {"role": "user", "content": [{"type": "tool_result", "content": "result"}]},
        ]}),
        json!({"input": "last"}),
        json!({"input": [
            {"role": "user", "content": [{"type": "input_text", "text": "last"}]},
            {"type": "function_call_output", "output": "result"},
        ]}),
        json!({"contents": [
            {"role": "user", "parts": [{"text": "last"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "bash"}}]},
        ]}),
    ];
    for body in bodies {
        let said = request("POST", "/", body.clone()).last_user_text();
        assert_eq!(said, "last", "{body}");
    }
    assert_eq!(request("POST", "/", Value::Null).last_user_text(), "");
}
