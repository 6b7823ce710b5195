//! The server's foundation over real sockets on loopback, with a router of the tests' own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod accept;
mod activation;
mod bad_http;
mod common;
mod extract;
mod guard;
mod listen;
mod token;
