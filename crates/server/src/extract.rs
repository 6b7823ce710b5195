//! Owns how a request becomes typed values, with every refusal a problem that does not repeat what was sent.
//!
//! It must never know a route, nor look at `Content-Type`: the contract's server ignores it, and over TCP the guard has
//! checked it.

mod client_id;
mod depth;
mod json;
mod path;
mod query;

pub use self::{
    client_id::ClientIdQuery,
    depth::MAX_DEPTH,
    json::{Json, RawBody, decode, read_body},
    path::Path,
    query::Query,
};
