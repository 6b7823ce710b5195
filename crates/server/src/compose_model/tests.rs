//! The configuration in, what is told about it out.

use runwright_proto::{CatwalkModel, SelectedModel};
use runwright_server::config::{Cli, Command, Environment, KeyVariables};
use serde_json::json;

use super::*;

fn config(flags: &[&str], keys: &[(&'static str, &str)]) -> ModelConfig {
    let environment = Environment {
        runtime_dir: None,
        temp_dir: "/tmp".into(),
        state_dir: None,
        data_home: None,
        home: Some("/home/u".into()),
        token: None,
        keys: keys
            .iter()
            .map(|(name, key)| (*name, (*key).to_owned()))
            .collect::<KeyVariables>(),
        uid: 7,
    };
    let args = [&["runwright", "serve"], flags].concat();
    let Command::Serve(args) = Cli::from_args(args).expect("valid").command else {
        panic!("not serve")
    };
    let config = args.resolve(&environment).expect("valid");
    config.model.expect("a model")
}

#[test]
fn without_a_model_the_offline_model_answers_and_says_how_to_have_another() {
    let agent = agent(None).expect("always there");
    assert_eq!(agent.runner.model().config.model, "offline");
    assert!(
        agent
            .told
            .contains("RUNWRIGHT_BASE_URL and RUNWRIGHT_MODEL")
    );
    assert_eq!(
        serde_json::to_value(&agent.status).expect("JSON"),
        json!({ "provider": "runwright", "model": "offline", "small_model": "offline" })
    );
}

#[test]
fn clients_are_told_the_provider_and_both_models_and_no_key() {
    let flags = [
        "--provider",
        "gemini",
        "--base-url",
        "https://gateway.example/g/",
        "--model",
        "m",
        "--small-model",
        "s",
        "--prices",
        "3,15,0.3,3.75",
        "--max-output-tokens",
        "7",
        "--context-window",
        "8",
        "--images",
    ];
    let agent = agent(Some(&config(&flags, &[("GEMINI_API_KEY", "hunter2")]))).expect("an agent");
    let selected = |model: &str| SelectedModel {
        model: model.to_owned(),
        provider: "gemini".to_owned(),
        max_tokens: 7,
        ..SelectedModel::default()
    };
    let large = CatwalkModel {
        id: "m".to_owned(),
        name: "m".to_owned(),
        cost_per_1m_in: 3.0,
        cost_per_1m_out: 15.0,
        cost_per_1m_in_cached: 3.75,
        cost_per_1m_out_cached: 0.3,
        context_window: 8,
        default_max_tokens: 7,
        supports_attachments: true,
        ..CatwalkModel::default()
    };
    let small = CatwalkModel {
        id: "s".to_owned(),
        name: "s".to_owned(),
        default_max_tokens: 7,
        ..CatwalkModel::default()
    };
    let provider = ProviderConfig {
        id: "gemini".to_owned(),
        name: "Gemini".to_owned(),
        base_url: "https://gateway.example/g".to_owned(),
        kind: "google".to_owned(),
        models: vec![large.clone(), small],
        ..ProviderConfig::default()
    };
    let shown = Config {
        models: Models {
            large: Some(selected("m")),
            small: Some(selected("s")),
        },
        providers: [("gemini".to_owned(), provider)].into(),
        ..Config::default()
    };
    assert_eq!(agent.shown, shown);
    assert_eq!(
        agent.runner.model(),
        RunnerModel {
            model: large,
            config: selected("m")
        }
    );
    assert_eq!(
        agent.told,
        "model `m` (small model `s`) of gemini at https://gateway.example/g answers, with the key in GEMINI_API_KEY"
    );
    let told = format!("{:?} {:?} {}", agent.shown, agent.status, agent.told);
    assert!(!told.contains("hunter2"));
}

#[test]
fn a_model_that_is_both_is_told_once() {
    let agent = agent(Some(&config(
        &["--provider", "ollama", "--model", "m"],
        &[],
    )));
    let agent = agent.expect("an agent");
    assert_eq!(agent.shown.providers["ollama"].models.len(), 1);
    assert_eq!(
        agent.told,
        "model `m` of ollama at http://127.0.0.1:11434 answers, without a key"
    );
    let status = ModelStatus {
        provider: "ollama".to_owned(),
        base_url: "http://127.0.0.1:11434".to_owned(),
        model: "m".to_owned(),
        small_model: "m".to_owned(),
    };
    assert_eq!(agent.status, status);
}
