//! Takes a session in from a file. Needs the data directory for itself: no server has it open.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use runwright_agent::{AgentCall, Pace, Publication, Timestamp};
use runwright_proto::{Change, Event, Session, SessionId, WorkspaceId};
use rusqlite::{Connection, named_params};

use super::{FORMAT, Heading, Portable, PortableMessage, PortableRun, PortableSession, VERSION};
use crate::error::{OpenStoreError, StoreError};
use crate::journal::record;
use crate::options::StoreOptions;
use crate::rows;
use crate::store::Store;
use crate::transcript::{messages, sessions};
use crate::workspace::WorkspaceBatch;

/// What was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// The workspace in which the session is now.
    pub workspace: WorkspaceId,
    /// Its directory, which need not exist on this machine.
    pub path: PathBuf,
    /// The session.
    pub session: SessionId,
    /// How many sessions: the one that was asked for, and those of its sub-agents.
    pub sessions: usize,
    /// How many messages.
    pub messages: usize,
    /// How many runs.
    pub runs: usize,
}

/// Why a session could not be taken in. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read, or is not what it should be.
    #[error("file is not a session")]
    File(#[source] serde_json::Error),
    /// The file is of another format, or of a later version.
    #[error("file has the format `{format}` {version}; `{FORMAT}` up to {VERSION} can be read")]
    Format {
        /// Its format.
        format: String,
        /// Its version.
        version: u32,
    },
    /// The file contradicts itself.
    #[error("file is not whole: {0}")]
    Contradiction(String),
    /// Something of the same id is in the workspace already.
    #[error(
        "{what} `{id}` is in the workspace already; delete its session there first, or name another workspace"
    )]
    Exists {
        /// What it is: `session`, `message` or `run`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The data directory cannot be opened.
    #[error("data directory cannot be opened")]
    Open(#[source] OpenStoreError),
    /// The database cannot be written.
    #[error("session cannot be stored")]
    Store(#[source] StoreError),
}

/// Takes a session in that [`export_session`](super::export_session) wrote, with the sessions of its sub-agents: into
/// the workspace of this directory, or of the one that the file names; a workspace that is unknown is made. Whoever
/// follows the workspace is told that there are new sessions. Blocking.
///
/// # Errors
/// [`ImportError`], also if anything of the same id is there already; nothing was changed then.
pub fn import_session(
    directory: &Path,
    into: Option<&Path>,
    input: impl Read,
) -> Result<ImportReport, ImportError> {
    let portable = parse(input)?;
    let report = check(&portable, into)?;
    let path = report.path.clone();
    let store = Store::open(directory, StoreOptions::default()).map_err(ImportError::Open)?;
    let taken = store.in_workspace(
        report.workspace,
        &path,
        move |connection, batch, workspace| {
            if let Some(known) = known(connection, workspace, &portable)? {
                return Ok(Err(known));
            }
            take(connection, batch, workspace, &portable).map(Ok)
        },
    );
    store.close_blocking();
    match taken.map_err(ImportError::Store)? {
        Ok(()) => Ok(report),
        Err((what, id)) => Err(ImportError::Exists { what, id }),
    }
}

fn parse(mut input: impl Read) -> Result<Portable, ImportError> {
    let mut text = Vec::new();
    let read = input.read_to_end(&mut text);
    read.map_err(|error| ImportError::File(serde_json::Error::io(error)))?;
    let Heading { format, version } = serde_json::from_slice(&text).map_err(ImportError::File)?;
    if format != FORMAT || version > VERSION {
        return Err(ImportError::Format { format, version });
    }
    serde_json::from_slice(&text).map_err(ImportError::File)
}

/// What would be taken in, if the parts of the file fit together.
fn check(portable: &Portable, into: Option<&Path>) -> Result<ImportReport, ImportError> {
    let Some(first) = portable.sessions.first() else {
        return Err(contradiction("it has no session"));
    };
    let (mut sessions, mut messages, mut runs) = (HashSet::new(), HashSet::new(), HashSet::new());
    for PortableSession {
        session,
        messages: entries,
        ..
    } in &portable.sessions
    {
        if !sessions.insert(&session.id) {
            return Err(contradiction(format!(
                "session `{}` is in it twice",
                session.id
            )));
        }
        for PortableMessage { message, .. } in entries {
            if message.session_id != session.id || !messages.insert(&message.id) {
                return Err(contradiction(format!(
                    "message `{}` is in it twice",
                    message.id
                )));
            }
        }
    }
    for PortableRun {
        run,
        request,
        named,
    } in &portable.runs
    {
        let id = &run.run_id;
        let fits = request.run_id.as_ref() == Some(id)
            && request.session_id.as_ref() == Some(&run.session_id)
            && sessions.contains(&run.session_id)
            && runs.insert(id);
        if !fits || run.ended_at_ms.is_none() || !run.state.is_terminal() {
            return Err(contradiction(format!(
                "run `{id}` is not one that is over, of one of its sessions"
            )));
        }
        AgentCall::of_record(request.clone(), *named)
            .map_err(|error| contradiction(format!("run `{id}`: {error}")))?;
    }
    Ok(ImportReport {
        workspace: into.map_or(portable.workspace.id, WorkspaceId::of_path),
        path: into.map_or_else(|| portable.workspace.path.clone(), PathBuf::from),
        session: first.session.id.clone(),
        sessions: sessions.len(),
        messages: messages.len(),
        runs: runs.len(),
    })
}

fn contradiction(text: impl Into<String>) -> ImportError {
    ImportError::Contradiction(text.into())
}

/// What of the file is in the workspace already.
fn known(
    connection: &Connection,
    workspace: i64,
    portable: &Portable,
) -> rusqlite::Result<Option<(&'static str, String)>> {
    for PortableSession { session, .. } in &portable.sessions {
        if sessions::row_of(connection, workspace, &session.id)?.is_some() {
            return Ok(Some(("session", session.id.to_string())));
        }
    }
    let entries = portable
        .sessions
        .iter()
        .flat_map(|session| &session.messages);
    for PortableMessage { message, .. } in entries {
        if messages::exists(connection, workspace, &message.id)? {
            return Ok(Some(("message", message.id.to_string())));
        }
    }
    for run in &portable.runs {
        if record::find(connection, workspace, &run.run.run_id)?.is_some() {
            return Ok(Some(("run", run.run.run_id.to_string())));
        }
    }
    Ok(None)
}

fn take(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    portable: &Portable,
) -> rusqlite::Result<()> {
    for session in &portable.sessions {
        take_session(connection, batch, workspace, portable, session)?;
    }
    for run in &portable.runs {
        take_run(connection, workspace, run)?;
    }
    Ok(())
}

fn take_session(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    file: &Portable,
    portable: &PortableSession,
) -> rusqlite::Result<()> {
    // A sub-agent's session that comes without its parent stands for itself, or nobody would find it.
    let is_there = |id: &SessionId| file.sessions.iter().any(|other| other.session.id == *id);
    let parent = portable.session.parent_session_id.clone();
    // Who is busy and who looks on is a matter of the server that it comes from.
    let session = Session {
        parent_session_id: parent.filter(is_there),
        message_count: portable.messages.len() as u64,
        is_busy: false,
        attached_clients: 0,
        ..portable.session.clone()
    };
    let times =
        [session.created_at, session.updated_at].map(|time| Timestamp(time.saturating_mul(1_000)));
    let seq = batch.next_seq();
    let row = sessions::insert(connection, workspace, &session, times.into(), seq)?;
    for entry in &portable.messages {
        let body = messages::body(&entry.message);
        let (run, message) = (entry.run_id.as_ref(), &entry.message);
        messages::insert(connection, workspace, row, run, (message, &body), false)?;
    }
    for file in &portable.files_read {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO files_read (session, path, read_ms) VALUES (?1, ?2, ?3)",
            )?
            .execute((row, &file.path, file.read_ms))?;
    }
    batch.publish(Publication {
        event: Event::Session(Change::created(session)),
        run: None,
        pace: Pace::Now,
    });
    Ok(())
}

fn take_run(
    connection: &Connection,
    workspace: i64,
    portable: &PortableRun,
) -> rusqlite::Result<()> {
    let PortableRun {
        run,
        request,
        named,
    } = portable;
    connection
        .prepare_cached(
            "INSERT INTO runs (workspace, run_id, session_id, state, position, when_busy, named, receipt_seq, \
                               accepted_ms, started_ms, ended_ms, prompt, error, reason, message_id, text, \
                               folded_into, usage)
             VALUES (:workspace, :run, :session, :state, 0, :when_busy, :named, 0, :accepted, :started, :ended, \
                     :prompt, :error, :reason, :message, :text, :folded_into, :usage)",
        )?
        .execute(named_params! {
            ":workspace": workspace,
            ":run": run.run_id.as_str(),
            ":session": run.session_id.as_str(),
            ":state": run.state.as_str(),
            ":when_busy": request.busy_policy().as_str(),
            ":named": named,
            ":accepted": run.created_at_ms,
            ":started": run.started_at_ms,
            ":ended": run.ended_at_ms,
            ":prompt": request.prompt,
            ":error": run.error,
            ":reason": run.reason,
            ":message": run.message_id.as_ref().map(AsRef::<str>::as_ref),
            ":text": (!run.text.is_empty()).then(|| String::from(&run.text)),
            ":folded_into": run.folded_into.as_ref().map(AsRef::<str>::as_ref),
            ":usage": run.usage.as_ref().map(rows::to_json),
        })?;
    record::attach(
        connection,
        connection.last_insert_rowid(),
        &request.attachments,
    )
}
