//! Answers that come to a good end, in every protocol.

use runwright_runner::testing::{self, Script, Usage};
use runwright_runner::{AnswerEvent, Protocol, Provider, StopReason, TokenUsage};

use crate::genai_stage::{CASES, KEY, asking, told};

fn text(text: &str) -> AnswerEvent {
    AnswerEvent::Text(text.to_owned())
}

#[tokio::test]
async fn text_is_told_as_it_comes_then_what_it_used_then_the_end() {
    for case in CASES {
        let script = Script::new()
            .begin()
            .text("he")
            .ping()
            .text("llo")
            .tokens(12, 5)
            .stop(StopReason::EndTurn);
        let told = case.told(script).await;
        let used = TokenUsage {
            input: 12,
            output: 5,
            ..TokenUsage::default()
        };
        let wanted = [
            text("he"),
            text("llo"),
            AnswerEvent::Usage(used),
            AnswerEvent::End(StopReason::EndTurn),
        ];
        assert_eq!(told.events, wanted, "{}", case.protocol);
    }
}

#[tokio::test]
async fn thoughts_are_told_apart_from_text_and_signed_where_the_protocol_signs() {
    for case in CASES {
        let script = Script::new()
            .reasoning("let me ")
            .reasoning("think")
            .signature("c2ln")
            .text("done")
            .stop(StopReason::EndTurn);
        let told = case.told(script).await;
        let mut wanted = vec![
            AnswerEvent::Reasoning("let me ".to_owned()),
            AnswerEvent::Reasoning("think".to_owned()),
        ];
        // Responses sign only for who asks for it, which not every account may.
        if matches!(case.protocol, Protocol::Anthropic | Protocol::Gemini) {
            let signature = format!("{}:c2ln", case.protocol);
            wanted.push(AnswerEvent::ReasoningSignature(signature));
        }
        wanted.extend([text("done"), AnswerEvent::End(StopReason::EndTurn)]);
        assert_eq!(told.events, wanted, "{}", case.protocol);
    }
}

#[tokio::test]
async fn cached_tokens_are_no_input() {
    let used = TokenUsage {
        input: 10,
        output: 20,
        cache_read: 5,
        cache_write: 3,
    };
    for case in CASES {
        let script = Script::new()
            .text("a")
            .usage(Usage {
                tokens: used,
                reasoning: 4,
            })
            .stop(StopReason::EndTurn);
        let told = case.told(script).await;
        // Most protocols do not say what was put into the cache: it counts as read in full.
        let wanted = if case.protocol == Protocol::Anthropic {
            used
        } else {
            TokenUsage {
                input: 13,
                cache_write: 0,
                ..used
            }
        };
        assert_eq!(
            told.events.get(1),
            Some(&AnswerEvent::Usage(wanted)),
            "{}",
            case.protocol
        );
    }
}

#[tokio::test]
async fn every_reason_to_stop_is_told() {
    let other = || StopReason::Other("strange".to_owned());
    for case in CASES {
        for reason in [
            StopReason::EndTurn,
            StopReason::MaxTokens,
            StopReason::ContentFilter,
            other(),
        ] {
            let told = case
                .told(Script::new().text("a").stop(reason.clone()))
                .await;
            let wanted = match (case.protocol, &reason) {
                // It has no word for it.
                (Protocol::Ollama, StopReason::ContentFilter) => StopReason::EndTurn,
                _ => reason,
            };
            assert_eq!(
                told.events,
                [text("a"), AnswerEvent::End(wanted)],
                "{}",
                case.protocol
            );
        }
    }
}

#[tokio::test]
async fn tool_calls_come_whole_with_ids_of_their_own_and_stop_for_tools() {
    for case in CASES {
        let script = Script::new()
            .text("a")
            .tool_call("toolu_1", "bash", &["{\"command\":", "\"ls\"}"])
            .tool_call("toolu_2", "bash", &["{}"])
            .stop(StopReason::ToolUse);
        let told = case.told(script).await;
        let calls = told.calls();
        let inputs: Vec<_> = calls
            .iter()
            .map(|(_, name, input)| (&**name, &**input))
            .collect();
        let wanted = [("bash", "{\"command\":\"ls\"}"), ("bash", "{}")];
        assert_eq!(inputs, wanted, "{}", case.protocol);
        assert_ne!(calls[0].0, calls[1].0);
        if !matches!(case.protocol, Protocol::Gemini | Protocol::Ollama) {
            assert_eq!((&*calls[0].0, &*calls[1].0), ("toolu_1", "toolu_2"));
        }
        assert_eq!(
            told.events.last(),
            Some(&AnswerEvent::End(StopReason::ToolUse))
        );
    }
}

#[tokio::test]
async fn an_answer_that_arrives_byte_by_byte_is_the_same() {
    for case in CASES {
        let script = Script::new()
            .bytewise("héllo 🦀")
            .text("!")
            .stop(StopReason::EndTurn);
        let told = case.told(script).await;
        assert_eq!(told.text(), "héllo 🦀!", "{}", case.protocol);
    }
}

#[tokio::test]
async fn many_words_come_in_their_order() {
    for case in CASES {
        let told = case.told(Script::words(500)).await;
        let wanted: String = (0..500).map(|word| format!("tok{word} ")).collect();
        assert_eq!(
            (told.text(), told.error),
            (wanted, None),
            "{}",
            case.protocol
        );
    }
}

#[tokio::test]
async fn the_list_of_models_is_the_provider_s() {
    for case in CASES {
        let stage = case.stage().await;
        stage.server.offer(&["model-b", "model-a"]);
        let models = stage.provider.models().await;
        let wanted = vec!["model-b".to_owned(), "model-a".to_owned()];
        assert_eq!(models, Ok(wanted), "{}", case.protocol);
        let request = stage.server.lists().request(0).await;
        let key = ["authorization", "x-api-key", "x-goog-api-key"]
            .into_iter()
            .find_map(|name| request.request().header(name))
            .unwrap_or_default();
        assert!(key.contains(KEY), "{}", case.protocol);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_beside_each_other() {
    for case in CASES {
        let stage = case.stage().await;
        let gate = testing::Gate::new();
        for words in ["one", "two"] {
            stage.server.script(
                Script::new()
                    .hold(&gate)
                    .text(words)
                    .stop(StopReason::EndTurn),
            );
        }
        let open = async {
            gate.reached_times(2).await;
            gate.release();
        };
        let (first, second, ()) = tokio::join!(stage.told(), stage.told(), open);
        let mut texts = [first.text(), second.text()];
        texts.sort();
        assert_eq!(texts, ["one", "two"], "{}", case.protocol);
    }
}

#[tokio::test]
async fn nothing_is_sent_before_an_answer_is_polled() {
    let stage = CASES[0].stage().await;
    drop(stage.provider.answer(asking("never")));
    let told = told(stage.provider.answer(asking("first"))).await;
    assert_eq!(told.text(), "hello");
    let first = stage.server.request(0).await;
    assert_eq!(first.request().last_user_text(), "first");
}
