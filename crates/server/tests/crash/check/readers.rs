//! The rules about readers: what each is sent over all its connections is the story of the log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::log::told;
use crate::history::{History, Key, Kind, Reader, Seen, text_of};

/// Every event that must arrive arrives once and in order at each reader with a cursor. One of the contract, which has
/// none, may miss what was on its way to it when the server died, and nothing from then on.
pub(super) fn are_told_the_story(history: &History, problems: &mut Vec<String>) {
    for reader in &history.readers {
        if !reader.is_complete {
            problems.push(format!("{} never came to the end", reader.name));
        }
        if let Some(gap) = reader.seen.iter().find(|seen| seen.kind == "gap") {
            problems.push(format!(
                "{} was told of a gap: {}",
                reader.name, gap.payload
            ));
        }
        let log = match &reader.kind {
            Kind::Whole | Kind::Deltas => Some(&history.log),
            Kind::Run(run) => history.run_logs.get(run),
            Kind::Contract => {
                without_cursor(history, reader, problems);
                continue;
            }
        };
        let log = log.map_or(&[][..], Vec::as_slice);
        if let Some(problem) = first_difference(&must_arrive(log), &must_arrive(&reader.seen)) {
            problems.push(format!("{}: {problem}", reader.name));
        }
    }
}

/// Each reader that has read everything knows the same last state of each thing.
pub(super) fn end_alike(history: &History, problems: &mut Vec<String>) {
    let log = states(&history.log);
    for reader in &history.readers {
        let from = match reader.kind {
            Kind::Whole => 0,
            // What changed before it was there for the last time may have been on its way to it.
            Kind::Contract => last_connection(reader)
                .first()
                .map_or(u64::MAX, |seen| seen.seq),
            Kind::Deltas | Kind::Run(_) => continue,
        };
        let known = states(&reader.seen);
        for (key, seen) in log.iter().filter(|(_, seen)| seen.seq >= from) {
            match known.get(key) {
                Some(own) if own.payload == seen.payload => {}
                Some(own) => problems.push(format!(
                    "{} ends with {}, the log with {}",
                    reader.name,
                    told(own),
                    told(seen)
                )),
                None => problems.push(format!("{} was never told {}", reader.name, told(seen))),
            }
        }
    }
}

/// Pieces of a message follow each other without a hole, never begin again from the start, and together are what the
/// message says in the end.
pub(super) fn deltas_fit(history: &History, problems: &mut Vec<String>) {
    let final_texts: BTreeMap<&str, &str> = history
        .messages
        .values()
        .flatten()
        .map(|message| (id_of(message), text_of(message)))
        .collect();
    for reader in history
        .readers
        .iter()
        .filter(|reader| reader.kind == Kind::Deltas)
    {
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        let mut broken: BTreeSet<&str> = BTreeSet::new();
        for seen in &reader.seen {
            if seen.kind == "message" {
                texts.insert(seen.id(), text_of(&seen.payload).to_owned());
            }
            if seen.kind == "message_delta"
                && !broken.contains(seen.id())
                && let Err(problem) = add_delta(&mut texts, seen)
            {
                problems.push(format!("{}: {problem}: {}", reader.name, told(seen)));
                broken.insert(seen.id());
            }
        }
        for (id, text) in texts {
            if final_texts.get(id).is_none_or(|kept| *kept != text) {
                problems.push(format!("{} put message {id} together wrongly", reader.name));
            }
        }
    }
}

fn add_delta<'a>(
    texts: &mut BTreeMap<&'a str, String>,
    delta: &'a Seen,
) -> Result<(), &'static str> {
    let text = texts
        .get_mut(delta.id())
        .ok_or("a piece of a message that was never created")?;
    let offset =
        usize::try_from(delta.payload["offset"].as_u64().unwrap_or_default()).unwrap_or(usize::MAX);
    let piece = delta.payload["text"].as_str().unwrap_or_default();
    if offset > text.len() {
        return Err("a hole before a piece");
    }
    if offset == 0 && !text.is_empty() {
        return Err("a message once more from its start");
    }
    text.truncate(offset);
    text.push_str(piece);
    Ok(())
}

