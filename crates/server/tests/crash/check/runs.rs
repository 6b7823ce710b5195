//! The rules about requests, receipts and runs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::history::{Attempt, History, Outcome, Policy, Receipt, Request, Seen, text_of};

/// Each 202 has one terminal event and a record that agrees with it; no run has two.
pub(super) fn accepted_end_once(history: &History, problems: &mut Vec<String>) {
    let records = records(history);
    let ends = ends(history);
    for (run, ends) in &ends {
        if ends.len() > 1 {
            problems.push(format!("run {run} has {} terminal events", ends.len()));
        }
    }
    for run in accepted(history) {
        let Some(end) = ends.get(run).map(|ends| ends[0]) else {
            problems.push(format!("run {run} was accepted and never ended"));
            continue;
        };
        match records.get(run) {
            None => problems.push(format!("run {run} was accepted and has no record")),
            Some(record) if record["state"] != end.payload["state"] => problems.push(format!(
                "run {run} ended as {} and its record says {}",
                end.payload["state"], record["state"]
            )),
            Some(_) => {}
        }
    }
}

/// Each run that is there was asked for, by a request that was accepted or whose answer nobody got.
pub(super) fn none_from_nowhere(history: &History, problems: &mut Vec<String>) {
    let mut known: BTreeSet<&str> = accepted(history);
    let mut unnamed = 0;
    for request in unanswered(history) {
        match &request.run_id {
            Some(run) => {
                known.insert(run);
            }
            None => unnamed += 1,
        }
    }
    let records = records(history);
    for request in history
        .requests
        .iter()
        .filter(|request| is_refused(request))
    {
        if let Some(run) = &request.run_id
            && records.contains_key(run.as_str())
        {
            problems.push(format!("run {run} was refused and is there"));
        }
    }
    let there = records.keys().copied().chain(ends(history).into_keys());
    let strangers: BTreeSet<&str> = there.filter(|run| !known.contains(run)).collect();
    if strangers.len() > unnamed {
        problems.push(format!(
            "{unnamed} requests without a name got no answer, and {strangers:?} are there"
        ));
    }
}

/// The same name gives the same receipt for ever, marked from the second time on, and other requests are refused it.
pub(super) fn names_are_unique(history: &History, problems: &mut Vec<String>) {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for request in &history.requests {
        let marker = request.marker.as_str();
        let mut receipts: Vec<&Receipt> = Vec::new();
        for receipt in request.attempts.iter().filter_map(Attempt::receipt) {
            if !receipts.contains(&receipt) {
                receipts.push(receipt);
            }
        }
        if receipts.len() > 1 {
            problems.push(format!("{marker} was given several receipts: {receipts:?}"));
        }
        for receipt in receipts {
            if request
                .run_id
                .as_ref()
                .is_some_and(|run| *run != receipt.run_id)
            {
                problems.push(format!("{marker} was given the name {}", receipt.run_id));
            }
            let owner = *owners.entry(&receipt.run_id).or_insert(marker);
            if owner != marker {
                problems.push(format!("run {} is of {owner} and {marker}", receipt.run_id));
            }
        }
        repeats(request, problems);
    }
}

/// Each repetition against those that were certainly made before it.
fn repeats(request: &Request, problems: &mut Vec<String>) {
    let marker = request.marker.as_str();
    let fresh = |attempt: &&Attempt| {
        let fresh =
            |outcome: &Outcome| matches!(outcome, Outcome::Accepted { replayed, .. } if !replayed);
        fresh(&attempt.outcome)
    };
    if request.attempts.iter().filter(fresh).count() > 1 {
        problems.push(format!("{marker} was accepted as new more than once"));
    }
    for attempt in &request.attempts {
        let before = |other: &&Attempt| other.done < attempt.sent;
        let was_accepted = request
            .attempts
            .iter()
            .filter(before)
            .any(|other| other.receipt().is_some());
        let maybe_accepted = request
            .attempts
            .iter()
            .any(|other| !std::ptr::eq(other, attempt) && other.sent < attempt.done);
        match &attempt.outcome {
            Outcome::Accepted {
                replayed: false, ..
            } if was_accepted => {
                problems.push(format!("{marker} was accepted and then accepted as new"));
            }
            Outcome::Accepted { replayed: true, .. } if !maybe_accepted => {
                problems.push(format!("{marker} was said to be a repetition and was not"));
            }
            Outcome::Accepted { .. } if attempt.is_other => {
                problems.push(format!("{marker} was accepted with another prompt"));
            }
            Outcome::Refused { status, code } if was_accepted => {
                let expected = attempt.is_other && *status == 422 && code == "idempotency_mismatch";
                // A store that does not answer cannot say that it knows the name.
                if !expected && !is_outage(*status) {
                    problems.push(format!(
                        "{marker} was accepted, then refused with {status} {code}"
                    ));
                }
            }
            Outcome::Accepted { .. } | Outcome::Refused { .. } | Outcome::Cut => {}
        }
    }
}

