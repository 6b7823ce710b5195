//! Owns the heartbeat of a stream: a bare line end, which every parser of event streams passes over in silence (contract
//! 3.2), so that a peer that is gone shows as a write that fails.
//!
//! It must never know what else is on the stream.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;

use super::clock::{Alarm, Clock};

/// One tick of the clock of heartbeats. Streams beat 15 ticks after they opened, so that they do not all beat at once.
pub(super) const BEAT_TICK: Duration = Duration::from_secs(1);

/// The ticks between two beats (semantics 3: 15 s).
const TICKS: u64 = 15;

/// The bytes of a beat.
pub(super) const BEAT: Bytes = Bytes::from_static(b"\n");

/// The heartbeat of one stream.
#[derive(Debug)]
pub(super) struct Heartbeat(Alarm);

impl Heartbeat {
    /// Makes a heart that first beats one period from now.
    pub(super) fn new(clock: &Clock) -> Self {
        let mut alarm = clock.alarm();
        alarm.set_after(TICKS);
        Self(alarm)
    }

    /// Polls for the next beat.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.0.poll(cx));
        self.0.set_after(TICKS);
        Poll::Ready(())
    }
}
