//! The journal and the transcript in memory keep the promises of their ports.

use std::sync::Arc;

use runwright_agent::testing::{journal, transcript};
use runwright_agent::{MemoryJournal, MemoryTranscript};

use crate::polling::ready;

#[test]
fn the_journal_in_memory_keeps_the_promises_of_its_port() {
    ready(journal::conforms(async |sink, clock| {
        Arc::new(MemoryJournal::new(sink, clock)) as _
    }));
}

#[test]
fn the_transcript_in_memory_keeps_the_promises_of_its_port() {
    ready(transcript::conforms(async |sink, clock| {
        Arc::new(MemoryTranscript::new(sink, clock)) as _
    }));
}
