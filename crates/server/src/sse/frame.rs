//! Owns which bytes a stream is given for a batch: with or without `id:` lines.
//!
//! The bytes of a batch are made by the first of its readers and shared by all others.
//!
//! It must never know who reads, nor when.

use bytes::Bytes;
use runwright_backend::{Batch, WorkspaceEvent};
use runwright_proto::{
    EnvelopeRef, Epoch, Event, FRAME_OVERHEAD, Gap, Seq, write_frame, write_frame_id,
};

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
        let mut frames = Vec::with_capacity(weight + FRAME_OVERHEAD * events.len());
        for (seq, event) in events {
            self.id(&mut frames, seq);
            write_frame(
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
        let mut frame = Vec::with_capacity(FRAME_OVERHEAD);
        self.id(&mut frame, gap.to);
        write_frame(
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
            write_frame_id(out, &self.epoch, seq);
        }
    }
}

/// Returns the frame of an event that has no place in the log.
pub(super) fn unplaced(event: &Event) -> Bytes {
    let mut frame = Vec::with_capacity(FRAME_OVERHEAD);
    write_frame(
        &mut frame,
        EnvelopeRef {
            event,
            seq: None,
            epoch: None,
        },
    );
    frame.into()
}
