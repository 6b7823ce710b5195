//! Owns the checks of what is remembered of a growing message. It must never know what it says.

use runwright_proto::{Message, Part, Role, Text};

use super::*;

fn lengths(text: &Text) -> Lengths {
    let session = "s".parse().expect("an id");
    let mut message = Message::new("m".parse().expect("an id"), session, Role::Assistant, 0);
    message.parts = vec![Part::text(text.clone())];
    Lengths::of(&message)
}

/// The marks of a message that is as many bytes long as its number says, up to each number.
fn growing(last: u64, mut check: impl FnMut(u64, &Marks, &[Lengths])) {
    let (mut marks, mut text, mut all) = (Marks::default(), Text::new(), Vec::new());
    for seq in 1..=last {
        text.push_str("x");
        all.push(lengths(&text));
        marks.push(Mark {
            seq: Seq(seq),
            lengths: lengths(&text),
        });
        check(seq, &marks, &all);
    }
}

#[test]
fn a_reader_has_what_the_last_snapshot_up_to_its_number_had() {
    let mut marks = Marks::default();
    let long = |len: usize| lengths(&"x".repeat(len).into());
    for (seq, len) in [(10, 1), (20, 5), (30, 9)] {
        marks.push(Mark {
            seq: Seq(seq),
            lengths: long(len),
        });
    }
    let table = [
        (0, None),
        (9, None),
        (10, Some(1)),
        (19, Some(1)),
        (20, Some(5)),
        (30, Some(9)),
        (1_000, Some(9)),
    ];
    for (seq, expected) in table {
        let had = marks.at(Seq(seq)).map(|mark| mark.lengths.clone());
        assert_eq!(had, expected.map(long), "{seq}");
    }
    assert_eq!(marks.first(), Some(Seq(10)));
    marks.clear();
    assert_eq!((marks.at(Seq(30)), marks.first()), (None, None));
}

#[test]
fn marks_are_few_and_never_say_that_a_reader_has_more_than_it_has() {
    let mut most = 0;
    growing(6_000, |last, marks, all| {
        most = most.max(marks.0.len());
        if last % 500 != 0 {
            return;
        }
        for seq in 1..=last {
            let mark = marks.at(Seq(seq)).expect("the first one stays");
            assert!(mark.seq.0 <= seq);
            assert_eq!(
                mark.lengths,
                all[usize::try_from(mark.seq.0).expect("small") - 1]
            );
            let (twice, told) = (seq - mark.seq.0, last - mark.seq.0);
            assert!(twice * 8 <= told, "{twice} of {told} at {seq} of {last}");
        }
    });
    assert_eq!(most, MOST);
}

#[test]
fn a_reader_that_keeps_up_is_told_nothing_twice() {
    growing(1_000, |last, marks, _| {
        for seq in last.saturating_sub(8).max(1)..=last {
            assert_eq!(marks.at(Seq(seq)).map(|mark| mark.seq), Some(Seq(seq)));
        }
    });
}

#[test]
fn snapshots_that_nothing_came_to_do_not_fill_the_marks() {
    let (mut marks, same) = (Marks::default(), lengths(&"x".into()));
    for seq in 1..=10_000 {
        marks.push(Mark {
            seq: Seq(seq),
            lengths: same.clone(),
        });
    }
    assert!(marks.0.len() <= MOST);
    assert_eq!(marks.first(), Some(Seq(1)));
    assert_eq!(
        marks.at(Seq(9_999)).map(|mark| mark.lengths.clone()),
        Some(same)
    );
}
