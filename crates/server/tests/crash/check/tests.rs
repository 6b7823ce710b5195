//! Each rule, broken by hand in a history that is in order otherwise: a server died under the second of three runs, and
//! the third waited behind it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::problems;
use crate::history::{
    Attempt, Connection, Ending, History, Kind, Outcome, Policy, Reader, Receipt, Request, Script,
    Seen,
};

const SESSION: &str = "s";

/// The server's death.
const DEATH: Duration = Duration::from_secs(10);

fn text(text: &str) -> Value {
    json!({ "type": "text", "data": { "text": text } })
}

fn finish(reason: &str, message: &str) -> Value {
    json!({ "type": "finish", "data": { "reason": reason, "message": message } })
}

fn message(id: &str, role: &str, parts: &[Value]) -> Value {
    json!({ "id": id, "role": role, "session_id": SESSION, "parts": parts })
}

fn asked(marker: &str) -> Value {
    message(
        &format!("ask-{marker}"),
        "user",
        &[text(&format!("{marker} [[say 2]]")), finish("stop", "")],
    )
}

fn begun(marker: &str) -> Value {
    message(&format!("say-{marker}"), "assistant", &[])
}

fn said(marker: &str, words: &str) -> Value {
    message(
        &format!("say-{marker}"),
        "assistant",
        &[text(words), finish("end_turn", "")],
    )
}

fn interrupted() -> Value {
    message(
        "say-b",
        "assistant",
        &[text("word0 "), finish("error", "Interrupted")],
    )
}

fn ended(run: &str, state: &str, words: &str, error: &str) -> Value {
    json!({ "run_id": run, "session_id": SESSION, "state": state, "message_id": format!("say-{run}"), "text": words,
            "error": error })
}

