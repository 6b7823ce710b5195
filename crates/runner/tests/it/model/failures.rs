//! Providers that fail: what is tried again and when, what readers see of it, and what they are told in the end.

use std::time::Duration;

use runwright_runner::{ProviderError, ProviderErrorKind, StopReason};
use tokio::time::Instant;

use super::stage::Stage;

#[tokio::test(start_paused = true)]
async fn what_would_fail_again_fails_at_once_in_the_providers_words() {
    let cases = [
        (
            ProviderErrorKind::Auth,
            "Authentication failed: no such key",
        ),
        (
            ProviderErrorKind::ContextLength,
            "Context too long: no such key",
        ),
        (ProviderErrorKind::Refused, "Bad Request: no such key"),
        (ProviderErrorKind::TooMuch, "Answer too large: no such key"),
    ];
    for (kind, told) in cases {
        let mut stage = Stage::new().await;
        let began = Instant::now();
        let turn = stage.begin("hello").await;
        stage.large.next().await.fail(kind, "no such key");
        assert_eq!(turn.failure().await, told);
        assert_eq!(began.elapsed(), Duration::ZERO);
        stage.large.assert_none();
        assert_eq!(
            stage.history().await,
            ["user `hello` [stop]", &format!("assistant [error: {told}]")]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_and_nobody_reads_a_text_twice() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    let first = stage.large.next().await;
    let asked = first.request.clone();
    first.text("Hel");
    first.used(10, 1);
    first.fail(ProviderErrorKind::Provider, "overloaded");
    let second = stage.large.next().await;
    assert_eq!(second.request, asked, "the same request");
    second.text("Hello");
    second.used(10, 2);
    second.end(StopReason::EndTurn);
    let usage = turn.ended().await.unwrap().usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (20, 3),
        "both cost"
    );
    assert_eq!(
        stage.story()[1..],
        [
            "assistant",
            "assistant `Hel`",
            "assistant",
            "assistant `Hello`",
            "assistant `Hello` [end_turn]",
        ]
    );
    let session = stage.session().await;
    assert_eq!((session.prompt_tokens, session.completion_tokens), (10, 2));
    assert!(
        (session.cost - usage.cost).abs() < 1e-12,
        "{}",
        session.cost
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_off_is_tried_again_and_the_last_one_stays() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    for text in ["a", "b", "c", "d"] {
        let request = stage.large.next().await;
        request.text(text);
        request.cut_off();
    }
    let told =
        "Network error: the answer was cut off: it stopped without saying why (tried 4 times)";
    assert_eq!(turn.failure().await, told);
    assert_eq!(
        stage.history().await[1],
        format!("assistant `d` [error: {told}]")
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_in_an_answer_that_was_cut_off_is_not_carried_out() {
    let mut stage = Stage::new().await;
    stage.options.retry.attempts = 1;
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    request.call("1", "{}");
    request.cut_off();
    turn.failure().await;
    let history = stage.history().await;
    assert_eq!(history.len(), 3);
    assert_eq!(
        history[2],
        "tool -> The run ended before this tool call did [stop]"
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_asks_to_wait_is_waited_for() {
    let mut stage = Stage::new().await;
    let began = Instant::now();
    let turn = stage.begin("hello").await;
    let busy = ProviderError::new(ProviderErrorKind::RateLimit, "slow down");
    let asked = Some(Duration::from_secs(7));
    stage
        .large
        .next()
        .await
        .fail_with(busy.clone().with_retry_after(asked));
    let again = stage.large.next().await;
    assert_eq!(began.elapsed(), Duration::from_secs(7));
    let too_long = Some(Duration::from_secs(3_600));
    again.fail_with(busy.with_retry_after(too_long));
    assert_eq!(
        turn.failure().await,
        "Rate limit: slow down (tried 2 times)",
        "nobody waits for an hour"
    );
    assert_eq!(began.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_nothing_is_left_after_the_time_for_the_first_piece() {
    let mut stage = Stage::new().await;
    stage.options.retry.attempts = 1;
    let began = Instant::now();
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    // What the prompt costs is not a piece of the answer.
    request.used(10, 0);
    request.dropped().await;
    assert_eq!(began.elapsed(), Duration::from_secs(300));
    assert_eq!(
        turn.failure().await,
        "Network error: no answer within 300 s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_falls_silent_is_left_after_the_time_between_two_pieces() {
    let mut stage = Stage::new().await;
    stage.options.retry.attempts = 1;
    let began = Instant::now();
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    request.text("Hel");
    request.text("lo");
    request.dropped().await;
    assert_eq!(began.elapsed(), Duration::from_secs(120));
    let told = "Network error: the answer stopped: nothing came for 120 s";
    assert_eq!(turn.failure().await, told);
    assert_eq!(
        stage.history().await[1],
        format!("assistant `Hello` [error: {told}]")
    );
}
