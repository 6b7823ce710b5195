//! The rules about what is written: valid to the end, the model's own words, and nothing lost that somebody had read.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::runs::{ends, records};
use crate::history::{Ending, History, Kind, Request, Seen, finish_of, text_of};

/// So much streamed text may be lost when the server dies (issue 4, "Start-up recovery").
const LOST: Duration = Duration::from_millis(250);

/// How much later than it should a busy machine may get around to storing it.
const LATE: Duration = Duration::from_millis(350);

/// Every message of the model is finished, every call of a tool is answered behind it.
pub(super) fn histories_are_whole(history: &History, problems: &mut Vec<String>) {
    for (session, messages) in &history.messages {
        for (at, message) in messages.iter().enumerate() {
            if message["role"] == "assistant" && finish_of(message).is_none() {
                problems.push(format!("session {session}: {message} is not finished"));
            }
            for call in parts(message, "tool_call") {
                let answers = |later: &Value| {
                    parts(later, "tool_result").any(|result| result["tool_call_id"] == call["id"])
                };
                if !messages[at + 1..].iter().any(answers) {
                    problems.push(format!(
                        "session {session}: call {} is not answered",
                        call["id"]
                    ));
                }
            }
        }
    }
}

/// A run that the server died under ends with an error, and with a message that names it; unless its turn was over and
/// had said how, and only the run was not.
pub(super) fn interrupted_say_so(history: &History, problems: &mut Vec<String>) {
    let messages = by_id(history);
    for (run, ends) in ends(history) {
        for end in ends
            .iter()
            .filter(|end| end.payload["state"] == "interrupted")
        {
            let message = end.payload["message_id"].as_str();
            let message = message.and_then(|id| messages.get(id));
            if !message.is_some_and(|message| says_how_it_ends(history, run, message)) {
                problems.push(format!("run {run}: its last message is {message:?}"));
            }
            if end.payload["error"].as_str().unwrap_or_default().is_empty() {
                problems.push(format!("run {run}: its terminal event has no error"));
            }
        }
    }
}

fn says_how_it_ends(history: &History, run: &str, message: &Value) -> bool {
    let Some(finish) = finish_of(message) else {
        return false;
    };
    let is_of = |request: &&Request| request.run() == Some(run);
    let request = history.requests.iter().find(is_of);
    let ending = |ending| request.is_none_or(|request| request.script.ending == ending);
    match finish["message"].as_str().unwrap_or_default() {
        "Interrupted" => finish["reason"] == "error",
        "User canceled request" => finish["reason"] == "canceled",
        "Offline model failure" => ending(Ending::Fails),
        "Agent panicked" => ending(Ending::Panics),
        _ => request.is_none_or(|request| text_of(message) == answer(request)),
    }
}

/// The terminal event and the record quote the last message as it is.
pub(super) fn ends_repeat_messages(history: &History, problems: &mut Vec<String>) {
    let (messages, records) = (by_id(history), records(history));
    let quotes = |quote: &Value, text: &str| quote.as_str().unwrap_or_default() == text;
    for (run, ends) in ends(history) {
        let end = &ends[0].payload;
        let Some(message) = end["message_id"].as_str().and_then(|id| messages.get(id)) else {
            continue;
        };
        let text = text_of(message);
        if !quotes(&end["text"], text) {
            problems.push(format!(
                "run {run}: its terminal event says {}, its message {text:?}",
                end["text"]
            ));
        }
        if let Some(record) = records.get(run)
            && !quotes(&record["text"], text)
        {
            problems.push(format!(
                "run {run}: its record says {}, its message {text:?}",
                record["text"]
            ));
        }
    }
}

