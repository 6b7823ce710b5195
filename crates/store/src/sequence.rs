//! The numbers of a log: who may take one now, and how many are reserved on disk. It is pure. Must never know an event.

use runwright_proto::Seq;

/// How many numbers are reserved at once.
pub(crate) const BLOCK: u64 = 4096;

/// The numbers of one log.
///
/// A number that was seen is never used again, so none is used that is not reserved on disk. The events of a batch get
/// theirs while the batch is being written, and are published when it is on disk; meanwhile nobody else takes one, or
/// the order of the numbers would not be that of the publications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sequence {
    next: u64,
    reserved: u64,
    in_batch: bool,
}

impl Sequence {
    /// Goes on at `next`; the numbers up to `reserved` may be used.
    pub(crate) fn new(next: Seq, reserved: Seq) -> Self {
        Self {
            next: next.0,
            reserved: reserved.0,
            in_batch: false,
        }
    }

    /// The number of the next event.
    pub(crate) fn next(&self) -> Seq {
        Seq(self.next)
    }

    /// Takes a number for an event that is published at once; nothing while a batch has the numbers, or if none is
    /// reserved.
    pub(crate) fn take(&mut self) -> Option<Seq> {
        if self.in_batch || self.next > self.reserved {
            return None;
        }
        self.next += 1;
        Some(Seq(self.next - 1))
    }

    /// Gives the numbers to a batch, which counts on from the one that is returned.
    pub(crate) fn begin_batch(&mut self) -> Seq {
        debug_assert!(!self.in_batch, "there is one batch at a time");
        self.in_batch = true;
        Seq(self.next)
    }

    /// The batch is over and has used the numbers before `next`. They stay used if it was undone: nobody can say for
    /// sure that a commit that failed has left nothing on disk.
    pub(crate) fn end_batch(&mut self, next: Seq) {
        self.in_batch = false;
        self.next = next.0;
    }

    /// The numbers up to this one are reserved on disk.
    pub(crate) fn reserve(&mut self, reserved: Seq) {
        self.reserved = self.reserved.max(reserved.0);
    }

    /// Up to which number to reserve if the next event is to have the number `next`; nothing while enough are left.
    pub(crate) fn to_reserve(&self, next: Seq) -> Option<Seq> {
        let wanted = next.0 + BLOCK / 2;
        (self.reserved < wanted).then_some(Seq(next.0 + BLOCK - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_taken_that_is_not_reserved() {
        let mut sequence = Sequence::new(Seq(5), Seq(6));
        assert_eq!(sequence.take(), Some(Seq(5)));
        assert_eq!(sequence.take(), Some(Seq(6)));
        assert_eq!(sequence.take(), None);
        sequence.reserve(Seq(7));
        assert_eq!(sequence.take(), Some(Seq(7)));
    }

    #[test]
    fn nobody_takes_a_number_while_a_batch_has_them() {
        let mut sequence = Sequence::new(Seq(5), Seq(100));
        assert_eq!(sequence.begin_batch(), Seq(5));
        assert_eq!(sequence.take(), None);
        sequence.end_batch(Seq(8));
        assert_eq!(sequence.take(), Some(Seq(8)));
    }

    #[test]
    fn a_block_is_reserved_before_the_last_half_of_one_is_used() {
        let sequence = Sequence::new(Seq(1), Seq(BLOCK));
        assert_eq!(sequence.to_reserve(Seq(1)), None);
        assert_eq!(sequence.to_reserve(Seq(BLOCK / 2)), None);
        let after_half = BLOCK / 2 + 1;
        assert_eq!(
            sequence.to_reserve(Seq(after_half)),
            Some(Seq(after_half + BLOCK - 1))
        );
        let far = Seq(10 * BLOCK);
        assert_eq!(sequence.to_reserve(far), Some(Seq(11 * BLOCK - 1)));
    }

    #[test]
    fn a_reservation_is_never_taken_back() {
        let mut sequence = Sequence::new(Seq(1), Seq(10));
        sequence.reserve(Seq(5));
        assert_eq!(sequence, Sequence::new(Seq(1), Seq(10)));
    }
}
