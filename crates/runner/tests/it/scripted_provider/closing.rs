//! A client that closes its connection is noticed in every phase, while the script waits for something else.

use std::time::Duration;

use runwright_runner::StopReason;
use runwright_runner::testing::{Ending, Gate, Protocol, Script, ScriptedProvider};

use super::client::Client;

const FOREVER: Duration = Duration::from_secs(100_000);

/// Plays a script that stands at the gate in the end, hangs up there, and says how the exchange ended.
async fn hang_up(protocol: Protocol, script: Script, gate: &Gate) -> Ending {
    let provider = ScriptedProvider::start().await;
    provider.script(script);
    let client = Client::ask(&provider, protocol).await;
    gate.reached().await;
    let exchange = provider.request(0).await;
    assert_eq!(exchange.ending(), None);
    drop(client);
    let ending = exchange.ended().await;
    provider.all_closed().await;
    ending
}

#[tokio::test]
async fn before_the_head_after_it_and_in_the_text() {
    for protocol in Protocol::ALL {
        let phases = [
            Script::new(),
            Script::new().headers(),
            Script::new().begin(),
            Script::new().text("he"),
            Script::new().reasoning("hm"),
            Script::new().tool_begin("call_1", "bash"),
            Script::new().text("he").stop(StopReason::EndTurn),
        ];
        for phase in phases {
            let gate = Gate::new();
            let ending = hang_up(protocol, phase.clone().hold(&gate), &gate).await;
            assert_eq!(ending, Ending::HungUp, "{protocol:?} {phase:?}");
        }
    }
}

#[tokio::test]
async fn while_it_is_silent_or_asleep() {
    let gate = Gate::new();
    gate.release();
    let silent = [
        Script::new().hold(&gate).silence(),
        Script::new().hold(&gate).pause(FOREVER),
        Script::new().text("he").hold(&gate).silence(),
        Script::new().text("he").hold(&gate).pause(FOREVER),
    ];
    for script in silent {
        let ending = hang_up(Protocol::OpenAi, script.clone(), &gate).await;
        assert_eq!(ending, Ending::HungUp, "{script:?}");
    }
}

#[tokio::test]
async fn before_its_request_was_read() {
    let provider = ScriptedProvider::start().await;
    let gate = Gate::new();
    provider.hold_unread(&gate);
    let client = Client::ask(&provider, Protocol::OpenAi).await;
    gate.reached().await;
    drop(client);
    provider.all_closed().await;
    assert_eq!(provider.turns().count(), 0);
}

#[tokio::test]
async fn before_its_request_was_complete() {
    let provider = ScriptedProvider::start().await;
    let mut client = Client::connect(&provider).await;
    client
        .send("POST /v1/messages HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")
        .await;
    provider.accepted(1).await;
    drop(client);
    provider.all_closed().await;
    assert_eq!(provider.turns().count(), 0);
}

#[tokio::test]
async fn a_provider_that_is_dropped_closes_its_connections() {
    let provider = ScriptedProvider::start().await;
    provider.script(Script::new().text("he").silence());
    let mut client = Client::ask(&provider, Protocol::Ollama).await;
    client.read_until("he").await;
    let address = provider.address();
    drop(provider);
    let (received, _) = client.read_to_end().await;
    assert!(!received.ends_with(b"0\r\n\r\n"), "it is cut off");
    let refused = tokio::net::TcpStream::connect(address).await;
    let kind = refused.map(|_| ()).map_err(|error| error.kind());
    assert_eq!(kind, Err(std::io::ErrorKind::ConnectionRefused));
}
