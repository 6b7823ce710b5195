//! Cancels in each phase of a request: the connection ends at once, and the next prompt works.

use std::time::Duration;

use runwright_agent::RunError;
use runwright_runner::{ProviderErrorKind, StopReason};
use tokio::time::{Instant, sleep};

use super::stage::Stage;

async fn assert_the_next_prompt_works(stage: &mut Stage) {
    let turn = stage.begin("again").await;
    stage.large.next().await.say("fine");
    turn.ended().await.unwrap();
    assert_eq!(
        stage.history().await.last().unwrap(),
        "assistant `fine` [end_turn]"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancel_before_the_first_piece_closes_the_connection() {
    let mut stage = Stage::new().await;
    let began = Instant::now();
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    turn.cancel();
    request.dropped().await;
    assert!(matches!(turn.ended().await, Err(RunError::Cancelled)));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(
        stage.history().await[1],
        "assistant [canceled: User canceled request]"
    );
    assert_the_next_prompt_works(&mut stage).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancel_in_the_answer_keeps_what_was_said_and_goes_before_what_came_with_it() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    request.text("Hel");
    sleep(Duration::from_millis(1)).await;
    request.text("lo");
    sleep(Duration::from_millis(1)).await;
    request.text(" there");
    turn.cancel();
    request.dropped().await;
    assert!(matches!(turn.ended().await, Err(RunError::Cancelled)));
    assert_eq!(
        stage.history().await[1],
        "assistant `Hello` [canceled: User canceled request]",
        "what was gathered is shown"
    );
    assert_the_next_prompt_works(&mut stage).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancel_between_two_tries_does_not_wait_for_the_next() {
    let mut stage = Stage::new().await;
    let began = Instant::now();
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    request.text("Hel");
    request.fail(ProviderErrorKind::Provider, "overloaded");
    sleep(Duration::from_millis(10)).await;
    turn.cancel();
    assert!(matches!(turn.ended().await, Err(RunError::Cancelled)));
    assert_eq!(began.elapsed(), Duration::from_millis(10));
    stage.large.assert_none();
    assert_the_next_prompt_works(&mut stage).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancel_while_a_tool_is_called_leaves_a_history_that_a_provider_accepts() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    request.call("1", "{\"comm");
    sleep(Duration::from_millis(1)).await;
    turn.cancel();
    request.dropped().await;
    turn.ended().await.unwrap_err();
    assert_eq!(
        stage.history().await[1..],
        [
            "assistant bash{} [canceled: User canceled request]",
            "tool -> The run was cancelled before this tool call ended [stop]",
        ]
    );
    assert_the_next_prompt_works(&mut stage).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_is_there_before_the_turn_asks_for_nothing_more() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    turn.cancel();
    assert!(matches!(turn.ended().await, Err(RunError::Cancelled)));
    let request = stage.large.next().await;
    request.dropped().await;
    drop(request);
    let turn = stage.begin("again").await;
    let request = stage.large.next().await;
    request.text("fine");
    request.end(StopReason::EndTurn);
    turn.ended().await.unwrap();
}
