//! The rules about requests, receipts and runs, and about strange answers.

use serde_json::json;

use super::fixture::{
    SESSION, accepted, asked, at, attempt, breaks, everywhere, finish, message, put, reader,
    refused, request, stop, text,
};
use crate::history::{Attempt, History, Kind, Outcome, Policy, Receipt, Seen};

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
fn turns_out_of_order_are_noticed() {
    let swap = |history: &mut History| history.messages.get_mut(SESSION).unwrap().rotate_left(2);
    breaks(["turns follow the order of acceptance"], swap);
    breaks([], |history| {
        swap(history);
        history.requests[1].policy = Policy::Interrupt;
        history.requests[2].policy = Policy::Interrupt;
    });
    breaks([], |history| {
        swap(history);
        for record in &mut history.runs {
            record["started_at_ms"] = json!(null);
        }
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
fn a_run_that_starts_after_it_was_stopped_is_noticed() {
    let rule = "what was stopped never starts";
    breaks([rule], |history| history.stops = vec![stop(None, 7, 6)]);
    breaks([rule], |history| {
        history.stops = vec![stop(Some("c"), 7, 6)]
    });
    breaks([], |history| {
        // Sent before anything was accepted, answered when all had begun, about a run that nobody asked for.
        history.stops = vec![stop(None, 1, 6), stop(None, 7, 7), stop(Some("d"), 7, 6)];
    });
}

#[test]
fn a_run_that_is_taken_into_a_later_turn_after_it_was_stopped_is_noticed() {
    breaks(["what was stopped never starts"], |history| {
        history.stops = vec![stop(Some("c"), 7, 7)];
        history.runs[2]["folded_into"] = json!("b");
        history.runs[1]["started_at_ms"] = json!(8);
    });
}
