//! A whole conversation as each protocol receives it: system, people and their pictures, answers, thoughts, tools.

use runwright_proto::Blob;
use runwright_runner::testing;
use runwright_runner::{
    AnswerEvent, AssistantPart, ModelRequest, Protocol, Provider, RequestMessage, StopReason,
    ToolAnswer, UserPart,
};
use serde_json::{Value, json};

use crate::genai_stage::{CASES, Case, KEY, asking, told};

fn user(text: &str) -> UserPart {
    UserPart::Text(text.to_owned())
}

fn thoughts(text: &str, signature: &str) -> AssistantPart {
    AssistantPart::Reasoning {
        text: text.to_owned(),
        signature: signature.into(),
    }
}

fn call(id: &str, name: &str, input: &str) -> AssistantPart {
    AssistantPart::ToolCall {
        id: id.into(),
        name: name.into(),
        input: input.into(),
    }
}

fn gave(call_id: &str, name: &str, content: &str, is_error: bool) -> ToolAnswer {
    ToolAnswer {
        call_id: call_id.into(),
        name: name.into(),
        content: content.to_owned(),
        is_error,
    }
}

/// A conversation with everything in it. Its thoughts are signed by each protocol, and by nobody.
fn conversation() -> ModelRequest {
    ModelRequest {
        model: testing::MODEL.into(),
        system: "be brief".to_owned(),
        messages: vec![
            RequestMessage::User(vec![
                user("look"),
                UserPart::Image {
                    mime_type: "image/png".into(),
                    data: Blob::from(vec![1, 2, 3]),
                },
            ]),
            RequestMessage::Assistant(vec![
                thoughts("unsigned", ""),
                thoughts("hm", "anthropic:sig-a"),
                thoughts("hm", "gemini:sig-g"),
                thoughts("hm", "openai-responses:sig-r"),
                AssistantPart::Text("I look".to_owned()),
                call("c1", "view", "{\"path\":\"a\"}"),
                call("c2", "bash", "{\"broken"),
            ]),
            RequestMessage::Tools(vec![
                gave("c1", "view", "an a", false),
                gave("c2", "bash", "no", true),
            ]),
            RequestMessage::User(vec![user("go on")]),
        ],
        max_output_tokens: Some(77),
        cache_key: Some("cache-1".to_owned()),
    }
}

/// The body of a request, as the provider received it.
async fn received(case: Case, request: ModelRequest) -> Value {
    let stage = case.stage().await;
    assert_eq!(told(stage.provider.answer(request)).await.text(), "hello");
    let exchange = stage.server.request(0).await;
    let request = exchange.request();
    assert!(!request.body.to_string().contains(KEY));
    let accepts = request.header("accept-encoding");
    assert_eq!((accepts, request.header("transfer-encoding")), (None, None));
    assert_eq!(request.header("content-type"), Some("application/json"));
    request.body.clone()
}

/// The body of the whole conversation in a protocol.
async fn whole(protocol: Protocol) -> Value {
    let case = CASES.into_iter().find(|case| case.protocol == protocol);
    received(case.unwrap(), conversation()).await
}

fn chat_completions() -> Value {
    json!({
        "model": "scripted",
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": 77,
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQID"}},
            ]},
            {"role": "assistant", "content": "I look", "tool_calls": [
                {"type": "function", "id": "c1", "function": {"name": "view", "arguments": "{\"path\":\"a\"}"}},
                {"type": "function", "id": "c2", "function": {"name": "bash", "arguments": "{}"}},
            ]},
            {"role": "tool", "content": "an a", "tool_call_id": "c1"},
            {"role": "tool", "content": "no", "tool_call_id": "c2"},
            {"role": "user", "content": "go on"},
        ],
    })
}

#[tokio::test]
async fn chat_completions_receive_a_conversation() {
    let mut wanted = chat_completions();
    assert_eq!(whole(Protocol::OpenAiCompat).await, wanted);
    wanted["prompt_cache_key"] = json!("cache-1");
    assert_eq!(whole(Protocol::OpenAi).await, wanted);
}

#[tokio::test]
async fn responses_receive_a_conversation() {
    let wanted = json!({
        "model": "scripted",
        "stream": true,
        "store": false,
        "instructions": "be brief",
        "max_output_tokens": 77,
        "prompt_cache_key": "cache-1",
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,AQID"},
            ]},
            {"type": "reasoning", "encrypted_content": "sig-r", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look"}]},
            {"type": "function_call", "call_id": "c1", "name": "view", "arguments": "{\"path\":\"a\"}"},
            {"type": "function_call", "call_id": "c2", "name": "bash", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "an a"},
            {"type": "function_call_output", "call_id": "c2", "output": "no"},
            {"role": "user", "content": "go on"},
        ],
    });
    assert_eq!(whole(Protocol::OpenAiResponses).await, wanted);
}

