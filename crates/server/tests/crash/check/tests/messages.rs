//! The rules about what is written.

use serde_json::{Value, json};

use super::fixture::{
    DEATH, SESSION, at, breaks, event, everywhere, finish, good, message, put, snapshot, text,
};
use crate::history::{Ending, History, Seen};

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
#[test]
fn a_turn_that_was_over_when_the_server_died_says_how_it_ended() {
    let closed = |words: &str, ending: Value| message("say-b", "assistant", &[text(words), ending]);
    let with = |closed: Value| {
        move |history: &mut History| {
            everywhere(history, |story| {
                if let Some(seen) = at(story, 1001) {
                    seen.payload = closed.clone();
                }
            });
            history.messages.get_mut(SESSION).unwrap()[3] = closed;
        }
    };
    let rule = ["an interrupted run says so"];
    breaks(
        [],
        with(closed(
            "word0 ",
            finish("canceled", "User canceled request"),
        )),
    );
    breaks(rule, with(closed("word0 ", finish("end_turn", ""))));
    breaks(
        rule,
        with(closed("word0 ", finish("error", "Offline model failure"))),
    );
    breaks(
        rule,
        with(closed("word0 ", finish("error", "Agent panicked"))),
    );
}