/// What was prompted is in the history, and in the log, once; also if the run never started.
pub(super) fn prompts_are_once(history: &History, problems: &mut Vec<String>) {
    let records = records(history);
    for request in &history.requests {
        let is_said = |message: &&Value| is_prompt(message, &request.marker);
        let kept = history.messages.values().flatten().filter(is_said).count();
        let created = |seen: &&Seen| {
            seen.kind == "message"
                && seen.change == "created"
                && is_prompt(&seen.payload, &request.marker)
        };
        let told = history.log.iter().filter(created).count();
        let state = request
            .receipt()
            .and_then(|receipt| records.get(receipt.run_id.as_str()));
        let ended = state
            .and_then(|record| record["state"].as_str())
            .unwrap_or_default();
        if kept > 1 || told > 1 || kept != told {
            let (marker, policy) = (&request.marker, request.policy);
            problems.push(format!(
                "the prompt {marker} ({policy:?}, {ended}) is {kept} times in the history and {told} times in the log"
            ));
        }
        if matches!(ended, "completed" | "cancelled") && kept == 0 {
            problems.push(format!(
                "the prompt {} of a run that is {ended} is not in the history",
                request.marker
            ));
        }
    }
}

/// Of two prompts of a session that both waited for their turn, the one that was accepted before the other was sent has
/// its turn first.
pub(super) fn turns_are_in_order(history: &History, problems: &mut Vec<String>) {
    let records = records(history);
    for (session, messages) in &history.messages {
        let place = |request: &&Request| {
            messages
                .iter()
                .position(|message| is_prompt(message, &request.marker))
        };
        let waited: Vec<(usize, &Request)> = history
            .requests
            .iter()
            .filter(|request| request.session == *session && had_its_turn(request, &records))
            .filter_map(|request| Some((place(&request)?, request)))
            .collect();
        for (place, first) in &waited {
            let Some(accepted) = first
                .attempts
                .iter()
                .find(|attempt| attempt.receipt().is_some())
            else {
                continue;
            };
            for (other_place, second) in &waited {
                let sent = second.attempts.iter().map(|attempt| attempt.sent).min();
                if sent.is_some_and(|sent| accepted.done < sent) && other_place < place {
                    problems.push(format!(
                        "{} was accepted before {} and had its turn after it",
                        first.marker, second.marker
                    ));
                }
            }
        }
    }
}

/// Everything about a run comes after the place in the story that its receipt names.
pub(super) fn receipts_are_older(history: &History, problems: &mut Vec<String>) {
    for receipt in history.requests.iter().filter_map(Request::receipt) {
        let log = history.run_logs.get(&receipt.run_id);
        let first = log.and_then(|log| log.first());
        if let Some(first) = first.filter(|first| first.seq <= receipt.seq) {
            problems.push(format!(
                "run {} was accepted at {} and has an event {}",
                receipt.run_id, receipt.seq, first.seq
            ));
        }
    }
}

/// A run that was accepted before a cancel was sent, and that the cancel covers, has no turn that begins after the cancel
/// was answered: neither one of its own nor one that took it in, in whichever life of the server.
pub(super) fn stopped_never_starts(history: &History, problems: &mut Vec<String>) {
    let records = records(history);
    let started = |run: &str| records.get(run)?["started_at_ms"].as_u64();
    for stop in &history.stops {
        for request in &history.requests {
            let accepted = |attempt: &&Attempt| attempt.done < stop.sent;
            let attempts = request.attempts.iter().filter(accepted);
            let Some(receipt) = attempts.filter_map(Attempt::receipt).next() else {
                continue;
            };
            let run = receipt.run_id.as_str();
            let is_covered = match &stop.run {
                Some(stopped) => stopped == run,
                None => stop.session == request.session,
            };
            let record = records.get(run);
            let into = record.and_then(|record| field(record, "folded_into"));
            let turn = into.and_then(started).or_else(|| started(run));
            if is_covered && turn.is_some_and(|turn| turn > stop.answered_ms) {
                problems.push(format!(
                    "run {run} was accepted before {stop:?} and has a turn that began at {turn:?}"
                ));
            }
        }
    }
}

/// Whether the run went through the queue to a turn of its own.
fn had_its_turn(request: &Request, records: &BTreeMap<&str, &Value>) -> bool {
    let record = request
        .receipt()
        .and_then(|receipt| records.get(receipt.run_id.as_str()));
    record.is_some_and(|record| {
        request.policy != Policy::Interrupt
            && record["folded_into"].is_null()
            // One that was interrupted before it began may have been taken into the turn of another.
            && record["started_at_ms"].is_number()
            && record["state"] != "cancelled"
    })
}

fn is_prompt(message: &Value, marker: &str) -> bool {
    message["role"] == "user" && text_of(message).split(' ').any(|word| word == marker)
}

/// Whether a status says that the server could not do anything at all.
fn is_outage(status: u16) -> bool {
    matches!(status, 503 | 507)
}

fn is_refused(request: &Request) -> bool {
    let refused = |attempt: &Attempt| matches!(attempt.outcome, Outcome::Refused { .. });
    !request.attempts.is_empty() && request.attempts.iter().all(refused)
}

/// Requests that may have been accepted, and nobody knows.
fn unanswered(history: &History) -> impl Iterator<Item = &Request> {
    history
        .requests
        .iter()
        .filter(|request| request.receipt().is_none() && request.may_be_accepted())
}

fn accepted(history: &History) -> BTreeSet<&str> {
    history
        .requests
        .iter()
        .filter_map(Request::receipt)
        .map(|receipt| receipt.run_id.as_str())
        .collect()
}

/// The records of the runs by their names.
pub(super) fn records(history: &History) -> BTreeMap<&str, &Value> {
    let named = |run| Some((field(run, "run_id")?, run));
    history.runs.iter().filter_map(named).collect()
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value[name].as_str()
}

/// The terminal events by their runs.
pub(super) fn ends(history: &History) -> BTreeMap<&str, Vec<&Seen>> {
    let mut ends: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for seen in &history.log {
        if let Some(run) = seen.ended_run() {
            ends.entry(run).or_default().push(seen);
        }
    }
    ends
}
