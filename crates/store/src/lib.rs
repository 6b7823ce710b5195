//! Durable runs, sessions and events of a Runwright server, in one SQLite file behind the ports of `runwright-agent`.

mod engine;
mod error;
mod filesystem;
mod lock;
mod maintenance;
mod migrate;

pub use self::{
    error::{Cause, OpenStoreError, StoreError, StoreErrorKind},
    lock::LockOwner,
};
