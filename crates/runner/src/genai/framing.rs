//! Cuts a stream of bytes into frames without keeping more than one unfinished frame. It must never know what is in a
//! frame.

use bytes::{Bytes, BytesMut};

/// How a protocol ends its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events: a blank line, with any of the three ends of line.
    Events,
    /// One JSON text to a line.
    Lines,
}

/// A frame is longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Bytes in, complete frames out, each with its end. Every byte is looked at once.
#[derive(Debug)]
pub(super) struct Framer {
    framing: Framing,
    limit: usize,
    held: BytesMut,
    /// How many of the held bytes were looked at.
    seen: usize,
    /// Whether what was looked at ends with an end of line.
    at_line_start: bool,
    /// Whether the end of line may go on: a `\r` was last, and a `\n` would belong to it.
    after_return: bool,
}

impl Framer {
    pub(super) fn new(framing: Framing, limit: usize) -> Self {
        Self {
            framing,
            limit,
            held: BytesMut::new(),
            seen: 0,
            at_line_start: true,
            after_return: false,
        }
    }

    /// Takes more bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next complete frame, if there is one.
    pub(super) fn next_frame(&mut self) -> Result<Option<Bytes>, TooLong> {
        while let Some(&byte) = self.held.get(self.seen) {
            if self.seen >= self.limit {
                return Err(TooLong);
            }
            self.seen += 1;
            if self.ends_with(byte) {
                let frame = self.held.split_to(self.seen).freeze();
                self.seen = 0;
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// What is left when no more bytes come.
    pub(super) fn rest(&mut self) -> Bytes {
        self.seen = 0;
        self.held.split().freeze()
    }

    /// Whether a frame ends with this byte.
    fn ends_with(&mut self, byte: u8) -> bool {
        let is_end_of_line = byte == b'\n' || (byte == b'\r' && self.framing == Framing::Events);
        let continues_return = byte == b'\n' && self.after_return;
        self.after_return = byte == b'\r' && self.framing == Framing::Events;
        if continues_return {
            return false;
        }
        let was_blank = is_end_of_line && self.at_line_start;
        self.at_line_start = is_end_of_line;
        match self.framing {
            Framing::Events => was_blank,
            Framing::Lines => is_end_of_line,
        }
    }
}

#[cfg(test)]
mod tests;
