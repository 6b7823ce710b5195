//! Pages of the stored part of a log on their way to readers: those who want the same one at the same time share it, so
//! that many who come back to the same place read it from disk once. It must never know who reads.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use runwright_agent::{EventLog, LogPage, LogQuery};
use tokio::sync::OnceCell;

/// The pages that are being read, or that some reader still holds. They are nobody's memory but their readers'.
#[derive(Debug, Default)]
pub(crate) struct Pages(Mutex<Vec<Weak<Reading>>>);

/// A page that is being read, or was.
pub(super) struct Reading {
    query: LogQuery,
    page: OnceCell<Result<LogPage, ReadFailed>>,
    plain: OnceLock<Bytes>,
}

/// Stored events could not be read, and the stream that needed them is cut. Why was logged once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored events could not be read")]
pub struct ReadFailed;

/// Events from the stored part of a log, framed as they are sent.
#[derive(Debug, Clone)]
pub struct StoredPage(Arc<Reading>);

impl Pages {
    /// Reads a page, or waits for somebody else who reads the same.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; somebody else who waits reads it then.
    pub(super) async fn read(&self, log: &dyn EventLog, query: LogQuery) -> Arc<Reading> {
        let reading = self.reading(query);
        reading.page.get_or_init(|| read(log, &reading.query)).await;
        reading
    }

    fn reading(&self, query: LogQuery) -> Arc<Reading> {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.retain(|page| page.strong_count() > 0);
        let same = pages
            .iter()
            .filter_map(Weak::upgrade)
            .find(|page| page.query == query);
        same.unwrap_or_else(|| {
            let new = Arc::new(Reading {
                query,
                page: OnceCell::new(),
                plain: OnceLock::new(),
            });
            pages.push(Arc::downgrade(&new));
            new
        })
    }
}

async fn read(log: &dyn EventLog, query: &LogQuery) -> Result<LogPage, ReadFailed> {
    log.read(query.clone()).await.map_err(|error| {
        let error = &error as &dyn Error;
        tracing::error!(
            error,
            after = query.after.0,
            until = query.until.0,
            "stored events cannot be read; the streams that need them are cut, and may come back"
        );
        ReadFailed
    })
}

impl Reading {
    /// The page, once it was read.
    pub(super) fn page(&self) -> Result<&LogPage, ReadFailed> {
        match self.page.get() {
            Some(Ok(page)) => Ok(page),
            Some(Err(ReadFailed)) | None => Err(ReadFailed),
        }
    }
}

impl StoredPage {
    /// A page that was read and is not empty.
    pub(super) fn new(reading: Arc<Reading>) -> Self {
        Self(reading)
    }

    /// The frames, each with its id.
    #[must_use]
    pub fn numbered(&self) -> Bytes {
        let page = self.0.page();
        page.map_or_else(|ReadFailed| Bytes::new(), |page| page.frames.clone())
    }

    /// The frames without ids, made of the others by `strip` if this is the first reader that wants them so.
    #[must_use]
    pub fn plain(&self, strip: impl FnOnce(&[u8]) -> Bytes) -> Bytes {
        let plain = || strip(&self.numbered());
        self.0.plain.get_or_init(plain).clone()
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}
