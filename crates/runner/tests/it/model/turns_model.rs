//! Random sequences of turns, with failures and cancels: the next request is always one that every protocol takes. The
//! provider of these tests looks at each request that it is given.

use proptest::prelude::*;
use runwright_runner::{AnswerEvent, ProviderErrorKind, StopReason};
use tokio::runtime::Builder;

use super::provider::Asked;
use super::stage::Stage;

#[derive(Debug, Clone)]
enum Piece {
    Text(&'static str),
    Thought(&'static str),
    Signature,
    Call(&'static str, &'static str),
}

#[derive(Debug, Clone)]
enum Ending {
    Well(StopReason),
    Refused,
    CutOff,
    Cancelled,
}

#[derive(Debug, Clone)]
struct Request {
    pieces: Vec<Piece>,
    steered: bool,
    ending: Ending,
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        prop_oneof![Just(""), Just("\n"), Just("words ")].prop_map(Piece::Text),
        prop_oneof![Just("hm"), Just(" ")].prop_map(Piece::Thought),
        Just(Piece::Signature),
        (
            prop_oneof![Just("0"), Just("1"), Just("")],
            prop_oneof![
                Just(""),
                Just("{}"),
                Just("{\"a\":"),
                Just("1}"),
                Just("nonsense")
            ]
        )
            .prop_map(|(id, input)| Piece::Call(id, input)),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let reason = prop_oneof![
        Just(StopReason::EndTurn),
        Just(StopReason::ToolUse),
        Just(StopReason::MaxTokens),
        Just(StopReason::ContentFilter)
    ];
    let ending = prop_oneof![
        4 => reason.prop_map(Ending::Well),
        1 => Just(Ending::Refused),
        1 => Just(Ending::CutOff),
        1 => Just(Ending::Cancelled),
    ];
    (prop::collection::vec(piece(), 0..6), any::<bool>(), ending).prop_map(
        |(pieces, steered, ending)| Request {
            pieces,
            steered,
            ending,
        },
    )
}

fn tell(asked: &Asked, pieces: &[Piece]) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => asked.text(text),
            Piece::Thought(text) => asked.event(AnswerEvent::Reasoning((*text).to_owned())),
            Piece::Signature => asked.event(AnswerEvent::ReasoningSignature("sig".to_owned())),
            Piece::Call(id, input) => asked.call(id, input),
        }
    }
}

/// Plays the requests in as many turns as it takes. Each is checked by the provider that is asked.
async fn play(requests: Vec<Request>) {
    let mut stage = Stage::new().await;
    let mut requests = requests.into_iter().peekable();
    let mut turns = 0;
    while requests.peek().is_some() {
        turns += 1;
        let turn = stage.begin(&format!("prompt {turns}")).await;
        let (cancel, mut ended) = (turn.cancel.clone(), Box::pin(turn.ended()));
        loop {
            let asked = tokio::select! {
                biased;
                _ended = &mut ended => break,
                asked = stage.large.next() => asked,
            };
            let Some(request) = requests.next() else {
                asked.say("that was all");
                continue;
            };
            tell(&asked, &request.pieces);
            if request.steered {
                stage.steer("a prompt that steers");
            }
            match request.ending {
                Ending::Well(reason) => asked.end(reason),
                Ending::Refused => asked.fail(ProviderErrorKind::Refused, "no"),
                Ending::CutOff => asked.cut_off(),
                Ending::Cancelled => {
                    cancel.cancel(runwright_agent::CancelReason::Requested);
                    asked.dropped().await;
                }
            }
        }
    }
    // One more, so that what the last one left is read too.
    let turn = stage.begin("the last prompt").await;
    stage.large.next().await.say("fine");
    turn.ended().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn whatever_became_of_the_turns_before_the_next_request_is_well_formed(
        requests in prop::collection::vec(request(), 1..8),
    ) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(requests));
    }
}