/// What the model wrote is the beginning of what it was asked to say, and all of it if it could.
pub(super) fn words_are_the_model_s(history: &History, problems: &mut Vec<String>) {
    let (messages, records) = (by_id(history), records(history));
    for request in &history.requests {
        let Some(receipt) = request.receipt() else {
            continue;
        };
        let (Some(story), Some(record)) = (
            history.run_logs.get(&receipt.run_id),
            records.get(receipt.run_id.as_str()),
        ) else {
            continue;
        };
        let said: Vec<&str> = story
            .iter()
            .filter(|seen| {
                seen.kind == "message"
                    && seen.change == "created"
                    && seen.payload["role"] == "assistant"
            })
            .filter_map(|seen| messages.get(seen.id()))
            .map(|message| text_of(message))
            .collect();
        let all = answer(request);
        for text in &said {
            if !all.starts_with(text) {
                problems.push(format!(
                    "run {}: the model never said {text:?}",
                    receipt.run_id
                ));
            }
        }
        let is_done = record["state"] == "completed" && record["folded_into"].is_null();
        let is_whole = said.len() == request.script.steps && said.iter().all(|text| *text == all);
        if is_done && !is_whole {
            problems.push(format!(
                "run {} is completed and says {said:?}",
                receipt.run_id
            ));
        }
        let can_complete = request.script.ending == Ending::Well;
        if record["state"] == "completed" && !can_complete && record["folded_into"].is_null() {
            problems.push(format!(
                "run {} was to fail and is completed",
                receipt.run_id
            ));
        }
    }
}

/// A message that somebody has seen finished stays as it is; of one that was being written when the server died, what
/// somebody had seen a moment before stays.
pub(super) fn what_was_seen_stays(history: &History, problems: &mut Vec<String>) {
    let messages = by_id(history);
    for (reader, seen) in seen_messages(history) {
        let Some(kept) = messages.get(seen.id()) else {
            let id = seen.id();
            problems.push(format!("{reader} was sent message {id}, which is gone"));
            continue;
        };
        if finish_of(&seen.payload).is_some() && seen.payload["parts"] != kept["parts"] {
            let id = seen.id();
            problems.push(format!(
                "{reader} was sent message {id} finished, and it has changed"
            ));
        }
        let (text, kept) = (text_of(&seen.payload), text_of(kept));
        if !kept.starts_with(text) && !text.starts_with(kept) {
            problems.push(format!("{reader} was sent {text:?}, and kept is {kept:?}"));
        }
    }
    let lost = longest_loss(history);
    if lost > LOST + LATE {
        problems.push(format!(
            "text is lost that was seen {lost:?} before the server died"
        ));
    }
}

/// How long before a death somebody had seen text that is lost.
pub(super) fn longest_loss(history: &History) -> Duration {
    let (messages, signs) = (by_id(history), last_signs(history));
    let age = |(_, seen): (&str, &Seen)| {
        let kept = text_of(messages.get(seen.id())?);
        let is_lost = text_of(&seen.payload).len() > kept.len();
        is_lost.then(|| {
            signs
                .get(seen.life)
                .map(|sign| sign.saturating_sub(seen.at))
        })?
    };
    seen_messages(history)
        .filter_map(age)
        .max()
        .unwrap_or_default()
}

/// What readers were sent of messages as a whole, with their names.
fn seen_messages(history: &History) -> impl Iterator<Item = (&str, &Seen)> {
    let readers = history
        .readers
        .iter()
        .filter(|reader| reader.kind != Kind::Deltas);
    readers.flat_map(|reader| {
        let messages = reader.seen.iter().filter(|seen| seen.kind == "message");
        messages.map(move |seen| (reader.name.as_str(), seen))
    })
}

/// When each life of the server was last heard of. It may have lived a little longer.
fn last_signs(history: &History) -> Vec<Duration> {
    let mut signs = history.deaths.clone();
    for (life, death) in signs.iter_mut().enumerate() {
        let in_life = |seen: &&Seen| seen.life == life;
        let seen = history
            .readers
            .iter()
            .flat_map(|reader| &reader.seen)
            .filter(in_life);
        *death = seen
            .map(|seen| seen.at)
            .max()
            .unwrap_or_default()
            .min(*death);
    }
    signs
}

fn answer(request: &Request) -> String {
    (0..request.script.words)
        .map(|n| format!("word{n} "))
        .collect()
}

fn by_id(history: &History) -> BTreeMap<&str, &Value> {
    let named = |message| Some((id_of(message)?, message));
    history
        .messages
        .values()
        .flatten()
        .filter_map(named)
        .collect()
}

fn id_of(message: &Value) -> Option<&str> {
    message["id"].as_str()
}

fn parts<'a>(message: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let parts = message["parts"].as_array().map_or(&[][..], Vec::as_slice);
    parts
        .iter()
        .filter(move |part| part["type"] == kind)
        .map(|part| &part["data"])
}
