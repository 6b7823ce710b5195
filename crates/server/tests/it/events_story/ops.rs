//! What a random story is made of.

use proptest::{prelude::*, sample::Index};

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Tell(Told),
    /// Forget a share of what is on disk, in percent.
    Prune(u64),
    /// Let a tick pass.
    Wait,
    /// The reader takes one frame.
    Read,
    /// The reader takes so many events of one frame, and is cut off.
    Cut(usize),
    /// The reader comes back.
    Resume,
    /// The server ends, as if it was killed, and starts again.
    Restart,
}

/// One event.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// A message begins; of the run that is followed, or not.
    Created(bool),
    /// A part of a message grows.
    Grown(Index, Index, String),
    /// A message has a new part.
    Part(Index, Kind),
    /// A message says something else.
    Replaced(Index, String),
    /// A message is shown to everybody, and goes on.
    Restated(Index),
    Finished(Index),
    Deleted(Index),
    /// Something else.
    Other(bool),
    /// Something else that is as large as a batch.
    Big,
}

/// The kinds of parts that grow.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Reasoning,
    ToolCall,
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        30 => told().prop_map(Op::Tell),
        1 => (0_u64..=100).prop_map(Op::Prune),
        3 => Just(Op::Wait),
        6 => Just(Op::Read),
        2 => (0_usize..6).prop_map(Op::Cut),
        3 => Just(Op::Resume),
        1 => Just(Op::Restart),
    ];
    prop::collection::vec(op, 1..80)
}

fn told() -> impl Strategy<Value = Told> {
    let which = any::<Index>;
    let kind = prop_oneof![
        Just(Kind::Text),
        Just(Kind::Reasoning),
        Just(Kind::ToolCall)
    ];
    prop_oneof![
        4 => any::<bool>().prop_map(Told::Created),
        20 => (which(), which(), "[a-cé]{1,6}").prop_map(|(m, part, text)| Told::Grown(m, part, text)),
        3 => (which(), kind).prop_map(|(m, kind)| Told::Part(m, kind)),
        1 => (which(), "[a-cé]{0,6}").prop_map(|(m, text)| Told::Replaced(m, text)),
        1 => which().prop_map(Told::Restated),
        2 => which().prop_map(Told::Finished),
        1 => which().prop_map(Told::Deleted),
        4 => any::<bool>().prop_map(Told::Other),
        2 => Just(Told::Big),
    ]
}
