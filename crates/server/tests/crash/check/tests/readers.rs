//! The rules about readers.

use serde_json::json;

use super::fixture::{begun, breaks, delta, event, put};
use crate::history::{History, Seen};

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
fn what_brings_a_reader_up_to_date_has_no_number() {
    breaks([], |history| {
        let whole = event(0, "message", "updated", begun("c"));
        let at = history.readers[1].seen.len() - 4;
        history.readers[1].seen.insert(at, whole);
    });
}
