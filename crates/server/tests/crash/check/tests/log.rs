//! The rules about the log itself.

use super::fixture::{breaks, everywhere, said, snapshot};
use crate::history::Seen;

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
