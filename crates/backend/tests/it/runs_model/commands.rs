//! What can happen, and how often.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use runwright_backend::OnLastDetach;
use runwright_backend::testing::Call;
use runwright_proto::BusyPolicy;
use tokio::time::Duration;

pub(super) const SESSIONS: usize = 2;

#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) on_last_detach: OnLastDetach,
    pub(super) commands: Vec<Command>,
}

#[derive(Debug, Clone)]
pub(super) enum Command {
    Send {
        session: usize,
        policy: BusyPolicy,
    },
    CancelSession(usize),
    ClearQueue(usize),
    CancelRun(Index),
    TakeOut(Index),
    Order(Index, Order),
    Attach,
    Detach,
    Fault(Call),
    Pass(Duration),
    /// Everything that is ready runs. Without it commands follow each other in a burst.
    Settle,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Say,
    CallTool,
    Fold,
    IgnoreCancel,
    Release,
    Fail,
    Panic,
    Stop,
}

pub(super) fn scenario() -> impl Strategy<Value = Scenario> {
    let on_last_detach = select(vec![
        OnLastDetach::Finish,
        OnLastDetach::Cancel,
        OnLastDetach::Keep,
    ]);
    (on_last_detach, vec(command(), 1..40)).prop_map(|(on_last_detach, commands)| Scenario {
        on_last_detach,
        commands,
    })
}

fn command() -> impl Strategy<Value = Command> {
    let policy = select(vec![
        BusyPolicy::Queue,
        BusyPolicy::Queue,
        BusyPolicy::Steer,
        BusyPolicy::Interrupt,
        BusyPolicy::Reject,
    ]);
    let fault = select(vec![
        Call::Accept,
        Call::Start,
        Call::Finish,
        Call::FinishAnswer,
        Call::CreateMessage,
        Call::UpdateMessage,
        Call::CloseRun,
    ]);
    // The edges of the cancel's and of the claim's grace are where mistakes of timers live.
    let time = select(vec![
        1, 100, 1_100, 4_999, 5_000, 5_001, 9_999, 10_000, 10_001,
    ]);
    prop_oneof![
        8 => (0..SESSIONS, policy).prop_map(|(session, policy)| Command::Send { session, policy }),
        2 => (0..SESSIONS).prop_map(Command::CancelSession),
        1 => (0..SESSIONS).prop_map(Command::ClearQueue),
        2 => any::<Index>().prop_map(Command::CancelRun),
        1 => any::<Index>().prop_map(Command::TakeOut),
        8 => (any::<Index>(), order()).prop_map(|(turn, order)| Command::Order(turn, order)),
        1 => Just(Command::Attach),
        1 => Just(Command::Detach),
        2 => fault.prop_map(Command::Fault),
        2 => time.prop_map(|millis| Command::Pass(Duration::from_millis(millis))),
        6 => Just(Command::Settle),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    select(vec![
        Order::Say,
        Order::Say,
        Order::CallTool,
        Order::Fold,
        Order::Fold,
        Order::IgnoreCancel,
        Order::Release,
        Order::Release,
        Order::Fail,
        Order::Panic,
        Order::Stop,
    ])
}
