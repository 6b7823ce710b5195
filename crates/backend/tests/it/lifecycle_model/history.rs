//! The promises of contract 4.6, and Runwright's own, checked on what the registry has said so far. Knows no rule of
//! the lifecycle, so that a mistake made both in the registry and in the model is still seen.

use std::{collections::BTreeSet, time::Duration};

use runwright_backend::{LifecycleOptions, Lookup, OnLastDetach, Profile, Registry};

use super::reference::{Answer, Asked, CLIENTS, Handle, PATHS, Path, TimerName, Transition};
use crate::ids::{client, workspace};

pub(super) struct History {
    options: LifecycleOptions,
    now: Duration,
    /// Every create that was given a ticket.
    creates: Vec<(Path, Profile)>,
    /// Tickets that were not given back.
    in_flight: usize,
    /// Every workspace that was opened, with its path.
    lives: Vec<Life>,
    timers: Vec<TimerName>,
    fired: BTreeSet<usize>,
    retired_until: [Duration; CLIENTS],
    decided_to_exit: bool,
    exits: usize,
}

struct Life {
    handle: Handle,
    path: Path,
    closes: usize,
    ended: bool,
}

impl History {
    pub(super) fn new(options: LifecycleOptions) -> Self {
        Self {
            options,
            now: Duration::ZERO,
            creates: Vec::new(),
            in_flight: 0,
            lives: Vec::new(),
            timers: Vec::new(),
            fired: BTreeSet::new(),
            retired_until: [Duration::ZERO; CLIENTS],
            decided_to_exit: false,
            exits: 0,
        }
    }

    pub(super) fn record(
        &mut self,
        transition: &Transition,
        answer: &Answer,
        asked: &[Asked],
        busy: &BTreeSet<Handle>,
    ) {
        self.record_command(transition);
        self.record_answer(transition, answer);
        for effect in asked {
            self.record_effect(transition, effect, busy);
        }
    }

    fn record_command(&mut self, transition: &Transition) {
        match transition {
            Transition::Opened(_)
            | Transition::OpenFailed(_)
            | Transition::Retry(_)
            | Transition::GiveUp(_) => self.in_flight -= 1,
            Transition::Advance(time) => self.now += *time,
            Transition::Retire(who) => {
                self.retired_until[*who] = self.now + self.options.retired_expiry;
            }
            Transition::Fire(timer) => {
                self.fired.insert(*timer);
            }
            Transition::Closed(path) => {
                for life in self.lives.iter_mut().filter(|life| life.path == *path) {
                    life.ended |= life.closes > 0;
                }
            }
            _ => {}
        }
    }

    fn record_answer(&mut self, transition: &Transition, answer: &Answer) {
        match (answer, transition) {
            (Answer::Open | Answer::Wait, Transition::Retry(create)) => {
                self.creates.push(self.creates[*create].clone());
                self.in_flight += 1;
            }
            (
                Answer::Open | Answer::Wait,
                Transition::Create(_, path, profile) | Transition::OpenKnown(path, profile),
            ) => {
                self.creates.push((*path, profile.clone()));
                self.in_flight += 1;
            }
            (Answer::Opened(_), Transition::Opened(create)) => {
                let path = self.creates[*create].0;
                let alive = self
                    .lives
                    .iter()
                    .any(|life| life.path == path && !life.ended);
                assert!(!alive, "I1: a second live workspace for path {path}");
                self.lives.push(Life {
                    handle: *create,
                    path,
                    closes: 0,
                    ended: false,
                });
            }
            (Answer::Shutdown(handles), _) => {
                self.decided_to_exit = true;
                for handle in handles {
                    self.record_close(*handle);
                }
            }
            _ => {}
        }
        let accepts = matches!(answer, Answer::Join(_) | Answer::Open | Answer::Wait);
        let commits = matches!(answer, Answer::Opened(Ok(_)));
        assert!(
            !self.decided_to_exit || !(accepts || commits),
            "I8: a create after the exit"
        );
    }

    fn record_effect(&mut self, transition: &Transition, effect: &Asked, busy: &BTreeSet<Handle>) {
        match effect {
            Asked::Arm(name, _) => self.timers.push(*name),
            Asked::CancelRuns(_) => {}
            Asked::Exit => {
                self.exits += 1;
                self.decided_to_exit = true;
                assert_eq!(self.exits, 1, "I8: the exit is decided once");
                assert_eq!(self.in_flight, 0, "I6: an exit while a create is pending");
                assert!(
                    self.lives.iter().all(|life| life.ended),
                    "an exit under a workspace"
                );
            }
            Asked::Close(handle) => {
                let refused = matches!(transition, Transition::Opened(_));
                assert!(
                    refused || !busy.contains(handle),
                    "a workspace closed under its runs"
                );
                self.record_close(*handle);
            }
        }
    }

    fn record_close(&mut self, handle: Handle) {
        let mut lives = self.lives.iter_mut().filter(|life| life.handle == handle);
        let life = lives.next().expect("a workspace closes that never opened");
        life.closes += 1;
        assert_eq!(
            life.closes, 1,
            "I5: one shutdown in the life of a workspace"
        );
    }

    /// Compares the registry with what it has said.
    pub(super) fn check(&self, registry: &Registry<Handle>, busy: &BTreeSet<Handle>) {
        assert_eq!(
            registry.is_closing(),
            self.decided_to_exit,
            "I7, I8: the latch"
        );
        assert_eq!(registry.pending(), self.in_flight, "I14: pending");
        for path in 0..PATHS {
            let claims = registry.clients(workspace(path)).unwrap_or_default();
            for who in (0..CLIENTS).filter(|who| self.now < self.retired_until[*who]) {
                let claims = claims.iter().any(|claim| claim.client == client(who));
                assert!(!claims, "I9: a retired client has a claim");
            }
            if let Lookup::Open(handle) = registry.get(workspace(path)) {
                let life = self.lives.iter().find(|life| life.handle == handle);
                assert!(
                    life.is_some_and(|life| life.closes == 0),
                    "I3: open and torn down"
                );
                let abandoned = claims.is_empty() && !busy.contains(&handle);
                assert!(
                    !abandoned || self.will_close(path, handle),
                    "a forgotten workspace"
                );
            }
        }
    }

    fn will_close(&self, path: Path, handle: Handle) -> bool {
        let lingers = |timer: &usize| self.timers[*timer] == TimerName::Linger(path);
        let last = (0..self.timers.len()).rev().find(lingers);
        self.keeps(handle) || last.is_some_and(|timer| !self.fired.contains(&timer))
    }

    fn keeps(&self, handle: Handle) -> bool {
        self.creates[handle].1.on_last_detach == OnLastDetach::Keep
    }

    /// Requires that nothing is left after every ticket was given back and every timer has fired.
    pub(super) fn check_end(&self, registry: &Registry<Handle>) {
        assert_eq!(registry.pending(), 0, "I14: pending returns to zero");
        for (id, handle) in registry.list() {
            assert!(self.keeps(handle), "workspace {handle} is never closed");
            assert_eq!(registry.clients(id), Some(Vec::new()), "a claim is left");
        }
        let exits_by_itself = self.options.idle_exit.is_some() && !self.creates.is_empty();
        if exits_by_itself && registry.is_idle() {
            assert!(registry.is_closing(), "an empty server is left behind");
        }
    }
}
