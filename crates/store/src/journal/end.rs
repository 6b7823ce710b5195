//! The way of a run from its start to its one end.

use runwright_agent::{RunEnd, Timestamp};
use runwright_proto::{RunId, SessionId};
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::rows;
use crate::workspace::WorkspaceBatch;

/// Notes that a queued run has started. Says whether there is such a run.
pub(super) fn start(
    connection: &Connection,
    workspace: i64,
    run: &RunId,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let started = connection
        .prepare_cached(
            "UPDATE runs SET state = 'running', started_ms = ?3
             WHERE workspace = ?1 AND run_id = ?2 AND state = 'queued'",
        )?
        .execute((workspace, run.as_str(), now.millis()))?;
    Ok(started > 0 || exists(connection, workspace, run)?)
}

/// Ends a run that is not over, with its events. Says whether it was this end; nothing if there is no such run.
pub(crate) fn finish(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    run: &RunId,
    end: &RunEnd,
    now: Timestamp,
) -> rusqlite::Result<Option<bool>> {
    let session: Option<SessionId> = connection
        .prepare_cached(
            "UPDATE runs
             SET state = :state, ended_ms = :now, error = :error, reason = :reason, message_id = :message,
                 text = :text, folded_into = :folded_into, usage = :usage
             WHERE workspace = :workspace AND run_id = :run AND ended_ms IS NULL
             RETURNING session_id",
        )?
        .query_row(
            named_params! {
                ":workspace": workspace,
                ":run": run.as_str(),
                ":state": end.state.as_str(),
                ":now": now.millis(),
                ":error": end.error,
                ":reason": end.reason,
                ":message": end.message_id.as_ref().map(AsRef::<str>::as_ref),
                ":text": end.text.as_ref().map(String::from),
                ":folded_into": end.folded_into.as_ref().map(AsRef::<str>::as_ref),
                ":usage": end.usage.as_ref().map(rows::to_json),
            },
            |row| rows::parsed(row, 0),
        )
        .optional()?;
    let Some(session) = session else {
        return Ok(exists(connection, workspace, run)?.then_some(false));
    };
    batch.run_ended(run);
    for publication in end.events_of(&session, run) {
        batch.publish(publication);
    }
    Ok(Some(true))
}

fn exists(connection: &Connection, workspace: i64, run: &RunId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM runs WHERE workspace = ?1 AND run_id = ?2")?
        .exists((workspace, run.as_str()))
}
