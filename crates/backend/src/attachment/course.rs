//! The way of a reader through the stored part of a log, up to where the log in memory goes on: what to read next, what
//! is told of a loss, and where a reader of deltas is brought up to date. Pure. It must never know what is in a page.

use std::collections::VecDeque;

use runwright_agent::Lost;
use runwright_proto::Seq;

use crate::log::CatchUp;

/// The way from one number to another.
#[derive(Debug)]
pub(super) struct Course<P> {
    /// Everything up to this number was told.
    told: Seq,
    /// Where the log in memory goes on.
    to: Seq,
    /// In the order of their places.
    catch_up: VecDeque<CatchUp>,
    /// What is lost and was not told yet.
    lost: Option<Lost>,
    /// Whether the reader begins with the oldest event that is kept: what was before that is no loss to it.
    from_oldest: bool,
    /// The page that was read and not told yet, and how far it goes.
    page: Option<(P, Seq)>,
}

/// What comes next.
#[derive(Debug, PartialEq)]
pub(super) enum Step<P> {
    /// Bring the reader up to date.
    CatchUp(CatchUp),
    /// Tell it of a loss.
    Gap(Lost),
    /// Tell it what is on a page.
    Page(P),
    /// Read what comes after a number, up to another.
    Read {
        /// After this one.
        after: Seq,
        /// Up to this one.
        until: Seq,
    },
    /// Go on with the log in memory.
    Over,
}

/// A page that does not begin where it was asked to, or does not go on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a page that goes on after `{after}` and ends with `{until}` at the latest cannot end with `{through}`"
)]
pub(super) struct BadPage {
    after: Seq,
    until: Seq,
    through: Seq,
}

impl<P> Course<P> {
    /// A way that begins after a number.
    pub(super) fn new(after: Seq, to: Seq) -> Self {
        Self {
            told: after,
            to,
            catch_up: VecDeque::new(),
            lost: None,
            from_oldest: false,
            page: None,
        }
    }

    /// A way that begins with the oldest event that is kept, whichever that is.
    pub(super) fn from_oldest(to: Seq) -> Self {
        Self {
            from_oldest: true,
            ..Self::new(Seq::ZERO, to)
        }
    }

    /// A way of a reader that has nothing of this log: it is told so first.
    pub(super) fn of_stranger(to: Seq) -> Self {
        let nothing = Lost {
            from: Seq::ZERO.next(),
            to: Seq::ZERO,
        };
        Self {
            lost: Some(nothing),
            ..Self::new(Seq::ZERO, to)
        }
    }

    /// Brings the reader up to date on the way.
    pub(super) fn catching_up(mut self, catch_up: Vec<CatchUp>) -> Self {
        self.catch_up = catch_up.into();
        self
    }

    /// The last number that was told, or is known to be lost.
    pub(super) fn told(&self) -> Seq {
        self.told
    }

    /// Where the log in memory goes on.
    pub(super) fn to(&self) -> Seq {
        self.to
    }

    /// What comes next.
    pub(super) fn next(&mut self) -> Step<P> {
        if let Some(catch_up) = self.catch_up.pop_front_if(|next| next.at <= self.told) {
            return Step::CatchUp(catch_up);
        }
        if self.page.is_some() || self.told >= self.to {
            if let Some(lost) = self.take_lost() {
                return Step::Gap(lost);
            }
            let Some((page, through)) = self.page.take() else {
                return Step::Over;
            };
            self.told = through;
            self.from_oldest = false;
            return Step::Page(page);
        }
        let place = self.catch_up.front().map_or(self.to, |next| next.at);
        Step::Read {
            after: self.told,
            until: place.min(self.to),
        }
    }

    /// Takes what was read for the last [`Step::Read`]: what is lost, how far it goes, and what is on it, if anything is.
    pub(super) fn read(
        &mut self,
        lost: Option<Lost>,
        through: Seq,
        page: Option<P>,
    ) -> Result<(), BadPage> {
        let (after, place) = (self.told, self.catch_up.front().map(|next| next.at));
        let until = place.map_or(self.to, |place| place.min(self.to));
        if through <= after || through > until {
            return Err(BadPage {
                after,
                until,
                through,
            });
        }
        if let Some(lost) = lost {
            self.lose(lost.from, lost.to.min(through));
        }
        match page {
            Some(page) => self.page = Some((page, through)),
            None => self.told = through,
        }
        Ok(())
    }

    /// What is lost next to what was lost before is one loss.
    fn lose(&mut self, from: Seq, to: Seq) {
        let lost = self.lost.get_or_insert(Lost { from, to });
        lost.from = lost.from.min(from);
        lost.to = lost.to.max(to);
    }

    fn take_lost(&mut self) -> Option<Lost> {
        let lost = self.lost.take()?;
        self.told = self.told.max(lost.to);
        (!self.from_oldest).then_some(lost)
    }
}

#[cfg(test)]
mod tests;
