//! By how much a message grew from one snapshot to another, and how a reader is told of it: the texts that grow, where
//! each stood, and what came to them. Pure. It must never know a number of the log, nor a reader.
//!
//! What grows is the text of a text part, the thoughts of a reasoning part, and the input of a tool call. A text part may
//! also begin: it is nothing but its text. Everything else that changes (another kind of part begins, a reasoning ends, a
//! text is taken back) is a change that only the whole message tells.

use std::sync::Arc;

use runwright_proto::{Message, MessageDelta, Part, Text, TextPart};

/// How long the text of each part of a message was, in bytes of UTF-8; zero for a part whose kind does not grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lengths(Box<[usize]>);

/// The text of a part that may grow.
enum Growing<'a> {
    Text(&'a Text),
    Input(&'a str),
}

impl Lengths {
    pub(super) fn of(message: &Message) -> Self {
        let len = |part| growing(part).map_or(0, |text| text.len());
        Self(message.parts.iter().map(len).collect())
    }

    /// How long they are together.
    pub(super) fn total(&self) -> usize {
        self.0.iter().sum()
    }

    fn of_part(&self, index: usize) -> Option<usize> {
        self.0.get(index).copied()
    }
}

/// Whether the newer snapshot is the older one with more text, so that a reader of the older one needs nothing but that
/// text. When it was written does not count: the reader is told with the whole message, at its end.
pub(super) fn is_growth(older: &Message, newer: &Message) -> bool {
    let is_same = older.id == newer.id
        && older.session_id == newer.session_id
        && older.role == newer.role
        && older.model == newer.model
        && older.provider == newer.provider
        && older.created_at == newer.created_at
        && older.is_summary_message == newer.is_summary_message;
    let mut more = newer.parts.iter();
    let mut both = older.parts.iter().zip(more.by_ref());
    is_same
        && older.parts.len() <= newer.parts.len()
        && both.all(|(older, newer)| is_growth_of_part(older, newer))
        && more.all(|part| matches!(part, Part::Text(_)))
}

/// What came to a message since it had the lengths `from`, up to those it had at `to`. Both are lengths of snapshots from
/// which it grew.
pub(super) fn deltas(message: &Message, from: &Lengths, to: &Lengths) -> Vec<MessageDelta> {
    let parts = message.parts.iter().enumerate().zip(&to.0);
    let deltas = parts.filter_map(|((index, part), &end)| {
        let begin = from.of_part(index);
        // A part that begins is told of also when nothing is in it yet.
        if begin.is_some_and(|begin| end <= begin) {
            return None;
        }
        let begin = begin.unwrap_or(0);
        Some(MessageDelta {
            id: message.id.clone(),
            part: u32::try_from(index).ok()?,
            offset: begin as u64,
            text: Arc::from(growing(part)?.slice(begin, end)),
        })
    });
    deltas.collect()
}

/// The message as it was when its texts had these lengths.
pub(super) fn cut(message: &Message, lengths: &Lengths) -> Message {
    let mut message = message.clone();
    message.parts.truncate(lengths.0.len());
    for (part, &len) in message.parts.iter_mut().zip(&lengths.0) {
        if growing(part).is_some_and(|text| text.len() > len) {
            cut_part(part, len);
        }
    }
    message
}

fn is_growth_of_part(older: &Part, newer: &Part) -> bool {
    match (older, newer) {
        (Part::Text(TextPart { text: older }), Part::Text(TextPart { text: newer })) => {
            newer.starts_with(older)
        }
        (Part::Reasoning(older), Part::Reasoning(newer)) => {
            older.signature == newer.signature
                && older.started_at == newer.started_at
                && older.finished_at == newer.finished_at
                && newer.thinking.starts_with(&older.thinking)
        }
        (Part::ToolCall(older), Part::ToolCall(newer)) => {
            older.id == newer.id
                && older.name == newer.name
                && older.kind == newer.kind
                && older.finished == newer.finished
                && (Arc::ptr_eq(&older.input, &newer.input)
                    || newer.input.starts_with(&*older.input))
        }
        _ => older == newer,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a kind of which nothing is known does not grow"
)]
fn growing(part: &Part) -> Option<Growing<'_>> {
    match part {
        Part::Text(part) => Some(Growing::Text(&part.text)),
        Part::Reasoning(part) => Some(Growing::Text(&part.thinking)),
        Part::ToolCall(part) => Some(Growing::Input(&part.input)),
        _ => None,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a kind of which nothing is known does not grow"
)]
fn cut_part(part: &mut Part, len: usize) {
    match part {
        Part::Text(part) => part.text = Growing::Text(&part.text).slice(0, len).into(),
        Part::Reasoning(part) => {
            part.thinking = Growing::Text(&part.thinking).slice(0, len).into();
        }
        Part::ToolCall(part) => part.input = Growing::Input(&part.input).slice(0, len).into(),
        _ => {}
    }
}

impl Growing<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Input(input) => input.len(),
        }
    }

    /// The text between two lengths that it had, at the cost of what comes after the first.
    fn slice(&self, begin: usize, end: usize) -> String {
        match self {
            Self::Text(text) => {
                let mut slice = text.slice_from(begin);
                slice.truncate(end - begin);
                slice
            }
            Self::Input(input) => input[begin..end].to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
