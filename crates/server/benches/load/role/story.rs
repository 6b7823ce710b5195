//! Owns the events that are published under measurement: all servers frame the same ones, byte for byte. It must never
//! know who reads them.

use runwright_proto::{
    Change, EnvelopeRef, Epoch, Event, RunComplete, RunId, RunState, Seq, SessionId,
};

/// Makes one event after the other, each about 238 bytes when framed (performance 4).
#[derive(Debug)]
pub(crate) struct Story {
    session: SessionId,
    run: RunId,
    seq: u64,
    epoch: Epoch,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self {
            session: SessionId::random(),
            run: RunId::generate(),
            seq: 0,
            epoch: Epoch::generate(),
        }
    }

    /// The next event. None takes the place of another, so each reader gets each.
    pub(crate) fn event(&mut self) -> Event {
        let end = RunComplete::new(self.session.clone(), self.run.clone(), RunState::Completed);
        Event::RunComplete(Change::updated(end))
    }

    /// Gives an event its place.
    pub(crate) fn place(&mut self) -> Seq {
        self.seq += 1;
        Seq(self.seq)
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.epoch
    }
}

/// The JSON of one event.
pub(crate) fn json(out: &mut Vec<u8>, event: &Event, seq: Seq, epoch: &Epoch) {
    let envelope = EnvelopeRef {
        event,
        seq: Some(seq),
        epoch: Some(epoch),
    };
    serde_json::to_writer(out, &envelope)
        .expect("invariant: an event has string keys and writes to memory");
}
