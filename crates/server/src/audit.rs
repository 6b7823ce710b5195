//! Owns the audit log (semantics 8): one line of JSON for every request that may have changed something, with who made
//! it and what was answered. What was said in a prompt is not in it.
//!
//! | member | what it says |
//! |---|---|
//! | `time_ms` | when it was answered, in milliseconds since 1970 |
//! | `principal` | `uid:N` on the Unix socket, `token`, or `anonymous` with `--no-auth` |
//! | `peer` | the process or the address that made it; a process number may belong to another process by now |
//! | `method`, `target` | what was asked for; workspace, session, run and client ids are in it |
//! | `status` | what was answered |
//! | `location` | the run, where one was accepted |
//!
//! Lines are written by a thread of their own, a moment after the answer, so that no request waits for a disk: to an
//! [`AuditSink`] of the embedder's, or to the file `audit.jsonl`, readable by its owner alone and only ever appended to.
//!
//! It must never know a route, and never see a body.

mod entry;
mod file;
mod layer;
mod writer;

pub use self::{
    entry::AuditLine,
    file::AuditError,
    layer::{Audit, AuditLayer},
    writer::{AuditLog, AuditSink},
};
