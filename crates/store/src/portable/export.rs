//! Writes a session to a file. Works beside a live server, and changes nothing.

use std::io::Write;
use std::path::Path;

use runwright_agent::{Clock, SystemClock};
use runwright_proto::{AgentMessage, SessionId, WorkspaceId};
use rusqlite::Connection;

use super::{
    FORMAT, FileRead, Portable, PortableMessage, PortableRun, PortableSession, PortableWorkspace,
    VERSION, cut,
};
use crate::directory;
use crate::journal::record;
use crate::live::Stored;
use crate::reading::{ReadStoreError, Reading};
use crate::rows;
use crate::transcript::{messages, pieces, sessions};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportReport {
    /// The workspace of the session.
    pub workspace: WorkspaceId,
    /// How many sessions: the one that was asked for, and those of its sub-agents.
    pub sessions: usize,
    /// How many messages.
    pub messages: usize,
    /// How many runs.
    pub runs: usize,
}

/// Why a session could not be written to a file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The data directory cannot be read.
    #[error(transparent)]
    Read(#[from] ReadStoreError),
    /// There is no such session.
    #[error("session `{0}` not found")]
    Unknown(SessionId),
    /// More than one workspace has a session of this id, and none was named.
    #[error("session `{session}` is in {} workspaces; name one of them: {}", workspaces.len(), listed(workspaces))]
    Ambiguous {
        /// The session.
        session: SessionId,
        /// The workspaces.
        workspaces: Vec<WorkspaceId>,
    },
    /// The file cannot be written.
    #[error("file cannot be written")]
    Write(#[source] serde_json::Error),
}

/// Writes a session of a data directory, with the sessions of its sub-agents, as one JSON object; the crate's
/// documentation describes it. The workspace need not be named if no other has a session of this id. A message that is
/// being streamed is written as far as it is on disk, and ended as interrupted. Blocking.
///
/// # Errors
/// [`ExportError`]; what was written up to there is not a whole file.
pub fn export_session(
    directory: &Path,
    workspace: Option<WorkspaceId>,
    session: &SessionId,
    out: impl Write,
) -> Result<ExportReport, ExportError> {
    let mut reading = Reading::open(directory)?;
    let found = reading.read(|state| places(state, session))?;
    let place = choose(found, workspace, session)?;
    let portable = reading.read(|state| collect(state, &place, session))?;
    if portable.sessions.is_empty() {
        // It was deleted a moment ago.
        return Err(ExportError::Unknown(session.clone()));
    }
    serde_json::to_writer_pretty(out, &portable).map_err(ExportError::Write)?;
    Ok(ExportReport {
        workspace: place.workspace.id,
        sessions: portable.sessions.len(),
        messages: portable
            .sessions
            .iter()
            .map(|session| session.messages.len())
            .sum(),
        runs: portable.runs.len(),
    })
}

/// A workspace with the session.
struct Place {
    row: i64,
    workspace: PortableWorkspace,
}

fn places(connection: &Connection, session: &SessionId) -> rusqlite::Result<Vec<Place>> {
    let mut statement = connection.prepare(
        "SELECT id FROM workspaces WHERE EXISTS
             (SELECT 1 FROM sessions WHERE sessions.workspace = workspaces.id AND session_id = ?1)",
    )?;
    let found = statement.query_map([session.as_str()], |row| row.get(0))?;
    let place = |row: rusqlite::Result<i64>| {
        let row = row?;
        let (id, _, _) = directory::find(connection, row)?;
        let settings = directory::settings(connection, id)?;
        let path = settings.unwrap_or_default().path;
        let workspace = PortableWorkspace { id, path };
        Ok(Place { row, workspace })
    };
    found.map(place).collect()
}

fn choose(
    mut found: Vec<Place>,
    workspace: Option<WorkspaceId>,
    session: &SessionId,
) -> Result<Place, ExportError> {
    found.retain(|place| workspace.is_none_or(|wanted| place.workspace.id == wanted));
    if found.len() > 1 {
        return Err(ExportError::Ambiguous {
            session: session.clone(),
            workspaces: found.iter().map(|place| place.workspace.id).collect(),
        });
    }
    found
        .pop()
        .ok_or_else(|| ExportError::Unknown(session.clone()))
}

fn collect(
    connection: &Connection,
    place: &Place,
    session: &SessionId,
) -> rusqlite::Result<Portable> {
    let ids = family(connection, place.row, session)?;
    let mut sessions = Vec::with_capacity(ids.len());
    let mut runs = Vec::new();
    for id in &ids {
        if let Some(session) = portable_session(connection, place.row, id)? {
            sessions.push(session);
        }
        runs.extend(finished_runs(connection, place.row, id)?);
    }
    runs.sort_by_key(|(row, _)| *row);
    let runs: Vec<PortableRun> = runs.into_iter().map(|(_, run)| run).collect();
    let now = SystemClock.now();
    cut::end(&mut sessions, &runs, now);
    Ok(Portable {
        format: FORMAT.to_owned(),
        version: VERSION,
        exported_ms: now.millis(),
        workspace: place.workspace.clone(),
        sessions,
        runs,
    })
}

/// The session and those of its sub-agents, parents before children.
fn family(
    connection: &Connection,
    workspace: i64,
    session: &SessionId,
) -> rusqlite::Result<Vec<SessionId>> {
    let mut statement = connection.prepare(
        "WITH RECURSIVE family (session_id, depth) AS (
             VALUES (?2, 0)
             UNION SELECT sessions.session_id, depth + 1 FROM sessions, family
             WHERE sessions.workspace = ?1 AND sessions.parent_session_id = family.session_id AND depth < 64
         )
         SELECT session_id FROM family GROUP BY session_id ORDER BY min(depth), session_id",
    )?;
    let ids = statement.query_map((workspace, session.as_str()), |row| rows::parsed(row, 0))?;
    ids.collect()
}

