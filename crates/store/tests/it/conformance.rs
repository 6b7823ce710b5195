//! The promises of the ports, kept by the store.

use std::cell::RefCell;
use std::sync::Arc;

use runwright_agent::testing::{self, event_log::OpenWorkspace};
use runwright_agent::{Clock, EventSink};
use runwright_store::{Store, StoreOptions};

use crate::stage::{DEMO, settings, workspace};

/// Opens stores of their own, which live as long as this does.
#[derive(Default)]
struct Fresh(RefCell<Vec<(tempfile::TempDir, Store)>>);

impl Fresh {
    /// Opens a workspace of a directory.
    async fn open_at(
        &self,
        directory: tempfile::TempDir,
        sink: Arc<dyn EventSink>,
        clock: Arc<dyn Clock>,
    ) -> OpenWorkspace {
        let options = StoreOptions {
            clock,
            ..StoreOptions::default()
        };
        let store = Store::open(directory.path(), options).unwrap();
        let (id, settings) = (workspace(DEMO), settings(DEMO));
        let (epoch, _) = store.log_start(id, &settings.path).await.unwrap();
        let opened = store.open_workspace(id, settings, sink).await.unwrap();
        self.0.borrow_mut().push((directory, store));
        OpenWorkspace {
            journal: opened.journal,
            transcript: opened.transcript,
            events: opened.events,
            epoch,
        }
    }

    /// Closes the store that was opened last; its directory is opened next.
    async fn close(&self) -> Option<tempfile::TempDir> {
        let (directory, store) = self.0.borrow_mut().pop()?;
        store.close().await;
        Some(directory)
    }

    async fn open(&self, sink: Arc<dyn EventSink>, clock: Arc<dyn Clock>) -> OpenWorkspace {
        self.open_at(tempfile::tempdir().unwrap(), sink, clock)
            .await
    }
}

#[tokio::test]
async fn its_journal_keeps_every_promise() {
    let fresh = Fresh::default();
    testing::journal::conforms(async |sink, clock| fresh.open(sink, clock).await.journal).await;
}

#[tokio::test]
async fn its_transcript_keeps_every_promise() {
    let fresh = Fresh::default();
    testing::transcript::conforms(async |sink, clock| fresh.open(sink, clock).await.transcript)
        .await;
}

#[tokio::test]
async fn its_log_keeps_every_promise() {
    let fresh = Fresh::default();
    testing::event_log::conforms(async |sink, clock| fresh.open(sink, clock).await).await;
}

#[tokio::test]
async fn what_it_stores_is_there_when_it_is_opened_again() {
    let one = Fresh::default();
    testing::event_log::survives(async |sink, clock| {
        let directory = one.close().await;
        let directory = directory.unwrap_or_else(|| tempfile::tempdir().unwrap());
        one.open_at(directory, sink, clock).await
    })
    .await;
}
