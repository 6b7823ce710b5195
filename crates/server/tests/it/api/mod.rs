//! The routes over a backend in memory, called without a socket; and a reader of event streams.

mod calls;
mod known;
mod publish;
mod stream;

pub(crate) use self::{
    calls::{Api, Door, Reply, Work, info, unknown_workspace},
    known::Known,
    publish::{Press, message},
    stream::{Got, Stream, parse},
};
