//! Owns the numbers that tell one armed timer, stream or create from every other one of this process.
//!
//! It must never know what a number stands for.

/// A number that the registry gives out once and never again.
///
/// A timer carries the generation it was armed with. Whatever replaces the timer stores another generation, so the old
/// timer needs no disarming: when it fires, nobody holds its number any more (contract 4.6, I4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

/// The source of [`Generation`]s.
#[derive(Debug, Default)]
pub(super) struct Generations {
    given: u64,
}

impl Generations {
    /// Gives a generation that is greater than all before.
    pub(super) fn next(&mut self) -> Generation {
        self.given += 1;
        Generation(self.given)
    }
}
