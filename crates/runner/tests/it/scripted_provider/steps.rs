//! Handshakes, pauses and the instants of the pieces.

use std::time::Duration;

use runwright_runner::StopReason;
use runwright_runner::testing::{Ending, Gate, Protocol, Script, ScriptedProvider};

use super::client::Client;

#[tokio::test]
async fn a_script_at_a_gate_has_written_what_is_before_it_and_no_more() {
    for protocol in Protocol::ALL {
        let provider = ScriptedProvider::start().await;
        let gate = Gate::new();
        let script = Script::new().text("first").hold(&gate).text("second");
        provider.script(script.stop(StopReason::EndTurn));
        let mut client = Client::ask(&provider, protocol).await;
        gate.reached().await;
        let exchange = provider.request(0).await;
        let written = exchange.bytes_written();
        let so_far = client.read_until("first").await;
        assert_eq!(exchange.bytes_written(), written);
        assert!(so_far.len() as u64 <= written && !so_far.contains("second"));
        gate.release();
        client.read_until("second").await;
        assert_eq!(exchange.ended().await, Ending::Complete);
    }
}

#[tokio::test]
async fn an_unread_connection_goes_on_when_it_is_released() {
    let provider = ScriptedProvider::start().await;
    let gate = Gate::new();
    provider.hold_unread(&gate);
    let client = Client::ask(&provider, Protocol::OpenAi).await;
    gate.reached().await;
    provider.accepted(1).await;
    assert_eq!(provider.turns().count(), 0);
    gate.release();
    assert!(client.answer().await.contains("hello"));
    assert_eq!(provider.turns().count(), 1);
}

#[tokio::test]
async fn a_gate_counts_who_comes_and_stays_open() {
    let provider = ScriptedProvider::start().await;
    let gate = Gate::new();
    provider
        .turns()
        .otherwise(Script::new().hold(&gate).text("x"));
    let first = Client::ask(&provider, Protocol::Ollama).await;
    let second = Client::ask(&provider, Protocol::Ollama).await;
    gate.reached_times(2).await;
    gate.release();
    let answers = [first.answer().await, second.answer().await];
    let third = Client::ask(&provider, Protocol::Ollama)
        .await
        .answer()
        .await;
    assert_eq!(answers, [third.clone(), third]);
}

#[tokio::test]
async fn the_instants_of_the_text_are_told_in_order() {
    let provider = ScriptedProvider::start().await;
    let pause = Duration::from_millis(3);
    let script = Script::new()
        .reasoning("hm")
        .text("a")
        .pause(pause)
        .text("b");
    provider.script(script.bytewise("c").stop(StopReason::EndTurn));
    Client::ask(&provider, Protocol::Anthropic)
        .await
        .answer()
        .await;
    let exchange = provider.request(0).await;
    let written = exchange.text_written();
    assert_eq!(written.len(), 3);
    assert!(exchange.request().arrived <= written[0]);
    assert!(written[0] + pause <= written[1] && written[1] <= written[2]);
}

#[tokio::test]
async fn words_are_the_same_in_every_protocol() {
    for protocol in Protocol::ALL {
        let provider = ScriptedProvider::start().await;
        provider.script(Script::words(3));
        let answer = Client::ask(&provider, protocol).await.answer().await;
        let told = ["tok0 ", "tok1 ", "tok2 ", "tok3 "].map(|word| answer.contains(word));
        assert_eq!(told, [true, true, true, false], "{answer}");
        let pieces = provider.request(0).await.text_written().len();
        assert_eq!(pieces, 3);
    }
}

/// With paused time, each tick comes when nothing else can happen, and exactly when it is due.
#[tokio::test(start_paused = true)]
async fn paced_words_come_at_their_rate() {
    let provider = ScriptedProvider::start().await;
    let every = Duration::from_millis(20);
    provider.script(Script::paced_words(4, every));
    Client::ask(&provider, Protocol::OpenAi)
        .await
        .answer()
        .await;
    let written = provider.request(0).await.text_written();
    let gaps: Vec<_> = written.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(gaps, [every; 3]);
}
