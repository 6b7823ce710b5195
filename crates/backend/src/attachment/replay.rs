//! Reads the stored part of a log for one stream, a page at a time. The way is in `course`; this file waits for the disk.
//! It must never know what is on a page.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use runwright_agent::{EventLog, LogQuery, Lost};
use runwright_proto::Seq;

use super::course::{Course, Step};
use super::pages::{ReadFailed, Reading, StoredPage};
use crate::log::{CatchUp, WorkspaceLog};

/// The stored part of a log on its way to one stream.
pub(super) struct Replay {
    stored: Arc<dyn EventLog>,
    course: Course<StoredPage>,
    reading: Option<ReadPage>,
    /// The page that was told last: others who want it share it until the next one is read.
    told: Option<StoredPage>,
}

type ReadPage = Pin<Box<dyn Future<Output = Arc<Reading>> + Send>>;

/// What is told next.
#[derive(Debug)]
pub(super) enum Piece {
    CatchUp(CatchUp),
    Gap(Lost),
    Page(StoredPage),
}

impl Replay {
    pub(super) fn new(stored: Arc<dyn EventLog>, course: Course<StoredPage>) -> Self {
        Self {
            stored,
            course,
            reading: None,
            told: None,
        }
    }

    /// Where the log in memory goes on.
    pub(super) fn to(&self) -> Seq {
        self.course.to()
    }

    /// The last number that was told.
    pub(super) fn told(&self) -> Seq {
        self.course.told()
    }

    /// Brings the reader up to date on the way.
    pub(super) fn catching_up(self, catch_up: Vec<CatchUp>) -> Self {
        Self {
            course: self.course.catching_up(catch_up),
            ..self
        }
    }

    /// Polls for what is told next; nothing when the log in memory goes on. `query` says what of a part of the log.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        log: &Arc<WorkspaceLog>,
        query: impl Fn(Seq, Seq) -> LogQuery,
    ) -> Poll<Result<Option<Piece>, ReadFailed>> {
        loop {
            if let Some(reading) = &mut self.reading {
                let read = ready!(reading.as_mut().poll(cx));
                self.reading = None;
                self.read(read)?;
            }
            let piece = match self.course.next() {
                Step::CatchUp(catch_up) => Piece::CatchUp(catch_up),
                Step::Gap(lost) => Piece::Gap(lost),
                Step::Page(page) => {
                    self.told = Some(page.clone());
                    Piece::Page(page)
                }
                Step::Over => return Poll::Ready(Ok(None)),
                Step::Read { after, until } => {
                    self.told = None;
                    let (log, stored) = (log.clone(), self.stored.clone());
                    let query = query(after, until);
                    let read = async move { log.pages().read(stored.as_ref(), query).await };
                    self.reading = Some(Box::pin(read));
                    continue;
                }
            };
            return Poll::Ready(Ok(Some(piece)));
        }
    }

    fn read(&mut self, read: Arc<Reading>) -> Result<(), ReadFailed> {
        let page = read.page()?;
        let (lost, through, is_empty) = (page.lost, page.through, page.frames.is_empty());
        let page = (!is_empty).then(|| StoredPage::new(read));
        self.course.read(lost, through, page).map_err(|error| {
            tracing::error!(%error, "the stored log is not in order; a stream is cut");
            ReadFailed
        })
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("course", &self.course)
            .field("is_reading", &self.reading.is_some())
            .finish_non_exhaustive()
    }
}
