//! The row of a run.

use std::sync::Arc;

use runwright_agent::AgentCall;
use runwright_proto::{AgentMessage, Attachment, BusyPolicy, Receipt, Run, RunId, RunState, Text};
use rusqlite::{Connection, OptionalExtension, Row, types::Type};

use crate::rows;

/// The columns of [`run`].
pub(crate) const RUN: &str = "run_id, session_id, state, position, accepted_ms, started_ms, ended_ms, error, reason, \
                              message_id, text, folded_into, usage";

/// The columns of [`recorded`].
pub(crate) const RECORDED: &str =
    "id, run_id, session_id, named, prompt, when_busy, position, receipt_seq";

/// A run as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// `runs.id`.
    pub(crate) row: i64,
    pub(crate) call: AgentCall,
    pub(crate) receipt: Receipt,
}

/// Finds a run.
pub(crate) fn find(
    connection: &Connection,
    workspace: i64,
    id: &RunId,
) -> rusqlite::Result<Option<Run>> {
    connection
        .prepare_cached(&format!(
            "SELECT {RUN} FROM runs WHERE workspace = ?1 AND run_id = ?2"
        ))?
        .query_row((workspace, id.as_str()), run)
        .optional()
}

/// Reads the record of a run.
pub(crate) fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let state: RunState = rows::parsed(row, 2)?;
    let position = (state == RunState::Queued)
        .then(|| row.get(3))
        .transpose()?;
    Ok(Run {
        position,
        started_at_ms: row.get(5)?,
        ended_at_ms: row.get(6)?,
        error: row.get(7)?,
        reason: row.get(8)?,
        message_id: rows::maybe_parsed(row, 9)?,
        text: row
            .get::<_, Option<String>>(10)?
            .map_or_else(Text::new, Text::from),
        folded_into: rows::maybe_parsed(row, 11)?,
        usage: rows::json_or_default(row, 12)?,
        ..Run::new(
            rows::parsed(row, 0)?,
            rows::parsed(row, 1)?,
            state,
            row.get(4)?,
        )
    })
}

/// Reads the request of a run, with its attachments and its other name.
pub(crate) fn recorded(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Recorded> {
    let id = row.get(0)?;
    let run_id: RunId = rows::parsed(row, 1)?;
    let position = row.get(6)?;
    let when_busy: BusyPolicy = rows::parsed(row, 5)?;
    let message = AgentMessage {
        session_id: Some(rows::parsed(row, 2)?),
        run_id: Some(run_id.clone()),
        prompt: row.get(4)?,
        attachments: attachments(connection, id)?,
        when_busy: Some(when_busy),
    };
    let call = AgentCall::of_record(message, row.get(3)?)
        .map_err(|error| rows::unreadable(4, Type::Text, error))?;
    let call = match key(connection, id)? {
        Some(key) => call.with_idempotency_key(key),
        None => call,
    };
    let receipt = Receipt {
        run_id,
        session_id: call.session_id().clone(),
        state: if position == 0 {
            RunState::Running
        } else {
            RunState::Queued
        },
        position,
        seq: rows::seq(row, 7)?,
    };
    Ok(Recorded {
        row: id,
        call,
        receipt,
    })
}

/// Finds the request of a run.
pub(crate) fn by_id(
    connection: &Connection,
    workspace: i64,
    run: &RunId,
) -> rusqlite::Result<Option<Recorded>> {
    connection
        .prepare_cached(&format!(
            "SELECT {RECORDED} FROM runs WHERE workspace = ?1 AND run_id = ?2"
        ))?
        .query_row((workspace, run.as_str()), |row| recorded(connection, row))
        .optional()
}

/// Finds the request with this idempotency key.
pub(crate) fn by_key(
    connection: &Connection,
    workspace: i64,
    key: &str,
) -> rusqlite::Result<Option<Recorded>> {
    connection
        .prepare_cached(&format!(
            "SELECT {RECORDED} FROM runs
             WHERE id = (SELECT run FROM idempotency_keys WHERE workspace = ?1 AND key = ?2)"
        ))?
        .query_row((workspace, key), |row| recorded(connection, row))
        .optional()
}

/// Stores the attachments of a run.
pub(crate) fn attach(
    connection: &Connection,
    run: i64,
    attachments: &[Attachment],
) -> rusqlite::Result<()> {
    for (n, file) in (0_i64..).zip(attachments) {
        connection
            .prepare_cached(
                "INSERT INTO run_attachments (run, n, file_path, file_name, mime_type, content)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((
                run,
                n,
                &file.file_path,
                &file.file_name,
                &file.mime_type,
                file.content.as_bytes(),
            ))?;
    }
    Ok(())
}

fn attachments(connection: &Connection, run: i64) -> rusqlite::Result<Vec<Attachment>> {
    let mut statement = connection.prepare_cached(
        "SELECT file_path, file_name, mime_type, content FROM run_attachments WHERE run = ?1 ORDER BY n",
    )?;
    let files = statement.query_map([run], |row| {
        Ok(Attachment {
            file_path: row.get(0)?,
            file_name: row.get(1)?,
            mime_type: row.get(2)?,
            content: row.get_ref(3)?.as_blob()?.into(),
        })
    })?;
    files.collect()
}

fn key(connection: &Connection, run: i64) -> rusqlite::Result<Option<Arc<str>>> {
    connection
        .prepare_cached("SELECT key FROM idempotency_keys WHERE run = ?1")?
        .query_row([run], |row| row.get(0))
        .optional()
}
