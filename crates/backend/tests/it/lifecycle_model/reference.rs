//! The state of the reference model, and the commands that both sides obey. The rules are in `rules`.
//!
//! It shares no idea with the registry on purpose: claims, streams and timers are rows of three tables, a timer is dead
//! because something killed it rather than because its number is stale, and nothing is ever removed from a table that
//! a transition can point into.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use runwright_backend::{
    AttachRefusal, CreateRefusal, CurrentSessionRefusal, LifecycleOptions, NotIdle, Profile,
};

pub(super) const PATHS: usize = 2;
pub(super) const CLIENTS: usize = 3;
pub(super) const SESSIONS: usize = 2;

pub(super) type Path = usize;
pub(super) type Client = usize;
/// A workspace's handle is the position of the create that opened it.
pub(super) type Handle = usize;

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) options: LifecycleOptions,
    pub(super) now: Duration,
    pub(super) phases: [Phase; PATHS],
    pub(super) claims: BTreeMap<(Path, Client), Claim>,
    pub(super) creates: Vec<Create>,
    pub(super) streams: Vec<Stream>,
    pub(super) timers: Vec<Timer>,
    pub(super) retired_until: [Option<Duration>; CLIENTS],
    pub(super) busy: BTreeSet<Handle>,
    pub(super) shutting_down: bool,
    /// What the last transition has to answer and to ask for.
    pub(super) answer: Answer,
    pub(super) asked: Vec<Asked>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Unknown,
    Opening,
    Open { handle: Handle, profile: Profile },
    Closing,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Claim {
    pub(super) released: bool,
    pub(super) session: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Create {
    pub(super) path: Path,
    pub(super) client: Option<Client>,
    pub(super) profile: Profile,
    pub(super) stage: Stage,
    pub(super) retired: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Opening,
    Waiting,
    Over,
}

#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) path: Path,
    pub(super) client: Client,
    /// Whether it still belongs to a claim.
    pub(super) counts: bool,
    pub(super) ended: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Timer {
    pub(super) name: TimerName,
    pub(super) alive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimerName {
    Hold(Path, Client),
    Linger(Path),
    IdleExit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Nothing,
    Join(Handle),
    Open,
    Wait,
    Refuse(CreateRefusal),
    Opened(Result<Handle, CreateRefusal>),
    Attached(Result<Handle, AttachRefusal>),
    Selected(Result<(), CurrentSessionRefusal>),
    Exit(Result<(), NotIdle>),
    Shutdown(Vec<Handle>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Arm(TimerName, Duration),
    Close(Handle),
    CancelRuns(Handle),
    Exit,
}

#[derive(Debug, Clone)]
pub(super) enum Transition {
    Create(Client, Path, Profile),
    OpenKnown(Path, Profile),
    Opened(usize),
    OpenFailed(usize),
    Retry(usize),
    GiveUp(usize),
    Attach(Client, Path),
    Detach(usize),
    Release(Client, Path),
    Retire(Client),
    Select(Client, Path, Option<usize>),
    /// Any timer that was ever armed, in any order, also superseded ones and again.
    Fire(usize),
    Advance(Duration),
    RunsStart(Path),
    /// A run ends; `true` when the next one has begun before the registry hears of it.
    RunsEnd(Path, bool),
    Closed(Path),
    Started,
    ExitIfIdle,
    BeginShutdown,
}

impl Model {
    pub(super) fn new(options: LifecycleOptions) -> Self {
        Self {
            options,
            now: Duration::ZERO,
            phases: [const { Phase::Unknown }; PATHS],
            claims: BTreeMap::new(),
            creates: Vec::new(),
            streams: Vec::new(),
            timers: Vec::new(),
            retired_until: [None; CLIENTS],
            busy: BTreeSet::new(),
            shutting_down: false,
            answer: Answer::Nothing,
            asked: Vec::new(),
        }
    }

    /// Whether the transition points at something that exists.
    pub(super) fn allows(&self, transition: &Transition) -> bool {
        let stage = |create: &usize| self.creates.get(*create).map(|create| create.stage);
        match transition {
            Transition::Opened(create) | Transition::OpenFailed(create) => {
                stage(create) == Some(Stage::Opening)
            }
            Transition::Retry(create) | Transition::GiveUp(create) => {
                stage(create) == Some(Stage::Waiting)
            }
            Transition::Detach(stream) => self.streams.get(*stream).is_some_and(|s| !s.ended),
            Transition::Fire(timer) => *timer < self.timers.len(),
            Transition::RunsStart(path) => self.handle(*path).is_some(),
            _ => true,
        }
    }

    pub(super) fn is_retired(&self, client: Client) -> bool {
        self.retired_until[client].is_some_and(|until| self.now < until)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.phases.iter().all(|phase| *phase == Phase::Unknown) && self.pending() == 0
    }

    pub(super) fn pending(&self) -> usize {
        self.creates
            .iter()
            .filter(|create| create.stage != Stage::Over)
            .count()
    }

    pub(super) fn stream_count(&self, path: Path, client: Client) -> usize {
        let of_claim = |s: &&Stream| s.counts && s.path == path && s.client == client;
        self.streams.iter().filter(of_claim).count()
    }

    pub(super) fn handle(&self, path: Path) -> Option<Handle> {
        match self.phases[path] {
            Phase::Open { handle, .. } => Some(handle),
            Phase::Unknown | Phase::Opening | Phase::Closing => None,
        }
    }

    pub(super) fn is_busy(&self, path: Path) -> bool {
        self.handle(path)
            .is_some_and(|handle| self.busy.contains(&handle))
    }
}
