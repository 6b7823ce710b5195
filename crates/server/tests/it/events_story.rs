//! Any reader, cut anywhere and resumed, over memory and disk, with retention at work, knows in the end what an
//! uninterrupted one knows (semantics 3): every event that must arrive, once and in order, and the last state of each
//! message. Checked with random stories.

mod ops;
mod reader;
mod teller;

use proptest::prelude::*;

use self::{
    ops::{Op, ops},
    reader::{Kind, Reader},
    teller::Teller,
};

/// Tells a story to one reader, and checks what it knows in the end.
async fn tell(ops: &[Op], kind: Kind, stored: bool) {
    let mut teller = Teller::open(stored).await;
    if kind.of_run() {
        teller.accept_run().await;
    }
    let mut reader = Reader::open(&teller, kind).await;
    for op in ops {
        match op {
            Op::Tell(event) => teller.tell(event),
            Op::Prune(share) => teller.prune(*share),
            Op::Wait => tokio::time::advance(std::time::Duration::from_millis(40)).await,
            Op::Read => reader.read(&teller, usize::MAX).await,
            Op::Cut(events) => reader.cut(&teller, *events).await,
            Op::Resume => reader.resume(&teller).await,
            Op::Restart if stored && !kind.of_run() => {
                reader.cut(&teller, 0).await;
                teller = teller.restart().await;
            }
            Op::Restart => {}
        }
    }
    reader.resume(&teller).await;
    reader.check_end(&teller).await;
}

fn check(ops: &[Op], kind: Kind, stored: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(tell(ops, kind, stored));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_reader_of_whole_messages_over_disk(ops in ops()) {
        check(&ops, Kind::Whole, true);
    }

    #[test]
    fn a_reader_of_deltas_over_disk(ops in ops()) {
        check(&ops, Kind::Deltas, true);
    }

    #[test]
    fn a_follower_of_a_run_over_disk(ops in ops()) {
        check(&ops, Kind::RunWhole, true);
    }

    #[test]
    fn a_follower_of_a_run_with_deltas_over_disk(ops in ops()) {
        check(&ops, Kind::RunDeltas, true);
    }

    #[test]
    fn a_reader_of_whole_messages_over_memory(ops in ops()) {
        check(&ops, Kind::Whole, false);
    }

    #[test]
    fn a_reader_of_deltas_over_memory(ops in ops()) {
        check(&ops, Kind::Deltas, false);
    }

    #[test]
    fn a_follower_of_a_run_with_deltas_over_memory(ops in ops()) {
        check(&ops, Kind::RunDeltas, false);
    }
}
