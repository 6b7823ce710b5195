//! Answers of a provider, as clients see them.

use runwright_runner::StopReason;
use runwright_runner::testing::{
    Cut, Ending, Failure, Gate, MODEL, Protocol, Script, ScriptedProvider, Unreachable,
};
use serde_json::{Value, json};

use super::{Stage, says, settings, text_of};
use crate::promises::{common, last_messages};
use crate::server::{Server, Start};
use crate::workspace::{Member, endings, ends};

fn ended(run: &str, state: &str) -> (String, String) {
    (run.to_owned(), state.to_owned())
}

#[track_caller]
fn the_end(events: &[Value]) -> &Value {
    let end = events.last().unwrap();
    assert_eq!(end["type"], "run_complete");
    &end["payload"]["payload"]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_see_the_same_end_when_the_provider_dies_in_the_middle() {
    let Stage { provider, server } = Stage::with(&["--max-attempts", "3"]).await;
    let gate = Gate::new();
    provider.script(Script::new().text("one ").hold(&gate).cut(Cut::Reset));
    provider.script(Script::new().text("one ").cut(Cut::Close));
    provider.script(Script::new().text("one ").text("two ").cut(Cut::Reset));
    let alice = Member::join(&server, "demo").await;
    let bob = alice.another().await;
    let (mut a, mut b) = (alice.events(None).await, bob.events(None).await);
    let session = alice.session().await;
    alice.prompt(&session, "r1", "count").await.ok(202);
    let mut seen_by_alice = a.until(says("one ")).await;
    let mut seen_by_bob = b.until(says("one ")).await;
    gate.release();
    seen_by_alice.extend(a.until(ends("r1")).await);
    seen_by_bob.extend(b.until(ends("r1")).await);
    assert_eq!(common(&seen_by_alice), common(&seen_by_bob));
    assert_eq!(last_messages(&seen_by_alice), last_messages(&seen_by_bob));
    let end = the_end(&seen_by_alice);
    assert_eq!(
        (&end["state"], &end["text"]),
        (&json!("failed"), &json!("one two "))
    );
    let error = end["error"].as_str().unwrap();
    assert!(error.to_lowercase().contains("network"), "{error}");

    bob.prompt(&session, "r2", "and now?").await.ok(202);
    let after = (a.until(ends("r2")).await, b.until(ends("r2")).await);
    assert_eq!(endings(&after.0), [ended("r2", "completed")]);
    assert_eq!(common(&after.0), common(&after.1));
    assert_eq!(the_end(&after.0)["text"], "hello");
    // What was said before the provider died is part of the conversation.
    let asked = provider.request(3).await;
    let asked = asked.request().body["messages"].to_string();
    for said in ["count", "one two ", "and now?"] {
        assert!(asked.contains(said), "no `{said}` in {asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_closes_the_connection_to_the_provider_and_ends_the_run() {
    let Stage { provider, server } = Stage::start().await;
    provider.script(Script::new().text("one ").silence());
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member.prompt(&session, "r1", "count").await.ok(202);
    events.until(says("one ")).await;
    member.post("runs/r1/cancel?wait=true").await.ok(200);
    let story = events.until(ends("r1")).await;
    assert_eq!(endings(&story), [ended("r1", "cancelled")]);
    assert_eq!(provider.request(0).await.ended().await, Ending::HungUp);

    member.prompt(&session, "r2", "again").await.ok(202);
    let story = events.until(ends("r2")).await;
    assert_eq!(
        (&the_end(&story)["text"], provider.turns().count()),
        (&json!("hello"), 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_steers_reaches_the_next_request() {
    let Stage { provider, server } = Stage::start().await;
    let gate = Gate::new();
    let calls = Script::new().text("let me look ").hold(&gate);
    provider.script(
        calls
            .tool_call("c1", "ls", &["{}"])
            .stop(StopReason::ToolUse),
    );
    provider.script(Script::answer("done"));
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member.prompt(&session, "r1", "look around").await.ok(202);
    events.until(says("let me look ")).await;
    let steer = json!({ "session_id": session, "run_id": "r2", "prompt": "only in docs", "when_busy": "steer" });
    let path = format!("{}/agent", member.base);
    member.client.post(&path, &steer).await.ok(202);
    gate.release();
    let story = events.until(ends("r1")).await;
    assert_eq!(
        endings(&story),
        [ended("r2", "completed"), ended("r1", "completed")]
    );
    assert_eq!(member.run("r2").await["folded_into"], "r1");
    let next = provider.request(1).await;
    assert_eq!(next.request().last_user_text(), "only in docs");
    assert_eq!(provider.turns().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_ends_an_answer_as_interrupted_with_the_text_so_far() {
    let Stage {
        provider,
        mut server,
    } = Stage::start().await;
    provider.obey_prompts();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    let slow = "[[say 1000]] [[delay 10]]";
    member.prompt(&session, "r1", slow).await.ok(202);
    let text = |event: &Value| text_of(&event["payload"]["payload"]);
    events.until(|event| text(event).contains("tok99 ")).await;
    server.kill().await;
    assert_eq!(provider.request(0).await.ended().await, Ending::HungUp);

    let base_url = provider.base_url(Protocol::OpenAi);
    let server = Server::start_again(
        server,
        &Start {
            env: &settings(&base_url),
            ..Start::default()
        },
    );
    let member = member.on(&server);
    assert_eq!(member.run("r1").await["state"], "interrupted");
    let messages = member
        .get(&format!("sessions/{session}/messages"))
        .await
        .ok(200);
    let answer = &messages[1];
    // A word took 10 ms and more, and what is lost is what was said in the last 250 ms; a busy disk may be late.
    assert!(text_of(answer).contains("tok49 "), "{answer}");
    assert_eq!(answer["parts"][1]["data"]["message"], "Interrupted");
    let mut events = member.events(Some("now")).await;
    member.prompt(&session, "r2", "[[say 2]]").await.ok(202);
    let story = events.until(ends("r2")).await;
    assert_eq!(the_end(&story)["text"], "tok0 tok1 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_costs_are_told_where_the_prices_are_known() {
    let Stage { provider, server } = Stage::with(&["--prices", "2,10"]).await;
    provider.script(Script::answer("hello").tokens(1000, 500));
    let title = Gate::new();
    provider
        .small()
        .script(Script::new().hold(&title).silence());
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member.prompt(&session, "r1", "hi").await.ok(202);
    let story = events.until(ends("r1")).await;
    let used = &the_end(&story)["usage"];
    assert_eq!(
        (&used["input_tokens"], &used["output_tokens"]),
        (&json!(1000), &json!(500)),
        "{used}"
    );
    let session = member.get(&format!("sessions/{session}")).await.ok(200);
    let told = [
        &session["prompt_tokens"],
        &session["completion_tokens"],
        &session["cost"],
    ];
    assert_eq!(told, [&json!(1000), &json!(500), &json!(0.007)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_provider_is_asked_in_its_own_protocol_with_the_key_in_its_usual_variable() {
    let asked = [
        (
            "openai",
            Protocol::OpenAi,
            "OPENAI_API_KEY",
            "authorization",
            "/v1/chat/completions",
        ),
        (
            "openai-responses",
            Protocol::OpenAiResponses,
            "OPENAI_API_KEY",
            "authorization",
            "/v1/responses",
        ),
        (
            "anthropic",
            Protocol::Anthropic,
            "ANTHROPIC_API_KEY",
            "x-api-key",
            "/v1/messages",
        ),
        (
            "gemini",
            Protocol::Gemini,
            "GEMINI_API_KEY",
            "x-goog-api-key",
            "/v1beta/models/scripted:streamGenerateContent",
        ),
        (
            "ollama",
            Protocol::Ollama,
            "OLLAMA_API_KEY",
            "authorization",
            "/api/chat",
        ),
    ];
    for (name, protocol, variable, header, path) in asked {
        let provider = ScriptedProvider::start().await;
        let base_url = provider.base_url(protocol);
        let [base_url, model, small_model] = settings(&base_url);
        let server = Server::start_with(&Start {
            env: &[
                base_url,
                model,
                small_model,
                ("RUNWRIGHT_PROVIDER", name),
                (variable, "sk-usual"),
            ],
            ..Start::default()
        });
        let member = Member::join(&server, "demo").await;
        let mut events = member.events(None).await;
        let session = member.session().await;
        member.prompt(&session, "r1", "hi").await.ok(202);
        let story = events.until(ends("r1")).await;
        assert_eq!(
            the_end(&story)["text"],
            "hello",
            "{name}: {}",
            the_end(&story)
        );
        let exchange = provider.request(0).await;
        let request = exchange.request();
        assert_eq!(
            (request.path.as_str(), request.model()),
            (path, MODEL),
            "{name}"
        );
        let key = request
            .header(header)
            .map(|key| key.trim_start_matches("Bearer "));
        assert_eq!(key, Some("sk-usual"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_reached_fails_prompts_and_nothing_else() {
    let nobody = Unreachable::refusing();
    let base_url = nobody.url();
    let server = Server::start_with(&Start {
        flags: &["--max-attempts", "1"],
        env: &settings(&base_url),
        ..Start::default()
    });
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member.prompt(&session, "r1", "hi").await.ok(202);
    let story = events.until(ends("r1")).await;
    let end = the_end(&story);
    assert_eq!(end["state"], "failed");
    let error = end["error"].as_str().unwrap().to_lowercase();
    assert!(error.contains("network"), "{error}");
    server.client().get("/v1/health").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_wrong_is_told_at_once_and_in_words() {
    let Stage { provider, server } = Stage::start().await;
    provider.script(Script::failing(Failure::bad_key()));
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member.prompt(&session, "r1", "hi").await.ok(202);
    let story = events.until(ends("r1")).await;
    let error = the_end(&story)["error"].as_str().unwrap().to_lowercase();
    assert!(error.contains("authentication failed"), "{error}");
    let finish = &last_messages(&story).pop().unwrap().1["parts"][0];
    assert_eq!(finish["data"]["reason"], "error");
    assert_eq!(provider.turns().count(), 1, "no other try would go better");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_silent_is_left_after_its_time() {
    let limits = [
        "--first-token-timeout",
        "2",
        "--between-tokens-timeout",
        "1",
        "--max-attempts",
        "1",
    ];
    let Stage { provider, server } = Stage::with(&limits).await;
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    let silences = [
        (Script::new().silence(), "", "no answer within 2 s"),
        (
            Script::new().headers().silence(),
            "",
            "no answer within 2 s",
        ),
        (
            Script::new().text("one ").silence(),
            "one ",
            "the answer stopped: nothing came for 1 s",
        ),
    ];
    for (number, (script, text, error)) in silences.into_iter().enumerate() {
        provider.script(script);
        let run = format!("r{number}");
        member.prompt(&session, &run, "count").await.ok(202);
        let story = events.until(ends(&run)).await;
        let end = the_end(&story);
        let told = (end["text"].as_str().unwrap_or(""), &end["error"]);
        assert_eq!(told, (text, &json!(format!("network error: {error}"))));
        assert_eq!(provider.request(number).await.ended().await, Ending::HungUp);
    }
}
