//! A session as a file that another server can take in: one JSON object, which says its format and version. Must never
//! know who reads the file.
//!
//! ```json
//! {
//!   "format": "runwright-session",
//!   "version": 1,
//!   "exported_ms": 1795357488123,
//!   "workspace": {"id": "<uuid>", "path": "/home/user/demo"},
//!   "sessions": [
//!     {
//!       "session": {"id": "<uuid>", "title": "Fix the parser"},
//!       "messages": [{"run_id": "nightly", "message": {"id": "<uuid>", "role": "user", "parts": []}}],
//!       "files_read": [{"path": "src/main.rs", "read_ms": 1795357480000}]
//!     }
//!   ],
//!   "runs": [
//!     {
//!       "named": true,
//!       "request": {"session_id": "<uuid>", "run_id": "nightly", "prompt": "tidy up", "when_busy": "queue"},
//!       "run": {"run_id": "nightly", "session_id": "<uuid>", "state": "completed"}
//!     }
//!   ]
//! }
//! ```
//!
//! - `session`, `message`, `request` and `run` are as clients are sent them, with all their members.
//! - The first session is the one that was asked for; those of its sub-agents follow, parents before children. Messages
//!   are in the order in which they were added, files in the order of reading.
//! - Runs are those that are over, in the order in which they were recorded. A run that waits or works is not part of a
//!   file: whoever takes the file in must not run it again. What it has said so far is, ended as interrupted. Idempotency
//!   keys and events stay where they are.
//! - Whoever reads the file passes over members that it does not know, and refuses another format or a later version.

mod cut;
mod export;
mod import;

use std::path::PathBuf;

use runwright_proto::{AgentMessage, Message, Run, RunId, Session, WorkspaceId};
use serde::{Deserialize, Serialize};

pub use self::{
    export::{ExportError, ExportReport, export_session},
    import::{ImportError, ImportReport, import_session},
};

const FORMAT: &str = "runwright-session";
const VERSION: u32 = 1;

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Portable {
    format: String,
    version: u32,
    exported_ms: i64,
    workspace: PortableWorkspace,
    sessions: Vec<PortableSession>,
    #[serde(default)]
    runs: Vec<PortableRun>,
}

/// What says of a file whether it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Heading {
    format: String,
    version: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PortableWorkspace {
    id: WorkspaceId,
    path: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PortableSession {
    session: Session,
    #[serde(default)]
    messages: Vec<PortableMessage>,
    #[serde(default)]
    files_read: Vec<FileRead>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PortableMessage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
    message: Message,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileRead {
    path: String,
    read_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PortableRun {
    named: bool,
    request: AgentMessage,
    run: Run,
}
