//! The server's foundation over real sockets on loopback, with a router of the tests' own; and the routes, over a backend
//! in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod accept;
mod activation;
mod api;
mod bad_http;
mod common;
mod events;
mod events_deltas;
mod events_over_sockets;
mod events_pace;
mod events_resume;
mod events_run;
mod events_stored;
mod events_story;
mod events_threads;
mod extract;
mod guard;
mod listen;
mod openapi;
mod routes_agent;
mod routes_cancel;
mod routes_prompts;
mod routes_rest;
mod routes_runs;
mod routes_sessions;
mod routes_system;
mod routes_workspaces;
mod token;
