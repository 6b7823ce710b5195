//! Durable runs, sessions and events of a Runwright server, in one SQLite file behind the ports of `runwright-agent`.

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
