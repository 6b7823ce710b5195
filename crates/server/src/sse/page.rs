//! Owns what is done to frames that come from disk, which are as they were stored: each with its id line. Pure.
//!
//! JSON has no raw line end, so a line that begins like a frame is one.
//!
//! It must never know who reads, nor what a frame says beyond its kind.

use std::io::BufRead;

use bytes::Bytes;

const ID: &[u8] = b"id: ";
const END_OF_RUN: &[u8] = br#"data: {"type":"run_complete""#;

/// Returns the frames without their id lines.
pub(super) fn without_ids(frames: &[u8]) -> Bytes {
    let mut rest = frames;
    let mut plain = Vec::with_capacity(frames.len());
    while !rest.is_empty() {
        let skipped = if rest.starts_with(ID) {
            rest.skip_until(b'\n')
        } else {
            rest.read_until(b'\n', &mut plain)
        };
        skipped.expect("invariant: memory can be read");
    }
    plain.into()
}

/// Returns the frames up to the first terminal event, if there is one.
pub(super) fn through_end_of_run(frames: &Bytes) -> Option<Bytes> {
    let mut rest: &[u8] = frames;
    loop {
        let is_end = rest.starts_with(END_OF_RUN);
        let read = rest.skip_until(b'\n');
        if read.expect("invariant: memory can be read") == 0 {
            return None;
        }
        if is_end {
            // The empty line belongs to the frame.
            let end = frames.len() - rest.len() + 1;
            return Some(frames.slice(..end.min(frames.len())));
        }
    }
}

#[cfg(test)]
mod tests {
    use runwright_proto::{
        Change, EnvelopeRef, Epoch, Event, RunComplete, RunId, RunState, Seq, SessionId,
        SkillsEvent, write_frame, write_frame_id,
    };

    use super::*;

    /// The frames of these events, numbered from 1.
    fn frames(events: &[Event], with_ids: bool) -> Bytes {
        let epoch: Epoch = "k3v9".parse().expect("an epoch");
        let mut frames = Vec::new();
        for (seq, event) in (1..).map(Seq).zip(events) {
            if with_ids {
                write_frame_id(&mut frames, &epoch, seq);
            }
            let (seq, epoch) = (Some(seq), Some(&epoch));
            write_frame(&mut frames, EnvelopeRef { event, seq, epoch });
        }
        frames.into()
    }

    fn end(text: &str) -> Event {
        let run = RunId::generate();
        let mut end = RunComplete::new(SessionId::random(), run, RunState::Completed);
        end.text = text.into();
        Event::RunComplete(Change::updated(end))
    }

    fn other() -> Event {
        Event::SkillsEvent(Change::updated(SkillsEvent::default()))
    }

    #[test]
    fn id_lines_are_taken_out_and_nothing_else_is() {
        let text = "id: 7\n\nid: 8\ndata: {\"type\":\"run_complete\"";
        for events in [vec![], vec![other()], vec![other(), end(text), other()]] {
            let plain = without_ids(&frames(&events, true));
            assert_eq!(plain, frames(&events, false));
            assert_eq!(without_ids(&plain), plain);
        }
    }

    #[test]
    fn a_story_ends_with_the_first_terminal_event() {
        let events = [other(), end("first"), other(), end("second")];
        for with_ids in [true, false] {
            let all = frames(&events, with_ids);
            let cut = through_end_of_run(&all).expect("there is an end");
            assert_eq!(cut, frames(&events[..2], with_ids));
            assert_eq!(through_end_of_run(&frames(&events[..1], with_ids)), None);
            assert_eq!(through_end_of_run(&Bytes::new()), None);
        }
    }
}
