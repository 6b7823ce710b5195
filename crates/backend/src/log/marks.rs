//! How long a message was at which number, as far as it is remembered: a few marks for each message that is being
//! written, so that a reader is told what came since the number it has. Pure. It must never know what a message is.

use runwright_proto::Seq;

use super::growth::Lengths;

/// How many marks are kept of a message, however long it gets.
const MOST: usize = 128;

/// How much of what a reader is told it may be told for the second time: an eighth. With this share the marks of a million
/// snapshots are still fewer than [`MOST`].
const SHARE: usize = 8;

/// The lengths of the snapshots of one message that grew from each other, by their numbers.
///
/// The older they are, the fewer are kept: a reader between two marks is told a little again, never too little. The first
/// mark always stays.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<Mark>);

/// How long a message was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) seq: Seq,
    pub(super) lengths: Lengths,
}

impl Marks {
    /// Remembers a snapshot, whose number is above all others.
    pub(super) fn push(&mut self, mark: Mark) {
        debug_assert!(self.0.last().is_none_or(|last| last.seq < mark.seq));
        if self.0.len() == MOST {
            self.thin();
        }
        self.0.push(mark);
    }

    /// What a reader has that is told nothing twice and has everything up to a number, itself included; `None` for one
    /// that was there before the first snapshot.
    pub(super) fn at(&self, seq: Seq) -> Option<&Mark> {
        let later = self.0.partition_point(|mark| mark.seq <= seq);
        self.0[..later].last()
    }

    /// The number of the first snapshot after a number.
    pub(super) fn after(&self, seq: Seq) -> Option<Seq> {
        let later = self.0.partition_point(|mark| mark.seq <= seq);
        self.0.get(later).map(|mark| mark.seq)
    }

    /// The number from which on these marks say what a reader has.
    pub(super) fn first(&self) -> Option<Seq> {
        self.0.first().map(|mark| mark.seq)
    }

    /// Forgets everything: what comes next did not grow from what was.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Drops marks until a quarter of the room is free.
    fn thin(&mut self) {
        let mut share = SHARE;
        while self.0.len() > MOST - MOST / 4 {
            self.drop_within(share);
            share /= 2;
        }
    }

    /// Drops each mark without which a reader is told at most so small a share twice.
    fn drop_within(&mut self, share: usize) {
        let totals: Vec<usize> = self.0.iter().map(|mark| mark.lengths.total()).collect();
        let (Some(mut before), Some(&newest)) = (totals.first().copied(), totals.last()) else {
            return;
        };
        let mut index = 0;
        self.0.retain(|_| {
            let is_kept = match totals.get(index + 1) {
                Some(next) if index > 0 => (next - before) * share > newest - next,
                Some(_) | None => true,
            };
            if is_kept {
                before = totals[index];
            }
            index += 1;
            is_kept
        });
    }
}

#[cfg(test)]
mod tests;
