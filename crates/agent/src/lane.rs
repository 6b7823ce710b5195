//! The runs of one session, in their order: accepted, waiting, active, cancelled, folded into another turn.
//! Pure: every rule of the order is here, and no lock, no waker, no clock. [`Reservations`](crate::Reservations)
//! is the locked shell around it.

use std::collections::VecDeque;

use crate::busy_policy::Placement;
use crate::cancel_mark::{AcceptSeq, CancelMark};
use crate::cancel_token::CancelReason;

/// Where one run stands in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reserved; the journal has not confirmed it yet, so it may still come to nothing.
    Accepted,
    /// Confirmed; waits for its turn.
    Waiting,
    /// Handed to the active turn, which may still give it back.
    Folding,
    /// Became part of the turn of the named run.
    Folded(AcceptSeq),
    /// The one run that executes.
    Active,
}

/// What a run that asks for its turn is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Another run goes first.
    Wait,
    /// It is this run's turn; the lane is busy with it until it is removed.
    Active,
    /// A cancel covers it, and it has not started.
    Cancelled(CancelReason),
    /// It has become part of the turn of this run.
    Folded(AcceptSeq),
}

/// One run and what the owner of the lane keeps with it.
#[derive(Debug)]
pub struct LaneEntry<T> {
    seq: AcceptSeq,
    phase: Phase,
    steers: bool,
    interrupts: bool,
    cancelled: Option<CancelReason>,
    item: T,
}

impl<T> LaneEntry<T> {
    /// The place in the order of acceptance.
    #[must_use]
    pub fn seq(&self) -> AcceptSeq {
        self.seq
    }

    /// Where the run stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What the owner keeps with the run.
    #[must_use]
    pub fn item(&self) -> &T {
        &self.item
    }
}

/// The runs of one session.
///
/// The order of turns is the order of acceptance, whatever the order in which the journal confirms; only a prompt
/// that interrupts goes ahead. A covered run never starts and never stands in the way of another.
///
/// ```
/// use runwright_agent::{AcceptSeq, CancelReason, Lane, Placement, Turn};
///
/// let (first, second) = (AcceptSeq::from(1), AcceptSeq::from(2));
/// let mut lane = Lane::default();
/// lane.accept(first, Placement::First, None, "first");
/// lane.accept(second, Placement::Last, None, "second");
/// lane.confirm(second);
/// assert_eq!(lane.turn(second), Turn::Wait, "the first was accepted before it");
/// lane.confirm(first);
/// assert_eq!(lane.turn(first), Turn::Active);
/// lane.cancel_all(CancelReason::Requested);
/// assert_eq!(lane.turn(second), Turn::Cancelled(CancelReason::Requested));
/// ```
#[derive(Debug)]
pub struct Lane<T> {
    entries: VecDeque<LaneEntry<T>>,
    mark: CancelMark,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            mark: CancelMark::default(),
        }
    }
}

impl<T> Lane<T> {
    /// Adds a run. `born` is the reason why it is cancelled from the start, if the workspace is being cancelled.
    ///
    /// `seq` must be greater than that of every run accepted before. Returns how many runs go before it.
    pub fn accept(
        &mut self,
        seq: AcceptSeq,
        placement: Placement,
        born: Option<CancelReason>,
        item: T,
    ) -> usize {
        let at = match placement {
            Placement::First | Placement::Last | Placement::LastOrFolded => self.entries.len(),
            Placement::Next => self.behind_interrupts(),
        };
        let entry = LaneEntry {
            seq,
            phase: Phase::Accepted,
            steers: placement == Placement::LastOrFolded,
            interrupts: placement == Placement::Next,
            cancelled: born,
            item,
        };
        self.entries.insert(at, entry);
        self.entries
            .range(..at)
            .filter(|entry| self.is_live(entry))
            .count()
    }

    /// The journal has the run: from now on it waits for its turn. A run that interrupts cancels the first run, and
    /// those that were to interrupt it before, now and not earlier: a prompt that could not be accepted has changed
    /// nothing, and one that was cancelled meanwhile interrupts nobody.
    ///
    /// Returns the runs that this cancelled.
    pub fn confirm(&mut self, seq: AcceptSeq) -> Vec<AcceptSeq> {
        let Some(at) = self.index(seq) else {
            return Vec::new();
        };
        if self.entries[at].phase == Phase::Accepted {
            self.entries[at].phase = Phase::Waiting;
        }
        let interrupts = self.entries[at].interrupts && self.covered(&self.entries[at]).is_none();
        let victims = if interrupts {
            self.superseded_by(at)
        } else {
            Vec::new()
        };
        self.cancel_each(&victims, CancelReason::Superseded);
        victims
    }

