//! Floods that go on until the client has had enough.

use runwright_runner::testing::{Ending, Flood, Protocol, Script, ScriptedProvider};

use super::client::Client;

const MUCH: usize = 4 << 20;

/// Reads much of a flood, hangs up, and returns how the response began.
async fn flood(protocol: Protocol, flood: Flood) -> String {
    let provider = ScriptedProvider::start().await;
    provider.script(Script::new().flood(flood));
    let mut client = Client::ask(&provider, protocol).await;
    let began = client.read_until("xxx").await;
    client.skim(MUCH).await;
    let exchange = provider.request(0).await;
    assert_eq!(exchange.ending(), None, "{protocol:?} {flood:?}");
    drop(client);
    assert_eq!(exchange.ended().await, Ending::HungUp);
    assert!(exchange.bytes_written() >= MUCH as u64);
    began
}

#[tokio::test]
async fn each_flood_goes_on_in_each_protocol() {
    for protocol in Protocol::ALL {
        for kind in [Flood::Frame, Flood::Text, Flood::Arguments] {
            let began = flood(protocol, kind).await;
            assert!(began.starts_with("HTTP/1.1 200 OK\r\n"), "{began}");
        }
        let began = flood(protocol, Flood::ErrorBody(500)).await;
        assert!(began.starts_with("HTTP/1.1 500 "), "{began}");
    }
}

#[tokio::test]
async fn a_head_goes_on_without_end() {
    let provider = ScriptedProvider::start().await;
    provider.script(Script::new().flood(Flood::Headers));
    let mut client = Client::ask(&provider, Protocol::OpenAi).await;
    let began = client.read_until("x-flood").await;
    client.skim(MUCH).await;
    drop(client);
    let ended = provider.request(0).await.ended().await;
    assert_eq!((ended, began.contains("\r\n\r\n")), (Ending::HungUp, false));
}

#[tokio::test]
async fn a_client_that_only_stops_reading_keeps_the_flood_waiting() {
    let provider = ScriptedProvider::start().await;
    provider.script(Script::new().flood(Flood::Frame));
    let mut client = Client::ask(&provider, Protocol::OpenAi).await;
    client.read_until("xxx").await;
    // Nothing is read any more, so the socket fills up; then the client goes.
    let exchange = provider.request(0).await;
    drop(client);
    assert_eq!(exchange.ended().await, Ending::HungUp);
}
