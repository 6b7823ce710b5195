//! Owns which bytes a stream is given for what comes next: with or without `id:` lines, with whole messages or with deltas.
//!
//! The bytes of a batch are made by the first of its readers in the same form, and shared by all others.
//!
//! It must never know who reads, nor when.

use bytes::Bytes;
use runwright_backend::{Batch, Form, Framed, StoredPage, Told, WorkspaceEvent, WorkspaceLog};
use runwright_proto::{
    EnvelopeRef, Epoch, Event, FRAME_OVERHEAD, Gap, MessageDelta, RunId, Seq, write_frame,
    write_frame_id,
};

use super::page::without_ids;

/// Makes frames in one form.
#[derive(Debug, Clone)]
pub(super) struct Framer {
    epoch: Epoch,
    form: Form,
}

impl Framer {
    pub(super) fn new(epoch: Epoch, form: Form) -> Self {
        Self { epoch, form }
    }

    /// Returns the frames of a batch.
    pub(super) fn batch(&self, log: &WorkspaceLog, batch: &Batch<WorkspaceEvent>) -> Framed {
        // What deltas weigh is not known before they are made.
        let weight = if self.form.deltas { 0 } else { batch.weight() };
        let frame = || self.told(weight, &self.story(log, batch, None));
        batch.encoding().get(self.form, frame).clone()
    }

    /// Returns what a reader is told for a batch; of one run, if `run` names one.
    pub(super) fn story<'a>(
        &self,
        log: &WorkspaceLog,
        batch: &'a Batch<WorkspaceEvent>,
        run: Option<&RunId>,
    ) -> Vec<Told<'a>> {
        if self.form.deltas {
            return log.told(batch, run);
        }
        let events = batch.iter().filter(|(_, event)| event.concerns(run));
        events
            .map(|(seq, event)| Told::Whole(Seq(seq.get()), event))
            .collect()
    }

    /// Returns the frames of what a reader is told; `weight` is a guess at their size.
    pub(super) fn told(&self, weight: usize, told: &[Told<'_>]) -> Framed {
        let mut frames = Vec::with_capacity(weight + FRAME_OVERHEAD * told.len());
        let mut streamed = None;
        for told in told {
            match told {
                Told::Whole(seq, event) => {
                    self.placed(&mut frames, *seq, event.event());
                    add(&mut streamed, event.streamed_bytes());
                }
                Told::Grown(seq, deltas) => {
                    self.grown(&mut frames, *seq, deltas);
                    add(&mut streamed, Some(0));
                }
                Told::Unplaced(events) => {
                    events.iter().for_each(|event| unplaced(&mut frames, event));
                }
            }
        }
        Framed {
            bytes: frames.into(),
            streamed,
        }
    }

    /// Returns the frames of a page from disk.
    pub(super) fn page(&self, page: &StoredPage) -> Bytes {
        if self.form.numbered {
            page.numbered()
        } else {
            page.plain(without_ids)
        }
    }

    /// Returns the frame that tells of a gap. Its place is its end, where the stream goes on.
    pub(super) fn gap(&self, gap: Gap) -> Bytes {
        let mut frame = Vec::with_capacity(FRAME_OVERHEAD);
        self.id(&mut frame, gap.to);
        unplaced(&mut frame, &Event::Gap(gap));
        frame.into()
    }

    /// Only with the last delta of a snapshot the reader has come as far as that, so only this one has its number: no
    /// number is told twice, and a reader that is cut off before it is told the others again.
    fn grown(&self, frames: &mut Vec<u8>, seq: Seq, deltas: &[MessageDelta]) {
        let Some((last, before)) = deltas.split_last() else {
            return;
        };
        for delta in before {
            unplaced(frames, &Event::MessageDelta(delta.clone()));
        }
        self.placed(frames, seq, &Event::MessageDelta(last.clone()));
    }

    fn placed(&self, frames: &mut Vec<u8>, seq: Seq, event: &Event) {
        self.id(frames, seq);
        let (seq, epoch) = (Some(seq), Some(&self.epoch));
        write_frame(frames, EnvelopeRef { event, seq, epoch });
    }

    fn id(&self, out: &mut Vec<u8>, seq: Seq) {
        if self.form.numbered {
            write_frame_id(out, &self.epoch, seq);
        }
    }
}

/// Returns the frames of events that have no place in the log.
pub(super) fn unplaced_events(events: &[Event]) -> Bytes {
    let mut frames = Vec::with_capacity(FRAME_OVERHEAD * events.len());
    for event in events {
        unplaced(&mut frames, event);
    }
    frames.into()
}

fn unplaced(frames: &mut Vec<u8>, event: &Event) {
    let (seq, epoch) = (None, None);
    write_frame(frames, EnvelopeRef { event, seq, epoch });
}

fn add(sum: &mut Option<usize>, bytes: Option<usize>) {
    if let Some(bytes) = bytes {
        *sum = Some(sum.unwrap_or(0).saturating_add(bytes));
    }
}