#[tokio::test]
async fn anthropic_receives_a_conversation_and_the_tools_that_are_in_it() {
    let tool = |name: &str| json!({"name": name, "input_schema": {"type": "object"}});
    let wanted = json!({
        "model": "scripted",
        "stream": true,
        "system": "be brief",
        "max_tokens": 77,
        "tools": [tool("bash"), tool("view")],
        "tool_choice": {"type": "none"},
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AQID"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig-a"},
                {"type": "text", "text": "I look"},
                {"type": "tool_use", "id": "c1", "name": "view", "input": {"path": "a"}},
                {"type": "tool_use", "id": "c2", "name": "bash", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "content": "an a", "tool_use_id": "c1"},
                {"type": "tool_result", "content": "no", "tool_use_id": "c2", "is_error": true},
            ]},
            {"role": "user", "content": [
                {"type": "text", "text": "go on", "cache_control": {"type": "ephemeral"}},
            ]},
        ],
    });
    assert_eq!(whole(Protocol::Anthropic).await, wanted);
}

#[tokio::test]
async fn anthropic_is_told_how_long_an_answer_may_be_when_nobody_says_so() {
    let mut request = asking("hi");
    request.model = "claude-sonnet-4-5".into();
    let wanted = json!({
        "model": "claude-sonnet-4-5",
        "stream": true,
        "max_tokens": 64_000,
        "messages": [{"role": "user", "content": "hi"}],
    });
    assert_eq!(received(CASES[2], request).await, wanted);
}

#[tokio::test]
async fn gemini_receives_a_conversation() {
    let body = whole(Protocol::Gemini).await;
    let contents = body["contents"].as_array().unwrap();
    let roles: Vec<_> = contents.iter().map(|content| &content["role"]).collect();
    assert_eq!(roles, ["user", "model", "user", "user"]);
    assert_eq!(
        contents[0]["parts"],
        json!([{"text": "look"}, {"inline_data": {"mime_type": "image/png", "data": "AQID"}}])
    );
    let said = contents[1].to_string();
    for (text, is_in) in [
        ("I look", true),
        ("sig-g", true),
        ("\"path\":\"a\"", true),
        ("sig-a", false),
        ("sig-r", false),
        ("unsigned", false),
    ] {
        assert_eq!(said.contains(text), is_in, "{text}: {said}");
    }
    let gave = contents[2].to_string();
    assert!(
        gave.contains("an a") && gave.contains("\"name\":\"bash\""),
        "{gave}"
    );
    assert_eq!(
        body["systemInstruction"],
        json!({"parts": [{"text": "be brief"}]})
    );
    assert_eq!(body["generationConfig"], json!({"maxOutputTokens": 77}));
    assert_eq!(body.get("tools"), None);
}

#[tokio::test]
async fn ollama_receives_a_conversation() {
    let wanted = json!({
        "model": "scripted",
        "stream": true,
        "options": {"num_predict": 77},
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "look", "images": ["AQID"]},
            {"role": "assistant", "content": "I look", "tool_calls": [
                {"function": {"name": "view", "arguments": {"path": "a"}}},
                {"function": {"name": "bash", "arguments": {}}},
            ]},
            {"role": "tool", "content": "an a"},
            {"role": "tool", "content": "no"},
            {"role": "user", "content": "go on"},
        ],
    });
    assert_eq!(whole(Protocol::Ollama).await, wanted);
}

#[tokio::test]
async fn a_signature_goes_back_as_it_came() {
    for case in CASES {
        let stage = case.stage().await;
        stage.server.script(
            testing::Script::new()
                .reasoning("hm")
                .signature("c2ln")
                .text("a")
                .stop(StopReason::EndTurn),
        );
        let events = stage.told().await.events;
        let signature = events.iter().find_map(|event| {
            let AnswerEvent::ReasoningSignature(signature) = event else {
                return None;
            };
            Some(&**signature)
        });
        let mut request = asking("hi");
        request.messages.extend([
            RequestMessage::Assistant(vec![
                thoughts("hm", signature.unwrap_or_default()),
                AssistantPart::Text("a".to_owned()),
            ]),
            RequestMessage::User(vec![user("go on")]),
        ]);
        let body = received(case, request).await.to_string();
        assert_eq!(
            body.contains("\"c2ln\""),
            signature.is_some(),
            "{} {body}",
            case.protocol
        );
    }
}

#[tokio::test]
async fn two_texts_do_not_run_together() {
    for case in CASES {
        let mut request = asking("one");
        request.messages = vec![RequestMessage::User(vec![user("one"), user("two")])];
        let body = received(case, request).await.to_string();
        assert!(!body.contains("onetwo"), "{} {body}", case.protocol);
    }
}
