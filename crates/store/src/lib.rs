//! Durable runs, sessions and events of a Runwright server, in one SQLite file behind the ports of `runwright-agent`.
//!
//! A [`Store`] is a data directory that is open. It gives each workspace a [`RunJournal`](runwright_agent::RunJournal),
//! a [`Transcript`](runwright_agent::Transcript) and an [`EventLog`](runwright_agent::EventLog) that number and publish
//! through one order: what must arrive is on disk before anybody sees it.
//!
//! | a call | returns when |
//! |---|---|
//! | [`Store::open`] | runs that another process left running have ended, on disk |
//! | `accept`, `start`, `finish` of the journal | it is on disk |
//! | a change of the history | it is on disk, or, streamed, published; it is on disk within 250 ms then |
//! | `announce`, `attached`, `detached` of the log | at once; it is on disk soon |
//! | [`Store::close`] | everything is on disk, and the directory is free |
//!
//! An answer that is dropped undoes nothing: a change is whole or has not been made. The example is in the README of the
//! crate.

mod audit;
mod directory;
mod engine;
mod error;
mod event_log;
mod filesystem;
mod journal;
mod live;
mod lock;
pub mod maintenance;
mod migrate;
mod options;
#[cfg(test)]
mod plan;
mod portable;
mod reading;
mod recovery;
mod rows;
mod sequence;
mod stats;
mod store;
mod transcript;
mod varint;
mod workspace;

pub use self::{
    audit::{AuditEntries, AuditEntry, AuditQuery},
    error::{Cause, OpenStoreError, StoreError, StoreErrorKind},
    lock::{LockOwner, LockState},
    options::{Retention, StoreOptions},
    portable::{
        ExportError, ExportReport, ImportError, ImportReport, export_session, import_session,
    },
    reading::ReadStoreError,
    recovery::RecoveryReport,
    stats::StoreStats,
    store::{Store, StoredWorkspace, WorkspaceSettings},
};

// The example of the README is compiled and run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
