//! The reference model of a workspace: a lane model for each session, the names of the runs, the one cancel that is
//! never taken back.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::sample::Index;
use proptest_state_machine::ReferenceStateMachine;
use runwright_agent::{AcceptSeq, CancelReason, Phase, Refusal, Turn};
use runwright_proto::BusyPolicy;

use crate::lane_model::commands::{Answer as LaneAnswer, Command as LaneCommand, MAX_QUEUED};
use crate::lane_model::reference::Model;

/// One thing that is done to a workspace. Sessions, runs and the names of runs are numbers; a run and its repetition
/// have two numbers and one name.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Accept {
        run: u64,
        name: u64,
        session: usize,
        policy: BusyPolicy,
    },
    Confirm(u64),
    Poll(u64),
    Leave(u64),
    CancelSession(usize, CancelReason),
    CancelWaiting(usize, CancelReason),
    CancelRun(usize, u64, CancelReason),
    CancelIfWaiting(usize, u64, CancelReason),
    CancelPresent(CancelReason),
    CancelAll(CancelReason),
    Offer(u64),
    Take(u64),
    GiveBack(u64),
}

/// What the workspace answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Nothing,
    Position(usize),
    Refused(Refusal),
    /// A run that is folded is told the name of the run that took it.
    Polled(Turn),
    /// The names of the runs.
    Cancelled(Vec<u64>),
    Was(bool),
    /// The numbers of the runs.
    Offered(Vec<u64>),
}

/// Everything that can be seen of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub(super) len: usize,
    pub(super) active: usize,
    pub(super) sessions: Vec<SessionView>,
    /// Each run that is not over, with what its token says.
    pub(super) cancelled: Vec<(u64, Option<CancelReason>)>,
}

/// Everything that can be seen of a session.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SessionView {
    pub(super) len: usize,
    /// The numbers of the runs.
    pub(super) queued: Vec<u64>,
}

pub(super) const SESSIONS: usize = 2;

#[derive(Debug, Clone)]
pub(super) struct World {
    lanes: Vec<Model>,
    /// The session and the name of each run that was accepted.
    runs: BTreeMap<u64, (usize, u64)>,
    confirmed: BTreeSet<u64>,
    /// The runs that were told what becomes of them.
    decided: BTreeSet<u64>,
    last: u64,
    closing: Option<CancelReason>,
    pub(super) answer: Answer,
}

impl ReferenceStateMachine for World {
    type State = Self;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<Self> {
        let world = Self {
            lanes: vec![Model::default(); SESSIONS],
            runs: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            decided: BTreeSet::new(),
            last: 0,
            closing: None,
            answer: Answer::Nothing,
        };
        Just(world).boxed()
    }

    fn transitions(world: &Self) -> BoxedStrategy<Command> {
        let world = world.clone();
        (0..100_u32, any::<Index>(), any::<Index>())
            .prop_map(move |(roll, which, how)| world.draw(roll, which, how))
            .boxed()
    }

    fn apply(mut world: Self, command: &Command) -> Self {
        world.answer = world.step(command);
        world
    }

    fn preconditions(world: &Self, command: &Command) -> bool {
        match command {
            Command::Accept { run, name, .. } => {
                *run > world.last && (name == run || world.runs.contains_key(name))
            }
            _ => true,
        }
    }
}

