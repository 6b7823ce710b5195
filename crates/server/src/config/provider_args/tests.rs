//! Flags and environment in, a model or a refusal out.

use super::*;
use crate::config::{Cli, Command, KeySource};

const NOBODY: &[(&str, &str)] = &[];

fn environment(keys: &[(&'static str, &str)]) -> Environment {
    Environment {
        runtime_dir: None,
        temp_dir: "/tmp".into(),
        state_dir: None,
        data_home: None,
        home: Some("/home/u".into()),
        token: None,
        keys: keys
            .iter()
            .map(|(name, key)| (*name, (*key).to_owned()))
            .collect(),
        uid: 7,
    }
}

fn resolve(
    flags: &[&str],
    keys: &[(&'static str, &str)],
) -> Result<Option<ModelConfig>, ProviderConfigError> {
    let args = [&["runwright", "serve"], flags].concat();
    let Command::Serve(args) = Cli::from_args(args).expect("valid flags").command else {
        panic!("not serve")
    };
    args.provider.resolve(&environment(keys))
}

#[track_caller]
fn model(flags: &[&str], keys: &[(&'static str, &str)]) -> ModelConfig {
    resolve(flags, keys).expect("valid").expect("a model")
}

#[track_caller]
fn check_refused(flags: &[&str], keys: &[(&'static str, &str)], words: &str) {
    let error = resolve(flags, keys).expect_err("refused");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    let told = format!("{error}: {}", cause.unwrap_or_default());
    assert!(told.contains(words), "{told} should say {words}");
}

fn found(key: Option<ApiKey>) -> Option<(String, KeySource)> {
    key.map(|key| (key.secret.expose().to_owned(), key.source))
}

#[test]
fn without_anything_nobody_is_asked() {
    assert_eq!(resolve(&[], NOBODY).expect("valid"), None);
    // Somebody who works with a provider by hand has not configured this server.
    assert_eq!(
        resolve(&[], &[("OPENAI_API_KEY", "k")]).expect("valid"),
        None
    );
    assert_eq!(
        resolve(&["--max-attempts", "2"], NOBODY).expect("valid"),
        None
    );
}

#[test]
fn an_address_and_a_model_are_enough() {
    let config = model(
        &["--base-url", "http://127.0.0.1:8080/v1", "--model", "m"],
        NOBODY,
    );
    let choice = ModelChoice {
        id: "m".to_owned(),
        prices: None,
    };
    let expected = ModelConfig {
        endpoint: EndpointConfig {
            kind: ProviderKind::OpenAiCompat,
            base_url: Some("http://127.0.0.1:8080/v1".parse().expect("a URL")),
            key: None,
            connect_timeout: Duration::from_secs(10),
        },
        model: choice.clone(),
        small_model: choice,
        images: false,
        context_window: None,
        max_output_tokens: None,
        first_token_timeout: Duration::from_secs(300),
        between_tokens_timeout: Duration::from_secs(120),
        max_attempts: 4,
        retry_pause: Duration::from_millis(500),
    };
    assert_eq!(config, expected);
    assert!(config.endpoint.notices().is_empty());
}

#[test]
fn everything_can_be_said() {
    let flags = [
        "--provider",
        "anthropic",
        "--model",
        "m",
        "--small-model",
        "s",
        "--connect-timeout",
        "1",
        "--first-token-timeout",
        "2",
        "--between-tokens-timeout",
        "3",
        "--max-attempts",
        "5",
        "--retry-pause",
        "6",
        "--max-output-tokens",
        "7",
        "--context-window",
        "8",
        "--images",
        "--prices",
        "3,15",
        "--small-prices",
        "1,5",
    ];
    let config = model(&flags, &[("ANTHROPIC_API_KEY", "k")]);
    let prices = |text: &str| Some(text.parse().expect("prices"));
    let expected = ModelConfig {
        endpoint: EndpointConfig {
            kind: ProviderKind::Anthropic,
            base_url: None,
            key: Some(ApiKey {
                secret: "k".to_owned().into(),
                source: KeySource::Variable("ANTHROPIC_API_KEY"),
            }),
            connect_timeout: Duration::from_secs(1),
        },
        model: ModelChoice {
            id: "m".to_owned(),
            prices: prices("3,15"),
        },
        small_model: ModelChoice {
            id: "s".to_owned(),
            prices: prices("1,5"),
        },
        images: true,
        context_window: Some(8),
        max_output_tokens: Some(7),
        first_token_timeout: Duration::from_secs(2),
        between_tokens_timeout: Duration::from_secs(3),
        max_attempts: 5,
        retry_pause: Duration::from_millis(6),
    };
    assert_eq!(config, expected);
}

#[test]
fn the_small_model_costs_what_the_model_costs_only_if_it_is_the_same() {
    let base = ["--provider", "ollama", "--model", "m", "--prices", "1,2"];
    assert_eq!(
        model(&base, NOBODY).small_model.prices,
        model(&base, NOBODY).model.prices
    );
    let other = [&base[..], &["--small-model", "s"]].concat();
    assert_eq!(
        model(&other, NOBODY).small_model,
        ModelChoice {
            id: "s".to_owned(),
            prices: None
        }
    );
}

#[test]
fn half_a_configuration_is_refused_with_what_is_missing() {
    check_refused(&["--model", "m"], NOBODY, "set RUNWRIGHT_PROVIDER");
    check_refused(&["--small-model", "m"], NOBODY, "set RUNWRIGHT_PROVIDER");
    check_refused(&[], &[("RUNWRIGHT_API_KEY", "k")], "a key and no provider");
    check_refused(&["--api-key-file", "/k"], NOBODY, "a key and no provider");
    check_refused(
        &["--provider", "openai"],
        NOBODY,
        "no model is chosen for `openai`: set RUNWRIGHT_MODEL",
    );
    check_refused(
        &["--provider", "openai", "--small-model", "s"],
        NOBODY,
        "no model is chosen",
    );
    check_refused(
        &["--base-url", "http://h/v1"],
        NOBODY,
        "no model is chosen for `openai-compat`",
    );
    check_refused(
        &["--provider", "openai-compat", "--model", "m"],
        NOBODY,
        "set RUNWRIGHT_BASE_URL",
    );
    check_refused(
        &["--base-url", "host/v1", "--model", "m"],
        NOBODY,
        "https://HOST",
    );
    check_refused(
        &["--base-url", "http://u:hunter2@h/v1", "--model", "m"],
        NOBODY,
        "no password",
    );
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let empty = ["--base-url", "", "--model", " ", "--small-model", ""];
    assert_eq!(
        resolve(&empty, &[("RUNWRIGHT_API_KEY", " ")]).expect("valid"),
        None
    );
}

#[test]
fn what_is_no_value_of_a_flag_is_refused() {
    for wrong in [
        ["--provider", "claude"],
        ["--connect-timeout", "0"],
        ["--max-attempts", "0"],
        ["--max-output-tokens", "0"],
        ["--prices", "cheap"],
    ] {
        assert!(
            Cli::from_args([&["runwright", "serve"], &wrong[..]].concat()).is_err(),
            "{wrong:?}"
        );
    }
}

#[test]
fn our_own_key_comes_before_the_usual_one() {
    let flags = ["--provider", "gemini", "--model", "m"];
    let key = |keys: &[(&'static str, &str)]| found(model(&flags, keys).endpoint.key);
    let variable = |name, key: &str| Some((key.to_owned(), KeySource::Variable(name)));
    let all = [
        ("GOOGLE_API_KEY", "c"),
        ("GEMINI_API_KEY", "b\n"),
        ("RUNWRIGHT_API_KEY", " a "),
    ];
    assert_eq!(key(&all), variable("RUNWRIGHT_API_KEY", "a"));
    assert_eq!(key(&all[..2]), variable("GEMINI_API_KEY", "b"));
    assert_eq!(key(&all[..1]), variable("GOOGLE_API_KEY", "c"));
    assert_eq!(key(&[("OPENAI_API_KEY", "d")]), None);
}

#[test]
fn a_key_does_not_go_to_somebody_it_was_not_made_for() {
    let flags = ["--base-url", "https://gateway.example/v1", "--model", "m"];
    assert_eq!(model(&flags, &[("OPENAI_API_KEY", "k")]).endpoint.key, None);
}

#[test]
fn a_key_may_be_in_a_file_which_holds_nothing_else() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("key");
    let text = path.to_str().expect("utf-8");
    let flags = [
        "--provider",
        "openai",
        "--model",
        "m",
        "--api-key-file",
        text,
    ];
    check_refused(&flags, NOBODY, "cannot be read");
    let refused = |content: &str, words: &str| {
        std::fs::write(&path, content).expect("written");
        check_refused(&flags, NOBODY, words);
    };
    refused(" \n", "is empty");
    refused("two words", "something else than one key");
    refused("one\nper line\n", "something else than one key");
    std::fs::write(&path, "sk-1\n").expect("written");
    // It goes before the usual variable, and not together with our own.
    let config = model(&flags, &[("OPENAI_API_KEY", "k")]);
    assert_eq!(
        found(config.endpoint.key),
        Some(("sk-1".to_owned(), KeySource::File(path.clone())))
    );
    check_refused(
        &flags,
        &[("RUNWRIGHT_API_KEY", "k")],
        "contradict each other",
    );
}

#[test]
fn a_malformed_key_is_refused_without_repeating_it_and_only_if_it_is_needed() {
    let keys = [("OPENAI_API_KEY", "hunter2 hunter2")];
    let error = resolve(&["--provider", "openai", "--model", "m"], &keys).expect_err("malformed");
    assert_eq!(
        error.to_string(),
        "OPENAI_API_KEY holds something else than one key: white space or a character that no key has"
    );
    assert!(resolve(&["--provider", "ollama", "--model", "m"], &keys).is_ok());
}

#[test]
fn no_key_shows_in_debug_output() {
    let keys = [("RUNWRIGHT_API_KEY", "hunter2")];
    let environment = format!("{:?}", environment(&keys));
    let config = format!(
        "{:?}",
        model(&["--provider", "openai", "--model", "m"], &keys)
    );
    assert!(!(environment + &config).contains("hunter2"));
}

#[test]
fn a_missing_key_and_an_open_line_are_worth_a_warning() {
    let notices = |flags: &[&str], keys: &[(&'static str, &str)]| {
        let flags = [flags, &["--model", "m"]].concat();
        model(&flags, keys).endpoint.notices()
    };
    let openai = notices(&["--provider", "openai"], NOBODY);
    assert_eq!(openai.len(), 1, "{openai:?}");
    assert!(
        openai[0].contains("RUNWRIGHT_API_KEY or OPENAI_API_KEY"),
        "{openai:?}"
    );
    assert!(notices(&["--provider", "openai"], &[("OPENAI_API_KEY", "k")]).is_empty());
    assert!(notices(&["--provider", "ollama"], NOBODY).is_empty());
    let local = [
        "--provider",
        "openai",
        "--base-url",
        "http://localhost:1/v1",
    ];
    assert!(notices(&local, NOBODY).is_empty());
    let open = ["--base-url", "http://gateway.example/v1"];
    assert!(notices(&open, NOBODY).is_empty(), "there is no key to lose");
    let open = notices(&open, &[("RUNWRIGHT_API_KEY", "k")]);
    assert_eq!(
        open,
        [
            "the key of the provider and all prompts go to `gateway.example` unencrypted: use https if it can"
        ]
    );
}
