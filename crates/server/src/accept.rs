//! Owns the loop from listeners to HTTP/1.1 requests: how many connections, how long they may take, how they end.
//!
//! A loop of our own over hyper, because the ready-made one has no header timeout, no cap, and builds the routes anew for
//! each connection (performance 5, reliability 4.1). Settings that are not flags, and why:
//!
//! - HTTP/1.1 alone. Clients of the contract speak nothing else in practice, and HTTP/2 brings a family of floods.
//! - The read buffer grows from 8 KiB up to the header limit (64 KiB): the library refuses headers that do not fit into
//!   it, so a smaller one would lower that limit, and an idle connection stays at 8 KiB whatever the limit.
//! - No half-closed connections: a client that closes its side is gone, and its stream must notice at once.
//! - No `pipeline_flush`: with it the library lifts its bound on unsent bytes, so that a reader that stalls would take
//!   memory without end, and holds back an answer while the beginning of the next request is in.
//! - A write that makes no progress for 30 s ends the connection (semantics 3): a reader that stalls is detached.
//! - The response decides about its version: an event stream of HTTP/1.0 is ended by the close of the connection
//!   (semantics 3, "End").
//!
//! It must never know a route or a workspace.

mod connection;
mod overload;
mod serve;
mod write_deadline;

pub use self::{
    connection::PeerService,
    serve::{ServeOptions, Served, serve},
};
