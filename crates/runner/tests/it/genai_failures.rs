//! Answers that come to a bad end, in every protocol: what is told of it, and that nothing comes after.

use std::time::Duration;

use runwright_runner::testing::{Cut, Ending, Failure, Gate, Script, Unreachable};
use runwright_runner::{
    AnswerEvent, GenaiProvider, Protocol, Provider, ProviderErrorKind, ProviderSettings,
};

use crate::genai_stage::{CASES, Case, asking, settings, told};

use ProviderErrorKind::{Auth, ContextLength, Network, Provider as Broken, RateLimit, Refused};

/// Every way in which a provider refuses, and what it is.
fn failures() -> Vec<(Failure, ProviderErrorKind)> {
    let mut failures = vec![
        (Failure::bad_key(), Auth),
        (Failure::unknown_model(), Refused),
        (Failure::context_too_long(), ContextLength),
        (Failure::rate_limited(), RateLimit),
        (Failure::out_of_quota(), Refused),
        (Failure::internal(), Broken),
        (Failure::overloaded(), Broken),
        (
            Failure::body(502, "text/html", "<html>bad gateway</html>"),
            Broken,
        ),
    ];
    for (status, kind) in [
        (301, Refused),
        (400, Refused),
        (403, Auth),
        (404, Refused),
        (408, Broken),
        (422, Refused),
        (429, RateLimit),
        (500, Broken),
        (529, Broken),
    ] {
        failures.push((Failure::status(status, "no"), kind));
    }
    failures
}

#[tokio::test]
async fn a_refusal_is_told_as_what_it_is() {
    for case in CASES {
        for (failure, kind) in failures() {
            let told = case.told(Script::failing(failure.clone())).await;
            assert_eq!(told.events, [], "{} {failure:?}", case.protocol);
            let error = told.error();
            // Google says it in the body.
            let wait = (case.protocol == Protocol::Gemini && failure == Failure::rate_limited())
                .then_some(Duration::from_secs(20));
            assert_eq!(
                (error.kind, error.retry_after),
                (kind, wait),
                "{} {failure:?} {error}",
                case.protocol
            );
        }
    }
}

#[tokio::test]
async fn the_words_of_a_provider_are_kept() {
    for case in CASES {
        let told = case
            .told(Script::failing(Failure::status(400, "no such thing")))
            .await;
        assert_eq!(told.error().message, "no such thing", "{}", case.protocol);
    }
}

