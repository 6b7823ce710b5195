//! Rows of events: how many go into one, and how rows are joined. Must never know when a row is written.

use runwright_proto::{
    ChangeKind, EnvelopeRef, Epoch, Event, RunId, Seq, write_change_frame, write_frame,
    write_frame_id,
};

use super::entries::{BadEntries, Entries, EntriesWriter};

/// A row has at most so many events.
pub(crate) const MAX_EVENTS: usize = 64;

/// The frames of a row have at most so many bytes, unless it is one event that is longer.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// Some events with neighboring numbers, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    pub(crate) events: usize,
    pub(crate) entries: Vec<u8>,
    pub(crate) frames: Vec<u8>,
}

/// Puts events into rows.
#[derive(Debug, Default)]
pub(crate) struct ChunkWriter {
    full: Vec<Chunk>,
    open: Option<OpenChunk>,
}

#[derive(Debug)]
struct OpenChunk {
    first: Seq,
    last: Seq,
    events: usize,
    entries: EntriesWriter,
    frames: Vec<u8>,
    /// How many bytes of the frames have entries.
    noted: usize,
}

impl ChunkWriter {
    /// Adds an event; numbers rise.
    pub(crate) fn push(&mut self, seq: Seq, epoch: &Epoch, run: Option<&RunId>, event: &Event) {
        let envelope = EnvelopeRef {
            event,
            seq: Some(seq),
            epoch: Some(epoch),
        };
        self.push_with(seq, run, |frames| {
            write_frame_id(frames, epoch, seq);
            write_frame(frames, envelope);
        });
    }

    /// Adds a change of which the payload is JSON already.
    pub(crate) fn push_change(
        &mut self,
        seq: Seq,
        epoch: &Epoch,
        run: Option<&RunId>,
        kind: &str,
        change: ChangeKind,
        payload: &[u8],
    ) {
        self.push_with(seq, run, |frames| {
            write_frame_id(frames, epoch, seq);
            write_change_frame(frames, kind, seq, epoch, change, payload);
        });
    }

    /// Adds an event whose frame is there already.
    fn push_frame(&mut self, seq: Seq, run: Option<&RunId>, frame: &[u8]) {
        self.push_with(seq, run, |frames| frames.extend_from_slice(frame));
    }

    fn push_with(&mut self, seq: Seq, run: Option<&RunId>, write: impl FnOnce(&mut Vec<u8>)) {
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.events == MAX_EVENTS)
        {
            self.end_row();
        }
        let mut open = self.open.take().unwrap_or_else(|| OpenChunk::new(seq));
        write(&mut open.frames);
        if open.events > 0 && open.frames.len() > MAX_BYTES {
            let frame = open.frames.split_off(open.noted);
            self.full.push(open.finish());
            open = OpenChunk::new(seq);
            open.frames = frame;
        }
        open.note(seq, run);
        self.open = Some(open);
    }

    fn end_row(&mut self) {
        self.full.extend(self.open.take().map(OpenChunk::finish));
    }

    /// Returns the rows.
    pub(crate) fn finish(mut self) -> Vec<Chunk> {
        self.end_row();
        self.full
    }
}

impl OpenChunk {
    fn new(first: Seq) -> Self {
        Self {
            first,
            last: first,
            events: 0,
            entries: EntriesWriter::default(),
            frames: Vec::new(),
            noted: 0,
        }
    }

    /// Notes the event whose frame has been appended.
    fn note(&mut self, seq: Seq, run: Option<&RunId>) {
        let bytes = self.frames.len() - self.noted;
        self.entries.push(seq, bytes, run);
        self.noted = self.frames.len();
        self.last = seq;
        self.events += 1;
    }

    fn finish(self) -> Chunk {
        Chunk {
            first: self.first,
            last: self.last,
            events: self.events,
            entries: self.entries.finish(),
            frames: self.frames,
        }
    }
}

/// Joins rows that follow one another into as few as there may be.
pub(crate) fn join<'a>(
    rows: impl IntoIterator<Item = (Seq, &'a [u8], &'a [u8])>,
) -> Result<Vec<Chunk>, BadEntries> {
    let mut writer = ChunkWriter::default();
    for (first, entries, frames) in rows {
        let entries = Entries::read(first, entries)?;
        for entry in entries.clone() {
            let entry = entry?;
            let frame = frames.get(entry.frame.clone()).ok_or(BadEntries)?;
            writer.push_frame(entry.seq, entries.run(&entry)?.as_ref(), frame);
        }
    }
    Ok(writer.finish())
}

#[cfg(test)]
mod tests {
    use runwright_proto::{AgentEvent, Change, SessionId};

    use super::*;

    fn epoch() -> Epoch {
        "k3v9".parse().unwrap()
    }

    fn event(text: &str) -> Event {
        let session: SessionId = "s".parse().unwrap();
        Event::AgentEvent(Change::created(AgentEvent::finished(session, text)))
    }

    fn frame(seq: u64, event: &Event) -> Vec<u8> {
        let mut frame = Vec::new();
        write_frame_id(&mut frame, &epoch(), Seq(seq));
        let envelope = EnvelopeRef {
            event,
            seq: Some(Seq(seq)),
            epoch: Some(&epoch()),
        };
        write_frame(&mut frame, envelope);
        frame
    }

    #[test]
    fn a_row_has_the_frames_as_they_are_sent() {
        let mut writer = ChunkWriter::default();
        writer.push(Seq(7), &epoch(), None, &event("a"));
        writer.push(Seq(9), &epoch(), None, &event("b"));
        let rows = writer.finish();
        let [row] = &rows[..] else {
            panic!("one row, not {rows:?}");
        };
        assert_eq!((row.first, row.last, row.events), (Seq(7), Seq(9), 2));
        assert_eq!(
            row.frames,
            [frame(7, &event("a")), frame(9, &event("b"))].concat()
        );
    }

    #[test]
    fn a_row_is_full_at_its_limits_and_a_long_event_has_one_of_its_own() {
        let mut writer = ChunkWriter::default();
        for n in 0..65 {
            writer.push(Seq(1 + n), &epoch(), None, &event("a"));
        }
        let long = vec![b' '; MAX_BYTES];
        writer.push_change(
            Seq(66),
            &epoch(),
            None,
            "message",
            ChangeKind::Created,
            &long,
        );
        writer.push(Seq(67), &epoch(), None, &event("a"));
        let sizes: Vec<_> = writer
            .finish()
            .iter()
            .map(|row| (row.first.0, row.last.0, row.events))
            .collect();
        assert_eq!(sizes, [(1, 64, 64), (65, 65, 1), (66, 66, 1), (67, 67, 1)]);
    }

    #[test]
    fn joined_rows_are_those_that_would_have_been_written_at_once() {
        let runs: [Option<RunId>; 3] =
            [Some("a".parse().unwrap()), None, Some("b".parse().unwrap())];
        let mut whole = ChunkWriter::default();
        let mut rows = Vec::new();
        for n in 0..150_u64 {
            let (seq, run) = (Seq(3 * n + 1), runs[(n % 3) as usize].as_ref());
            let said = event(&"x".repeat(n as usize * 20));
            whole.push(seq, &epoch(), run, &said);
            let mut one = ChunkWriter::default();
            one.push(seq, &epoch(), run, &said);
            rows.extend(one.finish());
        }
        let parts = rows
            .iter()
            .map(|row| (row.first, &row.entries[..], &row.frames[..]));
        assert_eq!(join(parts).unwrap(), whole.finish());
    }
}
