//! Owns the two ceilings of a durable accept: the group commit of one statement with SQLite, and that of an append to a
//! file. Neither knows names, events, faults or readers. It must never know the product.

use std::{fs::OpenOptions, io::Write, path::Path};

use runwright_agent::{AgentCall, Clock, SystemClock};
use rusqlite::Connection;

use crate::{
    Result,
    group_loop::{GroupLoop, Waiting},
};

/// As wide as a record of ours, and found in the same two ways until it ends.
const TABLE: &str = "
    CREATE TABLE records (
        id          INTEGER PRIMARY KEY,
        workspace   INTEGER NOT NULL,
        run_id      TEXT NOT NULL,
        session_id  TEXT NOT NULL,
        state       TEXT NOT NULL,
        position    INTEGER NOT NULL,
        when_busy   TEXT NOT NULL,
        named       INTEGER NOT NULL,
        seq         INTEGER NOT NULL,
        accepted_ms INTEGER NOT NULL,
        ended_ms    INTEGER,
        prompt      TEXT NOT NULL,
        UNIQUE (workspace, run_id)
    ) STRICT;
    CREATE INDEX records_unfinished ON records (workspace) WHERE ended_ms IS NULL;";

const INSERT: &str = "
    INSERT INTO records (workspace, run_id, session_id, state, position, when_busy, named, seq, accepted_ms, prompt)
    VALUES (1, ?1, ?2, 'queued', ?3, ?4, ?5, 0, ?6, ?7)";

/// One transaction with one insertion for each record.
pub(crate) fn sqlite(dir: &Path) -> Result<GroupLoop> {
    let connection = Connection::open(dir.join("bare.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(TABLE)?;
    GroupLoop::start(move |waiting| {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for Waiting { run, .. } in waiting {
            insert(&connection, &run.call, i64::try_from(run.position)?)?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    })
}

fn insert(connection: &Connection, call: &AgentCall, position: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(INSERT)?
        .execute((
            call.run_id().as_str(),
            call.session_id().as_str(),
            position,
            call.when_busy().as_str(),
            call.is_named(),
            SystemClock.now().millis(),
            call.prompt(),
        ))
        .map(drop)
}

/// One append with the same texts, and the wait until they are on disk.
pub(crate) fn file(dir: &Path) -> Result<GroupLoop> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("bare.log"))?;
    let mut bytes = Vec::new();
    GroupLoop::start(move |waiting| {
        bytes.clear();
        for Waiting { run, .. } in waiting {
            let call = &run.call;
            writeln!(
                bytes,
                "{}\t{}\t{}\t{}\t{}\t{}",
                call.run_id().as_str(),
                call.session_id().as_str(),
                run.position,
                call.when_busy().as_str(),
                SystemClock.now().millis(),
                call.prompt()
            )?;
        }
        file.write_all(&bytes)?;
        Ok(file.sync_data()?)
    })
}
