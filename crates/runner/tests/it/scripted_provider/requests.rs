//! What was asked, and which script answers it.

use runwright_runner::testing::{
    Ending, Failure, Gate, MODEL, Protocol, SMALL_MODEL, Script, ScriptedProvider,
};
use serde_json::json;

use super::client::{Client, prompt, target};

/// Asks in the protocol of Ollama, and returns the body of the answer.
async fn say(provider: &ScriptedProvider, model: &str, text: &str) -> String {
    let mut client = Client::connect(provider).await;
    client
        .post("/api/chat", &prompt(model, text), "close")
        .await;
    client.answer().await
}

/// The texts in an answer of Ollama.
fn texts(answer: &str) -> String {
    let pieces = answer.split("\"content\":\"").skip(1);
    pieces.filter_map(|piece| piece.split('"').next()).collect()
}

#[tokio::test]
async fn a_request_is_told_as_it_was() {
    let provider = ScriptedProvider::start().await;
    let mut client = Client::connect(&provider).await;
    let body = json!({"model": MODEL, "messages": []});
    let length = body.to_string().len();
    client
        .send(&format!(
            "POST /proxy/messages?a=b HTTP/1.1\r\nHost: h\r\nX-Api-Key: k\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
    client.answer().await;
    let exchange = provider.request(0).await;
    let asked = exchange.request();
    assert_eq!(
        (
            asked.method.as_str(),
            asked.path.as_str(),
            asked.query.as_deref()
        ),
        ("POST", "/proxy/messages", Some("a=b"))
    );
    assert_eq!(asked.header("x-api-key"), Some("k"));
    assert_eq!((&asked.body, asked.model()), (&body, MODEL));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [
        header("host", "h"),
        header("x-api-key", "k"),
        header("connection", "close"),
        header("content-length", &length.to_string()),
    ];
    assert_eq!(asked.headers, expected);
}

#[tokio::test]
async fn scripts_are_played_in_order_and_then_the_other_one() {
    let provider = ScriptedProvider::start().await;
    provider.script(Script::answer("one"));
    provider.script(Script::answer("two"));
    assert_eq!(provider.turns().scripts_left(), 2);
    let mut said = Vec::new();
    for _ in 0..3 {
        said.push(texts(&say(&provider, MODEL, "hi").await));
    }
    provider.turns().otherwise(Script::answer("more"));
    for _ in 0..2 {
        said.push(texts(&say(&provider, MODEL, "hi").await));
    }
    assert_eq!(said, ["one", "two", "hello", "more", "more"]);
    assert_eq!(
        (provider.turns().count(), provider.turns().scripts_left()),
        (5, 0)
    );
}

#[tokio::test]
async fn one_connection_carries_one_request_after_the_other() {
    let provider = ScriptedProvider::start().await;
    provider.script(Script::answer("one"));
    provider.script(Script::answer("two"));
    let mut client = Client::connect(&provider).await;
    for protocol in [Protocol::OpenAi, Protocol::Gemini] {
        let body = prompt(MODEL, "hi");
        client.post(target(protocol), &body, "keep-alive").await;
        let number = provider.turns().count();
        client.read_until(["\"one\"", "\"two\""][number]).await;
        let ended = provider.request(number).await.ended().await;
        assert_eq!(ended, Ending::Complete);
    }
    provider.accepted(1).await;
    drop(client);
    provider.all_closed().await;
}

#[tokio::test]
async fn the_small_model_has_scripts_of_its_own() {
    let provider = ScriptedProvider::start().await;
    provider.script(Script::answer("turn"));
    provider.small().script(Script::answer("small"));
    let small = say(&provider, SMALL_MODEL, "hi").await;
    let title = say(&provider, SMALL_MODEL, "hi").await;
    let turn = say(&provider, MODEL, "hi").await;
    let said = [small, title, turn].map(|answer| texts(&answer));
    assert_eq!(said, ["small", "Title.", "turn"]);
    assert_eq!((provider.turns().count(), provider.small().count()), (1, 2));
}

#[tokio::test]
async fn a_test_can_say_which_requests_are_small() {
    let provider = ScriptedProvider::start().await;
    provider.small_are(|request| request.body["messages"][0]["content"] == "name it");
    let title = say(&provider, MODEL, "name it").await;
    let turn = say(&provider, SMALL_MODEL, "hi").await;
    assert_eq!([title, turn].map(|it| texts(&it)), ["Title.", "hello"]);
}

#[tokio::test]
async fn prompts_are_obeyed_when_no_script_is_left() {
    let provider = ScriptedProvider::start().await;
    provider.obey_prompts();
    provider.script(Script::answer("scripted"));
    let prompt = "err [[status 503]] [[times 1]] [[say 3]]";
    let first = say(&provider, MODEL, prompt).await;
    let second = say(&provider, MODEL, prompt).await;
    let third = say(&provider, MODEL, prompt).await;
    assert_eq!(texts(&first), "scripted");
    assert!(
        second.ends_with(r#"{"error":"fake status 503"}"#),
        "{second}"
    );
    assert_eq!(texts(&third), "tok0 tok1 tok2 ");
}

#[tokio::test]
async fn models_are_listed_in_the_form_of_whose_they_are() {
    let provider = ScriptedProvider::start().await;
    provider.offer(&["a"]);
    let cases = [
        ("/v1/models", "", r#""object":"list""#),
        (
            "/v1/models",
            "anthropic-version: 2023-06-01\r\n",
            r#""has_more":false"#,
        ),
        ("/v1beta/models", "", r#""name":"models/a""#),
        ("/api/tags", "", r#""model":"a""#),
    ];
    for (target, header, expected) in cases {
        let mut client = Client::connect(&provider).await;
        client.get(target, header).await;
        let answer = client.answer().await;
        assert!(answer.contains(expected), "{target}: {answer}");
    }
    assert_eq!((provider.lists().count(), provider.turns().count()), (4, 0));
}

#[tokio::test]
async fn a_list_can_be_held_and_can_fail() {
    let provider = ScriptedProvider::start().await;
    let gate = Gate::new();
    provider.lists().script(Script::new().hold(&gate));
    provider.lists().script(Script::failing(Failure::bad_key()));
    let mut client = Client::connect(&provider).await;
    client.get("/v1/models", "").await;
    gate.reached().await;
    assert_eq!(provider.lists().request(0).await.bytes_written(), 0);
    gate.release();
    assert!(client.answer().await.contains(MODEL));
    let mut client = Client::connect(&provider).await;
    client.get("/v1/models", "").await;
    assert!(
        client
            .answer()
            .await
            .starts_with("HTTP/1.1 401 Unauthorized\r\n")
    );
}

#[tokio::test]
async fn what_is_nowhere_is_not_found_and_told() {
    let provider = ScriptedProvider::start().await;
    let mut client = Client::connect(&provider).await;
    client
        .post("/v1//messages", &prompt(MODEL, "hi"), "close")
        .await;
    let answer = client.answer().await;
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    let stray = provider.strays().request(0).await;
    assert_eq!(stray.request().path, "/v1//messages");
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_is_one_json() {
    let provider = ScriptedProvider::start().await;
    provider.script(Script::answer("whole"));
    let mut client = Client::connect(&provider).await;
    let target = "/v1beta/models/scripted:generateContent";
    client.post(target, &json!({"contents": []}), "close").await;
    let answer = client.answer().await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let expected = r#"{"candidates":[{"content":{"parts":[{"text":"whole"}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"scripted","responseId":"scripted"}"#;
    assert_eq!(body, expected);
}

#[test]
fn base_urls_are_those_of_the_vendors() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let provider = runtime.unwrap().block_on(ScriptedProvider::start());
    let root = format!("http://{}", provider.address());
    let urls = Protocol::ALL.map(|protocol| provider.base_url(protocol).replace(&root, ""));
    assert_eq!(urls, ["/v1", "/v1", "/v1", "/v1beta", ""]);
    assert_eq!(provider.url("/gateway"), format!("{root}/gateway"));
}
