//! Integration tests of `runwright-agent`, in one binary.
#![cfg(not(any(runwright_loom, runwright_shuttle)))]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod busy_policy;
mod call;
mod cancel_mark;
mod cancel_token;
mod conformance;
mod events;
mod lane_model;
mod polling;
mod reservations;
mod reservations_model;
mod waker_set;
