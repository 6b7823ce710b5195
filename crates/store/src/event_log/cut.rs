//! Which part of a row of events a reader gets. It is pure.

use std::ops::Range;

use runwright_proto::{RunId, Seq};

use super::entries::{BadEntries, Entries, Entry};

/// What a reader wants of a row of events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// What comes after this number,
    pub(super) after: Seq,
    /// up to this one,
    pub(super) upto: Seq,
    /// of this run only, if there is one.
    pub(super) run: Option<&'a RunId>,
}

impl Wanted<'_> {
    /// Whether a row with these numbers is wanted as it is: nobody has to look at its index.
    pub(super) fn is_whole(&self, first: Seq, last: Seq) -> bool {
        self.run.is_none() && first > self.after && last <= self.upto
    }

    /// Where the frames are that are wanted; neighbors are one part.
    pub(super) fn parts(
        &self,
        first: Seq,
        entries: &[u8],
    ) -> Result<Vec<Range<usize>>, BadEntries> {
        let entries = Entries::read(first, entries)?;
        match self.run.map(|run| entries.of_run(run)) {
            None => self.select(entries, |_| true),
            Some(Some(of_run)) => self.select(entries, of_run),
            // Nothing in the row is of the run.
            Some(None) => Ok(Vec::new()),
        }
    }

    fn select(
        &self,
        entries: Entries<'_>,
        is_of_run: impl Fn(&Entry) -> bool,
    ) -> Result<Vec<Range<usize>>, BadEntries> {
        let mut parts: Vec<Range<usize>> = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.seq > self.upto {
                break;
            }
            if entry.seq <= self.after || !is_of_run(&entry) {
                continue;
            }
            match parts.last_mut() {
                Some(part) if part.end == entry.frame.start => part.end = entry.frame.end,
                _ => parts.push(entry.frame),
            }
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entries::EntriesWriter;
    use super::*;

    /// Events 10, 20 … 50 of ten bytes each; those of the run are 20 and 40 and 50.
    fn entries() -> Vec<u8> {
        let run: RunId = "run".parse().unwrap();
        let mut writer = EntriesWriter::default();
        for n in 1..=5 {
            let of = [2, 4, 5].contains(&n).then_some(&run);
            writer.push(Seq(10 * n), 10, of);
        }
        writer.finish()
    }

    #[track_caller]
    fn check(after: u64, upto: u64, run: Option<&str>, expected: &[(usize, usize)]) {
        let run: Option<RunId> = run.map(|run| run.parse().unwrap());
        let wanted = Wanted {
            after: Seq(after),
            upto: Seq(upto),
            run: run.as_ref(),
        };
        let parts = wanted.parts(Seq(10), &entries()).unwrap();
        let parts: Vec<_> = parts.iter().map(|part| (part.start, part.end)).collect();
        assert_eq!(parts, expected);
        let all = wanted.is_whole(Seq(10), Seq(50));
        assert_eq!(all, run.is_none() && expected == [(0, 50)], "{wanted:?}");
    }

    #[test]
    fn a_row_is_cut_after_any_number_and_by_run() {
        check(9, 50, None, &[(0, 50)]);
        check(0, 1_000, None, &[(0, 50)]);
        check(10, 50, None, &[(10, 50)]);
        check(25, 40, None, &[(20, 40)]);
        check(25, 29, None, &[]);
        check(50, 60, None, &[]);
        check(0, 60, Some("run"), &[(10, 20), (30, 50)]);
        check(20, 40, Some("run"), &[(30, 40)]);
        check(0, 60, Some("other"), &[]);
    }
}
