//! A history in order: a server died under the second of three runs, and the third waited behind it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::check::problems;
use crate::history::{
    Attempt, Connection, Ending, History, Kind, Outcome, Policy, Reader, Receipt, Request, Script,
    Seen, Stop,
};

pub(super) const SESSION: &str = "s";

/// The server's death.
pub(super) const DEATH: Duration = Duration::from_secs(10);

pub(super) fn text(text: &str) -> Value {
    json!({ "type": "text", "data": { "text": text } })
}

pub(super) fn finish(reason: &str, message: &str) -> Value {
    json!({ "type": "finish", "data": { "reason": reason, "message": message } })
}

pub(super) fn message(id: &str, role: &str, parts: &[Value]) -> Value {
    json!({ "id": id, "role": role, "session_id": SESSION, "parts": parts })
}

pub(super) fn asked(marker: &str) -> Value {
    message(
        &format!("ask-{marker}"),
        "user",
        &[text(&format!("{marker} [[say 2]]")), finish("stop", "")],
    )
}

pub(super) fn begun(marker: &str) -> Value {
    message(&format!("say-{marker}"), "assistant", &[])
}

pub(super) fn said(marker: &str, words: &str) -> Value {
    message(
        &format!("say-{marker}"),
        "assistant",
        &[text(words), finish("end_turn", "")],
    )
}

pub(super) fn interrupted() -> Value {
    message(
        "say-b",
        "assistant",
        &[text("word0 "), finish("error", "Interrupted")],
    )
}

pub(super) fn ended(run: &str, state: &str, words: &str, error: &str) -> Value {
    json!({ "run_id": run, "session_id": SESSION, "state": state, "message_id": format!("say-{run}"), "text": words,
            "error": error })
}

pub(super) fn event(seq: u64, kind: &str, change: &str, payload: Value) -> Seen {
    let life = usize::from(seq > 1000);
    let second = if life == 0 {
        seq
    } else {
        seq - 1000 + DEATH.as_secs()
    };
    Seen {
        seq,
        epoch: "e".to_owned(),
        kind: kind.to_owned(),
        change: change.to_owned(),
        payload,
        at: Duration::from_secs(second),
        life,
    }
}

pub(super) fn log() -> Vec<Seen> {
    let session = |title: &str| json!({ "id": title, "title": title });
    vec![
        event(1, "session", "created", session("first")),
        event(2, "message", "created", asked("a")),
        event(3, "message", "created", begun("a")),
        event(5, "message", "updated", said("a", "word0 word1 ")),
        event(
            6,
            "run_complete",
            "updated",
            ended("a", "completed", "word0 word1 ", ""),
        ),
        event(7, "message", "created", asked("b")),
        event(8, "message", "created", begun("b")),
        event(1001, "message", "updated", interrupted()),
        event(
            1002,
            "run_complete",
            "updated",
            ended("b", "interrupted", "word0 ", "interrupted: by a death"),
        ),
        event(1003, "message", "created", asked("c")),
        event(1004, "message", "created", begun("c")),
        event(1006, "message", "updated", said("c", "word0 word1 ")),
        event(
            1007,
            "run_complete",
            "updated",
            ended("c", "completed", "word0 word1 ", ""),
        ),
        event(1008, "session", "created", session("last")),
    ]
}

pub(super) fn of_run(run: &str) -> Vec<Seen> {
    let belongs =
        |seen: &Seen| seen.ended_run() == Some(run) || seen.id().ends_with(&format!("-{run}"));
    log().into_iter().filter(belongs).collect()
}

pub(super) fn request(marker: &str, sent: u64, position: u64, seq: u64) -> Request {
    let receipt = Receipt {
        run_id: marker.to_owned(),
        session_id: SESSION.to_owned(),
        state: "queued".to_owned(),
        position,
        seq,
    };
    Request {
        session: SESSION.to_owned(),
        marker: marker.to_owned(),
        run_id: Some(marker.to_owned()),
        key: None,
        policy: Policy::Queue,
        script: Script {
            words: 2,
            delay_ms: 0,
            steps: 1,
            ending: Ending::Well,
        },
        attempts: vec![attempt(sent, accepted(receipt, false))],
    }
}

pub(super) fn attempt(sent: u64, outcome: Outcome) -> Attempt {
    Attempt {
        sent,
        done: sent + 1,
        life: 0,
        is_other: false,
        outcome,
    }
}

pub(super) fn accepted(receipt: Receipt, replayed: bool) -> Outcome {
    Outcome::Accepted { receipt, replayed }
}

pub(super) fn refused(status: u16, code: &str) -> Outcome {
    Outcome::Refused {
        status,
        code: code.to_owned(),
    }
}

