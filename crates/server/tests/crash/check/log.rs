//! The rules about the log itself: its numbers, its epoch, what comes after what.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{History, Seen};

/// Numbers grow, in the log and for each reader, over all cuts and all lives of the server.
pub(super) fn numbers_go_up(history: &History, problems: &mut Vec<String>) {
    for (name, story) in stories(history) {
        let numbered: Vec<_> = story.iter().filter(|seen| is_numbered(seen)).collect();
        for pair in numbered.windows(2) {
            if pair[1].seq <= pair[0].seq {
                problems.push(format!("{name}: {} after {}", pair[1].seq, pair[0].seq));
            }
        }
    }
}

pub(super) fn one_epoch(history: &History, problems: &mut Vec<String>) {
    let all = stories(history).flat_map(|(_, story)| story);
    let epochs: BTreeSet<_> = all
        .filter(|seen| is_numbered(seen))
        .map(|seen| seen.epoch.as_str())
        .collect();
    if epochs.len() > 1 {
        problems.push(format!("{epochs:?}"));
    }
}

/// Whoever is sent an event under a number is sent the same.
pub(super) fn numbers_are_unique(history: &History, problems: &mut Vec<String>) {
    let mut known: BTreeMap<u64, (String, &Seen)> = BTreeMap::new();
    for (name, story) in stories(history) {
        for seen in story
            .iter()
            .filter(|seen| is_numbered(seen) && seen.kind != "message_delta")
        {
            let (other, first) = known.entry(seen.seq).or_insert((name.clone(), seen));
            if first.content() != seen.content() {
                problems.push(format!(
                    "{}: {other} was sent {} and {name} {}",
                    seen.seq,
                    told(first),
                    told(seen)
                ));
            }
        }
    }
}

/// The log is the same after a restart in good order.
pub(super) fn restart_changes_nothing(history: &History, problems: &mut Vec<String>) {
    let same = |(before, after): (&Seen, &Seen)| {
        before.seq == after.seq && before.content() == after.content()
    };
    let (before, after) = (&history.log, &history.log_again);
    if let Some(at) = before.iter().zip(after).position(|pair| !same(pair)) {
        problems.push(format!("{} became {}", told(&before[at]), told(&after[at])));
    } else if before.len() != after.len() {
        problems.push(format!("{} events became {}", before.len(), after.len()));
    }
}

/// The terminal event is the last that a run does.
pub(super) fn nothing_after_the_end(history: &History, problems: &mut Vec<String>) {
    for (run, story) in &history.run_logs {
        let Some(end) = story.last().filter(|last| last.ended_run() == Some(run)) else {
            problems.push(format!(
                "the stream of run {run} does not end with its terminal event"
            ));
            continue;
        };
        let messages: BTreeSet<_> = story
            .iter()
            .filter(|seen| seen.kind == "message")
            .map(Seen::id)
            .collect();
        let late = |seen: &&Seen| {
            seen.kind == "message" && seen.seq > end.seq && messages.contains(seen.id())
        };
        if let Some(late) = history.log.iter().find(late) {
            problems.push(format!(
                "run {run} ended at {} and went on with {}",
                end.seq,
                told(late)
            ));
        }
    }
}

/// The log and what every reader was sent, with a name for each.
fn stories(history: &History) -> impl Iterator<Item = (String, &[Seen])> {
    let readers = history
        .readers
        .iter()
        .map(|reader| (reader.name.clone(), reader.seen.as_slice()));
    let runs = history
        .run_logs
        .iter()
        .map(|(run, log)| (format!("the stream of run {run}"), log.as_slice()));
    [("the log".to_owned(), history.log.as_slice())]
        .into_iter()
        .chain(readers)
        .chain(runs)
}

/// A gap is told to one reader and has no place of its own, and neither has what a reader is brought up to date with.
fn is_numbered(seen: &Seen) -> bool {
    seen.kind != "gap" && seen.seq != 0
}

/// An event in a few words.
pub(super) fn told(seen: &Seen) -> String {
    let payload = seen.payload.to_string();
    let payload: String = payload.chars().take(500).collect();
    format!("{} {} {} {payload}", seen.seq, seen.kind, seen.change)
}
