//! Integration tests of the wire types: golden files, compatibility, round trips.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may; clippy knows only the tests themselves"
)]

mod compat;
mod golden;
mod ids;
mod json;
#[cfg(feature = "openapi")]
mod openapi;
mod roundtrip;
mod text;
mod timestamp;
