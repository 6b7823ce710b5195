//! Owns the bytes of an event on a stream (semantics 3, "Frame"): one `data:` line of JSON and an empty line, with an
//! `id:` line before it for a reader that resumes.
//!
//! They are here, and not where streams are served, because a stored log keeps its events in this form.
//!
//! It must never know who reads, nor when.

use std::io::Write;

use super::{ChangeKind, EnvelopeRef};
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

/// Appends the frame of a [`Change`](super::Change) whose payload is JSON already: the same bytes as
/// [`write_frame`] makes of the event, for a log that keeps the payload and does not know it.
///
/// `kind` is a kind that this version knows, so it needs no escaping.
///
/// # Panics
///
/// Never: a vector takes every write.
///
/// # Examples
///
/// ```
/// use runwright_proto::{ChangeKind, Seq, write_change_frame};
///
/// let mut out = Vec::new();
/// write_change_frame(&mut out, "message", Seq(7), &"k3v9".parse()?, ChangeKind::Updated, b"{}");
/// assert_eq!(
///     out,
///     b"data: {\"type\":\"message\",\"seq\":7,\"epoch\":\"k3v9\",\"payload\":{\"type\":\"updated\",\"payload\":{}}}\n\n",
/// );
/// # Ok::<(), runwright_proto::ParseIdError>(())
/// ```
pub fn write_change_frame(
    out: &mut Vec<u8>,
    kind: &str,
    seq: Seq,
    epoch: &Epoch,
    change: ChangeKind,
    payload: &[u8],
) {
    let change = change.as_str();
    write!(
        out,
        r#"data: {{"type":"{kind}","seq":{seq},"epoch":"{epoch}","payload":{{"type":"{change}","payload":"#
    )
    .expect("invariant: a vector takes every write");
    out.extend_from_slice(payload);
    out.extend_from_slice(b"}}\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, Event, Session, SessionId};

    #[test]
    fn a_frame_of_a_kept_payload_is_the_frame_of_the_event() {
        let epoch: Epoch = "k3v9".parse().unwrap();
        for (change, kind) in [
            (
                Change::created as fn(Session) -> Change<Session>,
                ChangeKind::Created,
            ),
            (Change::updated, ChangeKind::Updated),
            (Change::deleted, ChangeKind::Deleted),
        ] {
            let session = Session::new(SessionId::random(), "a \"title\"".to_owned(), 7);
            let payload = serde_json::to_vec(&session).unwrap();
            let event = Event::Session(change(session));
            let (mut whole, mut kept) = (Vec::new(), Vec::new());
            let envelope = EnvelopeRef {
                event: &event,
                seq: Some(Seq(41)),
                epoch: Some(&epoch),
            };
            write_frame(&mut whole, envelope);
            write_change_frame(&mut kept, event.kind(), Seq(41), &epoch, kind, &payload);
            assert_eq!(
                String::from_utf8(kept).unwrap(),
                String::from_utf8(whole).unwrap()
            );
        }
    }
}
