//! Which runs a cancel covers.

use runwright_agent::{AcceptSeq, CancelMark, CancelReason};

fn raised(marks: &[(u64, CancelReason)]) -> CancelMark {
    let mut mark = CancelMark::default();
    for (through, reason) in marks {
        mark.raise(AcceptSeq::from(*through), *reason);
    }
    mark
}

fn covered(mark: CancelMark) -> Vec<Option<CancelReason>> {
    (1..=4)
        .map(|seq| mark.covers(AcceptSeq::from(seq)))
        .collect()
}

#[test]
fn a_fresh_mark_covers_nobody() {
    assert_eq!(covered(CancelMark::default()), [None; 4]);
}

#[test]
fn a_mark_covers_all_up_to_it_and_none_after() {
    let requested = Some(CancelReason::Requested);
    let mark = raised(&[(2, CancelReason::Requested)]);
    assert_eq!(covered(mark), [requested, requested, None, None]);
}

#[test]
fn a_mark_is_raised_and_never_lowered() {
    let closing = Some(CancelReason::Closing);
    let mark = raised(&[
        (1, CancelReason::Requested),
        (3, CancelReason::Closing),
        (2, CancelReason::Requested),
        (3, CancelReason::Requested),
    ]);
    assert_eq!(covered(mark), [closing, closing, closing, None]);
}

#[test]
fn numbers_of_acceptance_only_grow() {
    let first = AcceptSeq::default().next();
    assert_eq!(first.get(), 1);
    assert!(first < first.next());
    assert_eq!(first.next(), AcceptSeq::from(2));
}
