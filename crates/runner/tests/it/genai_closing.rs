//! Dropping an answer closes its connection, in every phase of it.

use futures_util::StreamExt;
use futures_util::future::{self, Either};
use runwright_runner::testing::{Ending, Gate, Script, Unreachable};
use runwright_runner::{AnswerEvent, AnswerLimits, AnswerStream, Protocol, Provider, StopReason};

use crate::genai_stage::{CASES, asking, provider};

/// Polls an answer, which says nothing, until something else has happened.
async fn wait_for(answer: &mut AnswerStream, happened: impl Future<Output = ()>) {
    let happened = std::pin::pin!(happened);
    match future::select(answer.next(), happened).await {
        Either::Left((next, _)) => panic!("nothing was to come: {next:?}"),
        Either::Right(((), _)) => {}
    }
}

/// Whether this process asks for a connection to a port and has no answer yet, as the kernel tells it.
#[cfg(target_os = "linux")]
fn is_connecting(port: u16) -> bool {
    const ASKING: &str = "02";
    let connections = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    connections.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(2);
        let (remote, state) = (fields.next().unwrap(), fields.next().unwrap());
        remote.ends_with(&format!(":{port:04X}")) && state == ASKING
    })
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn while_it_connects() {
    let nobody = Unreachable::hanging().await;
    let url = nobody.url();
    let port = url.trim_end_matches("/v1").rsplit(':').next().unwrap();
    let port = port.parse().unwrap();
    let provider = provider(Protocol::OpenAi, &url, AnswerLimits::default());
    let mut answer = provider.answer(asking("hi"));
    wait_for(&mut answer, async {
        while !is_connecting(port) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(answer);
    assert!(!is_connecting(port));
}

#[tokio::test]
async fn while_the_request_is_not_read() {
    for case in CASES {
        let stage = case.stage().await;
        let gate = Gate::new();
        stage.server.hold_unread(&gate);
        let mut answer = stage.ask();
        wait_for(&mut answer, gate.reached()).await;
        drop(answer);
        stage.server.all_closed().await;
    }
}

#[tokio::test]
async fn before_the_head_of_the_answer() {
    for case in CASES {
        let stage = case.stage().await;
        let gate = Gate::new();
        stage.server.script(Script::new().hold(&gate).text("late"));
        let mut answer = stage.ask();
        wait_for(&mut answer, gate.reached()).await;
        drop(answer);
        assert_eq!(stage.server.request(0).await.ended().await, Ending::HungUp);
        stage.server.all_closed().await;
    }
}

#[tokio::test]
async fn before_the_first_piece() {
    for case in CASES {
        let stage = case.stage().await;
        let gate = Gate::new();
        stage
            .server
            .script(Script::new().headers().begin().hold(&gate));
        let mut answer = stage.ask();
        wait_for(&mut answer, gate.reached()).await;
        drop(answer);
        assert_eq!(stage.server.request(0).await.ended().await, Ending::HungUp);
        stage.server.all_closed().await;
    }
}

#[tokio::test]
async fn between_two_pieces() {
    for case in CASES {
        let stage = case.stage().await;
        stage.server.script(Script::new().text("a").silence());
        let mut answer = stage.ask();
        let first = answer.next().await;
        assert_eq!(first, Some(Ok(AnswerEvent::Text("a".to_owned()))));
        drop(answer);
        assert_eq!(stage.server.request(0).await.ended().await, Ending::HungUp);
        stage.server.all_closed().await;
    }
}

#[tokio::test]
async fn while_nobody_reads() {
    for case in CASES {
        let stage = case.stage().await;
        let gate = Gate::new();
        let script = Script::words(20_000).hold(&gate);
        stage.server.script(script);
        let mut answer = stage.ask();
        let _first = answer.next().await;
        drop(answer);
        stage.server.all_closed().await;
    }
}

#[tokio::test]
async fn while_a_list_of_models_is_awaited() {
    for case in CASES {
        let stage = case.stage().await;
        let gate = Gate::new();
        stage.server.lists().script(Script::new().hold(&gate));
        let models = stage.provider.models();
        match future::select(models, std::pin::pin!(gate.reached())).await {
            Either::Left((models, _)) => panic!("nothing was to come: {models:?}"),
            Either::Right(((), models)) => drop(models),
        }
        stage.server.all_closed().await;
    }
}

/// A provider that goes on after the end is not listened to, and the answer need not be dropped for that.
#[tokio::test]
async fn nothing_is_read_after_the_end() {
    for case in CASES {
        let stage = case.stage().await;
        let stopped = Script::new().text("a").stop(StopReason::EndTurn);
        let last = match case.protocol {
            Protocol::OpenAi | Protocol::OpenAiCompat => "data: [DONE]\n\n",
            Protocol::OpenAiResponses => {
                "data: {\"type\":\"response.completed\",\"response\":{}}\n\n"
            }
            Protocol::Anthropic => "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            // Their stop is the last frame.
            Protocol::Gemini | Protocol::Ollama => "\n",
        };
        stage.server.script(stopped.raw(last).silence());
        let mut answer = stage.ask();
        let mut last = None;
        while let Some(next) = answer.next().await {
            last = Some(next);
        }
        assert_eq!(
            last,
            Some(Ok(AnswerEvent::End(StopReason::EndTurn))),
            "{}",
            case.protocol
        );
        assert_eq!(stage.server.request(0).await.ended().await, Ending::HungUp);
        assert_eq!(answer.next().await, None);
    }
}
