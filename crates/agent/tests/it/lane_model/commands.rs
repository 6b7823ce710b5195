//! What can be asked of a lane, what it answers, and which commands the model test draws how often.

use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::sample::Index;
use proptest_state_machine::ReferenceStateMachine;
use runwright_agent::{CancelReason, Phase, Refusal, Turn};
use runwright_proto::BusyPolicy;

use super::reference::Model;

/// One thing that is done to a lane. Runs are named by their numbers, so that a shrunk case still means the same runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Command {
    Accept(u64, BusyPolicy, Option<CancelReason>),
    Confirm(u64),
    Ask(u64),
    Leave(u64),
    CancelAll(CancelReason),
    CancelWaiting(CancelReason),
    CancelOne(u64, CancelReason),
    Offer(u64),
    Take { prompt: u64, into: u64 },
    GiveBack(u64),
}

/// What the lane answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Position(usize),
    Refused(Refusal),
    Told(Turn),
    Left(Option<u64>),
    Cancelled(Vec<u64>),
    Offered(Vec<u64>),
}

/// Everything that can be seen of a lane.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    /// In the order of turns, each with what it would be told.
    pub(crate) runs: Vec<(u64, Phase, Turn)>,
    pub(crate) live: usize,
    pub(crate) active: Option<u64>,
    pub(crate) queued: Vec<u64>,
    pub(crate) ready: Vec<u64>,
}

/// How many may wait: small, so that a full queue is an ordinary case.
pub(crate) const MAX_QUEUED: usize = 4;

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Command> {
        let model = model.clone();
        (0..100_u32, any::<Index>(), any::<Index>())
            .prop_map(move |(roll, which, how)| model.draw(roll, which, how))
            .boxed()
    }

    fn apply(mut model: Self, command: &Command) -> Self {
        model.step(command);
        model
    }

    fn preconditions(model: &Self, command: &Command) -> bool {
        model.allows(command)
    }
}

impl Model {
    /// Most commands go to a run that they can do something to; some to any run, also to one that is gone.
    fn draw(&self, roll: u32, which: Index, how: Index) -> Command {
        let reason = pick(&REASONS, how);
        let anybody = pick_of(&(0..=self.last).collect::<Vec<_>>(), which);
        let of = |runs: Vec<u64>| pick_of(&runs, which);
        match roll {
            0..30 => {
                let born = (roll == 0).then_some(reason);
                Command::Accept(self.last + 1, pick(&POLICIES, how), born)
            }
            30..50 => Command::Confirm(of(self.unconfirmed())),
            50..53 => Command::Ask(of(self.all())),
            53..61 => Command::Leave(self.running().unwrap_or(anybody)),
            61..66 => Command::Leave(of(self.all())),
            66..69 => Command::CancelAll(reason),
            69..72 => Command::CancelWaiting(reason),
            72..77 => Command::CancelOne(of(self.all()), reason),
            77..84 => Command::Offer(self.running().unwrap_or(anybody)),
            84..90 => match pick_of(&self.on_offer(), which) {
                (0, _) => Command::Offer(anybody),
                (prompt, into) => Command::Take { prompt, into },
            },
            90..94 => Command::GiveBack(pick_of(&self.on_offer(), which).0),
            94 => Command::Confirm(anybody),
            95 => Command::Ask(anybody),
            96 => Command::Leave(anybody),
            97 => Command::CancelOne(anybody, reason),
            98 => Command::Offer(anybody),
            _ => Command::GiveBack(anybody),
        }
    }
}

const REASONS: [CancelReason; 3] = [
    CancelReason::Requested,
    CancelReason::Closing,
    CancelReason::Abandoned,
];

const POLICIES: [BusyPolicy; 7] = [
    BusyPolicy::Queue,
    BusyPolicy::Queue,
    BusyPolicy::Steer,
    BusyPolicy::Steer,
    BusyPolicy::Interrupt,
    BusyPolicy::Interrupt,
    BusyPolicy::Reject,
];

fn pick<T: Copy>(from: &[T], which: Index) -> T {
    from[which.index(from.len())]
}

/// One of these, or the default where there is none: no run has the number zero.
fn pick_of<T: Default + Copy>(from: &[T], which: Index) -> T {
    if from.is_empty() {
        T::default()
    } else {
        pick(from, which)
    }
}
