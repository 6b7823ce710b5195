//! Integration tests of `runwright-backend`, in one binary.
#![cfg(not(any(runwright_loom, runwright_shuttle)))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod attach;
mod background;
mod cancel;
mod dispatch;
mod drain;
mod idempotency;
mod ids;
mod leave;
mod lifecycle_model;
mod load;
mod open;
mod poll;
mod queue;
mod registry;
mod resume;
mod runs_model;
mod sessions;
mod shutdown;
mod steer;
mod storage;
mod stored_log;
mod supervision;
