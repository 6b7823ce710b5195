//! What a reader makes of its stream: the messages, put together from whole ones and from what came to them.

use std::collections::BTreeMap;

use runwright_proto::{ChangeKind, Event, MessageDelta, MessageId, Part};

use super::Got;

/// The messages that a reader knows, each with its parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Known(pub(crate) BTreeMap<MessageId, Vec<Part>>);

impl Known {
    pub(crate) fn of(story: &[Got]) -> Self {
        let mut known = Self::default();
        story.iter().for_each(|got| known.hear(got));
        known
    }

    /// Takes in an event. A delta of which the beginning is missing, or which says something else than what is known, is
    /// a broken promise.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other kinds are not about messages"
    )]
    pub(crate) fn hear(&mut self, got: &Got) {
        match &got.envelope.event {
            Event::Message(change) if change.kind == ChangeKind::Deleted => {
                self.0.remove(&change.payload.id);
            }
            Event::Message(change) => {
                let parts = change.payload.parts.clone();
                self.0.insert(change.payload.id.clone(), parts);
            }
            Event::MessageDelta(delta) => self.grow(delta),
            _ => {}
        }
    }

    /// Takes in a delta, if it goes with what is known.
    pub(crate) fn try_hear(&mut self, delta: &MessageDelta) {
        let Some(parts) = self.0.get(&delta.id) else {
            return;
        };
        let text = match parts.get(delta.part as usize) {
            Some(Part::Text(part)) => part.text.to_string(),
            Some(Part::Reasoning(part)) => part.thinking.to_string(),
            Some(Part::ToolCall(part)) => part.input.to_string(),
            Some(_) => return,
            None if delta.part as usize == parts.len() => String::new(),
            None => return,
        };
        let offset = usize::try_from(delta.offset).unwrap();
        let goes_with =
            |known: &str| known.starts_with(&*delta.text) || delta.text.starts_with(known);
        if text.get(offset..).is_some_and(goes_with) {
            self.grow(delta);
        }
    }

    /// The text of a message's first text part.
    pub(crate) fn text(&self, id: &str) -> Option<String> {
        let parts = self.0.get(&id.parse::<MessageId>().unwrap())?;
        parts.iter().find_map(|part| {
            if let Part::Text(part) = part {
                Some(part.text.to_string())
            } else {
                None
            }
        })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a delta of anything else breaks a promise"
    )]
    fn grow(&mut self, delta: &MessageDelta) {
        let parts = self.0.get_mut(&delta.id);
        let parts = parts.unwrap_or_else(|| panic!("of an unknown message: {delta:?}"));
        let index = delta.part as usize;
        if index == parts.len() && delta.offset == 0 {
            parts.push(Part::text(""));
        }
        let part = parts.get_mut(index);
        match part.unwrap_or_else(|| panic!("of an unknown part: {delta:?}")) {
            Part::Text(part) => part.text = grown(&part.text.to_string(), delta).into(),
            Part::Reasoning(part) => {
                part.thinking = grown(&part.thinking.to_string(), delta).into();
            }
            Part::ToolCall(part) => part.input = grown(&part.input, delta).into(),
            other => panic!("{delta:?} of {other:?}"),
        }
    }
}

/// The text with the delta put in its place.
fn grown(text: &str, delta: &MessageDelta) -> String {
    let offset = usize::try_from(delta.offset).unwrap();
    assert!(
        offset <= text.len(),
        "{delta:?} does not reach {} bytes",
        text.len()
    );
    let end = (offset + delta.text.len()).min(text.len());
    let known = &text[offset..end];
    assert!(delta.text.starts_with(known), "{delta:?} is not `{known}`");
    format!("{}{}{}", &text[..offset], delta.text, &text[end..])
}
