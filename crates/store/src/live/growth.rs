//! How one state of a message becomes the next, in as few bytes as that takes: text that was appended is told alone,
//! whatever is before it. Must never know where the steps are kept.
//!
//! Format: steps, one after the other. Each is a byte for its kind, the place of the part as a [`varint`], and, where
//! the kind says so, the number of bytes that follow and these bytes:
//!
//! | kind | what it does | bytes |
//! |---|---|---|
//! | 0 | more text of the part | the text, UTF-8 |
//! | 1 | a new part, or one that takes the place of the part | the part, JSON |
//! | 2 | like 1, but the part keeps the text that it has | the part without its text, JSON |
//! | 3 | the parts from here on are gone | |
//! | 4 | the message changes, but for its parts | the message without parts, JSON |

use std::mem::swap;

use runwright_proto::{Message, Part, Reasoning, Text, TextPart, ToolCall};

use crate::varint;

const APPEND: u8 = 0;
const PUT: u8 = 1;
const PUT_AROUND_TEXT: u8 = 2;
const CUT: u8 = 3;
const HEAD: u8 = 4;

/// The steps cannot be read, or do not fit the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("growth of a message cannot be read")]
pub(crate) struct BadGrowth;

/// The steps from one state of a message to another; empty if there is nothing to tell. The time of the change is not
/// told.
pub(crate) fn between(old: &Message, new: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    if !same_head(old, new) {
        put(&mut out, HEAD, 0, &json(&head(new)));
    }
    for (place, part) in new.parts.iter().enumerate() {
        match old.parts.get(place) {
            Some(known) => grown(&mut out, place, known, part),
            None => put(&mut out, PUT, place, &json(part)),
        }
    }
    if new.parts.len() < old.parts.len() {
        begin(&mut out, CUT, new.parts.len());
    }
    out
}

/// Takes the steps.
pub(crate) fn apply(message: &mut Message, mut steps: &[u8]) -> Result<(), BadGrowth> {
    while let Some((&kind, rest)) = steps.split_first() {
        steps = rest;
        let place = varint::read(&mut steps).ok_or(BadGrowth)?;
        let place = usize::try_from(place).map_err(|_| BadGrowth)?;
        if kind == CUT {
            message.parts.truncate(place);
            continue;
        }
        let bytes = varint::read_bytes(&mut steps).ok_or(BadGrowth)?;
        match kind {
            APPEND => append(message, place, bytes)?,
            PUT => set(message, place, parsed(bytes)?)?,
            PUT_AROUND_TEXT => set_around_text(message, place, parsed(bytes)?)?,
            HEAD => {
                *message = Message {
                    parts: std::mem::take(&mut message.parts),
                    updated_at: message.updated_at,
                    ..parsed(bytes)?
                };
            }
            _ => return Err(BadGrowth),
        }
    }
    Ok(())
}

/// How a part that was there before has changed.
fn grown(out: &mut Vec<u8>, place: usize, old: &Part, new: &Part) {
    let Some(more) = more(old, new) else {
        if old != new {
            put(out, PUT, place, &json(new));
        }
        return;
    };
    let (old_frame, new_frame) = (without_text(old), without_text(new));
    if old_frame != new_frame {
        put(out, PUT_AROUND_TEXT, place, &json(&new_frame));
    }
    if !more.is_empty() {
        put(out, APPEND, place, more.as_bytes());
    }
}

/// What came to the text of a part; nothing if it has none that may grow, or has another one now.
fn more(old: &Part, new: &Part) -> Option<String> {
    let appended = |old: &Text, new: &Text| new.starts_with(old).then(|| new.slice_from(old.len()));
    match (old, new) {
        (Part::Text(old), Part::Text(new)) => appended(&old.text, &new.text),
        (Part::Reasoning(old), Part::Reasoning(new)) => appended(&old.thinking, &new.thinking),
        (Part::ToolCall(old), Part::ToolCall(new)) => {
            new.input.strip_prefix(&*old.input).map(str::to_owned)
        }
        _ => None,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the texts of the other kinds come whole"
)]
fn without_text(part: &Part) -> Part {
    match part {
        Part::Text(_) => Part::Text(TextPart::default()),
        Part::Reasoning(part) => Part::Reasoning(Reasoning {
            thinking: Text::new(),
            ..part.clone()
        }),
        Part::ToolCall(part) => Part::ToolCall(ToolCall {
            input: "".into(),
            ..part.clone()
        }),
        other => other.clone(),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the texts of the other kinds come whole"
)]
fn append(message: &mut Message, place: usize, bytes: &[u8]) -> Result<(), BadGrowth> {
    let more = std::str::from_utf8(bytes).map_err(|_| BadGrowth)?;
    match message.parts.get_mut(place).ok_or(BadGrowth)? {
        Part::Text(part) => part.text.push_str(more),
        Part::Reasoning(part) => part.thinking.push_str(more),
        Part::ToolCall(part) => part.input = [&*part.input, more].concat().into(),
        _ => return Err(BadGrowth),
    }
    Ok(())
}

fn set(message: &mut Message, place: usize, part: Part) -> Result<(), BadGrowth> {
    if place == message.parts.len() {
        message.parts.push(part);
    } else {
        *message.parts.get_mut(place).ok_or(BadGrowth)? = part;
    }
    Ok(())
}

fn set_around_text(message: &mut Message, place: usize, mut part: Part) -> Result<(), BadGrowth> {
    let known = message.parts.get_mut(place).ok_or(BadGrowth)?;
    match (&mut *known, &mut part) {
        (Part::Text(known), Part::Text(part)) => swap(&mut known.text, &mut part.text),
        (Part::Reasoning(known), Part::Reasoning(part)) => {
            swap(&mut known.thinking, &mut part.thinking);
        }
        (Part::ToolCall(known), Part::ToolCall(part)) => swap(&mut known.input, &mut part.input),
        _ => return Err(BadGrowth),
    }
    *known = part;
    Ok(())
}

/// A message without its parts and without the time of its last change.
fn head(message: &Message) -> Message {
    Message {
        parts: Vec::new(),
        id: message.id.clone(),
        role: message.role,
        session_id: message.session_id.clone(),
        model: message.model.clone(),
        provider: message.provider.clone(),
        created_at: message.created_at,
        updated_at: 0,
        is_summary_message: message.is_summary_message,
    }
}

fn same_head(old: &Message, new: &Message) -> bool {
    old.id == new.id
        && old.role == new.role
        && old.session_id == new.session_id
        && old.model == new.model
        && old.provider == new.provider
        && old.created_at == new.created_at
        && old.is_summary_message == new.is_summary_message
}

fn begin(out: &mut Vec<u8>, kind: u8, place: usize) {
    out.push(kind);
    varint::write(out, place as u64);
}

fn put(out: &mut Vec<u8>, kind: u8, place: usize, bytes: &[u8]) {
    begin(out, kind, place);
    varint::write_bytes(out, bytes);
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("invariant: a message has string keys and writes to memory")
}

fn parsed<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, BadGrowth> {
    serde_json::from_slice(bytes).map_err(|_| BadGrowth)
}

#[cfg(test)]
mod tests;
