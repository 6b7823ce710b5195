//! Owns the checks of the way through the stored part of a log. It must never know what is on a page.

use super::*;

fn lost(from: u64, to: u64) -> Lost {
    Lost {
        from: Seq(from),
        to: Seq(to),
    }
}

fn read(after: u64, until: u64) -> Step<&'static str> {
    Step::Read {
        after: Seq(after),
        until: Seq(until),
    }
}

fn course(after: u64, to: u64) -> Course<&'static str> {
    Course::new(Seq(after), Seq(to))
}

/// What brings a reader up to date at a place.
fn catch_up(at: u64) -> CatchUp {
    CatchUp::for_test(Seq(at))
}

#[test]
fn pages_are_read_one_by_one_until_the_log_in_memory_goes_on() {
    let mut course = course(10, 50);
    assert_eq!(course.next(), read(10, 50));
    course.read(None, Seq(30), Some("one")).expect("in order");
    assert_eq!(course.told(), Seq(10), "read, and not told");
    assert_eq!(course.next(), Step::Page("one"));
    assert_eq!((course.told(), course.to()), (Seq(30), Seq(50)));
    assert_eq!(course.next(), read(30, 50));
    course.read(None, Seq(50), Some("two")).expect("in order");
    assert_eq!(course.next(), Step::Page("two"));
    assert_eq!(course.next(), Step::Over);
}

#[test]
fn a_part_without_events_is_passed_over() {
    let mut course = course(10, 50);
    course.read(None, Seq(40), None).expect("in order");
    assert_eq!(course.next(), read(40, 50));
    course.read(None, Seq(50), None).expect("in order");
    assert_eq!(course.next(), Step::Over);
}

#[test]
fn a_loss_is_told_once_before_what_comes_after_it() {
    let mut course = course(0, 50);
    course
        .read(Some(lost(1, 20)), Seq(20), None)
        .expect("in order");
    assert_eq!(course.next(), read(20, 50));
    course
        .read(Some(lost(21, 30)), Seq(40), Some("page"))
        .expect("in order");
    assert_eq!(course.next(), Step::Gap(lost(1, 30)));
    assert_eq!(course.told(), Seq(30));
    assert_eq!(course.next(), Step::Page("page"));
    course.read(None, Seq(50), None).expect("in order");
    assert_eq!(course.next(), Step::Over);
}

#[test]
fn a_loss_of_everything_is_told_at_the_end() {
    let mut course = course(5, 50);
    course
        .read(Some(lost(6, 90)), Seq(50), None)
        .expect("in order");
    assert_eq!(course.next(), Step::Gap(lost(6, 50)), "and no further");
    assert_eq!(course.next(), Step::Over);
}

#[test]
fn who_begins_with_the_oldest_event_is_told_of_no_loss_before_it() {
    let mut course = Course::from_oldest(Seq(50));
    // A run begins later than the log.
    course
        .read(Some(lost(7, 20)), Seq(40), Some("page"))
        .expect("in order");
    assert_eq!(course.next(), Step::Page("page"));
    // Retention went on while the reader was on its way.
    course
        .read(Some(lost(41, 45)), Seq(50), None)
        .expect("in order");
    assert_eq!(course.next(), Step::Gap(lost(41, 45)));
    assert_eq!(course.next(), Step::Over);
}

#[test]
fn a_stranger_is_told_first_that_it_has_nothing() {
    let mut course = Course::of_stranger(Seq(50));
    assert_eq!(course.next(), read(0, 50));
    course.read(None, Seq(50), Some("page")).expect("in order");
    assert_eq!(course.next(), Step::Gap(lost(1, 0)));
    assert_eq!(course.next(), Step::Page("page"));

    let mut course = Course::of_stranger(Seq(50));
    course
        .read(Some(lost(1, 7)), Seq(50), Some("page"))
        .expect("in order");
    assert_eq!(course.next(), Step::Gap(lost(1, 7)));

    let mut course: Course<&str> = Course::of_stranger(Seq::ZERO);
    assert_eq!(course.next(), Step::Gap(lost(1, 0)));
    assert_eq!(course.next(), Step::Over);
}

#[test]
fn a_reader_is_brought_up_to_date_at_each_place_before_it_goes_on() {
    let places = [10, 25, 25, 50].map(catch_up);
    let mut course = course(10, 50).catching_up(places.to_vec());
    assert_eq!(course.next(), Step::CatchUp(catch_up(10)));
    assert_eq!(course.next(), read(10, 25));
    course.read(None, Seq(20), Some("one")).expect("in order");
    assert_eq!(course.next(), Step::Page("one"));
    assert_eq!(course.next(), read(20, 25));
    course.read(None, Seq(25), None).expect("in order");
    assert_eq!(course.next(), Step::CatchUp(catch_up(25)));
    assert_eq!(course.next(), Step::CatchUp(catch_up(25)));
    assert_eq!(course.next(), read(25, 50));
    course.read(None, Seq(50), Some("two")).expect("in order");
    assert_eq!(course.next(), Step::Page("two"));
    assert_eq!(course.next(), Step::CatchUp(catch_up(50)));
    assert_eq!(course.next(), Step::Over);
}

#[test]
fn a_reader_is_brought_up_to_date_before_it_is_told_of_a_loss() {
    // With the number of the loss it has come that far.
    let mut course = course(0, 50).catching_up(vec![catch_up(10)]);
    course
        .read(Some(lost(1, 10)), Seq(10), None)
        .expect("in order");
    assert_eq!(course.next(), Step::CatchUp(catch_up(10)));
    course
        .read(Some(lost(11, 20)), Seq(50), Some("page"))
        .expect("in order");
    assert_eq!(course.next(), Step::Gap(lost(1, 20)));
}

#[test]
fn a_page_that_does_not_go_on_or_goes_too_far_is_refused() {
    let mut course = course(10, 50).catching_up(vec![catch_up(30)]);
    for through in [0, 10, 31, 50] {
        let refused = BadPage {
            after: Seq(10),
            until: Seq(30),
            through: Seq(through),
        };
        assert_eq!(course.read(None, Seq(through), Some("page")), Err(refused));
    }
    assert_eq!(course.next(), read(10, 30));
}
