//! Owns the stream of one run: its part of the story, up to its terminal event.
//!
//! Every reader has a filter of its own here, so nothing is shared and an async loop is enough.
//!
//! It must never know how a run is found.

use std::{convert::Infallible, future::poll_fn, sync::Arc};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::unfold;
use runwright_backend::{
    Attachment, Batch, Form, Next, ReadFailed, RunError, StoredPage, Told, Workspace,
    WorkspaceEvent,
};
use runwright_proto::{Change, Event, Run, RunComplete, RunId};
use tokio::select;

use super::{
    StreamClocks,
    frame::{Framer, unplaced_events},
    heartbeat::{BEAT, Heartbeat},
    page::through_end_of_run,
    reader::Reader,
};

/// Makes the body of a run's stream.
///
/// A run that is over gives what the log still has of it, in memory or on disk, and ends; if its terminal event is not
/// there any more, it is made again from the record of the run.
///
/// # Errors
///
/// [`RunError`], when the run cannot be looked up.
pub(crate) async fn run_events(
    attachment: Attachment,
    run: RunId,
    form: Form,
    clocks: &StreamClocks,
) -> Result<Body, RunError> {
    let workspace = attachment.workspace().clone();
    let epoch = workspace.log().epoch().clone();
    let mut feed = RunFeed {
        workspace,
        run,
        framer: Framer::new(epoch, form),
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
    /// The run is over, so its terminal event lies before us in what was published, or is gone.
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
                Stage::Over(run) => select! {
                    biased;
                    next = poll_fn(|cx| self.reader.poll_published(cx)) => match next {
                        Ok(Some(next)) => next,
                        Ok(None) => {
                            let event = terminal_event(run);
                            self.stage = Stage::Ended;
                            return Some(unplaced_events(&[event]));
                        }
                        Err(ReadFailed) => return None,
                    },
                    () = poll_fn(|cx| self.heartbeat.poll(cx)) => return Some(BEAT),
                },
            };
            let bytes = self.frame(next);
            if !bytes.is_empty() {
                return Some(bytes);
            }
        }
    }

    /// Returns the frames of what belongs to the run; none if nothing does.
    fn frame(&mut self, next: Next) -> Bytes {
        match next {
            Next::Gap(gap) => {
                self.stage = Stage::Unsure;
                self.framer.gap(gap)
            }
            Next::Batch(batch) => self.frame_batch(&batch),
            Next::Stored(page) => self.frame_page(&page),
            Next::Unplaced(events) => unplaced_events(&events),
        }
    }

    fn frame_batch(&mut self, batch: &Batch<WorkspaceEvent>) -> Bytes {
        let log = self.workspace.log();
        let mut story = self.framer.story(log, batch, Some(&self.run));
        if let Some(end) = story.iter().position(is_end) {
            story.truncate(end + 1);
            self.stage = Stage::Ended;
        }
        let framed = self.framer.told(0, &story);
        self.reader.pause_after(framed.streamed);
        framed.bytes
    }

    fn frame_page(&mut self, page: &StoredPage) -> Bytes {
        let frames = self.framer.page(page);
        let Some(whole) = through_end_of_run(&frames) else {
            return frames;
        };
        self.stage = Stage::Ended;
        whole
    }
}

/// Whether nothing of the run comes after this: its terminal event, or the end of everything.
fn is_end(told: &Told<'_>) -> bool {
    let Told::Whole(_, event) = told else {
        return false;
    };
    matches!(event.event(), Event::RunComplete(_) | Event::End(_))
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
