//! A script that cuts the connection, as its client sees it.

use std::io::ErrorKind;

use runwright_runner::StopReason;
use runwright_runner::testing::{Cut, Ending, Gate, Protocol, Script, ScriptedProvider};

use super::client::Client;

/// Plays a script to its cut, and returns what came and how it ended.
async fn cut(protocol: Protocol, script: Script) -> (Vec<u8>, Result<(), ErrorKind>, Ending) {
    let provider = ScriptedProvider::start().await;
    provider.script(script);
    let client = Client::ask(&provider, protocol).await;
    let (received, end) = client.read_to_end().await;
    let exchange = provider.request(0).await;
    let end = end.map_err(|error| error.kind());
    (received, end, exchange.ended().await)
}

#[tokio::test]
async fn a_close_in_the_text_ends_without_a_last_chunk() {
    for protocol in Protocol::ALL {
        let script = Script::new().text("he").cut(Cut::Close);
        let (received, end, ending) = cut(protocol, script).await;
        let received = String::from_utf8(received).unwrap();
        let cut_off = received.contains("he") && !received.ends_with("0\r\n\r\n");
        assert_eq!(
            (cut_off, end, ending),
            (true, Ok(()), Ending::Cut(Cut::Close)),
            "{received}"
        );
    }
}

#[tokio::test]
async fn a_close_before_the_head_sends_nothing() {
    let (received, end, ending) = cut(Protocol::OpenAi, Script::new().cut(Cut::Close)).await;
    let expected = (Vec::new(), Ok(()), Ending::Cut(Cut::Close));
    assert_eq!((received, end, ending), expected);
}

#[tokio::test]
async fn a_reset_is_an_error_of_the_connection() {
    let provider = ScriptedProvider::start().await;
    let gate = Gate::new();
    provider.script(Script::new().text("he").hold(&gate).cut(Cut::Reset));
    let mut client = Client::ask(&provider, Protocol::Anthropic).await;
    client.read_until("he").await;
    gate.release();
    let (_, end) = client.read_to_end().await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let exchange = provider.request(0).await;
    assert_eq!(exchange.ended().await, Ending::Cut(Cut::Reset));
}

#[tokio::test]
async fn a_cut_in_a_frame_leaves_its_text_open() {
    for protocol in Protocol::ALL {
        let script = Script::new().text("he").cut_in_frame(Cut::Close);
        let (received, end, ending) = cut(protocol, script).await;
        let received = String::from_utf8(received).unwrap();
        let open = received.ends_with("\":\"\r\n");
        let expected = (true, Ok(()), Ending::Cut(Cut::Close));
        assert_eq!((open, end, ending), expected, "{received}");
    }
}

#[tokio::test]
async fn a_cut_in_a_character_leaves_its_first_byte() {
    for protocol in Protocol::ALL {
        let script = Script::new().cut_in_character(Cut::Close);
        let (received, end, ending) = cut(protocol, script).await;
        let open = received.ends_with(b"\":\"\xc3\r\n");
        let expected = (true, Ok(()), Ending::Cut(Cut::Close));
        assert_eq!((open, end, ending), expected, "{protocol:?}");
    }
}

#[tokio::test]
async fn a_script_without_a_stop_ends_properly_for_http_alone() {
    for protocol in Protocol::ALL {
        let (received, end, ending) = cut(protocol, Script::new().text("he")).await;
        let received = String::from_utf8(received).unwrap();
        let ended = received.ends_with("0\r\n\r\n");
        assert_eq!((ended, end, ending), (true, Ok(()), Ending::Complete));
        let stops = [
            "[DONE]",
            "response.completed",
            "message_stop",
            "finishReason\":",
            "\"done\":true",
        ];
        let said: Vec<_> = stops
            .iter()
            .filter(|stop| received.contains(**stop))
            .collect();
        assert_eq!(said, Vec::<&&str>::new());
    }
}

#[tokio::test]
async fn a_cut_after_the_stop_leaves_out_what_ends_the_answer() {
    let script = Script::new().text("he").stop(StopReason::EndTurn);
    let (received, _, _) = cut(Protocol::Anthropic, script.cut(Cut::Close)).await;
    let received = String::from_utf8(received).unwrap();
    let said = ["message_delta", "message_stop"].map(|event| received.contains(event));
    assert_eq!(said, [true, false]);
}