fn portable_session(
    connection: &Connection,
    workspace: i64,
    id: &SessionId,
) -> rusqlite::Result<Option<PortableSession>> {
    let (Some(session), Some(row)) = (
        sessions::find(connection, workspace, id)?,
        sessions::row_of(connection, workspace, id)?,
    ) else {
        return Ok(None);
    };
    let mut statement = connection
        .prepare("SELECT path, read_ms FROM files_read WHERE session = ?1 ORDER BY id")?;
    let files_read = statement.query_map([row], |row| {
        Ok(FileRead {
            path: row.get(0)?,
            read_ms: row.get(1)?,
        })
    })?;
    Ok(Some(PortableSession {
        session,
        messages: portable_messages(connection, row)?,
        files_read: files_read.collect::<rusqlite::Result<_>>()?,
    }))
}

fn portable_messages(
    connection: &Connection,
    session: i64,
) -> rusqlite::Result<Vec<PortableMessage>> {
    let portable = |stored: Stored| {
        let Stored {
            row,
            run: run_id,
            mut message,
            ..
        } = stored;
        pieces::put_into(connection, row, &mut message)?;
        Ok(PortableMessage { run_id, message })
    };
    let stored = messages::of_row(connection, session)?;
    stored.into_iter().map(portable).collect()
}

/// The runs of a session that are over, each with its row.
fn finished_runs(
    connection: &Connection,
    workspace: i64,
    session: &SessionId,
) -> rusqlite::Result<Vec<(i64, PortableRun)>> {
    let mut statement = connection.prepare(
        "SELECT run_id FROM runs WHERE workspace = ?1 AND session_id = ?2 AND ended_ms IS NOT NULL",
    )?;
    let ids = statement.query_map((workspace, session.as_str()), |row| rows::parsed(row, 0))?;
    let mut runs = Vec::new();
    for id in ids {
        let id = id?;
        let run = record::find(connection, workspace, &id)?;
        let recorded = record::by_id(connection, workspace, &id)?;
        let (Some(run), Some(recorded)) = (run, recorded) else {
            continue;
        };
        let call = recorded.call;
        let request = AgentMessage {
            session_id: Some(call.session_id().clone()),
            run_id: Some(id),
            prompt: call.prompt().to_owned(),
            attachments: call.attachments().to_vec(),
            when_busy: Some(call.when_busy()),
        };
        let named = call.is_named();
        runs.push((
            recorded.row,
            PortableRun {
                named,
                request,
                run,
            },
        ));
    }
    Ok(runs)
}

fn listed(workspaces: &[WorkspaceId]) -> String {
    let ids: Vec<String> = workspaces.iter().map(ToString::to_string).collect();
    ids.join(", ")
}
