//! Owns the limits that a request or a client runs into (semantics 8): the size and pace of a body, the rate of prompts,
//! the number of streams.
//!
//! The limits of a connection are those of [`accept`](crate::accept), the queue's is the backend's.
//!
//! It must never know what a prompt or a stream is for.

mod body;
mod body_layer;
mod files;
mod rate;
mod streams;

pub use self::{
    body::{BodyError, LimitedBody, MIN_BYTES_PER_SECOND},
    body_layer::{BodyLimits, LimitBody, LimitBodyLayer},
    files::raise_open_files,
    rate::PromptRate,
    streams::{StreamSlot, StreamSlots},
};
