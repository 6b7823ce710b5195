//! The server's foundation over real sockets on loopback, with a router of the tests' own; and the routes, over a backend
//! in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod accept;
mod activation;
mod api;
mod bad_http;
mod common;
mod extract;
mod guard;
mod listen;
mod routes_agent;
mod routes_cancel;
mod routes_prompts;
mod routes_rest;
mod routes_runs;
mod routes_sessions;
mod routes_system;
mod routes_workspaces;
mod token;
