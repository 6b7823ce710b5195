//! What a topic promises, seen from outside.
#![cfg(not(any(runwright_loom, runwright_shuttle)))]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod batches;
mod common;
mod conflation;
mod delivery;
mod memory;
mod model;
mod must_deliver;
mod numbering;
mod resume;
mod retention;
mod shutdown;
mod threads;
mod urgency;
