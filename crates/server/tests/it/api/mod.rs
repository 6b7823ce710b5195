//! The routes over a backend in memory, called without a socket; and a reader of event streams.

mod calls;
mod publish;
mod stream;

pub(crate) use self::{
    calls::{Api, Door, Reply, Work, info, unknown_workspace},
    publish::Press,
    stream::{Got, Stream, parse},
};
