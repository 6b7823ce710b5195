//! Owns the proof that the double is honest: it keeps every promise of the port. It must never know a test that uses it.

use runwright_agent::testing::event_log::{self, OpenWorkspace};
use runwright_agent::{Clock, MemoryJournal, MemoryTranscript};

use super::*;

/// Opens a workspace in memory whose log this is.
fn open(log: Arc<StoredLog>, sink: Arc<dyn EventSink>, clock: Arc<dyn Clock>) -> OpenWorkspace {
    log.lead_to(sink);
    OpenWorkspace {
        journal: Arc::new(MemoryJournal::new(log.clone(), clock.clone())),
        transcript: Arc::new(MemoryTranscript::new(log.clone(), clock)),
        epoch: log.epoch.clone(),
        events: log,
    }
}

#[tokio::test]
async fn the_double_keeps_every_promise_of_a_stored_log() {
    event_log::conforms(async |sink, clock| open(StoredLog::new(&Faults::default()), sink, clock))
        .await;
}

#[tokio::test]
async fn the_double_keeps_every_promise_with_short_pages_too() {
    event_log::conforms(async |sink, clock| {
        let log = StoredLog::new(&Faults::default());
        log.set_page(2);
        open(log, sink, clock)
    })
    .await;
}