    /// Asks for the turn of a run, and makes it the active one if it is its turn.
    pub fn turn(&mut self, seq: AcceptSeq) -> Turn {
        self.promote();
        let Some(entry) = self.entry(seq) else {
            return Turn::Wait;
        };
        match (entry.phase, self.covered(entry)) {
            (Phase::Active, _) => Turn::Active,
            (Phase::Folded(into), _) => Turn::Folded(into),
            (Phase::Accepted | Phase::Waiting, Some(reason)) => Turn::Cancelled(reason),
            (Phase::Accepted | Phase::Waiting, None) | (Phase::Folding, _) => Turn::Wait,
        }
    }

    /// Removes a run that is over, or that came to nothing, and hands the lane to the next in the same step: between
    /// two runs the lane is never idle. Returns what was kept with the run.
    pub fn remove(&mut self, seq: AcceptSeq) -> Option<T> {
        let at = self.index(seq)?;
        let entry = self.entries.remove(at)?;
        self.promote();
        Some(entry.item)
    }

    /// Cancels every run accepted so far and none accepted later. Returns the runs that this cancelled, the active
    /// one among them; a folded run is over and not among them. A run that is cancelled already keeps its reason.
    pub fn cancel_all(&mut self, reason: CancelReason) -> Vec<AcceptSeq> {
        let hit = self.uncovered(|entry| !matches!(entry.phase, Phase::Folded(_)));
        self.keep_reasons();
        if let Some(last) = self.entries.iter().map(|entry| entry.seq).max() {
            self.mark.raise(last, reason);
        }
        hit
    }

    /// Cancels every run that has not started; the active one goes on.
    pub fn cancel_waiting(&mut self, reason: CancelReason) -> Vec<AcceptSeq> {
        let hit = self.uncovered(|entry| !matches!(entry.phase, Phase::Active | Phase::Folded(_)));
        self.cancel_each(&hit, reason);
        hit
    }

    /// Cancels one run, the queue stays. Returns whether this cancelled it: not when it is unknown, folded or
    /// already cancelled. A run on offer to the active turn may still be taken in; if it is given back, it is
    /// cancelled.
    pub fn cancel_one(&mut self, seq: AcceptSeq, reason: CancelReason) -> bool {
        let hit =
            self.uncovered(|entry| entry.seq == seq && !matches!(entry.phase, Phase::Folded(_)));
        self.cancel_each(&hit, reason);
        !hit.is_empty()
    }

    /// Offers every prompt that may be folded into the active turn to the run `into`, in order. Each is then either
    /// [`folded`](Self::folded) or [`given back`](Self::unfold); until then it is decided for nobody, and nobody
    /// goes ahead of it. Nothing is offered to a run that is not active or is being cancelled.
    pub fn fold(&mut self, into: AcceptSeq) -> Vec<AcceptSeq> {
        let active = self
            .entry(into)
            .is_some_and(|entry| entry.phase == Phase::Active && self.covered(entry).is_none());
        if !active {
            return Vec::new();
        }
        let offered = self.uncovered(|entry| entry.phase == Phase::Waiting && entry.steers);
        for entry in &mut self.entries {
            if offered.contains(&entry.seq) {
                entry.phase = Phase::Folding;
            }
        }
        offered
    }

    /// The active turn took the prompt in. A cancel that came while it was on offer is too late: the prompt is part
    /// of the history of the turn by now, and that turn is cancelled as well.
    pub fn folded(&mut self, seq: AcceptSeq, into: AcceptSeq) {
        if let Some(at) = self.index(seq)
            && self.entries[at].phase == Phase::Folding
        {
            self.entries[at].phase = Phase::Folded(into);
        }
        self.promote();
    }

    /// The active turn did not take the prompt in: it waits again, at its old place.
    pub fn unfold(&mut self, seq: AcceptSeq) {
        if let Some(at) = self.index(seq)
            && self.entries[at].phase == Phase::Folding
        {
            self.entries[at].phase = Phase::Waiting;
        }
        self.promote();
    }

