//! The wakers of everybody who waits for one condition.

use std::task::Waker;

use runwright_agent::WakerSet;

use crate::polling::Woken;

#[test]
fn each_future_waits_once_under_its_own_key() {
    let mut set = WakerSet::default();
    let (first, second) = (Woken::new(), Woken::new());
    let (mut a, mut b) = (None, None);
    assert!(set.register(&mut a, &Waker::from(first.clone())).is_none());
    assert!(set.register(&mut b, &Waker::from(second.clone())).is_none());
    assert_ne!(a, b);
    assert_eq!(set.len(), 2);
    for waker in set.take() {
        waker.wake();
    }
    assert!(set.is_empty());
    assert_eq!((first.count(), second.count()), (1, 1));
}

#[test]
fn a_replaced_waker_is_handed_back() {
    let mut set = WakerSet::default();
    let (old, new) = (Waker::from(Woken::new()), Waker::from(Woken::new()));
    let mut key = None;
    assert!(set.register(&mut key, &old).is_none());
    let replaced = set.register(&mut key, &new);
    assert!(replaced.is_some_and(|waker| waker.will_wake(&old)));
    assert!(set.register(&mut key, &new).is_none(), "nothing to replace");
    let taken = set.take();
    assert!(taken.len() == 1 && taken[0].will_wake(&new));
}

#[test]
fn a_future_that_was_woken_registers_again() {
    let mut set = WakerSet::default();
    let mut key = None;
    assert!(set.register(&mut key, Waker::noop()).is_none());
    assert_eq!(set.take().len(), 1);
    assert!(set.register(&mut key, Waker::noop()).is_none());
    assert_eq!(set.len(), 1);
}

#[test]
fn only_the_waker_of_its_key_is_removed() {
    let mut set = WakerSet::default();
    let wakers = [Woken::new(), Woken::new(), Woken::new()].map(Waker::from);
    let keys = wakers.each_ref().map(|waker| {
        let mut key = None;
        assert!(set.register(&mut key, waker).is_none());
        key
    });
    assert!(set.remove(None).is_none());
    let removed = set.remove(keys[1]);
    assert!(removed.is_some_and(|waker| waker.will_wake(&wakers[1])));
    assert!(set.remove(keys[1]).is_none(), "removed already");
    let left = set.take();
    assert!(left.len() == 2 && left[0].will_wake(&wakers[0]) && left[1].will_wake(&wakers[2]));
}
