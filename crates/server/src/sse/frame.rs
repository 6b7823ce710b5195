//! Owns the bytes of events on a stream (semantics 3, "Frame"): one `data:` line of JSON and an empty line, with an `id:`
//! line before it for a reader that resumes.
//!
//! The bytes of a batch are made by the first of its readers and shared by all others.
//!
//! It must never know who reads, nor when.

use std::io::Write;

use bytes::Bytes;
use runwright_backend::{Batch, WorkspaceEvent};
use runwright_proto::{EnvelopeRef, Epoch, Event, Gap, Seq};

/// What a frame has around the texts of its event, roughly: a first guess at the size of the buffer.
const AROUND: usize = 192;

/// Makes frames in one of the two forms.
#[derive(Debug, Clone)]
pub(super) struct Framer {
    epoch: Epoch,
    /// Whether frames carry `id:` lines.
    numbered: bool,
}

impl Framer {
    pub(super) fn new(epoch: Epoch, numbered: bool) -> Self {
        Self { epoch, numbered }
    }

    /// Returns the frames of a batch.
    pub(super) fn batch(&self, batch: &Batch<WorkspaceEvent>) -> Bytes {
        let frame = || {
            self.events(
                batch.weight(),
                batch
                    .iter()
                    .map(|(seq, event)| (Seq(seq.get()), event.event())),
            )
        };
        if self.numbered {
            batch.encoding().numbered(frame)
        } else {
            batch.encoding().plain(frame)
        }
    }

    /// Returns the frames of events that lie in the log; `weight` is a guess at their size.
    pub(super) fn events<'a>(
        &self,
        weight: usize,
        events: impl ExactSizeIterator<Item = (Seq, &'a Event)>,
    ) -> Bytes {
        let mut frames = Vec::with_capacity(weight + AROUND * events.len());
        for (seq, event) in events {
            self.id(&mut frames, seq);
            data(
                &mut frames,
                EnvelopeRef {
                    event,
                    seq: Some(seq),
                    epoch: Some(&self.epoch),
                },
            );
        }
        frames.into()
    }

    /// Returns the frame that tells of a gap. Its place is its end, where the stream goes on.
    pub(super) fn gap(&self, gap: Gap) -> Bytes {
        let mut frame = Vec::with_capacity(AROUND);
        self.id(&mut frame, gap.to);
        data(
            &mut frame,
            EnvelopeRef {
                event: &Event::Gap(gap),
                seq: None,
                epoch: None,
            },
        );
        frame.into()
    }

    fn id(&self, out: &mut Vec<u8>, seq: Seq) {
        if self.numbered {
            writeln!(out, "id: {}-{seq}", self.epoch)
                .expect("invariant: a vector takes every write");
        }
    }
}

/// Returns the frame of an event that has no place in the log.
pub(super) fn unplaced(event: &Event) -> Bytes {
    let mut frame = Vec::with_capacity(AROUND);
    data(
        &mut frame,
        EnvelopeRef {
            event,
            seq: None,
            epoch: None,
        },
    );
    frame.into()
}

fn data(out: &mut Vec<u8>, envelope: EnvelopeRef<'_>) {
    out.extend_from_slice(b"data: ");
    serde_json::to_writer(&mut *out, &envelope)
        .expect("invariant: an event has string keys and writes to memory");
    out.extend_from_slice(b"\n\n");
}