    /// Whether no run is in the lane, not even one that is cancelled and still has to say so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many runs are in the lane.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many runs a new prompt would find before it: the active one and those that wait.
    #[must_use]
    pub fn live(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| self.is_live(entry))
            .count()
    }

    /// The active run, if one executes.
    #[must_use]
    pub fn active(&self) -> Option<&LaneEntry<T>> {
        self.entries
            .iter()
            .find(|entry| entry.phase == Phase::Active)
    }

    /// The runs that wait for their turn behind the first one and are not cancelled, in order.
    pub fn queued(&self) -> impl Iterator<Item = &LaneEntry<T>> {
        let first = self.first_live();
        self.entries
            .iter()
            .enumerate()
            .filter_map(move |(at, entry)| {
                let waits = matches!(entry.phase, Phase::Accepted | Phase::Waiting);
                (waits && Some(at) != first && self.covered(entry).is_none()).then_some(entry)
            })
    }

    /// The runs that are cancelled and not over, in the order of their turns: none of them will start.
    pub fn cancelled(&self) -> impl Iterator<Item = &LaneEntry<T>> {
        let is_covered = |entry: &&LaneEntry<T>| self.covered(entry).is_some();
        self.entries.iter().filter(is_covered)
    }

    /// All runs in the order of their turns.
    pub fn iter(&self) -> impl Iterator<Item = &LaneEntry<T>> {
        self.entries.iter()
    }

    /// The run with this number.
    #[must_use]
    pub fn entry(&self, seq: AcceptSeq) -> Option<&LaneEntry<T>> {
        self.index(seq).map(|at| &self.entries[at])
    }

    /// What the owner keeps with a run.
    pub fn item_mut(&mut self, seq: AcceptSeq) -> Option<&mut T> {
        let at = self.index(seq)?;
        Some(&mut self.entries[at].item)
    }

    /// What the owner keeps with the runs that could go on now if they asked: those whose turn has come, those that
    /// are cancelled, those that are folded.
    pub fn ready_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let mark = self.mark;
        self.entries.iter_mut().filter_map(move |entry| {
            let covered = entry.cancelled.or(mark.covers(entry.seq)).is_some();
            let ready = match entry.phase {
                Phase::Accepted | Phase::Waiting => covered,
                Phase::Folding => false,
                Phase::Folded(_) | Phase::Active => true,
            };
            ready.then_some(&mut entry.item)
        })
    }

    /// The reason why a run is cancelled, by itself or with its session.
    fn covered(&self, entry: &LaneEntry<T>) -> Option<CancelReason> {
        entry.cancelled.or_else(|| self.mark.covers(entry.seq))
    }

    /// Writes down with each run what the mark says of it, before the mark is raised and says something else.
    fn keep_reasons(&mut self) {
        for entry in &mut self.entries {
            entry.cancelled = entry.cancelled.or(self.mark.covers(entry.seq));
        }
    }

    fn uncovered(&self, which: impl Fn(&LaneEntry<T>) -> bool) -> Vec<AcceptSeq> {
        self.entries
            .iter()
            .filter(|entry| self.covered(entry).is_none() && which(entry))
            .map(|entry| entry.seq)
            .collect()
    }

    /// Gives the turn to the first run that is not cancelled, if none has it and that one is confirmed.
    fn promote(&mut self) {
        if self.active().is_some() {
            return;
        }
        if let Some(first) = self.first_live()
            && self.entries[first].phase == Phase::Waiting
        {
            self.entries[first].phase = Phase::Active;
        }
    }

    /// The run that executes or would be the next to do so.
    fn first_live(&self) -> Option<usize> {
        self.entries.iter().position(|entry| self.is_live(entry))
    }

    /// Whether the run executes or still may.
    fn is_live(&self, entry: &LaneEntry<T>) -> bool {
        match entry.phase {
            Phase::Active | Phase::Folding => true,
            Phase::Accepted | Phase::Waiting => self.covered(entry).is_none(),
            Phase::Folded(_) => false,
        }
    }

    /// The place of a run that interrupts: behind the first run and behind those that interrupted it before.
    fn behind_interrupts(&self) -> usize {
        let Some(first) = self.first_live() else {
            return self.entries.len();
        };
        let earlier = self
            .entries
            .range(first + 1..)
            .take_while(|entry| entry.interrupts);
        first + 1 + earlier.count()
    }

    /// The runs that the interrupting run at this place takes the turn from.
    fn superseded_by(&self, at: usize) -> Vec<AcceptSeq> {
        let first = self.first_live();
        let before = self.entries.range(..at).enumerate();
        before
            .filter(|(i, entry)| {
                (Some(*i) == first || entry.interrupts) && self.covered(entry).is_none()
            })
            .map(|(_, entry)| entry.seq)
            .collect()
    }

    /// Cancels these runs; with a run that has not started gone from the front, another may have its turn.
    fn cancel_each(&mut self, runs: &[AcceptSeq], reason: CancelReason) {
        for entry in &mut self.entries {
            if runs.contains(&entry.seq) {
                entry.cancelled = Some(reason);
            }
        }
        self.promote();
    }

    fn index(&self, seq: AcceptSeq) -> Option<usize> {
        self.entries.iter().position(|entry| entry.seq == seq)
    }
}