#[tokio::test]
async fn the_time_to_wait_is_found_in_each_form() {
    let limited = Failure::rate_limited;
    let forms = [
        (limited().retry_after("7"), 7_000),
        (limited().header("retry-after-ms", "1500"), 1_500),
        (
            limited()
                .retry_after("Wed, 21 Oct 2026 07:28:30 GMT")
                .header("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
            30_000,
        ),
        (Failure::overloaded().retry_after("2"), 2_000),
    ];
    for case in CASES {
        for (failure, millis) in forms.clone() {
            let told = case.told(Script::failing(failure.clone())).await;
            assert_eq!(
                told.error().retry_after,
                Some(Duration::from_millis(millis)),
                "{} {failure:?}",
                case.protocol
            );
        }
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_an_answer_ends_it() {
    for case in CASES {
        for (failure, kind) in [
            (Failure::internal(), Broken),
            (Failure::overloaded(), Broken),
            (Failure::rate_limited(), RateLimit),
            (Failure::context_too_long(), ContextLength),
            (Failure::out_of_quota(), Refused),
        ] {
            let script = Script::new()
                .begin()
                .text("a")
                .error(failure.clone())
                .silence();
            let stage = case.stage().await;
            stage.server.script(script);
            let told = stage.told().await;
            assert_eq!(
                told.events,
                [AnswerEvent::Text("a".to_owned())],
                "{}",
                case.protocol
            );
            // All that Ollama says in the middle of an answer is a sentence.
            let is_known = case.protocol != Protocol::Ollama
                || matches!(kind, Broken | ContextLength | Refused);
            let wanted = if is_known { kind } else { Broken };
            assert_eq!(told.error().kind, wanted, "{} {failure:?}", case.protocol);
            assert_eq!(stage.server.request(0).await.ended().await, Ending::HungUp);
        }
    }
}

/// Every way in which an answer is cut off.
fn cuts() -> Vec<Script> {
    let mut cuts = vec![
        Script::new(),
        Script::new().headers(),
        Script::new().begin(),
    ];
    for how in [Cut::Close, Cut::Reset] {
        cuts.extend([
            Script::new().cut(how),
            Script::new().headers().cut(how),
            Script::new().begin().cut(how),
            Script::new().begin().cut_in_frame(how),
        ]);
    }
    cuts
}

#[tokio::test]
async fn a_stream_that_is_cut_before_the_text_is_a_failed_attempt() {
    for case in CASES {
        for script in cuts() {
            let shown = format!("{} {script:?}", case.protocol);
            let told = case.told(script).await;
            assert_eq!(
                (told.events.len(), told.error().kind),
                (0, Network),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_in_the_text_is_a_failed_attempt() {
    let begun = || Script::new().text("one ").text("two ");
    let mut scripts = vec![begun()];
    for how in [Cut::Close, Cut::Reset] {
        // The reset may overtake what was sent before it; the text is not compared then.
        scripts.extend([
            begun().cut(how),
            begun().cut_in_frame(how),
            begun().cut_in_character(how),
        ]);
    }
    for case in CASES {
        for script in scripts.clone() {
            let shown = format!("{} {script:?}", case.protocol);
            let is_reset = shown.contains("Reset");
            let told = case.told(script).await;
            assert_eq!(told.error().kind, Network, "{shown}");
            assert!(told.text() == "one two " || is_reset, "{shown} {told:?}");
        }
    }
}

#[tokio::test]
async fn a_tool_call_that_is_cut_off_is_never_complete() {
    for case in CASES {
        let script = Script::new().tool_call("c1", "bash", &["{\"a\":", "1}"]);
        let told = case.told(script).await;
        assert_eq!(told.error().kind, Network, "{}", case.protocol);
    }
}

#[tokio::test]
async fn what_cannot_be_read_ends_an_answer() {
    for case in CASES {
        for script in [
            Script::new()
                .text("a")
                .garbage()
                .text("b")
                .stop(runwright_runner::StopReason::EndTurn),
            Script::new().text("a").invalid_utf8().text("b"),
        ] {
            let told = case.told(script).await;
            assert_eq!(told.text(), "a", "{}", case.protocol);
            let error = told.error();
            assert_eq!(error.kind, Broken, "{} {error}", case.protocol);
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_told_as_such() {
    for case in CASES {
        let script = Script::new()
            .wire(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec())
            .cut(Cut::Close);
        let told = case.told(script).await;
        let error = told.error();
        assert_eq!(error.kind, Broken, "{} {error}", case.protocol);
    }
}

#[tokio::test]
async fn a_packed_answer_is_not_unpacked() {
    for case in CASES {
        let head =
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x08..";
        let told = case
            .told(Script::new().wire(head.as_bytes().to_vec()).cut(Cut::Close))
            .await;
        let error = told.error();
        assert!(
            error.kind == Broken && error.message.contains("packed"),
            "{} {error}",
            case.protocol
        );
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_told_with_its_name_and_the_reason() {
    let nobody = Unreachable::refusing();
    let told = told(unreachable(&nobody.url()).answer(asking("hi"))).await;
    let error = told.error();
    assert_eq!(error.kind, Network);
    assert!(
        error.message.contains("127.0.0.1 cannot be reached"),
        "{error}"
    );
    assert!(error.message.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_provider_that_does_not_pick_up_is_given_up_in_time() {
    let nobody = Unreachable::hanging().await;
    let told = told(unreachable(&nobody.url()).answer(asking("hi"))).await;
    let error = told.error();
    assert_eq!(
        (error.kind, &*error.message),
        (Network, "127.0.0.1 was not reached within 0.2 s")
    );
}

#[tokio::test]
async fn a_provider_without_a_known_name_or_tls_is_not_reached() {
    let unknown = told(unreachable("http://provider.invalid/v1").answer(asking("hi"))).await;
    assert_eq!(unknown.error().kind, Network);
    assert!(unknown.error().message.contains("provider.invalid"));

    let stage = CASES[0].stage().await;
    let url = stage.server.url("/v1").replace("http:", "https:");
    let plain = told(unreachable(&url).answer(asking("hi"))).await;
    assert_eq!(plain.error().kind, Network);
}

#[tokio::test]
async fn a_list_of_models_fails_in_the_same_ways() {
    for case in CASES {
        let stage = case.stage().await;
        for (failure, kind) in failures() {
            stage.server.lists().script(Script::failing(failure));
            assert_eq!(stage.provider.models().await.unwrap_err().kind, kind);
        }
        let garbage = Script::new().raw(b"<html>".to_vec());
        stage.server.lists().script(garbage.cut(Cut::Close));
        let error = stage.provider.models().await.unwrap_err();
        assert!(matches!(error.kind, Network | Broken), "{error}");
    }
}

/// The next request is not harmed by a connection that its predecessor left behind.
#[tokio::test]
async fn the_next_request_after_a_failure_is_answered() {
    for case in CASES {
        let stage = case.stage().await;
        for script in [
            Script::new().text("a").cut(Cut::Close),
            Script::failing(Failure::internal()),
            Script::new().text("a").garbage(),
        ] {
            stage.server.script(script);
            assert!(stage.told().await.error.is_some());
            assert_eq!(stage.told().await.text(), "hello", "{}", case.protocol);
        }
    }
}

/// A refusal whose words do not come is a refusal all the same.
#[tokio::test]
async fn a_refusal_does_not_wait_for_its_last_words() {
    let case: Case = CASES[0];
    let gate = Gate::new();
    let stage = case.stage().await;
    let head = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 1000\r\n\r\n{";
    stage.server.script(
        Script::new()
            .wire(head.as_bytes().to_vec())
            .hold(&gate)
            .cut(Cut::Close),
    );
    let told = stage.told().await;
    assert_eq!(
        (told.error().kind, &*told.error().message),
        (Auth, "401 Unauthorized")
    );
}

/// An adapter that does not wait long for a connection.
fn unreachable(url: &str) -> GenaiProvider {
    GenaiProvider::new(ProviderSettings {
        connect_timeout: Duration::from_millis(200),
        ..settings(Protocol::OpenAiCompat, url)
    })
    .unwrap()
}
