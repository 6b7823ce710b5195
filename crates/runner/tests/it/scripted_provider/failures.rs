//! Errors instead of an answer and inside one, and bytes that nobody can read.

use runwright_runner::StopReason;
use runwright_runner::testing::{Ending, Failure, Protocol, Script, ScriptedProvider};

use super::client::Client;

async fn play(protocol: Protocol, script: Script) -> Vec<u8> {
    let provider = ScriptedProvider::start().await;
    provider.script(script);
    let client = Client::ask(&provider, protocol).await;
    let (received, end) = client.read_to_end().await;
    end.unwrap();
    assert_eq!(provider.request(0).await.ended().await, Ending::Complete);
    received
}

async fn play_text(protocol: Protocol, script: Script) -> String {
    String::from_utf8(play(protocol, script).await).unwrap()
}

#[tokio::test]
async fn a_failure_is_a_response_with_its_headers() {
    let failure = Failure::overloaded().retry_after("7");
    let answer = play_text(Protocol::Anthropic, Script::failing(failure)).await;
    let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_scripted"}"#;
    let expected = format!(
        "HTTP/1.1 529 Overloaded\r\ncontent-type: application/json\r\nrequest-id: req_scripted\r\nx-request-id: req_scripted\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_failure_can_be_the_page_of_a_proxy() {
    let page = Failure::body(502, "text/html", "<html>bad gateway</html>");
    let answer = play_text(Protocol::OpenAi, Script::failing(page)).await;
    let expected = "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\nrequest-id: req_scripted\r\nx-request-id: req_scripted\r\ncontent-length: 24\r\n\r\n<html>bad gateway</html>";
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn an_error_inside_an_answer_stops_nothing() {
    for protocol in Protocol::ALL {
        let script = Script::new()
            .text("he")
            .error(Failure::status(500, "broken inside"));
        let answer = play_text(protocol, script).await;
        let (before, after) = answer.split_once("broken inside").unwrap();
        let said = (before.contains("he"), after.ends_with("0\r\n\r\n"));
        assert_eq!(said, (true, true), "{answer}");
    }
}

#[tokio::test]
async fn garbage_is_followed_by_the_rest_of_the_answer() {
    for protocol in Protocol::ALL {
        let script = Script::new().garbage().text("he").stop(StopReason::EndTurn);
        let answer = play_text(protocol, script).await;
        let (_, after) = answer.split_once("{not JSON").unwrap();
        assert!(after.contains("he"), "{answer}");
    }
}

#[tokio::test]
async fn a_byte_that_is_not_utf8_is_in_a_frame_of_text() {
    for protocol in Protocol::ALL {
        let answer = play(protocol, Script::new().invalid_utf8()).await;
        let at = answer.windows(5).position(|five| five == b"\":\"\xff\"");
        assert!(at.is_some(), "{protocol:?}");
    }
}

#[tokio::test]
async fn raw_bytes_are_a_chunk_and_wire_bytes_are_not() {
    let answer = play_text(
        Protocol::Ollama,
        Script::new().raw("abc\n").wire("1\r\nx\r\n"),
    )
    .await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "4\r\nabc\n\r\n1\r\nx\r\n0\r\n\r\n");
}

#[tokio::test]
async fn an_answer_byte_by_byte_has_a_chunk_for_each() {
    let whole = play_text(Protocol::Ollama, Script::new().text("ü")).await;
    let pieces = play(Protocol::Ollama, Script::new().bytewise("ü")).await;
    let body = |answer: &[u8]| {
        let at = answer.windows(4).position(|four| four == b"\r\n\r\n");
        answer[at.unwrap() + 4..].to_vec()
    };
    let whole = body(whole.as_bytes());
    let frame_at = whole.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
    let frame = &whole[frame_at..whole.len() - "\r\n0\r\n\r\n".len()];
    let expected: Vec<u8> = frame
        .iter()
        .flat_map(|byte| [b"1\r\n", &[*byte][..], b"\r\n"].concat())
        .chain(*b"0\r\n\r\n")
        .collect();
    assert_eq!(body(&pieces), expected);
}
