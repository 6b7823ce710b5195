//! What the commands say about models, and what they refuse.

use runwright_runner::testing::{
    Failure, MODEL, Protocol, SMALL_MODEL, Script, ScriptedProvider, Unreachable,
};
use serde_json::{Value, json};

use super::{Stage, settings};
use crate::command_line::{Person, host, text};
use crate::server::{Server, Start};

#[tokio::test(flavor = "multi_thread")]
async fn the_start_and_status_name_the_model_and_never_the_key() {
    let provider = ScriptedProvider::start().await;
    let url = provider.base_url(Protocol::OpenAi);
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "sk-in-a-file\n").unwrap();
    let server = Server::start_with(&Start {
        flags: &["--api-key-file", key.to_str().unwrap()],
        env: &settings(&url),
        ..Start::default()
    });
    let said = server.log_of_start();
    let expected = format!(
        "model `{MODEL}` (small model `{SMALL_MODEL}`) of openai-compat at {url} answers, with the key in `{}`",
        key.display()
    );
    assert!(said.contains(&expected), "{said}");

    let person = Person::new();
    let status = person.runs(&["status", "--host", &host(&server)]).await;
    let model = format!("model {MODEL}, small model {SMALL_MODEL}, of openai-compat at {url}\n");
    assert!(
        text(&status.stdout).contains(&model),
        "{}",
        text(&status.stdout)
    );
    let status = person
        .runs(&["--json", "status", "--host", &host(&server)])
        .await;
    let told: Value = serde_json::from_slice(&status.stdout).unwrap();
    let expected = json!({ "provider": "openai-compat", "base_url": url, "model": MODEL, "small_model": SMALL_MODEL });
    assert_eq!(told["model"], expected);
    assert!(!(said + text(&status.stdout)).contains("sk-in-a-file"));

    let run = person.runs(&["run", "--host", &host(&server), "hi"]).await;
    assert_eq!((text(&run.stdout), text(&run.stderr)), ("hello\n", ""));
    let exchange = provider.request(0).await;
    assert_eq!(
        exchange.request().header("authorization"),
        Some("Bearer sk-in-a-file")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_the_start_and_status_say_that_the_offline_model_answers() {
    let server = Server::start();
    let said = server.log_of_start();
    assert!(
        said.contains("the built-in offline model answers"),
        "{said}"
    );
    assert!(
        said.contains("RUNWRIGHT_BASE_URL and RUNWRIGHT_MODEL"),
        "{said}"
    );
    let status = Person::new()
        .runs(&["status", "--host", &host(&server)])
        .await;
    assert!(
        text(&status.stdout).contains("\nmodel offline\n"),
        "{}",
        text(&status.stdout)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn run_starts_a_server_with_the_model_it_is_given() {
    let provider = ScriptedProvider::start().await;
    let url = provider.base_url(Protocol::OpenAi);
    let person = Person::new();
    let output = person
        .runs(&["run", "--base-url", &url, "--model", MODEL, "hi"])
        .await;
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("hello\n", "")
    );
    let mut by_variables = person.command(&["run", "hi"]);
    let output = by_variables.envs(settings(&url)).output().await.unwrap();
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("hello\n", "")
    );
    // Nobody has said that this address is on this machine, and OpenAI wants a key.
    let open = format!("http://0.0.0.0:{}/v1", provider.address().port());
    let keyless = [
        "run",
        "--provider",
        "openai",
        "--base-url",
        &open,
        "--model",
        MODEL,
        "hi",
    ];
    let output = person.runs(&keyless).await;
    assert_eq!(text(&output.stdout), "hello\n");
    assert!(
        text(&output.stderr).starts_with("there is no key for `openai`"),
        "{}",
        text(&output.stderr)
    );
    let half = person.runs(&["run", "--model", MODEL, "hi"]).await;
    assert_eq!((text(&half.stdout), half.status.code()), ("", Some(2)));
    assert!(
        text(&half.stderr).contains("a model and no provider"),
        "{}",
        text(&half.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn run_does_not_pretend_to_choose_the_model_of_a_server_that_runs() {
    let (person, server) = (Person::new(), Server::start());
    let output = person
        .runs(&["run", "--host", &host(&server), "--model", MODEL, "hi"])
        .await;
    assert_eq!((text(&output.stdout), output.status.code()), ("", Some(2)));
    assert!(
        text(&output.stderr).contains("`--model` is for a server"),
        "{}",
        text(&output.stderr)
    );
    // A variable is set for all of them, and is no wish of this call.
    let mut by_variable = person.command(&["run", "--host", &host(&server), "[[say 1]]"]);
    let output = by_variable
        .env("RUNWRIGHT_MODEL", MODEL)
        .output()
        .await
        .unwrap();
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("word0 \n", "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn models_lists_what_the_provider_offers_and_marks_what_is_configured() {
    let Stage { provider, .. } = Stage::start().await;
    let url = provider.base_url(Protocol::OpenAi);
    let person = Person::new();
    let flags = ["models", "--base-url", &url];
    let listed = person.runs(&flags).await;
    let expected = format!("{MODEL}\n{SMALL_MODEL}\n");
    assert_eq!(
        (text(&listed.stdout), text(&listed.stderr)),
        (&*expected, "")
    );

    let chosen = [&flags[..], &["--model", MODEL, "--small-model", "gone"]].concat();
    let listed = person.runs(&chosen).await;
    let expected = format!("{MODEL}  (the model)\n{SMALL_MODEL}\n");
    assert_eq!(text(&listed.stdout), expected);
    assert_eq!(
        text(&listed.stderr),
        "`gone` is configured and not in this list\n"
    );
    assert_eq!(listed.status.code(), Some(0));

    let listed = person.runs(&[&["--json"], &chosen[..]].concat()).await;
    let told: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let expected = json!({
        "provider": "openai-compat",
        "base_url": url,
        "models": [
            { "id": MODEL, "is_model": true, "is_small_model": false },
            { "id": SMALL_MODEL, "is_model": false, "is_small_model": false },
        ],
    });
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_says_in_words_why_there_is_no_list() {
    let person = Person::new();
    let nothing = person.runs(&["models"]).await;
    assert_eq!(nothing.status.code(), Some(2));
    assert!(
        text(&nothing.stderr).contains("there is only the offline model: set RUNWRIGHT_PROVIDER"),
        "{}",
        text(&nothing.stderr)
    );

    let nobody = Unreachable::refusing();
    let unreachable = person.runs(&["models", "--base-url", &nobody.url()]).await;
    assert_eq!(unreachable.status.code(), Some(1));
    let told = text(&unreachable.stderr);
    assert!(
        told.contains(&nobody.url()) && told.contains("is it running there"),
        "{told}"
    );

    let provider = ScriptedProvider::start().await;
    provider.lists().script(Script::failing(Failure::bad_key()));
    let url = provider.base_url(Protocol::OpenAi);
    let refused = person.runs(&["models", "--base-url", &url]).await;
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr).to_lowercase();
    assert!(
        told.contains("authentication failed") && told.contains("runwright_api_key"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_configuration_is_a_wrong_usage_of_serve() {
    let person = Person::new();
    let refused = async |args: &[&str], words: &str| {
        let output = person.runs(&[&["serve"], args].concat()).await;
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told = text(&output.stderr);
        assert!(told.contains(words), "{told} should say {words}");
    };
    refused(&["--model", "m"], "set RUNWRIGHT_PROVIDER").await;
    refused(&["--provider", "openai"], "set RUNWRIGHT_MODEL").await;
    refused(
        &["--provider", "claude", "--model", "m"],
        "[possible values: openai",
    )
    .await;
    refused(
        &["--base-url", "h:1", "--model", "m"],
        "`https://HOST[:PORT][/PATH][?QUERY]`",
    )
    .await;
    let missing = [
        "--provider",
        "openai",
        "--model",
        "m",
        "--api-key-file",
        "/nowhere",
    ];
    refused(&missing, "key file `/nowhere` cannot be read: ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_shows_no_secret_of_the_environment() {
    let person = Person::new();
    let mut help = person.command(&["serve", "--help"]);
    help.env("RUNWRIGHT_API_KEY", "sk-sentinel");
    help.env(
        "RUNWRIGHT_BASE_URL",
        "https://user:sentinel@gateway.example/v1",
    );
    let help = help.output().await.unwrap();
    assert!(text(&help.stdout).contains("RUNWRIGHT_BASE_URL"));
    assert!(!text(&help.stdout).contains("sentinel"));
}
