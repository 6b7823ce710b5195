//! The index of a row of events: the number, the length and the run of each, so that a row is cut and filtered without
//! a look into its frames. Must never know what an event says.
//!
//! Format: the byte 1; the number of runs, and of each the length and the text, or, where the text is a UUID as we write
//! it, a zero and its 16 bytes; then for each event, in order, by how much its number is greater than the one before
//! (the first: than the first number of the row), the length of its frame in bytes, and its run: zero for none, or the
//! place of the run in the list, counted from one. All numbers are [`varint`]s.

use std::ops::Range;

use runwright_proto::{RunId, Seq};
use uuid::Uuid;

use crate::varint;

const VERSION: u8 = 1;

/// The length of a UUID in bytes.
const UUID_LEN: usize = size_of::<Uuid>();

/// Collects the entries of a row.
#[derive(Debug, Default)]
pub(crate) struct EntriesWriter {
    runs: Vec<RunId>,
    entries: Vec<u8>,
    last: Option<Seq>,
}

/// One event of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) seq: Seq,
    /// Where its frame is in the frames of the row.
    pub(crate) frame: Range<usize>,
    /// Which of the runs of the row it belongs to.
    run: Option<usize>,
}

/// The entries of a row, read one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Entries<'a> {
    runs: Vec<Name<'a>>,
    rest: &'a [u8],
    seq: Seq,
    end: usize,
}

/// A run as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name<'a> {
    Text(&'a [u8]),
    Uuid(Uuid),
}

/// The bytes are not an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("index of a row of events cannot be read")]
pub(crate) struct BadEntries;

impl EntriesWriter {
    /// Adds an event; numbers rise.
    pub(crate) fn push(&mut self, seq: Seq, frame_bytes: usize, run: Option<&RunId>) {
        let step = self.last.map_or(0, |last| seq.0 - last.0);
        self.last = Some(seq);
        varint::write(&mut self.entries, step);
        varint::write(&mut self.entries, frame_bytes as u64);
        let run = run.map_or(0, |run| self.place(run) + 1);
        varint::write(&mut self.entries, run as u64);
    }

    /// Returns the index.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 + 40 * self.runs.len() + self.entries.len());
        out.push(VERSION);
        varint::write(&mut out, self.runs.len() as u64);
        for run in &self.runs {
            Name::of(run).write(&mut out);
        }
        out.extend_from_slice(&self.entries);
        out
    }

    /// A row has few runs, and neighbors are mostly of one: the last one is looked at first.
    fn place(&mut self, run: &RunId) -> usize {
        let known = self.runs.iter().rposition(|known| known == run);
        known.unwrap_or_else(|| {
            self.runs.push(run.clone());
            self.runs.len() - 1
        })
    }
}

impl<'a> Entries<'a> {
    /// Begins to read the index of a row with this first number.
    pub(crate) fn read(first: Seq, bytes: &'a [u8]) -> Result<Self, BadEntries> {
        let mut rest = bytes.strip_prefix(&[VERSION]).ok_or(BadEntries)?;
        let count = varint::read(&mut rest).ok_or(BadEntries)?;
        let runs = (0..count)
            .map(|_| Name::read(&mut rest).ok_or(BadEntries))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            runs,
            rest,
            seq: first,
            end: 0,
        })
    }

    /// Says which events are of this run; nothing if none of the row is.
    pub(crate) fn of_run(&self, run: &RunId) -> Option<impl Fn(&Entry) -> bool + use<>> {
        let wanted = Name::of(run);
        let place = self.runs.iter().position(|known| *known == wanted)?;
        Some(move |entry: &Entry| entry.run == Some(place))
    }

    /// The run of an event.
    pub(crate) fn run(&self, entry: &Entry) -> Result<Option<RunId>, BadEntries> {
        let Some(place) = entry.run else {
            return Ok(None);
        };
        let name = self.runs.get(place).ok_or(BadEntries)?;
        name.run().map(Some)
    }

    fn entry(&mut self) -> Option<Entry> {
        let step = varint::read(&mut self.rest)?;
        let bytes = usize::try_from(varint::read(&mut self.rest)?).ok()?;
        let run = varint::read(&mut self.rest)?;
        self.seq = Seq(self.seq.0.checked_add(step)?);
        let begin = self.end;
        self.end = begin.checked_add(bytes)?;
        let run = usize::try_from(run).ok()?.checked_sub(1);
        Some(Entry {
            seq: self.seq,
            frame: begin..self.end,
            run,
        })
    }
}

