//! Where a stream begins. It must never know what is on it.

use runwright_proto::{ClientId, Cursor, Gap, Seq};
use runwright_pubsub::{From, SubscribeError, Subscription};

use super::course::Course;
use super::missed::Place;
use super::pages::StoredPage;
use super::replay::Replay;
use crate::error::{AttachError, WorkspaceError};
use crate::log::WorkspaceEvent;
use crate::workspace::Workspace;

/// The beginning of a stream.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(super) subscription: Subscription<WorkspaceEvent>,
    /// What is stored and comes before what is in memory.
    pub(super) replay: Option<Replay>,
    /// What a reader is told first of a log whose stored part nobody has.
    pub(super) gap: Option<Gap>,
    /// Whether the reader has of every message that is being written what was there when it began.
    pub(super) resumes: bool,
}

impl Workspace {
    /// Begins to read the log where the client says, or where it had come to before it was cut off a moment ago, or
    /// now. A cursor of another life of the log, or older than what is kept, begins with a gap.
    pub(crate) fn read_from(
        &self,
        cursor: Option<&Cursor>,
        client: Option<ClientId>,
    ) -> Result<Opening, AttachError> {
        let missed = client.and_then(|client| self.missed.returned(client));
        match cursor {
            None => match missed {
                Some(Place { cursor, deltas }) => self.resume_stream(cursor, deltas),
                None => self.open_stream(From::Now),
            },
            Some(Cursor::Now) => self.open_stream(From::Now),
            Some(Cursor::After { epoch, seq }) if epoch == self.log.epoch() => {
                self.resume_stream(*seq, true)
            }
            Some(Cursor::Start) => {
                let opening = self.open_stream(From::Start)?;
                Ok(self.with_stored(opening, Course::from_oldest))
            }
            // Nobody can say what came after that event: of the present log nothing was seen.
            Some(Cursor::After { .. }) => {
                let mut opening = self.open_stream(From::Start)?;
                if self.opened.events.is_none() {
                    let first = Seq::ZERO.next().0;
                    opening.gap = Some(self.gap(first, self.last_lost()));
                }
                Ok(self.with_stored(opening, Course::of_stranger))
            }
        }
    }

    /// Words what a reader is told of numbers that it can no longer get.
    pub(super) fn gap(&self, from: u64, to: u64) -> Gap {
        Gap {
            from: Seq(from),
            to: Seq(to),
            epoch: self.log.epoch().clone(),
        }
    }

    fn resume_stream(&self, after: Seq, resumes: bool) -> Result<Opening, AttachError> {
        let after = runwright_pubsub::Seq::new(after.0);
        Ok(Opening {
            resumes,
            ..self.open_stream(From::After(after))?
        })
    }

    fn open_stream(&self, from: From) -> Result<Opening, AttachError> {
        let subscribed = self.log.subscribe(from);
        let subscription = subscribed.map_err(|error| match error {
            SubscribeError::CursorAhead { head, .. } => {
                AttachError::CursorAhead { head: head.get() }
            }
            SubscribeError::Closed(_) => WorkspaceError::NotFound(self.id).into(),
        })?;
        Ok(Opening {
            subscription,
            replay: None,
            gap: None,
            resumes: false,
        })
    }

    /// Puts what is stored before the beginning of what is in memory, where there is a stored part.
    fn with_stored(
        &self,
        opening: Opening,
        course: impl FnOnce(Seq) -> Course<StoredPage>,
    ) -> Opening {
        let Some(stored) = &self.opened.events else {
            return opening;
        };
        let to = Seq(opening.subscription.cursor().get());
        Opening {
            replay: Some(Replay::new(stored.clone(), course(to))),
            ..opening
        }
    }

    /// The number before the oldest event that is kept.
    fn last_lost(&self) -> u64 {
        let oldest = self.log.topic().oldest();
        oldest.map_or_else(|| self.log.topic().head().get(), |oldest| oldest.get() - 1)
    }
}