fn event(seq: u64, kind: &str, change: &str, payload: Value) -> Seen {
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

fn log() -> Vec<Seen> {
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

fn of_run(run: &str) -> Vec<Seen> {
    let belongs =
        |seen: &Seen| seen.ended_run() == Some(run) || seen.id().ends_with(&format!("-{run}"));
    log().into_iter().filter(belongs).collect()
}

fn request(marker: &str, sent: u64, position: u64, seq: u64) -> Request {
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

fn attempt(sent: u64, outcome: Outcome) -> Attempt {
    Attempt {
        sent,
        done: sent + 1,
        life: 0,
        is_other: false,
        outcome,
    }
}

fn accepted(receipt: Receipt, replayed: bool) -> Outcome {
    Outcome::Accepted { receipt, replayed }
}

fn refused(status: u16, code: &str) -> Outcome {
    Outcome::Refused {
        status,
        code: code.to_owned(),
    }
}

fn reader(kind: Kind, seen: Vec<Seen>) -> Reader {
    let restarted = seen
        .iter()
        .position(|seen| seen.life == 1)
        .unwrap_or(seen.len());
    Reader {
        name: format!("{kind:?}"),
        kind,
        seen,
        connections: vec![
            Connection { from: 0, life: 0 },
            Connection {
                from: restarted,
                life: 1,
            },
        ],
        is_complete: true,
    }
}

/// A snapshot of the second run's message, as it was seen at a second.
fn snapshot(second: u64, words: &str) -> Seen {
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

fn with_snapshot(snapshot: Seen) -> Vec<Seen> {
    let mut seen = log();
    put(&mut seen, snapshot);
    seen
}

fn delta(seq: u64, id: &str, offset: u64, piece: &str) -> Seen {
    event(
        seq,
        "message_delta",
        "",
        json!({ "id": id, "part": 0, "offset": offset, "text": piece }),
    )
}

/// What a reader of deltas is sent.
fn deltas() -> Vec<Seen> {
    let mut seen = log();
    put(&mut seen, delta(4, "say-a", 0, "word0 "));
    put(&mut seen, delta(9, "say-b", 0, "word0 word1 "));
    put(&mut seen, delta(1005, "say-c", 0, "word0 "));
    seen
}

/// Puts an event where its number belongs, in place of the one that has it.
fn put(story: &mut Vec<Seen>, event: Seen) {
    story.retain(|seen| seen.seq != event.seq);
    let at = story.partition_point(|seen| seen.seq < event.seq);
    story.insert(at, event);
}

fn good() -> History {
    let record = |run: &str, state: &str, words: &str| json!({ "run_id": run, "state": state, "text": words });
    // A client without a cursor misses what was on its way to it when the server died.
    let mut of_the_contract = log();
    of_the_contract.remove(6);
    History {
        requests: vec![
            request("a", 1, 0, 1),
            request("b", 3, 1, 1),
            request("c", 5, 2, 1),
        ],
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
fn broken(history: &History) -> BTreeSet<&'static str> {
    problems(history)
        .into_iter()
        .map(|problem| problem.rule)
        .collect()
}

#[track_caller]
fn breaks<const N: usize>(rules: [&'static str; N], change: impl FnOnce(&mut History)) {
    let mut history = good();
    change(&mut history);
    assert_eq!(broken(&history), rules.into(), "{:#?}", problems(&history));
}

/// Changes an event for everybody who was sent it.
fn everywhere(history: &mut History, change: impl Fn(&mut Vec<Seen>)) {
    change(&mut history.log);
    change(&mut history.log_again);
    history.run_logs.values_mut().for_each(&change);
    history
        .readers
        .iter_mut()
        .for_each(|reader| change(&mut reader.seen));
}

fn at(story: &mut [Seen], seq: u64) -> Option<&mut Seen> {
    story.iter_mut().find(|seen| seen.seq == seq)
}

#[test]
fn a_history_in_order_breaks_no_rule() {
    breaks([], |_| {});
}

#[test]
fn an_answer_that_never_should_come_is_a_problem() {
    breaks(["nothing strange is answered"], |history| {
        history.strange.push("500".to_owned())
    });
}

#[test]
fn an_accepted_run_without_an_end_is_noticed() {
    breaks(
        [
            "every accepted run ends once",
            "nothing of a run follows its end",
        ],
        |history| {
            everywhere(history, |story| story.retain(|seen| seen.seq != 1007));
        },
    );
}

#[test]
fn an_accepted_run_with_two_ends_is_noticed() {
    breaks(["every accepted run ends once"], |history| {
        everywhere(history, |story| {
            if let Some(end) = at(story, 6).cloned() {
                put(story, Seen { seq: 10, ..end });
            }
        });
    });
}

#[test]
fn an_accepted_run_without_a_record_is_noticed() {
    breaks(["every accepted run ends once"], |history| {
        history.runs.retain(|run| run["run_id"] != "b");
    });
}

#[test]
fn a_record_that_contradicts_the_end_is_noticed() {
    breaks(["every accepted run ends once"], |history| {
        history.runs[1]["state"] = json!("failed")
    });
}

#[test]
fn a_run_that_nobody_asked_for_is_noticed() {
    breaks(["no run comes from nowhere"], |history| {
        history
            .runs
            .push(json!({ "run_id": "x", "state": "completed" }));
    });
}

#[test]
fn a_run_of_a_request_without_a_name_that_got_no_answer_is_no_problem() {
    breaks([], |history| {
        history
            .runs
            .push(json!({ "run_id": "x", "state": "completed" }));
        let mut unanswered = request("x", 20, 0, 1);
        unanswered.run_id = None;
        unanswered.attempts = vec![attempt(20, Outcome::Cut)];
        history.requests.push(unanswered);
    });
}

#[test]
fn a_run_that_was_refused_and_is_there_is_noticed() {
    breaks(["no run comes from nowhere"], |history| {
        history
            .runs
            .push(json!({ "run_id": "x", "state": "completed" }));
        let mut request = request("x", 20, 0, 1);
        request.attempts = vec![attempt(20, refused(409, "session_busy"))];
        history.requests.push(request);
    });
}

#[test]
fn a_second_receipt_that_differs_is_noticed() {
    breaks(["a name never means two runs"], |history| {
        let receipt = Receipt {
            position: 7,
            ..history.requests[0].receipt().unwrap().clone()
        };
        history.requests[0]
            .attempts
            .push(attempt(8, accepted(receipt, true)));
    });
}

#[test]
fn a_repetition_that_starts_something_is_noticed() {
    breaks(["a name never means two runs"], |history| {
        let receipt = history.requests[0].receipt().unwrap().clone();
        history.requests[0]
            .attempts
            .push(attempt(8, accepted(receipt, false)));
    });
}

#[test]
fn a_repetition_after_a_lost_answer_may_be_one_or_not() {
    for replayed in [true, false] {
        breaks([], |history| {
            let receipt = history.requests[0].receipt().unwrap().clone();
            let lost = Attempt {
                sent: 0,
                done: 0,
                ..attempt(0, Outcome::Cut)
            };
            history.requests[0].attempts = vec![lost, attempt(1, accepted(receipt, replayed))];
        });
    }
}

#[test]
fn a_first_request_that_is_called_a_repetition_is_noticed() {
    breaks(["a name never means two runs"], |history| {
        let receipt = history.requests[0].receipt().unwrap().clone();
        history.requests[0].attempts = vec![attempt(1, accepted(receipt, true))];
    });
}

#[test]
fn two_requests_with_one_run_are_noticed() {
    breaks(["a name never means two runs"], |history| {
        let receipt = history.requests[2].receipt().unwrap().clone();
        let mut request = request("x", 20, 0, 1);
        request.run_id = None;
        request.attempts = vec![attempt(20, accepted(receipt, false))];
        history.requests.push(request);
        // Its prompt is in the history, so that only the name is wrong.
        let both = message(
            "ask-c",
            "user",
            &[text("c x [[say 2]]"), finish("stop", "")],
        );
        everywhere(history, |story| {
            if let Some(asked) = at(story, 1003) {
                asked.payload = both.clone();
            }
        });
        history.messages.get_mut(SESSION).unwrap()[4] = both;
    });
}

#[test]
fn another_prompt_under_a_known_name_must_be_refused() {
    let other = |outcome| Attempt {
        is_other: true,
        ..attempt(8, outcome)
    };
    breaks([], |history| {
        history.requests[0]
            .attempts
            .push(other(refused(422, "idempotency_mismatch")))
    });
    breaks([], |history| {
        history.requests[0]
            .attempts
            .push(other(refused(503, "storage_unavailable")))
    });
    breaks(["a name never means two runs"], |history| {
        let receipt = history.requests[0].receipt().unwrap().clone();
        history.requests[0]
            .attempts
            .push(other(accepted(receipt, true)));
    });
    breaks(["a name never means two runs"], |history| {
        history.requests[0]
            .attempts
            .push(other(refused(429, "queue_full")));
    });
}

#[test]
fn a_prompt_that_is_twice_in_the_history_is_noticed() {
    breaks(["a prompt is in the history once"], |history| {
        history
            .messages
            .get_mut(SESSION)
            .unwrap()
            .insert(0, asked("a"));
    });
}

#[test]
fn a_prompt_of_a_completed_run_that_is_nowhere_is_noticed() {
    breaks(["a prompt is in the history once"], |history| {
        everywhere(history, |story| story.retain(|seen| seen.seq != 2));
        history.readers[2] = reader(Kind::Contract, history.readers[2].seen.clone());
        history.messages.get_mut(SESSION).unwrap().remove(0);
    });
}

#[test]
fn a_message_that_somebody_saw_and_that_is_gone_is_noticed() {
    breaks(["what was seen stays", "deltas fit together"], |history| {
        let more = event(
            11,
            "message",
            "created",
            message("more", "user", &[text("more")]),
        );
        everywhere(history, |story| put(story, more.clone()));
        history.run_logs = good().run_logs;
        history.readers[3] = good().readers.remove(3);
    });
}

#[test]
fn turns_out_of_order_are_noticed() {
    let swap = |history: &mut History| history.messages.get_mut(SESSION).unwrap().rotate_left(2);
    breaks(["turns follow the order of acceptance"], swap);
    breaks([], |history| {
        swap(history);
        history.requests[1].policy = Policy::Interrupt;
        history.requests[2].policy = Policy::Interrupt;
    });
}

#[test]
fn prompts_that_were_sent_at_the_same_time_may_have_their_turns_in_any_order() {
    breaks([], |history| {
        history.messages.get_mut(SESSION).unwrap().rotate_left(4);
        for request in &mut history.requests {
            (request.attempts[0].sent, request.attempts[0].done) = (1, 9);
        }
    });
}

#[test]
fn an_event_of_a_run_before_its_receipt_is_noticed() {
    breaks(["a receipt is older than its run"], |history| {
        let Outcome::Accepted { receipt, .. } = &mut history.requests[1].attempts[0].outcome else {
            panic!()
        };
        receipt.seq = 7;
    });
}

#[test]
fn a_number_that_goes_back_is_noticed() {
    breaks(
        ["numbers only go up", "every reader is told the story"],
        |history| {
            history.readers[0].seen.swap(1, 2);
        },
    );
}

#[test]
fn a_number_that_comes_twice_is_noticed() {
    breaks(
        ["numbers only go up", "every reader is told the story"],
        |history| {
            let again = history.readers[0].seen[1].clone();
            history.readers[0].seen.insert(2, again);
        },
    );
}

#[test]
fn another_epoch_is_noticed() {
    breaks(["a log has one epoch"], |history| {
        history.log.last_mut().unwrap().epoch = "f".to_owned()
    });
}

#[test]
fn a_number_that_is_used_again_is_noticed() {
    // A snapshot of a message that was never stored, and after the death something else under its number.
    breaks(["a number means one event"], |history| {
        history.readers[0].seen[7].seq = 1000;
        history.readers[2].seen.insert(
            6,
            Seen {
                life: 0,
                ..snapshot(9, "wor")
            },
        );
        history.readers[2].seen[6].seq = 1000;
    });
}

#[test]
fn a_log_that_a_restart_changes_is_noticed() {
    breaks(["a restart changes nothing"], |history| {
        history.log_again.truncate(5)
    });
    breaks(["a restart changes nothing"], |history| {
        history.log_again[3].payload = said("a", "word0 ")
    });
}

#[test]
fn an_event_behind_the_end_of_its_run_is_noticed() {
    breaks(["nothing of a run follows its end"], |history| {
        everywhere(history, |story| {
            if let (Some(said), Some(end)) = (
                story.iter().position(|seen| seen.seq == 5),
                story.iter().position(|seen| seen.seq == 6),
            ) {
                story[said].seq = 6;
                story[end].seq = 5;
                story.swap(said, end);
            }
        });
        // The stream of a run ends with the end all the same.
        history
            .run_logs
            .get_mut("a")
            .unwrap()
            .retain(|seen| seen.kind != "message" || seen.change == "created");
    });
}

#[test]
fn a_stream_of_a_run_without_its_end_is_noticed() {
    breaks(["nothing of a run follows its end"], |history| {
        history.run_logs.get_mut("a").unwrap().pop();
    });
}

#[test]
fn a_reader_that_misses_something_is_noticed() {
    breaks(["every reader is told the story"], |history| {
        history.readers[0].seen.retain(|seen| seen.seq != 6);
    });
    breaks(["every reader is told the story"], |history| {
        history.readers[3].seen.retain(|seen| seen.seq != 7);
    });
}

#[test]
fn a_reader_that_never_comes_to_the_end_is_noticed() {
    breaks(["every reader is told the story"], |history| {
        history.readers[1].is_complete = false
    });
}

#[test]
fn a_gap_that_nothing_explains_is_noticed() {
    breaks(["every reader is told the story"], |history| {
        let gap = event(0, "gap", "", json!({ "from": 1, "to": 2 }));
        history.readers[0].seen.insert(0, gap);
    });
}

#[test]
fn an_event_that_is_told_and_not_in_the_log_is_noticed() {
    breaks(["every reader is told the story"], |history| {
        let more = event(
            1009,
            "agent_event",
            "created",
            json!({ "type": "agent_finished" }),
        );
        history.readers[0].seen.push(more);
    });
}

#[test]
fn a_client_without_a_cursor_that_misses_something_behind_the_death_is_noticed() {
    breaks(["every reader is told the story"], |history| {
        history.readers[2].seen.retain(|seen| seen.seq != 1002);
    });
    breaks(["every reader is told the story"], |history| {
        history.readers[2].seen.retain(|seen| seen.seq != 3);
    });
}

#[test]
fn a_reader_that_ends_with_an_old_state_is_noticed() {
    breaks(["every reader ends alike"], |history| {
        history.readers[0].seen.retain(|seen| seen.seq != 1006);
    });
    breaks(["every reader ends alike"], |history| {
        history.readers[2].seen.retain(|seen| seen.seq != 1006);
    });
}

#[test]
fn deltas_that_do_not_fit_are_noticed() {
    let with = |event: Seen| {
        move |history: &mut History| {
            put(&mut history.readers[1].seen, event);
        }
    };
    let rules = ["deltas fit together"];
    breaks([], with(delta(1005, "say-c", 0, "word0 word1 ")));
    breaks(rules, with(delta(1005, "say-c", 3, "d0 ")));
    breaks(rules, with(delta(10, "say-x", 0, "word0 ")));
    breaks(rules, with(delta(10, "say-b", 0, "word0 word1 word2 ")));
    breaks(rules, |history| {
        history.readers[1].seen.retain(|seen| seen.seq != 1006)
    });
}

#[test]
fn a_message_that_is_never_finished_is_noticed() {
    breaks(["histories are whole"], |history| {
        let unfinished = message("say-z", "assistant", &[]);
        history.messages.get_mut(SESSION).unwrap().push(unfinished);
    });
}

#[test]
fn a_call_of_a_tool_without_an_answer_is_noticed() {
    let call = json!({ "type": "tool_call", "data": { "id": "t" } });
    let result = json!({ "type": "tool_result", "data": { "tool_call_id": "t" } });
    let calls = message("say-z", "assistant", &[call, finish("tool_use", "")]);
    let answers = message("tool-z", "tool", &[result, finish("stop", "")]);
    breaks([], |history| {
        history
            .messages
            .get_mut(SESSION)
            .unwrap()
            .extend([calls.clone(), answers.clone()]);
    });
    breaks(["histories are whole"], |history| {
        history
            .messages
            .get_mut(SESSION)
            .unwrap()
            .extend([answers, calls]);
    });
}

#[test]
fn an_interrupted_run_that_does_not_say_so_is_noticed() {
    breaks(["an interrupted run says so"], |history| {
        let closed = message(
            "say-b",
            "assistant",
            &[text("word0 "), finish("end_turn", "")],
        );
        everywhere(history, |story| {
            if let Some(seen) = at(story, 1001) {
                seen.payload = closed.clone();
            }
        });
        history.messages.get_mut(SESSION).unwrap()[3] = closed;
    });
    breaks(["an interrupted run says so"], |history| {
        everywhere(history, |story| {
            if let Some(seen) = at(story, 1002) {
                seen.payload["error"] = json!("");
            }
        });
    });
}

#[test]
fn an_end_that_quotes_something_else_is_noticed() {
    breaks(["an end repeats its message"], |history| {
        history.runs[0]["text"] = json!("word0 ")
    });
    breaks(["an end repeats its message"], |history| {
        everywhere(history, |story| {
            if let Some(seen) = at(story, 6) {
                seen.payload["text"] = json!("");
            }
        });
    });
}

#[test]
fn words_that_the_model_never_said_are_noticed() {
    breaks(["the model's words are kept"], |history| {
        history.requests[1].script.words = 0
    });
    breaks(["the model's words are kept"], |history| {
        history.requests[0].script.words = 3
    });
    breaks(["the model's words are kept"], |history| {
        history.requests[0].script.steps = 2
    });
    breaks(["the model's words are kept"], |history| {
        history.requests[0].script.ending = Ending::Fails
    });
}

#[test]
fn text_that_somebody_saw_long_before_the_death_must_be_kept() {
    let late = |history: &mut History| history.readers[0].seen[7] = snapshot(9, "word0 word1 ");
    breaks([], late);
    breaks(["what was seen stays"], |history| {
        history.readers[0].seen[7] = snapshot(7, "word0 word1 ");
        // Somebody hears of the server until it dies.
        history.readers[1].seen[8].at = DEATH;
    });
    breaks(["what was seen stays"], |history| {
        history.readers[0].seen[7] = snapshot(9, "else ");
    });
}

#[test]
fn a_message_that_was_seen_finished_must_stay() {
    breaks(["what was seen stays"], |history| {
        let finished = message(
            "say-b",
            "assistant",
            &[text("word0 "), finish("end_turn", "")],
        );
        history.readers[0].seen[7] = Seen {
            payload: finished,
            ..snapshot(9, "")
        };
    });
}
