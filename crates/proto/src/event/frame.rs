//! Owns the bytes of an event on a stream (semantics 3, "Frame"): one `data:` line of JSON and an empty line, with an
//! `id:` line before it for a reader that resumes.
//!
//! They are here, and not where streams are served, because a stored log keeps its events in this form.
//!
//! It must never know who reads, nor when.

use std::io::Write;

use super::EnvelopeRef;
use crate::{Epoch, Seq};

/// What a frame has around the texts of its event, roughly: a first guess at the size of a buffer, in bytes.
pub const FRAME_OVERHEAD: usize = 192;

/// Appends the line that gives the next frame its id, `id: <epoch>-<seq>`.
///
/// # Panics
///
/// Never: a vector takes every write.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Seq, write_frame_id};
///
/// let mut out = Vec::new();
/// write_frame_id(&mut out, &"k3v9".parse()?, Seq(7));
/// assert_eq!(out, b"id: k3v9-7\n");
/// # Ok::<(), runwright_proto::ParseIdError>(())
/// ```
pub fn write_frame_id(out: &mut Vec<u8>, epoch: &Epoch, seq: Seq) {
    writeln!(out, "id: {epoch}-{seq}").expect("invariant: a vector takes every write");
}

/// Appends the frame of an event, without an id.
///
/// # Panics
///
/// Never: an event has string keys and is written to memory.
///
/// # Examples
///
/// ```
/// use runwright_proto::{End, EndReason, EnvelopeRef, Event, write_frame};
///
/// let event = Event::End(End { reason: EndReason::WorkspaceClosed });
/// let mut out = Vec::new();
/// write_frame(&mut out, EnvelopeRef { event: &event, seq: None, epoch: None });
/// assert_eq!(out, b"data: {\"type\":\"end\",\"payload\":{\"reason\":\"workspace_closed\"}}\n\n");
/// ```
pub fn write_frame(out: &mut Vec<u8>, envelope: EnvelopeRef<'_>) {
    out.extend_from_slice(b"data: ");
    serde_json::to_writer(&mut *out, &envelope)
        .expect("invariant: an event has string keys and writes to memory");
    out.extend_from_slice(b"\n\n");
}
