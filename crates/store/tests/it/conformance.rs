//! The promises of the ports, kept by the store.

use std::cell::RefCell;
use std::sync::Arc;

use runwright_agent::{Clock, EventSink, testing};
use runwright_store::{Store, StoreOptions, StoredWorkspace};

use crate::stage::{DEMO, settings, workspace};

/// Opens stores of their own, which live as long as this does.
#[derive(Default)]
struct Fresh(RefCell<Vec<(tempfile::TempDir, Store)>>);

impl Fresh {
    async fn open(&self, sink: Arc<dyn EventSink>, clock: Arc<dyn Clock>) -> StoredWorkspace {
        let directory = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            clock,
            ..StoreOptions::default()
        };
        let store = Store::open(directory.path(), options).unwrap();
        let opened = store.open_workspace(workspace(DEMO), settings(DEMO), sink);
        let opened = opened.await.unwrap();
        self.0.borrow_mut().push((directory, store));
        opened
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
