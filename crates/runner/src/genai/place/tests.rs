//! Base URLs as people write them, and keys that cannot be sent.

use runwright_proto::Secret;

use super::{Place, key_header};
use crate::provider::{Protocol, ProviderSetupError};

#[track_caller]
fn place(protocol: Protocol, base_url: &str) -> Place {
    Place::new(protocol, Some(base_url)).unwrap()
}

#[test]
fn a_base_url_is_the_same_with_and_without_version_and_slash() {
    let table = [
        (
            Protocol::OpenAi,
            "https://api.openai.com",
            "https://api.openai.com/v1",
            "https://api.openai.com/v1/chat/completions",
        ),
        (
            Protocol::OpenAiResponses,
            "https://api.openai.com",
            "https://api.openai.com/v1",
            "https://api.openai.com/v1/responses",
        ),
        (
            Protocol::OpenAiCompat,
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/v1",
            "http://127.0.0.1:8080/v1/chat/completions",
        ),
        (
            Protocol::Anthropic,
            "https://api.anthropic.com",
            "https://api.anthropic.com/v1",
            "https://api.anthropic.com/v1/messages",
        ),
        (
            Protocol::Gemini,
            "https://example.com",
            "https://example.com/v1beta",
            "https://example.com/v1beta/models/m-1:streamGenerateContent?alt=sse",
        ),
        (
            Protocol::Ollama,
            "http://127.0.0.1:11434",
            "http://127.0.0.1:11434/v1",
            "http://127.0.0.1:11434/api/chat",
        ),
    ];
    for (protocol, bare, with_version, wanted) in table {
        for base in [bare, with_version] {
            for slash in ["", "/", "//"] {
                let base = format!("{base}{slash}");
                let url = place(protocol, &base).answers("m-1");
                assert_eq!(url.as_str(), wanted, "{protocol} {base}");
            }
        }
    }
}

#[test]
fn another_base_path_stays_as_it_is() {
    let table = [
        (
            Protocol::OpenAiCompat,
            "https://gateway.example/llm/openai/",
            "https://gateway.example/llm/openai/chat/completions",
        ),
        (
            Protocol::OpenAiCompat,
            "https://example.com/openai/deployments/m?api-version=2",
            "https://example.com/openai/deployments/m/chat/completions?api-version=2",
        ),
        (
            Protocol::Anthropic,
            "https://gateway.example/anthropic/v1",
            "https://gateway.example/anthropic/v1/messages",
        ),
        (
            Protocol::Ollama,
            "http://gateway.example/ollama/api/",
            "http://gateway.example/ollama/api/chat",
        ),
    ];
    for (protocol, base, wanted) in table {
        assert_eq!(place(protocol, base).answers("m").as_str(), wanted);
    }
}

#[test]
fn the_list_of_models_is_beside_the_answers() {
    let table = [
        (Protocol::OpenAi, "http://h/v1/models"),
        (Protocol::OpenAiResponses, "http://h/v1/models"),
        (Protocol::OpenAiCompat, "http://h/v1/models"),
        (Protocol::Anthropic, "http://h/v1/models?limit=1000"),
        (Protocol::Gemini, "http://h/v1beta/models?pageSize=1000"),
        (Protocol::Ollama, "http://h/api/tags"),
    ];
    for (protocol, wanted) in table {
        assert_eq!(place(protocol, "http://h").models().as_str(), wanted);
    }
}

#[test]
fn the_model_of_gemini_cannot_leave_its_place_in_the_path() {
    let place = place(Protocol::Gemini, "http://h");
    assert_eq!(
        place.answers("models/m").as_str(),
        "http://h/v1beta/models/m:streamGenerateContent?alt=sse"
    );
    assert_eq!(
        place.answers("tunedModels/a/../b?c#d").as_str(),
        "http://h/v1beta/tunedModels/a%2F..%2Fb%3Fc%23d:streamGenerateContent?alt=sse"
    );
}

#[test]
fn a_base_url_that_cannot_be_used_is_refused_without_being_repeated() {
    let bad = |text| Place::new(Protocol::OpenAi, Some(text)).unwrap_err();
    for text in ["sk-sentinel", "ftp://sentinel", "http://u:sentinel@h/v1"] {
        let error = bad(text);
        assert!(matches!(error, ProviderSetupError::BadBaseUrl(_)));
        assert!(!error.to_string().contains("sentinel"), "{error}");
    }
    assert_eq!(
        Place::new(Protocol::OpenAiCompat, None).unwrap_err(),
        ProviderSetupError::NoBaseUrl(Protocol::OpenAiCompat)
    );
}

#[test]
fn every_protocol_with_a_usual_place_needs_no_base_url() {
    for protocol in Protocol::ALL {
        assert_eq!(
            Place::new(protocol, None).is_ok(),
            protocol != Protocol::OpenAiCompat
        );
    }
}

#[test]
fn the_key_goes_into_the_header_that_the_protocol_reads() {
    let key = Secret::from(" k-1\n".to_owned());
    let table = [
        (Protocol::OpenAi, "authorization", "Bearer k-1"),
        (Protocol::OpenAiResponses, "authorization", "Bearer k-1"),
        (Protocol::OpenAiCompat, "authorization", "Bearer k-1"),
        (Protocol::Anthropic, "x-api-key", "k-1"),
        (Protocol::Gemini, "x-goog-api-key", "k-1"),
        (Protocol::Ollama, "authorization", "Bearer k-1"),
    ];
    for (protocol, wanted_name, wanted) in table {
        let (name, value) = key_header(protocol, &key).unwrap();
        assert_eq!(
            (name.as_str(), value.to_str().unwrap()),
            (wanted_name, wanted)
        );
        assert!(value.is_sensitive());
    }
    let broken = Secret::from("k\n1".to_owned());
    assert_eq!(
        key_header(Protocol::OpenAi, &broken),
        Err(ProviderSetupError::BadKey)
    );
}
