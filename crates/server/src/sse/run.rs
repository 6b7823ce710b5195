//! Owns the stream of one run: its part of the story, up to its terminal event.
//!
//! Every reader has a filter of its own here, so nothing is shared and an async loop is enough.
//!
//! It must never know how a run is found.

use std::{convert::Infallible, future::poll_fn, sync::Arc};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::unfold;
use runwright_backend::{Attachment, Batch, RunError, Workspace, WorkspaceEvent};
use runwright_proto::{Change, Event, Run, RunComplete, RunId, Seq};
use tokio::select;

use super::{
    StreamClocks,
    frame::{Framer, unplaced},
    heartbeat::{BEAT, Heartbeat},
    reader::{Next, Reader},
};

/// Makes the body of a run's stream.
///
/// A run that is over gives what the log still has of it, and ends; if its terminal event is not there any more, it is
/// made again from the record of the run.
///
/// # Errors
///
/// [`RunError`], when the run cannot be looked up.
pub(crate) async fn run_events(
    attachment: Attachment,
    run: RunId,
    numbered: bool,
    clocks: &StreamClocks,
) -> Result<Body, RunError> {
    let workspace = attachment.workspace().clone();
    let epoch = workspace.log().epoch().clone();
    let mut feed = RunFeed {
        workspace,
        run,
        framer: Framer::new(epoch, numbered),
        heartbeat: Heartbeat::new(&clocks.beat),
        reader: Reader::new(attachment, &clocks.pace),
        stage: Stage::Live,
    };
    // After the stream has begun: a run that ends from here on is seen to end.
    feed.look_up().await?;
    Ok(Body::from_stream(unfold(feed, |mut feed| async move {
        let bytes = feed.next().await?;
        Some((Ok::<_, Infallible>(bytes), feed))
    })))
}

/// A run's stream and how far it is.
struct RunFeed {
    workspace: Arc<Workspace>,
    run: RunId,
    framer: Framer,
    heartbeat: Heartbeat,
    reader: Reader,
    stage: Stage,
}

enum Stage {
    /// The terminal event is still to come.
    Live,
    /// The run is over, so its terminal event lies in the log before us, or is gone.
    Over(Box<Run>),
    /// The record has to be looked at: the terminal event may lie in a gap.
    Unsure,
    /// The last event was sent.
    Ended,
}

impl RunFeed {
    /// Looks whether the run is over.
    async fn look_up(&mut self) -> Result<(), RunError> {
        let run = self.workspace.run(&self.run).await?;
        self.stage = if run.state.is_terminal() {
            Stage::Over(Box::new(run))
        } else {
            Stage::Live
        };
        Ok(())
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let next = match &self.stage {
                Stage::Ended => return None,
                Stage::Unsure => {
                    if let Err(error) = self.look_up().await {
                        // Cut without an end: the reader comes back and asks again.
                        tracing::warn!(run = %self.run, %error, "the stream of a run is cut");
                        return None;
                    }
                    continue;
                }
                Stage::Live => select! {
                    biased;
                    next = poll_fn(|cx| self.reader.poll_next(cx)) => next?,
                    () = poll_fn(|cx| self.heartbeat.poll(cx)) => return Some(BEAT),
                },
                Stage::Over(run) => match self.reader.try_next() {
                    Ok(next) => next,
                    Err(_) => {
                        let event = terminal_event(run);
                        self.stage = Stage::Ended;
                        return Some(unplaced(&event));
                    }
                },
            };
            if let Some(bytes) = self.frame(next) {
                return Some(bytes);
            }
        }
    }

    /// Returns the frames of what belongs to the run, if anything does.
    fn frame(&mut self, next: Next) -> Option<Bytes> {
        match next {
            Next::Gap(gap) => {
                self.stage = Stage::Unsure;
                Some(self.framer.gap(gap))
            }
            Next::Batch(batch) => self.frame_batch(&batch),
        }
    }

    fn frame_batch(&mut self, batch: &Batch<WorkspaceEvent>) -> Option<Bytes> {
        let mut events = Vec::new();
        for (seq, event) in batch.iter().filter(|(_, event)| self.concerns(event)) {
            events.push((Seq(seq.get()), event.event()));
            if matches!(event.event(), Event::RunComplete(_) | Event::End(_)) {
                self.stage = Stage::Ended;
                break;
            }
        }
        (!events.is_empty()).then(|| self.framer.events(0, events.into_iter()))
    }

    /// What the run did, and the end of everything.
    fn concerns(&self, event: &WorkspaceEvent) -> bool {
        event.run() == Some(&self.run) || matches!(event.event(), Event::End(_))
    }
}

/// Makes the terminal event of a run that is over from its record.
fn terminal_event(run: &Run) -> Event {
    let complete = RunComplete {
        message_id: run.message_id.clone(),
        text: run.text.clone(),
        error: run.error.clone().unwrap_or_default(),
        reason: run.reason.clone(),
        folded_into: run.folded_into.clone(),
        usage: run.usage,
        ..RunComplete::new(run.session_id.clone(), run.run_id.clone(), run.state)
    };
    Event::RunComplete(Change::updated(complete))
}
