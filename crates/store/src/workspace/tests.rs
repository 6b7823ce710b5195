//! A workspace on an engine that does not keep up.

use std::sync::{Arc, Barrier};

use runwright_agent::testing::RecordingSink;
use runwright_agent::{FixedClock, Pace};
use runwright_proto::{Change, Event, MessageId, Part, Role, SessionId, SkillsEvent};
use tempfile::TempDir;

use super::*;
use crate::engine::EngineOptions;
use crate::live::Stored;
use crate::options::Retention;

struct Stage {
    state: Arc<WorkspaceState>,
    sink: Arc<RecordingSink>,
    _directory: TempDir,
}

impl Stage {
    fn new(options: EngineOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::open(directory.path(), options).unwrap();
        let clock = Arc::new(FixedClock::default());
        let commons = Arc::new(Commons {
            engine,
            upkeep: Arc::new(Upkeep::new(Retention::default(), clock.clone())),
            clock,
            rooms: Arc::default(),
        });
        let place = Place {
            id: WorkspaceId::of_path("/demo".as_ref()),
            row: 1,
            epoch: Epoch::generate(),
            next: Seq(1),
            reserved: Seq(100_000),
        };
        let sink = Arc::new(RecordingSink::default());
        let state = Arc::new(WorkspaceState::new(&commons, place, sink.clone()));
        Self {
            state,
            sink,
            _directory: directory,
        }
    }

    /// Opens a message that is not on disk, which nobody asks here.
    fn open(&self) -> Message {
        let session = SessionId::random();
        let message = Message::new(MessageId::generate(), session, Role::Assistant, 7);
        let stored = Stored {
            row: 1,
            run: None,
            seq: None,
            message: message.clone(),
        };
        let mut changes = crate::live::LiveChanges::default();
        changes.opened(stored);
        self.state.story().apply(changes);
        message
    }

    fn stream(&self, message: &Message, text: &str) {
        self.stream_at(message, text, Pace::Streamed);
    }

    fn stream_at(&self, message: &Message, text: &str, pace: Pace) {
        let message = Message {
            parts: vec![Part::text(text)],
            ..message.clone()
        };
        assert_eq!(self.state.stream(message, pace), StreamOutcome::Done);
    }

    async fn pieces(&self) -> i64 {
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM message_chunks", [], |row| row.get(0))
        };
        self.state.engine().read(count).await.unwrap()
    }
}

#[tokio::test]
async fn the_first_words_of_a_message_wait_for_no_disk() {
    let stage = Stage::new(EngineOptions::default());
    let message = stage.open();
    let barrier = Arc::new(Barrier::new(2));
    let theirs = barrier.clone();
    let stuck = stage.state.engine().write(move |_| {
        theirs.wait();
        theirs.wait();
        Ok(())
    });
    barrier.wait();
    stage.stream_at(&message, "a", Pace::Begun);
    stage.stream(&message, "ab");
    let paces: Vec<_> = stage
        .sink
        .numbered()
        .iter()
        .map(|(_, event)| event.pace)
        .collect();
    assert_eq!(paces, [Pace::Begun, Pace::Streamed]);
    barrier.wait();
    stuck.await.unwrap();
}

#[tokio::test]
async fn text_that_a_full_queue_refuses_is_stored_with_the_text_after_it() {
    let stage = Stage::new(EngineOptions {
        queue_limit: 1,
        ..EngineOptions::default()
    });
    let message = stage.open();
    let barrier = Arc::new(Barrier::new(2));
    let (engine, theirs) = (stage.state.engine(), barrier.clone());
    let stuck = engine.write(move |_| {
        theirs.wait();
        theirs.wait();
        Ok(())
    });
    barrier.wait();
    let waits = engine.write(|_| Ok(()));
    // Refused at once, again and again: it must not be asked for in a circle.
    for text in ["a", "ab", "abc"] {
        stage.stream(&message, text);
    }
    let published = stage.sink.numbered();
    assert_eq!(published.len(), 3, "present readers see it all the same");
    assert!(
        published
            .iter()
            .all(|(_, event)| event.pace == Pace::Streamed)
    );
    barrier.wait();
    stuck.await.unwrap();
    waits.await.unwrap();
    assert_eq!(stage.pieces().await, 0);
    stage.stream(&message, "abcd");
    while stage.pieces().await == 0 {
        tokio::task::yield_now().await;
    }
}

/// Nobody can say for sure that a commit that failed has left nothing on disk, under the numbers that it had.
#[tokio::test]
async fn the_numbers_of_a_batch_that_failed_are_not_used_again() {
    let stage = Stage::new(EngineOptions::default());
    let state = &stage.state;
    let event = || Publication {
        event: Event::SkillsEvent(Change::updated(SkillsEvent::default())),
        run: None,
        pace: Pace::Now,
    };
    state.tell(event());
    for _ in 0..2 {
        let fails = state.change::<(), _>(move |_, batch| {
            batch.publish(event());
            batch.publish(event());
            Err(rusqlite::Error::InvalidQuery)
        });
        fails.await.unwrap_err();
        state.tell(event());
    }
    let published = stage.sink.numbered();
    let numbers: Vec<_> = published.iter().map(|(seq, _)| seq.0).collect();
    assert_eq!(numbers, [1, 4, 7]);
}
