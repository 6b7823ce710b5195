//! Providers that never stop sending: what is taken of it ends, with a reason, and with the connection.

use runwright_runner::testing::{Ending, Flood, Script};
use runwright_runner::{AnswerLimits, Provider, ProviderErrorKind, StopReason};

use crate::genai_stage::CASES;

/// Small limits, so that a flood is over soon.
const LIMITS: AnswerLimits = AnswerLimits {
    frame_bytes: 64 << 10,
    answer_bytes: 4 << 10,
    tool_input_bytes: 16 << 10,
    error_body_bytes: 16 << 10,
    header_bytes: 16 << 10,
    wire_bytes: 16 << 20,
};

/// More than any limit, the buffers of both sockets and what was under way.
const TAKEN: u64 = 32 << 20;

#[tokio::test]
async fn a_flood_of_any_kind_ends_with_a_reason() {
    let floods = [
        (Flood::Frame, "a frame of more than"),
        (Flood::Text, "an answer of more than"),
        (Flood::Headers, "headers of more than"),
    ];
    for case in CASES {
        for (flood, wanted) in floods {
            let stage = case.stage_with(LIMITS).await;
            stage.server.script(Script::new().flood(flood));
            let told = stage.told().await;
            let error = told.error();
            assert_eq!(
                error.kind,
                ProviderErrorKind::TooMuch,
                "{} {error}",
                case.protocol
            );
            assert!(error.message.contains(wanted), "{} {error}", case.protocol);
            let exchange = stage.server.request(0).await;
            assert_eq!(exchange.ended().await, Ending::HungUp);
            assert!(
                exchange.bytes_written() < TAKEN,
                "{}",
                exchange.bytes_written()
            );
        }
    }
}

#[tokio::test]
async fn the_input_of_a_tool_call_does_not_grow_for_ever() {
    for case in CASES {
        let stage = case.stage_with(LIMITS).await;
        stage.server.script(Script::new().flood(Flood::Arguments));
        let told = stage.told().await;
        let error = told.error();
        assert_eq!(
            error.kind,
            ProviderErrorKind::TooMuch,
            "{} {error}",
            case.protocol
        );
        let exchange = stage.server.request(0).await;
        assert_eq!(exchange.ended().await, Ending::HungUp);
    }
}

#[tokio::test]
async fn an_error_that_does_not_end_is_told_from_its_beginning() {
    for case in CASES {
        let stage = case.stage_with(LIMITS).await;
        stage
            .server
            .script(Script::new().flood(Flood::ErrorBody(503)));
        let told = stage.told().await;
        let error = told.error();
        assert_eq!(
            (error.kind, &*error.message),
            (ProviderErrorKind::Provider, "503 Service Unavailable"),
            "{}",
            case.protocol
        );
        let exchange = stage.server.request(0).await;
        assert_eq!(exchange.ended().await, Ending::HungUp);
    }
}

#[tokio::test]
async fn frames_that_say_nothing_are_counted_too() {
    let limits = AnswerLimits {
        wire_bytes: 4_000,
        ..LIMITS
    };
    for case in CASES {
        let mut script = Script::new().begin();
        for _ in 0..1_000 {
            script = script.ping().raw(b"\n\n".to_vec());
        }
        let stage = case.stage_with(limits).await;
        stage.server.script(script.stop(StopReason::EndTurn));
        let told = stage.told().await;
        assert_eq!(
            told.error().kind,
            ProviderErrorKind::TooMuch,
            "{}",
            case.protocol
        );
    }
}

#[tokio::test]
async fn a_list_of_models_does_not_grow_for_ever() {
    for case in CASES {
        let stage = case.stage_with(LIMITS).await;
        for script in [
            Script::new().raw(vec![b' '; LIMITS.frame_bytes + 1]),
            Script::new().flood(Flood::Headers),
        ] {
            stage.server.lists().script(script);
            let error = stage.provider.models().await.unwrap_err();
            assert_eq!(
                error.kind,
                ProviderErrorKind::TooMuch,
                "{} {error}",
                case.protocol
            );
        }
    }
}

#[tokio::test]
async fn what_is_just_within_the_limits_is_taken() {
    let limits = AnswerLimits {
        answer_bytes: 30_000,
        ..LIMITS
    };
    for case in CASES {
        let stage = case.stage_with(limits).await;
        let script = Script::new()
            .text("a".repeat(15_000))
            .reasoning("b".repeat(15_000));
        stage.server.script(script.stop(StopReason::EndTurn));
        assert_eq!(stage.told().await.error, None, "{}", case.protocol);
    }
}