fn without_cursor(history: &History, reader: &Reader, problems: &mut Vec<String>) {
    let all = must_arrive(&history.log);
    let seen = must_arrive(&reader.seen);
    let Some(first) = reader.seen.first() else {
        return;
    };
    let is_seen = |event: &&Seen| seen.iter().any(|own| own.seq == event.seq);
    let begins = lives_begin(history);
    for missed in all
        .iter()
        .filter(|event| event.seq > first.seq && !is_seen(event))
    {
        let may_miss = cut_at(reader, missed.seq).is_some_and(|life| {
            let later = begins.iter().filter(|(_, begun)| *begun > life);
            later
                .map(|(seq, _)| *seq)
                .min()
                .is_none_or(|seq| missed.seq < seq)
        });
        if !may_miss {
            problems.push(format!("{} missed {}", reader.name, told(missed)));
        }
    }
    let expected: Vec<_> = all.into_iter().filter(is_seen).collect();
    if let Some(problem) = first_difference(&expected, &seen) {
        problems.push(format!("{}: {problem}", reader.name));
    }
}

/// The last life in which a reader was cut off between what it was sent before and behind a number; none if both came
/// over one connection.
fn cut_at(reader: &Reader, seq: u64) -> Option<usize> {
    let next = reader
        .seen
        .iter()
        .position(|seen| seen.seq > seq)
        .unwrap_or(reader.seen.len());
    let begins_before = |index: usize| {
        reader
            .connections
            .iter()
            .rposition(|connection| connection.from <= index)
    };
    let (last, following) = (begins_before(next.checked_sub(1)?)?, begins_before(next)?);
    (last < following).then(|| reader.connections[following - 1].at_latest)
}

/// Numbers that were certainly not given before a life of the server, with that life: of a prompt that was first sent
/// in it, and of the end of a run that the life before was killed under.
fn lives_begin(history: &History) -> Vec<(u64, usize)> {
    let mut begins = Vec::new();
    for request in &history.requests {
        let Some(sent) = request.attempts.iter().map(|attempt| attempt.life).min() else {
            continue;
        };
        let is_prompt = |seen: &&Seen| {
            seen.kind == "message"
                && text_of(&seen.payload)
                    .split(' ')
                    .any(|word| word == request.marker)
        };
        begins.extend(
            history
                .log
                .iter()
                .find(is_prompt)
                .map(|seen| (seen.seq, sent)),
        );
        let Some(receipt) = request.receipt() else {
            continue;
        };
        let is_end = |seen: &&Seen| {
            seen.ended_run() == Some(&receipt.run_id) && seen.payload["state"] == "interrupted"
        };
        begins.extend(
            history
                .log
                .iter()
                .find(is_end)
                .map(|seen| (seen.seq, sent + 1)),
        );
    }
    begins
}

fn last_connection(reader: &Reader) -> &[Seen] {
    &reader.seen[reader
        .connections
        .last()
        .map_or(0, |connection| connection.from)..]
}

/// What must arrive, without what is told to single streams.
fn must_arrive(story: &[Seen]) -> Vec<&Seen> {
    let arrives = |seen: &&Seen| seen.is_every() && seen.kind != "gap" && seen.kind != "end";
    story.iter().filter(arrives).collect()
}

fn first_difference(expected: &[&Seen], seen: &[&Seen]) -> Option<String> {
    let same = |(a, b): (&&Seen, &&Seen)| a.seq == b.seq && a.content() == b.content();
    if let Some(at) = expected.iter().zip(seen).position(|pair| !same(pair)) {
        return Some(format!(
            "was sent {} where the log has {}",
            told(seen[at]),
            told(expected[at])
        ));
    }
    match (expected.get(seen.len()), seen.get(expected.len())) {
        (Some(missed), _) => Some(format!("was never sent {}", told(missed))),
        (_, Some(more)) => Some(format!("was sent {}, which is not in the log", told(more))),
        (None, None) => None,
    }
}

/// The last thing that was said of each message and each session.
fn states(story: &[Seen]) -> BTreeMap<Key, &Seen> {
    let things = story
        .iter()
        .filter(|seen| seen.kind == "message" || seen.kind == "session");
    things
        .map(|seen| ((seen.kind.clone(), seen.id().to_owned()), seen))
        .collect()
}

fn id_of(message: &Value) -> &str {
    message["id"].as_str().unwrap_or_default()
}
