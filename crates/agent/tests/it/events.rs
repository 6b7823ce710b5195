//! The events that announce the end of a run, in their order (semantics 2.4).

use runwright_agent::{AgentCall, Pace, Publication, RunEnd};
use runwright_proto::{
    AgentEvent, AgentMessage, Change, Event, MessageId, RunComplete, RunId, RunState, SessionId,
    Usage,
};

fn call() -> AgentCall {
    let message = AgentMessage {
        session_id: Some(session()),
        run_id: Some(run()),
        prompt: "hello".to_owned(),
        ..AgentMessage::default()
    };
    AgentCall::try_from(message).unwrap()
}

fn session() -> SessionId {
    "session".parse().unwrap()
}

fn run() -> RunId {
    "run".parse().unwrap()
}

fn complete(state: RunState) -> RunComplete {
    RunComplete::new(session(), run(), state)
}

#[track_caller]
fn check(end: &RunEnd, events: Vec<Event>) {
    let publication = |event| Publication {
        event,
        run: Some(run()),
        pace: Pace::Now,
    };
    let expected: Vec<_> = events.into_iter().map(publication).collect();
    assert_eq!(end.events(&call()), expected);
}

#[test]
fn a_turn_that_went_well_is_complete_and_then_the_agent_has_finished() {
    let message_id = Some(MessageId::generate());
    let usage = Some(Usage {
        input_tokens: 12,
        ..Usage::default()
    });
    let end = RunEnd {
        message_id: message_id.clone(),
        text: Some("done".into()),
        reason: Some("max_tokens".to_owned()),
        usage,
        session_title: "title".to_owned(),
        ..RunEnd::new(RunState::Completed)
    };
    let complete = RunComplete {
        message_id,
        text: "done".into(),
        reason: Some("max_tokens".to_owned()),
        usage,
        ..complete(RunState::Completed)
    };
    let finished = AgentEvent::finished(session(), "title");
    check(
        &end,
        vec![
            Event::RunComplete(Change::updated(complete)),
            Event::AgentEvent(Change::created(finished)),
        ],
    );
}

#[test]
fn a_folded_prompt_is_complete_while_the_agent_goes_on() {
    let into: RunId = "active".parse().unwrap();
    let end = RunEnd {
        folded_into: Some(into.clone()),
        ..RunEnd::new(RunState::Completed)
    };
    let complete = RunComplete {
        folded_into: Some(into),
        ..complete(RunState::Completed)
    };
    check(&end, vec![Event::RunComplete(Change::updated(complete))]);
}

#[test]
fn a_failure_is_told_before_its_terminal_event() {
    let end = RunEnd {
        error: Some("bad request".to_owned()),
        ..RunEnd::new(RunState::Failed)
    };
    let complete = RunComplete {
        error: "bad request".to_owned(),
        ..complete(RunState::Failed)
    };
    let error = AgentEvent::error(session(), run(), "bad request");
    check(
        &end,
        vec![
            Event::AgentEvent(Change::created(error)),
            Event::RunComplete(Change::updated(complete)),
        ],
    );
}

#[test]
fn a_cancel_and_an_interruption_are_no_errors_of_the_agent() {
    for (state, error) in [
        (RunState::Cancelled, None),
        (RunState::Interrupted, Some("interrupted: closed")),
    ] {
        let end = RunEnd {
            error: error.map(str::to_owned),
            ..RunEnd::new(state)
        };
        let complete = RunComplete {
            error: error.unwrap_or_default().to_owned(),
            ..complete(state)
        };
        check(&end, vec![Event::RunComplete(Change::updated(complete))]);
    }
}