impl World {
    fn draw(&self, roll: u32, which: Index, how: Index) -> Command {
        let reason = pick(&REASONS, how).unwrap_or(CancelReason::Requested);
        let session = how.index(SESSIONS);
        let held: Vec<u64> = (0..SESSIONS).flat_map(|s| self.lanes[s].all()).collect();
        let run = pick(&held, which).unwrap_or(0);
        let undecided: Vec<u64> = held
            .iter()
            .filter(|run| self.confirmed.contains(run) && !self.decided.contains(run))
            .copied()
            .collect();
        let active: Vec<u64> = self.lanes.iter().filter_map(Model::running).collect();
        let offers = self
            .lanes
            .iter()
            .flat_map(Model::on_offer)
            .map(|(prompt, _)| prompt);
        let offered = pick(&offers.collect::<Vec<_>>(), which).unwrap_or(run);
        let unconfirmed: Vec<u64> = self.lanes.iter().flat_map(Model::unconfirmed).collect();
        let name = self.name(run);
        match roll {
            0..26 => self.draw_accept(roll, run, session, how),
            26..44 => Command::Confirm(pick(&unconfirmed, which).unwrap_or(run)),
            44..58 => Command::Poll(pick(&undecided, which).unwrap_or(run)),
            58..66 => Command::Leave(pick(&active, which).unwrap_or(run)),
            66..71 => Command::Leave(run),
            71..74 => Command::CancelSession(session, reason),
            74..77 => Command::CancelWaiting(session, reason),
            77..80 => Command::CancelRun(session, name, reason),
            80..83 => Command::CancelIfWaiting(session, name, reason),
            83 => Command::CancelPresent(reason),
            84 => Command::CancelAll(reason),
            85..91 => Command::Offer(pick(&active, which).unwrap_or(run)),
            91..96 => Command::Take(offered),
            96..99 => Command::GiveBack(offered),
            _ => Command::Offer(run),
        }
    }

    fn draw_accept(&self, roll: u32, repeated: u64, session: usize, how: Index) -> Command {
        let run = self.last + 1;
        // A repetition may come in another session by mistake; nothing may be confused by that.
        let (session, name) = match self.runs.get(&repeated) {
            Some((session, name)) if roll < 3 => (*session, *name),
            Some((_, name)) if roll == 3 => (session, *name),
            _ => (session, run),
        };
        Command::Accept {
            run,
            name,
            session,
            policy: pick(&POLICIES, how).unwrap_or_default(),
        }
    }

    fn step(&mut self, command: &Command) -> Answer {
        match *command {
            Command::Accept {
                run,
                name,
                session,
                policy,
            } => self.accept(run, name, session, policy),
            Command::Confirm(run) => {
                self.confirmed.insert(run);
                self.change(run, &LaneCommand::Confirm(run));
                Answer::Nothing
            }
            Command::Poll(run) => self.poll(run),
            Command::Leave(run) => {
                self.change(run, &LaneCommand::Leave(run));
                Answer::Nothing
            }
            Command::CancelSession(session, reason) => {
                self.cancel(session, &LaneCommand::CancelAll(reason))
            }
            Command::CancelWaiting(session, reason) => {
                self.cancel(session, &LaneCommand::CancelWaiting(reason))
            }
            Command::CancelRun(session, name, reason) => self.cancel_named(session, name, reason),
            Command::CancelIfWaiting(session, name, reason) => {
                let phases = self.lanes[session].view().runs;
                let started = phases.iter().any(|(run, phase, _)| {
                    self.name(*run) == name && !matches!(phase, Phase::Accepted | Phase::Waiting)
                });
                if started {
                    return Answer::Was(false);
                }
                self.cancel_named(session, name, reason)
            }
            Command::CancelPresent(reason) => self.cancel_everywhere(reason),
            Command::CancelAll(reason) => {
                self.closing = self.closing.or(Some(reason));
                self.cancel_everywhere(reason)
            }
            Command::Offer(into) => match self.change(into, &LaneCommand::Offer(into)) {
                Some(LaneAnswer::Offered(prompts)) => Answer::Offered(prompts),
                _ => Answer::Offered(Vec::new()),
            },
            Command::Take(prompt) => {
                let into = self
                    .lanes
                    .iter()
                    .flat_map(Model::on_offer)
                    .find(|(run, _)| *run == prompt);
                if let Some((_, into)) = into {
                    self.change(prompt, &LaneCommand::Take { prompt, into });
                }
                Answer::Nothing
            }
            Command::GiveBack(prompt) => {
                self.change(prompt, &LaneCommand::GiveBack(prompt));
                Answer::Nothing
            }
        }
    }

