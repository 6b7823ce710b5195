//! What is on disk, with the states of messages that are being streamed laid over it. It is pure.

use std::collections::HashMap;

use runwright_proto::{Message, MessageId, Seq};

use crate::live::{Stored, Streaming};

/// The states that were being streamed at one moment.
#[derive(Debug, Default)]
pub(super) struct Overlay(HashMap<MessageId, (Option<Seq>, Message)>);

impl Overlay {
    pub(super) fn new(streaming: Vec<Streaming>) -> Self {
        let states = streaming
            .into_iter()
            .map(|live| (live.message.id.clone(), (live.stored_seq, live.message)));
        Self(states.collect())
    }

    /// The newest states of messages that were read from disk after `before` was taken and before `after` was: a
    /// message that is being streamed now is newest in memory; one that no longer is, on disk, unless the disk was read
    /// before its row was written.
    pub(super) fn newest(before: &mut Self, after: &mut Self, rows: Vec<Stored>) -> Vec<Message> {
        let newest = |row: Stored| {
            let id = &row.message.id;
            if let Some((_, message)) = after.0.remove(id) {
                return message;
            }
            match before.0.remove(id) {
                Some((seq, message)) if seq == row.seq => message,
                _ => row.message,
            }
        };
        rows.into_iter().map(newest).collect()
    }
}

#[cfg(test)]
mod tests {
    use runwright_proto::{Part, Role};

    use super::*;

    fn message(text: &str) -> Message {
        let (id, session) = ("m".parse().unwrap(), "s".parse().unwrap());
        Message {
            parts: vec![Part::text(text)],
            ..Message::new(id, session, Role::Assistant, 7)
        }
    }

    fn streaming(text: &str, stored: u64) -> Overlay {
        Overlay::new(vec![Streaming {
            row: 1,
            run: None,
            stored_seq: Some(Seq(stored)),
            seq: Some(Seq(9)),
            message: message(text),
        }])
    }

    #[track_caller]
    fn check(mut before: Overlay, mut after: Overlay, row: (&str, u64), expected: &str) {
        let row = Stored {
            row: 1,
            run: None,
            seq: Some(Seq(row.1)),
            message: message(row.0),
        };
        let newest = Overlay::newest(&mut before, &mut after, vec![row]);
        assert_eq!(newest, [message(expected)]);
    }

    #[test]
    fn the_newest_state_wins_whenever_the_disk_was_read() {
        let none = Overlay::default;
        check(none(), none(), ("row", 4), "row");
        check(streaming("a", 4), streaming("ab", 4), ("row", 4), "ab");
        check(none(), streaming("a", 4), ("row", 4), "a");
        // It was finished meanwhile, before the disk was read and after.
        check(streaming("a", 4), none(), ("finished", 12), "finished");
        check(streaming("a", 4), none(), ("row", 4), "a");
    }
}
