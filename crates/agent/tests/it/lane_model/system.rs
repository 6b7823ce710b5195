//! The lane under test, and the promises that its history must keep whatever the model says.

use std::collections::{BTreeMap, BTreeSet};

use runwright_agent::{
    AcceptSeq, CancelReason, Lane, LaneEntry, LaneLoad, Phase, Placement, Turn, place,
};
use runwright_proto::BusyPolicy;

use super::commands::{Answer, Command, MAX_QUEUED, View};

#[derive(Debug, Default)]
pub(super) struct System {
    lane: Lane<u64>,
    /// The runs that were cancelled, each with the reason of the first cancel.
    cancelled: BTreeMap<u64, CancelReason>,
    /// The runs that may go ahead of others.
    interrupts: BTreeSet<u64>,
    started: BTreeSet<u64>,
    left: BTreeSet<u64>,
}

impl System {
    pub(super) fn step(&mut self, command: Command) -> Answer {
        let answer = self.perform(command);
        if let Answer::Left(Some(run)) = answer {
            assert!(self.left.insert(run), "a run leaves once");
        }
        if let Some(run) = self.lane.active().map(|entry| *entry.item())
            && self.started.insert(run)
        {
            self.check_start(run);
        }
        answer
    }

    fn perform(&mut self, command: Command) -> Answer {
        match command {
            Command::Accept(run, policy, born) => self.accept(run, policy, born),
            Command::Confirm(run) => {
                let hit = self.lane.confirm(seq(run));
                self.note(&hit, CancelReason::Superseded)
            }
            Command::Ask(run) => Answer::Told(self.lane.turn(seq(run))),
            Command::Leave(run) => Answer::Left(self.lane.remove(seq(run))),
            Command::CancelAll(reason) => {
                let hit = self.lane.cancel_all(reason);
                let answer = self.note(&hit, reason);
                self.check_covered();
                answer
            }
            Command::CancelWaiting(reason) => {
                let hit = self.lane.cancel_waiting(reason);
                self.note(&hit, reason)
            }
            Command::CancelOne(run, reason) => {
                let hit = self.lane.cancel_one(seq(run), reason);
                self.note(hit.then_some(seq(run)).as_slice(), reason)
            }
            Command::Offer(into) => Answer::Offered(numbers(&self.lane.fold(seq(into)))),
            Command::Take { prompt, into } => {
                self.lane.folded(seq(prompt), seq(into));
                Answer::Nothing
            }
            Command::GiveBack(prompt) => {
                self.lane.unfold(seq(prompt));
                Answer::Nothing
            }
        }
    }

    fn accept(&mut self, run: u64, policy: BusyPolicy, born: Option<CancelReason>) -> Answer {
        let load = LaneLoad {
            runs: self.lane.live(),
            max_queued: MAX_QUEUED,
        };
        let placement = match place(policy, load) {
            Ok(placement) => placement,
            Err(refusal) => return Answer::Refused(refusal),
        };
        let before: Vec<u64> = self.unstarted().collect();
        let position = self.lane.accept(seq(run), placement, born, run);
        self.cancelled.extend(born.map(|reason| (run, reason)));
        if placement == Placement::Next {
            self.interrupts.insert(run);
        }
        assert_eq!(
            matches!(self.lane.turn(seq(run)), Turn::Cancelled(_)),
            born.is_some(),
            "no cancel of the past covers a new run"
        );
        let behind: Vec<u64> = self.unstarted().filter(|other| *other != run).collect();
        assert_eq!(behind, before, "nobody else changes places");
        Answer::Position(position)
    }

    /// Notes whom a cancel hit: nobody twice.
    fn note(&mut self, hit: &[AcceptSeq], reason: CancelReason) -> Answer {
        let hit = numbers(hit);
        for run in &hit {
            assert_eq!(
                self.cancelled.insert(*run, reason),
                None,
                "the first reason stands"
            );
        }
        Answer::Cancelled(hit)
    }

    /// After a cancel of the session, all that is not over is cancelled.
    fn check_covered(&self) {
        for entry in self.lane.iter() {
            let over = matches!(entry.phase(), Phase::Folded(_));
            assert!(
                over || self.cancelled.contains_key(entry.item()),
                "{entry:?} is covered"
            );
        }
    }

    fn check_start(&self, run: u64) {
        assert!(
            !self.cancelled.contains_key(&run),
            "{run} was cancelled before it started"
        );
        let earlier = self.unstarted().filter(|other| *other < run);
        for other in earlier {
            let may = self.interrupts.contains(&run) && !self.interrupts.contains(&other);
            assert!(
                may,
                "{run} started before {other}, which was accepted before it"
            );
        }
    }

    pub(super) fn check_promises(&self) {
        let active: Vec<_> = self
            .lane
            .iter()
            .filter(|entry| entry.phase() == Phase::Active)
            .collect();
        assert!(active.len() <= 1, "one run is active at a time: {active:?}");
        let first = self
            .unstarted()
            .next()
            .and_then(|run| self.lane.entry(seq(run)));
        let waits = first.is_some_and(|entry| entry.phase() == Phase::Waiting);
        assert!(!active.is_empty() || !waits, "idle while {first:?} waits");
        for entry in self.lane.iter() {
            assert!(!self.left.contains(entry.item()), "{entry:?} has left");
        }
    }

    /// The runs that have not started and still may, in the order of turns.
    fn unstarted(&self) -> impl Iterator<Item = u64> {
        let may = |entry: &&LaneEntry<u64>| match entry.phase() {
            Phase::Accepted | Phase::Waiting => !self.cancelled.contains_key(entry.item()),
            Phase::Folding => true,
            Phase::Folded(_) | Phase::Active => false,
        };
        self.lane.iter().filter(may).map(|entry| *entry.item())
    }

    /// What can be seen of the lane; to look changes nothing.
    pub(super) fn view(&mut self) -> View {
        let phases = |lane: &Lane<u64>| -> Vec<(u64, Phase)> {
            lane.iter()
                .map(|entry| (entry.seq().get(), entry.phase()))
                .collect()
        };
        let before = phases(&self.lane);
        let runs = before
            .iter()
            .map(|(run, phase)| (*run, *phase, self.lane.turn(seq(*run))))
            .collect();
        let ready = self.lane.ready_mut().map(|run| *run).collect();
        assert_eq!(phases(&self.lane), before, "to ask changes nothing");
        assert_eq!(
            (self.lane.len(), self.lane.is_empty()),
            (before.len(), before.is_empty())
        );
        View {
            runs,
            live: self.lane.live(),
            active: self.lane.active().map(|entry| *entry.item()),
            queued: self.lane.queued().map(|entry| *entry.item()).collect(),
            ready,
        }
    }
}

fn seq(run: u64) -> AcceptSeq {
    AcceptSeq::from(run)
}

fn numbers(runs: &[AcceptSeq]) -> Vec<u64> {
    runs.iter().map(|run| run.get()).collect()
}
