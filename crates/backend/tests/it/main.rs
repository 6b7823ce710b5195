//! Integration tests of `runwright-backend`, in one binary.
#![cfg(not(any(runwright_loom, runwright_shuttle)))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod ids;
mod lifecycle_model;
mod registry;
