//! What may happen to a workspace and to those who read its log.

use proptest::prelude::*;

/// A random history.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    /// How many bytes of events are kept.
    pub(super) workspace_bytes: u64,
    pub(super) commands: Vec<Command>,
}

/// Numbers choose among what there is; a command for which there is nothing does nothing.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Session(usize),
    Rename(usize),
    Delete(usize),
    /// A message of a session, as part of a run or of none.
    Message(usize, Option<usize>),
    /// More text of a message.
    Stream(usize, u8),
    /// Another text of a message.
    Rewrite(usize),
    /// A whole state of a message that goes on.
    Settle(usize),
    Finish(usize),
    /// A prompt in a session; it may start at once.
    Accept(usize, bool),
    End(usize),
    Announce(Option<usize>),
    /// An event of many bytes.
    AnnounceLong,
    Tell,
    Flush,
    LookAfter,
    Close,
    Crash,
    /// A new reader, from the beginning or from now on.
    Reader(bool),
    /// A reader takes so many events from memory, or as many as there are from disk.
    ReadOn(usize, usize),
    /// A reader takes a page from disk, up to some number that has been published.
    ReadDisk(usize, usize),
}

pub(super) fn scenario() -> impl Strategy<Value = Scenario> {
    let workspace_bytes = prop_oneof![2 => Just(u64::MAX), 1 => 1_500_u64..20_000];
    (workspace_bytes, prop::collection::vec(command(), 1..70)).prop_map(
        |(workspace_bytes, commands)| Scenario {
            workspace_bytes,
            commands,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let one = || 0_usize..6;
    prop_oneof![
        2 => one().prop_map(Command::Session),
        2 => one().prop_map(Command::Rename),
        1 => one().prop_map(Command::Delete),
        5 => (one(), prop::option::of(one())).prop_map(|(session, run)| Command::Message(session, run)),
        8 => (one(), any::<u8>()).prop_map(|(message, words)| Command::Stream(message, words)),
        1 => one().prop_map(Command::Rewrite),
        2 => one().prop_map(Command::Settle),
        2 => one().prop_map(Command::Finish),
        3 => (one(), any::<bool>()).prop_map(|(session, starts)| Command::Accept(session, starts)),
        2 => one().prop_map(Command::End),
        4 => prop::option::of(one()).prop_map(Command::Announce),
        1 => Just(Command::AnnounceLong),
        1 => Just(Command::Tell),
        2 => Just(Command::Flush),
        3 => Just(Command::LookAfter),
        1 => Just(Command::Close),
        2 => Just(Command::Crash),
        1 => any::<bool>().prop_map(Command::Reader),
        6 => (one(), 1_usize..6).prop_map(|(reader, events)| Command::ReadOn(reader, events)),
        4 => (one(), 0_usize..12).prop_map(|(reader, short)| Command::ReadDisk(reader, short)),
    ]
}
