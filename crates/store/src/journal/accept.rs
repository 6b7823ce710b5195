//! A request that is recorded, or known already.

use runwright_agent::{Acceptance, AgentCall, Earlier, NewRun, Timestamp};
use rusqlite::Connection;

use super::names::{LIMIT, NameHash, Names};
use super::record;
use crate::rows;
use crate::workspace::{WorkspaceBatch, WorkspaceState};

/// The names under which the caller may have sent the request before; a name that we gave the run is not one.
pub(super) fn asked_names(names: &Names, call: &AgentCall) -> Vec<NameHash> {
    let run = call
        .is_named()
        .then(|| names.hash_run(call.run_id().as_str()));
    let key = call.idempotency_key().map(|key| names.hash_key(key));
    run.into_iter().chain(key).collect()
}

/// Reads the names of all runs of a workspace, or so many that there are too many.
pub(super) fn load_names(connection: &Connection, state: &WorkspaceState) -> rusqlite::Result<()> {
    let names = &state.names;
    let limit = i64::try_from(LIMIT + 1).unwrap_or(i64::MAX);
    let mut hashes = Vec::new();
    let queries = [
        (
            "SELECT run_id FROM runs WHERE workspace = ?1 LIMIT ?2",
            false,
        ),
        (
            "SELECT key FROM idempotency_keys WHERE workspace = ?1 LIMIT ?2",
            true,
        ),
    ];
    for (sql, is_key) in queries {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query((state.row, limit))?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str()?;
            hashes.push(if is_key {
                names.hash_key(name)
            } else {
                names.hash_run(name)
            });
        }
    }
    names.load(hashes);
    Ok(())
}

/// Records a run, unless one of its names is known.
pub(super) fn accept(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    state: &WorkspaceState,
    run: &NewRun,
    now: Timestamp,
) -> rusqlite::Result<Acceptance> {
    let NewRun { call, .. } = run;
    let run_name = state.names.hash_run(call.run_id().as_str());
    let key_name = call.idempotency_key().map(|key| state.names.hash_key(key));
    // With two names, they may be those of two runs. With one, the insertion finds out.
    if let Some(key_name) = key_name
        && batch.may_know(&[run_name, key_name])
        && let Some(earlier) = earlier(connection, state.row, call)?
    {
        return Ok(Acceptance::Known(earlier));
    }
    let receipt = run.receipt(state.head());
    let inserted = connection
        .prepare_cached(
            "INSERT INTO runs (workspace, run_id, session_id, state, position, when_busy, named, receipt_seq, \
                               accepted_ms, prompt)
             VALUES (?1, ?2, ?3, 'queued', ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (workspace, run_id) DO NOTHING",
        )?
        .execute((
            state.row,
            call.run_id().as_str(),
            call.session_id().as_str(),
            receipt.position,
            call.when_busy().as_str(),
            call.is_named(),
            rows::number(receipt.seq),
            now.millis(),
            call.prompt(),
        ))?;
    if inserted == 0 {
        let earlier = earlier(connection, state.row, call)?;
        return earlier
            .map(Acceptance::Known)
            .ok_or(rusqlite::Error::QueryReturnedNoRows);
    }
    let row = connection.last_insert_rowid();
    record::attach(connection, row, call.attachments())?;
    batch.named([run_name]);
    if let Some(key) = call.idempotency_key() {
        connection
            .prepare_cached(
                "INSERT INTO idempotency_keys (workspace, key, run) VALUES (?1, ?2, ?3)",
            )?
            .execute((state.row, key, row))?;
        batch.named(key_name);
    }
    Ok(Acceptance::Accepted(receipt))
}

/// Looks for an earlier request under the names of this one; the one of the run id counts first.
pub(super) fn earlier(
    connection: &Connection,
    workspace: i64,
    call: &AgentCall,
) -> rusqlite::Result<Option<Earlier>> {
    let found = match record::by_id(connection, workspace, call.run_id())? {
        None => call
            .idempotency_key()
            .map(|key| record::by_key(connection, workspace, key))
            .transpose()?
            .flatten(),
        found => found,
    };
    Ok(found.map(|recorded| {
        if recorded.call.same_request(call) {
            Earlier::Same(recorded.receipt)
        } else {
            Earlier::Different(recorded.receipt.run_id)
        }
    }))
}
