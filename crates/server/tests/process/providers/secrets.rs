//! What must not be told: keys, and what people say, in whatever the server writes and answers.

use runwright_runner::testing::{Failure, MODEL, Protocol, Script, ScriptedProvider};
use rustix::process::Signal;

use super::settings;
use crate::server::{Server, Start};
use crate::workspace::{Member, ends};

const KEY: &str = "sk-sentinel-5e1f";
const PROMPT: &str = "the prompt sentinel 7c2a";
const ANSWER: &str = "the answer sentinel 93bd";

#[tokio::test(flavor = "multi_thread")]
async fn no_key_prompt_or_answer_is_in_the_log_at_any_level() {
    for protocol in [Protocol::OpenAi, Protocol::Gemini] {
        let word = if protocol == Protocol::OpenAi {
            "openai-compat"
        } else {
            "gemini"
        };
        let provider = ScriptedProvider::start().await;
        provider.script(Script::answer(ANSWER));
        provider.script(Script::failing(Failure::status(400, "no such thing")));
        provider.script(Script::new().text(ANSWER).garbage());
        provider.script(Script::new().text(ANSWER).error(Failure::overloaded()));
        provider.small().otherwise(Script::answer(ANSWER));
        let base_url = provider.base_url(protocol);
        let [base_url, model, small_model] = settings(&base_url);
        let mut server = Server::start_with(&Start {
            flags: &["--log-level", "trace", "--max-attempts", "1"],
            env: &[
                base_url,
                model,
                small_model,
                ("RUNWRIGHT_API_KEY", KEY),
                ("RUNWRIGHT_PROVIDER", word),
            ],
            ..Start::default()
        });
        let member = Member::join(&server, "demo").await;
        let mut events = member.events(None).await;
        let session = member.session().await;
        for run in ["r1", "r2", "r3", "r4"] {
            member.prompt(&session, run, PROMPT).await.ok(202);
            events.until(ends(run)).await;
        }
        let header = if protocol == Protocol::Gemini {
            "x-goog-api-key"
        } else {
            "authorization"
        };
        let exchange = provider.request(0).await;
        let sent = exchange.request();
        assert!(
            sent.header(header).unwrap().ends_with(KEY),
            "the key is used"
        );
        assert_eq!(sent.last_user_text(), PROMPT);
        server.signal(Signal::TERM);
        server.wait().await;
        let log = server.log_of_start() + &server.log_to_the_end();
        assert!(log.contains("stopped: drained"), "the log is whole: {log}");
        assert!(log.contains("TRACE"), "the log has everything");
        for secret in [KEY, PROMPT, ANSWER] {
            assert!(!log.contains(secret), "`{secret}` in the log of {word}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_the_server_has_the_key() {
    let provider = ScriptedProvider::start().await;
    let base_url = provider.base_url(Protocol::OpenAi);
    let [base_url, model, small_model] = settings(&base_url);
    let server = Server::start_with(&Start {
        env: &[base_url, model, small_model, ("RUNWRIGHT_API_KEY", KEY)],
        ..Start::default()
    });
    let member = Member::join(&server, "demo").await;
    let client = server.client();
    let mut told = Vec::new();
    for path in [
        "config",
        "providers",
        "agent",
        "agent/default-small-model",
        "",
    ] {
        told.push(member.get(path).await);
    }
    for path in ["/v1/config", "/v1/status", "/v1/version", "/v1/workspaces"] {
        told.push(client.get(path).await);
    }
    let joined = serde_json::json!({ "path": member.directory, "client_id": member.client_id });
    told.push(client.post("/v1/workspaces", &joined).await);
    for answer in &told {
        let body = String::from_utf8_lossy(&answer.body);
        assert!(!body.contains(KEY), "{body}");
    }
    // They do tell what they are for.
    let config = told[0].ok(200);
    let shown = &config["providers"]["openai-compat"];
    assert_eq!(shown["base_url"], provider.base_url(Protocol::OpenAi));
    assert_eq!(shown["models"][0]["id"], MODEL);
    assert_eq!(config["models"]["large"]["model"], MODEL);
}
