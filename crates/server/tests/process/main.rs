//! The real binary, from outside: started, spoken to over its socket, stopped, killed. A test binary of its own beside
//! `it`, because each of these tests starts processes and takes seconds.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bad_input;
mod command_line;
mod http;
mod maintenance;
mod many;
mod promises;
#[cfg(feature = "providers")]
mod providers;
mod recorded;
mod restart;
mod server;
mod storage;
mod workspace;
