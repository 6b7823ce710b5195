//! Reads the events of a workspace as a client does, and keeps them for whole comparisons.

use std::collections::BTreeSet;
use std::sync::Arc;

use runwright_proto::{AgentEventKind, Event, RunComplete, RunId};
use runwright_pubsub::{Delivery, Event as _, From, Received, Seq, Subscription, TryRecvError};

use super::{patience, words};
use crate::log::{EventKey, WorkspaceEvent, WorkspaceLog};

/// Collects the events of a workspace, in the order in which a reader is given them.
///
/// It reads when it is asked to, and panics when the log no longer keeps what it has not read. How many states of a
/// message it is shown depends on when it reads; [`story`](Self::story) tells of the newest one only, so that a test
/// can compare the whole.
///
/// ```
/// # use runwright_backend::testing::TestBackend;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let backend = TestBackend::new();
/// let workspace = backend.open("demo").await;
/// let mut events = workspace.recorder();
/// workspace.create_session("first".to_owned()).await.expect("it is created");
/// assert_eq!(events.story(), ["session created: `first`"]);
/// # }
/// ```
#[derive(Debug)]
pub struct EventRecorder {
    subscription: Subscription<WorkspaceEvent>,
    seen: Vec<(Seq, Arc<WorkspaceEvent>)>,
    over: bool,
}

impl EventRecorder {
    /// Begins with what is published from now on.
    ///
    /// # Panics
    /// When the log is closed.
    #[must_use]
    pub fn now(log: &WorkspaceLog) -> Self {
        let subscription = log.subscribe(From::Now).expect("the log is open");
        Self::of(subscription)
    }

    /// Reads what this subscription is given.
    #[must_use]
    pub fn of(subscription: Subscription<WorkspaceEvent>) -> Self {
        Self {
            subscription,
            seen: Vec::new(),
            over: false,
        }
    }

    /// Everything until now.
    ///
    /// # Panics
    /// When the log no longer keeps some of it: the log of the test is too small.
    pub fn seen(&mut self) -> &[(Seq, Arc<WorkspaceEvent>)] {
        while !self.over {
            match self.subscription.try_recv() {
                Ok(received) => self.keep(received),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Closed) => self.over = true,
            }
        }
        &self.seen
    }

    /// Whether the stream has ended.
    pub fn is_over(&mut self) -> bool {
        self.seen();
        self.over
    }

    /// Everything until now, one line for each event: the run, what happened, and what it says. A state that a newer one
    /// of the same thing has replaced is left out, whether this reader was shown it or not.
    pub fn story(&mut self) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        let mut newer: Vec<EventKey> = Vec::new();
        for (_, event) in self.seen().iter().rev() {
            match event.delivery() {
                Delivery::Latest(key) if newer.contains(&key) => continue,
                Delivery::Latest(key) => newer.push(key),
                Delivery::Every => {}
            }
            told.push(words::line(event));
        }
        told.reverse();
        told
    }

    /// What the story tells of one run, without its name.
    pub fn story_of(&mut self, run: &str) -> Vec<String> {
        let start = format!("{run} ");
        let story = self.story();
        let of_run = story.iter().filter_map(|line| line.strip_prefix(&start));
        of_run.map(str::to_owned).collect()
    }

    /// The terminal events until now, in order.
    pub fn ends(&mut self) -> Vec<RunComplete> {
        let events = self.seen().iter().map(|(_, event)| event.event());
        events.filter_map(as_end).cloned().collect()
    }

    /// Waits for the terminal event of a run, and returns it. One that was seen already counts.
    ///
    /// # Panics
    /// When it does not come.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn end_of(&mut self, run: &str) -> RunComplete {
        self.until(|event| {
            let end = as_end(event.event())?;
            let its = end.run_id.as_ref().is_some_and(|id| id.as_str() == run);
            its.then(|| end.clone())
        })
        .await
    }

    /// Waits for the end of the stream.
    ///
    /// # Panics
    /// When it does not come.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn over(&mut self) {
        while !self.over {
            self.next().await;
        }
    }

    /// Waits for an event that `find` recognizes. Those that were seen already count.
    ///
    /// # Panics
    /// When it does not come.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn until<T>(&mut self, mut find: impl FnMut(&WorkspaceEvent) -> Option<T>) -> T {
        let mut looked_at = 0;
        loop {
            while let Some((_, event)) = self.seen.get(looked_at) {
                if let Some(found) = find(event) {
                    return found;
                }
                looked_at += 1;
            }
            assert!(!self.over, "the stream ended without the event");
            self.next().await;
        }
    }

    /// Checks what is true of every story: numbers rise, no run has two terminal events, and after its terminal event
    /// a run tells nothing more, but once that the agent has finished.
    ///
    /// # Panics
    /// When it is not true.
    #[track_caller]
    pub fn assert_orderly(&mut self) {
        self.seen();
        let mut over: BTreeSet<&RunId> = BTreeSet::new();
        let mut finished: BTreeSet<&RunId> = BTreeSet::new();
        let mut before = Seq::ZERO;
        for (seq, event) in &self.seen {
            assert!(before < *seq, "event {seq} comes after event {before}");
            before = *seq;
            let Some(run) = event.run() else { continue };
            if over.contains(run) {
                let closing = is_finished(event.event()) && finished.insert(run);
                assert!(closing, "after its end: `{}`", words::line(event));
            }
            if as_end(event.event()).is_some() {
                over.insert(run);
            }
        }
    }

    async fn next(&mut self) {
        match patience::expect("an event", self.subscription.recv()).await {
            Some(received) => self.keep(received),
            None => self.over = true,
        }
    }

    fn keep(&mut self, received: Received<WorkspaceEvent>) {
        match received {
            Received::Event { seq, event } => self.seen.push((seq, event)),
            Received::Lagged(lagged) => panic!("the log does not keep {lagged:?} any more"),
        }
    }
}

fn as_end(event: &Event) -> Option<&RunComplete> {
    if let Event::RunComplete(change) = event {
        Some(&change.payload)
    } else {
        None
    }
}

fn is_finished(event: &Event) -> bool {
    matches!(event, Event::AgentEvent(change) if change.payload.kind == AgentEventKind::AgentFinished)
}
