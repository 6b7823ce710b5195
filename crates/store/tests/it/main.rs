//! Integration tests of `runwright-store`, in one binary.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod conformance;
mod damage;
mod ends;
mod maintenance;
mod portable;
mod recovery;
mod stage;
mod stories_model;
mod streaming;
mod together;
mod upkeep;