impl<'a> Name<'a> {
    fn of(run: &'a RunId) -> Self {
        let text = run.as_str();
        let uuid = Uuid::try_parse(text).ok().filter(|uuid| {
            let mut buffer = Uuid::encode_buffer();
            text == uuid.hyphenated().encode_lower(&mut buffer)
        });
        uuid.map_or(Self::Text(text.as_bytes()), Self::Uuid)
    }

    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => varint::write_bytes(out, text),
            Self::Uuid(uuid) => {
                varint::write(out, 0);
                out.extend_from_slice(uuid.as_bytes());
            }
        }
    }

    fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        let text = varint::read_bytes(bytes)?;
        if !text.is_empty() {
            return Some(Self::Text(text));
        }
        let (uuid, rest) = bytes.split_first_chunk::<UUID_LEN>()?;
        *bytes = rest;
        Some(Self::Uuid(Uuid::from_bytes(*uuid)))
    }

    fn run(self) -> Result<RunId, BadEntries> {
        match self {
            Self::Text(text) => {
                let text = std::str::from_utf8(text).map_err(|_| BadEntries)?;
                text.parse().map_err(|_| BadEntries)
            }
            Self::Uuid(uuid) => uuid.to_string().parse().map_err(|_| BadEntries),
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, BadEntries>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.entry();
        if entry.is_none() {
            self.rest = &[];
        }
        Some(entry.ok_or(BadEntries))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Names of all kinds that there are.
    fn run(n: u8) -> RunId {
        let text = match n {
            0 => "nightly",
            1 => "01a204c0-6b45-7364-b674-476e512ffb1d",
            2 => "01A204C0-6B45-7364-B674-476E512FFB1D",
            3 => "01a204c06b457364b674476e512ffb1d",
            _ => "unknown",
        };
        text.parse().unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            first in 1_u64..1 << 40,
            events in prop::collection::vec((1_u64..5_000, 0_usize..70_000, prop::option::of(0_u8..4)), 1..80),
        ) {
            let mut writer = EntriesWriter::default();
            let (mut seq, mut end) = (Seq(first), 0);
            let mut expected = Vec::new();
            for (n, (step, bytes, of)) in events.into_iter().enumerate() {
                seq = Seq(seq.0 + if n == 0 { 0 } else { step });
                let of = of.map(run);
                writer.push(seq, bytes, of.as_ref());
                expected.push((seq, end..end + bytes, of));
                end += bytes;
            }
            let index = writer.finish();
            let entries = Entries::read(Seq(first), &index).unwrap();
            let read: Vec<_> = entries
                .clone()
                .map(Result::unwrap)
                .map(|entry| (entry.seq, entry.frame.clone(), entries.run(&entry).unwrap()))
                .collect();
            prop_assert_eq!(&read, &expected);
            for n in 0..5 {
                let of = entries.of_run(&run(n));
                let found: Vec<Seq> = entries
                    .clone()
                    .map(Result::unwrap)
                    .filter(|entry| of.as_ref().is_some_and(|of| of(entry)))
                    .map(|entry| entry.seq)
                    .collect();
                let wanted: Vec<Seq> = expected
                    .iter()
                    .filter(|(_, _, of)| *of == Some(run(n)))
                    .map(|(seq, ..)| *seq)
                    .collect();
                prop_assert_eq!(found, wanted);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok(entries) = Entries::read(Seq(1), &bytes) {
                let known = entries.clone();
                for entry in entries {
                    let Ok(entry) = entry else { break };
                    let _run = known.run(&entry);
                }
            }
        }
    }

    #[test]
    fn an_index_that_is_cut_or_of_another_version_is_refused() {
        let mut writer = EntriesWriter::default();
        writer.push(Seq(7), 300, Some(&run(1)));
        let index = writer.finish();
        let last = Entries::read(Seq(7), &index[..index.len() - 1])
            .unwrap()
            .last();
        assert_eq!(last, Some(Err(BadEntries)));
        assert_eq!(Entries::read(Seq(7), &index[..9]).unwrap_err(), BadEntries);
        let mut other = index;
        other[0] = 2;
        assert_eq!(Entries::read(Seq(7), &other).unwrap_err(), BadEntries);
    }
}