pub(super) fn reader(kind: Kind, seen: Vec<Seen>) -> Reader {
    let restarted = seen
        .iter()
        .position(|seen| seen.life == 1)
        .unwrap_or(seen.len());
    Reader {
        name: format!("{kind:?}"),
        kind,
        seen,
        connections: vec![
            Connection {
                from: 0,
                at_latest: 0,
            },
            Connection {
                from: restarted,
                at_latest: 1,
            },
        ],
        is_complete: true,
    }
}

/// A snapshot of the second run's message, as it was seen at a second.
pub(super) fn snapshot(second: u64, words: &str) -> Seen {
    Seen {
        at: Duration::from_secs(second),
        ..event(
            9,
            "message",
            "updated",
            message("say-b", "assistant", &[text(words)]),
        )
    }
}

pub(super) fn with_snapshot(snapshot: Seen) -> Vec<Seen> {
    let mut seen = log();
    put(&mut seen, snapshot);
    seen
}

pub(super) fn delta(seq: u64, id: &str, offset: u64, piece: &str) -> Seen {
    event(
        seq,
        "message_delta",
        "",
        json!({ "id": id, "part": 0, "offset": offset, "text": piece }),
    )
}

/// What a reader of deltas is sent.
pub(super) fn deltas() -> Vec<Seen> {
    let mut seen = log();
    put(&mut seen, delta(4, "say-a", 0, "word0 "));
    put(&mut seen, delta(9, "say-b", 0, "word0 word1 "));
    put(&mut seen, delta(1005, "say-c", 0, "word0 "));
    seen
}

/// Puts an event where its number belongs, in place of the one that has it.
pub(super) fn put(story: &mut Vec<Seen>, event: Seen) {
    story.retain(|seen| seen.seq != event.seq);
    let at = story.partition_point(|seen| seen.seq < event.seq);
    story.insert(at, event);
}

/// A cancel of all runs of the session, or of one.
pub(super) fn stop(run: Option<&str>, sent: u64, answered_ms: u64) -> Stop {
    Stop {
        session: SESSION.to_owned(),
        run: run.map(str::to_owned),
        sent,
        answered_ms,
    }
}

pub(super) fn good() -> History {
    let record = |run: &str, state: &str, words: &str| json!({ "run_id": run, "state": state, "text": words, "started_at_ms": 7 });
    // A client without a cursor misses what was on its way to it when the server died.
    let mut of_the_contract = log();
    of_the_contract.remove(6);
    History {
        requests: vec![
            request("a", 1, 0, 1),
            request("b", 3, 1, 1),
            request("c", 5, 2, 1),
        ],
        stops: vec![stop(None, 7, 7)],
        readers: vec![
            reader(Kind::Whole, with_snapshot(snapshot(9, "word0 "))),
            reader(Kind::Deltas, deltas()),
            reader(Kind::Contract, of_the_contract),
            reader(Kind::Run("b".to_owned()), of_run("b")),
        ],
        deaths: vec![DEATH],
        log: log(),
        log_again: log(),
        run_logs: ["a", "b", "c"]
            .map(|run| (run.to_owned(), of_run(run)))
            .into(),
        runs: vec![
            record("a", "completed", "word0 word1 "),
            record("b", "interrupted", "word0 "),
            record("c", "completed", "word0 word1 "),
        ],
        messages: [(
            SESSION.to_owned(),
            vec![
                asked("a"),
                said("a", "word0 word1 "),
                asked("b"),
                interrupted(),
                asked("c"),
                said("c", "word0 word1 "),
            ],
        )]
        .into(),
        strange: Vec::new(),
    }
}

/// The rules that a history breaks.
pub(super) fn broken(history: &History) -> BTreeSet<&'static str> {
    problems(history)
        .into_iter()
        .map(|problem| problem.rule)
        .collect()
}

#[track_caller]
pub(super) fn breaks<const N: usize>(rules: [&'static str; N], change: impl FnOnce(&mut History)) {
    let mut history = good();
    change(&mut history);
    assert_eq!(broken(&history), rules.into(), "{:#?}", problems(&history));
}

/// Changes an event for everybody who was sent it.
pub(super) fn everywhere(history: &mut History, change: impl Fn(&mut Vec<Seen>)) {
    change(&mut history.log);
    change(&mut history.log_again);
    history.run_logs.values_mut().for_each(&change);
    history
        .readers
        .iter_mut()
        .for_each(|reader| change(&mut reader.seen));
}

pub(super) fn at(story: &mut [Seen], seq: u64) -> Option<&mut Seen> {
    story.iter_mut().find(|seen| seen.seq == seq)
}
