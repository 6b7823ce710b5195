//! The one end of a run, in the memory journal.

use std::sync::Arc;

use loom::future::block_on;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use runwright_agent::{
    AgentCall, EventSink, FixedClock, MemoryJournal, NewRun, Publication, RunEnd, RunJournal,
};
use runwright_proto::{AgentMessage, RunState, Seq};

use crate::{run_id, session};

/// Counts what is published.
#[derive(Default)]
struct Count(AtomicU64);

impl EventSink for Count {
    fn publish(&self, _: Publication) -> Seq {
        Seq(self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn publish_at(&self, seq: Seq, _: Publication) {
        self.0.store(seq.0, Ordering::SeqCst);
    }

    fn head(&self) -> Seq {
        Seq(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn of_two_ends_one_is_recorded_and_published() {
    loom::model(|| {
        let sink = Arc::new(Count::default());
        let clock = Arc::new(FixedClock::default());
        let journal = Arc::new(MemoryJournal::new(sink.clone(), clock));
        let call = AgentCall::try_from(AgentMessage {
            session_id: Some(session()),
            run_id: Some(run_id("run")),
            prompt: "hello".to_owned(),
            ..AgentMessage::default()
        });
        let new = NewRun {
            call: Arc::new(call.unwrap()),
            position: 0,
        };
        block_on(journal.accept(new)).unwrap();
        let other = journal.clone();
        let finish = |journal: &MemoryJournal, state| {
            let won = block_on(journal.finish(&run_id("run"), RunEnd::new(state)));
            won.unwrap()
        };
        let cuts = thread::spawn(move || finish(&other, RunState::Interrupted));
        let here = finish(&journal, RunState::Cancelled);
        let there = cuts.join().unwrap();
        assert!(here ^ there, "one end wins");
        let state = if here {
            RunState::Cancelled
        } else {
            RunState::Interrupted
        };
        let run = block_on(journal.run(&run_id("run"))).unwrap().unwrap();
        assert_eq!((run.state, sink.head()), (state, Seq(1)));
    });
}
