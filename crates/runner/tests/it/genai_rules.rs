//! What a conversation becomes in each protocol: whatever was said, called and answered before, the request is one that
//! the protocol's own rules take. The rules stand here as each vendor documents them.

use proptest::prelude::*;
use runwright_runner::testing::Script;
use runwright_runner::{
    AssistantPart, ModelRequest, Protocol, Provider, RequestMessage, ToolAnswer, UserPart,
};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::genai_stage::{CASES, Case, told};

/// One exchange of a conversation: what people said, and what the model did.
#[derive(Debug, Clone)]
struct Said {
    user: Vec<&'static str>,
    thought: bool,
    text: bool,
    /// Whether each of its calls failed.
    calls: Vec<bool>,
    /// Whether people said something more behind the answers of the tools.
    more: bool,
}

fn said() -> impl Strategy<Value = Said> {
    let user = prop::collection::vec(prop_oneof![Just("hello"), Just("and \"then\"?\n")], 1..3);
    let calls = prop::collection::vec(any::<bool>(), 0..3);
    (user, any::<bool>(), any::<bool>(), calls, any::<bool>()).prop_map(
        |(user, thought, text, calls, more)| Said {
            text: text || calls.is_empty(),
            user,
            thought,
            calls,
            more,
        },
    )
}

/// The conversation, closed by a last prompt where it needs one.
fn conversation(protocol: Protocol, story: &[Said]) -> ModelRequest {
    let asked = |texts: &[&str]| {
        RequestMessage::User(
            texts
                .iter()
                .map(|text| UserPart::Text((*text).to_owned()))
                .collect(),
        )
    };
    let mut messages = Vec::new();
    let mut count = 0;
    let mut user_spoke_last = false;
    for said in story {
        if !user_spoke_last {
            messages.push(asked(&said.user));
        }
        let mut parts = Vec::new();
        if said.thought {
            parts.push(AssistantPart::Reasoning {
                text: "hm".to_owned(),
                signature: format!("{protocol}:c2lnbmVk").into(),
            });
        }
        if said.text {
            parts.push(AssistantPart::Text("I look".to_owned()));
        }
        let mut answers = Vec::new();
        for &is_error in &said.calls {
            count += 1;
            parts.push(AssistantPart::ToolCall {
                id: format!("call_{count}").into(),
                name: "bash".into(),
                input: "{\"command\":\"ls\"}".into(),
            });
            answers.push(ToolAnswer {
                call_id: format!("call_{count}").into(),
                name: "bash".into(),
                content: "nothing".to_owned(),
                is_error,
            });
        }
        messages.push(RequestMessage::Assistant(parts));
        user_spoke_last = false;
        if !answers.is_empty() {
            messages.push(RequestMessage::Tools(answers));
            if said.more {
                messages.push(asked(&["quickly"]));
                user_spoke_last = true;
            }
        }
    }
    if !user_spoke_last {
        messages.push(asked(&["the last word"]));
    }
    ModelRequest {
        model: "scripted".into(),
        system: "You are an agent.".to_owned(),
        messages,
        max_output_tokens: None,
        cache_key: Some("a conversation".to_owned()),
    }
}

async fn body_of(case: Case, request: ModelRequest) -> Value {
    let stage = case.stage().await;
    stage.server.script(Script::answer("fine"));
    let told = told(stage.provider.answer(request)).await;
    assert_eq!(told.error, None);
    stage.server.request(0).await.request().body.clone()
}

/// Asserts the rules of a protocol.
fn assert_takes(protocol: Protocol, body: &Value) {
    assert_no_text_is_empty(body);
    match protocol {
        Protocol::OpenAi | Protocol::OpenAiCompat | Protocol::Ollama => chat(body),
        Protocol::OpenAiResponses => responses(body),
        Protocol::Anthropic => anthropic(body),
        Protocol::Gemini => gemini(body),
    }
}

