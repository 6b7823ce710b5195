//! The built-in agent through its port.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod model;
mod offline;
mod scripted_provider;
mod stage;
