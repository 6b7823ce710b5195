//! Each rule, broken by hand in a history that is in order otherwise.

mod fixture;
mod log;
mod messages;
mod readers;
mod runs;