fn assert_no_text_is_empty(value: &Value) {
    match value {
        Value::Object(fields) => {
            // Chat messages that are nothing but calls may say nothing.
            let calls = fields.contains_key("tool_calls");
            for (name, field) in fields
                .iter()
                .filter(|(name, _)| !calls || *name != "content")
            {
                let is_said = ["text", "content", "thinking"].contains(&name.as_str());
                let is_empty = field.as_str().is_some_and(|text| text.trim().is_empty());
                assert!(!(is_said && is_empty), "an empty `{name}` in {value}");
                assert_no_text_is_empty(field);
            }
        }
        Value::Array(list) => list.iter().for_each(assert_no_text_is_empty),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// Each call of an answer is answered by a message of its own right behind it, in order.
fn chat(body: &Value) {
    let mut open: Vec<&str> = Vec::new();
    let messages = list(body, "messages");
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap();
        assert_eq!(
            role == "system",
            at == 0,
            "one system message, first: {body}"
        );
        if role == "tool" {
            assert!(!open.is_empty(), "a tool that nobody called: {body}");
            let called = open.remove(0);
            // Ollama knows a call by its place.
            let answers = message["tool_call_id"].as_str().unwrap_or(called);
            assert_eq!(answers, called);
        } else {
            assert_eq!(open, [""; 0], "calls without an answer: {body}");
        }
        let calls = list(message, "tool_calls").iter();
        open.extend(calls.map(|call| call["id"].as_str().unwrap_or("")));
    }
    assert_eq!(open, [""; 0], "calls without an answer: {body}");
    assert_ne!(messages.last().unwrap()["role"], "assistant");
}

/// Each call has one output behind it.
fn responses(body: &Value) {
    let mut open = Vec::new();
    for item in list(body, "input") {
        match item["type"].as_str() {
            Some("function_call") => open.push(item["call_id"].as_str().unwrap()),
            Some("function_call_output") => {
                let id = item["call_id"].as_str().unwrap();
                let call = open.iter().position(|call| *call == id);
                open.remove(call.unwrap_or_else(|| panic!("`{id}` was not called: {body}")));
            }
            _ => {}
        }
    }
    assert_eq!(open, [""; 0], "calls without an output: {body}");
}

/// The first message is the user's; neighbors of one role count as one message; what tools gave back stands first in the
/// message behind their calls, all of it; tools that are used are declared.
fn anthropic(body: &Value) {
    let mut turns: Vec<(String, Vec<Value>)> = Vec::new();
    for message in list(body, "messages") {
        let role = message["role"].as_str().unwrap().to_owned();
        let content = match message["content"].as_str() {
            Some(text) => vec![json!({"type": "text", "text": text})],
            None => list(message, "content").to_vec(),
        };
        match turns.last_mut() {
            Some((last, said)) if *last == role => said.extend(content),
            _ => turns.push((role, content)),
        }
    }
    let is = |kind: &str| {
        let kind = kind.to_owned();
        move |part: &&Value| part["type"] == *kind
    };
    assert_eq!(turns.first().unwrap().0, "user");
    assert_eq!(turns.last().unwrap().0, "user");
    let mut uses_tools = false;
    for pair in turns.windows(2) {
        let [(role, said), (_, next)] = pair else {
            unreachable!()
        };
        if role == "user" {
            continue;
        }
        let uses: Vec<_> = said
            .iter()
            .filter(is("tool_use"))
            .map(|part| &part["id"])
            .collect();
        let results = next.iter().take_while(is("tool_result"));
        let answered: Vec<_> = results.map(|part| &part["tool_use_id"]).collect();
        assert_eq!(answered, uses, "{body}");
        let everywhere = next.iter().filter(is("tool_result")).count();
        assert_eq!(everywhere, uses.len(), "{body}");
        uses_tools |= !uses.is_empty();
        let thoughts = said.iter().skip_while(is("thinking"));
        assert_eq!(
            thoughts.filter(is("thinking")).count(),
            0,
            "thoughts come first: {body}"
        );
    }
    assert_eq!(uses_tools, body["tools"].is_array(), "{body}");
}

/// The message behind one with calls answers each of them, and no other does.
fn gemini(body: &Value) {
    let count = |message: &Value, name: &str| {
        list(message, "parts")
            .iter()
            .filter(|part| part[name].is_object())
            .count()
    };
    let contents = list(body, "contents");
    let mut called = 0;
    for content in contents {
        assert!(!list(content, "parts").is_empty(), "{body}");
        assert_eq!(count(content, "functionResponse"), called, "{body}");
        called = count(content, "functionCall");
    }
    assert_eq!(called, 0, "{body}");
    assert_ne!(contents.last().unwrap()["role"], "model");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_was_said_before_a_request_is_one_that_its_protocol_takes(
        story in prop::collection::vec(said(), 0..5),
    ) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        for case in CASES {
            let request = conversation(case.protocol, &story);
            prop_assert_eq!(request.problem(), None);
            assert_takes(case.protocol, &runtime.block_on(body_of(case, request)));
        }
    }
}