    fn accept(&mut self, run: u64, name: u64, session: usize, policy: BusyPolicy) -> Answer {
        let lane = &mut self.lanes[session];
        lane.step(&LaneCommand::Accept(run, policy, self.closing));
        match lane.answer {
            LaneAnswer::Position(position) => {
                self.last = run;
                self.runs.insert(run, (session, name));
                Answer::Position(position)
            }
            LaneAnswer::Refused(refusal) => Answer::Refused(refusal),
            ref other => unreachable!("{other:?}"),
        }
    }

    fn poll(&mut self, run: u64) -> Answer {
        let held = self
            .lane_of(run)
            .is_some_and(|lane| lane.all().contains(&run));
        if !held || !self.confirmed.contains(&run) || self.decided.contains(&run) {
            return Answer::Nothing;
        }
        let told = self.told(run);
        if told != Turn::Wait {
            self.decided.insert(run);
        }
        Answer::Polled(match told {
            Turn::Folded(into) => Turn::Folded(AcceptSeq::from(self.name(into.get()))),
            Turn::Wait | Turn::Active | Turn::Cancelled(_) => told,
        })
    }

    fn cancel(&mut self, session: usize, command: &LaneCommand) -> Answer {
        self.lanes[session].step(command);
        match &self.lanes[session].answer {
            LaneAnswer::Cancelled(runs) => {
                Answer::Cancelled(runs.iter().map(|run| self.name(*run)).collect())
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn cancel_named(&mut self, session: usize, name: u64, reason: CancelReason) -> Answer {
        let mut any = false;
        for run in self.lanes[session].all() {
            if self.name(run) == name {
                let hit = self.cancel(session, &LaneCommand::CancelOne(run, reason));
                any |= hit != Answer::Cancelled(Vec::new());
            }
        }
        Answer::Was(any)
    }

    fn cancel_everywhere(&mut self, reason: CancelReason) -> Answer {
        for lane in &mut self.lanes {
            lane.step(&LaneCommand::CancelAll(reason));
        }
        Answer::Nothing
    }

    fn change(&mut self, run: u64, command: &LaneCommand) -> Option<LaneAnswer> {
        let (session, _) = *self.runs.get(&run)?;
        self.lanes[session].step(command);
        Some(self.lanes[session].answer.clone())
    }

    /// What a run is told that asks for its turn.
    pub(super) fn told(&self, run: u64) -> Turn {
        self.lane_of(run).map_or(Turn::Wait, |lane| lane.told(run))
    }

    fn lane_of(&self, run: u64) -> Option<&Model> {
        self.runs
            .get(&run)
            .map(|(session, _)| &self.lanes[*session])
    }

    fn name(&self, run: u64) -> u64 {
        self.runs.get(&run).map_or(0, |(_, name)| *name)
    }

    pub(super) fn view(&self) -> View {
        let views: Vec<_> = self.lanes.iter().map(Model::view).collect();
        let held: BTreeSet<u64> = self.lanes.iter().flat_map(Model::all).collect();
        let cancelled = |run: &u64| {
            (
                *run,
                self.lane_of(*run).and_then(|lane| lane.cancelled(*run)),
            )
        };
        View {
            len: held.len(),
            active: views.iter().filter(|view| view.active.is_some()).count(),
            cancelled: held.iter().map(cancelled).collect(),
            sessions: views
                .into_iter()
                .map(|view| SessionView {
                    len: view.runs.len(),
                    queued: view.queued,
                })
                .collect(),
        }
    }
}

const REASONS: [CancelReason; 3] = [
    CancelReason::Requested,
    CancelReason::Closing,
    CancelReason::Abandoned,
];

const POLICIES: [BusyPolicy; 6] = [
    BusyPolicy::Queue,
    BusyPolicy::Queue,
    BusyPolicy::Steer,
    BusyPolicy::Steer,
    BusyPolicy::Interrupt,
    BusyPolicy::Reject,
];

/// How many may wait behind the first run of a session.
pub(super) const QUEUE: usize = MAX_QUEUED;

fn pick<T: Copy>(from: &[T], which: Index) -> Option<T> {
    (!from.is_empty()).then(|| from[which.index(from.len())])
}
