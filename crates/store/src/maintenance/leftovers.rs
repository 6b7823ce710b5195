//! Rows that belong to nothing, and counts that do not fit: what each is called, how it is found, how it is put right.
//! The store itself leaves none behind; a disk, a hand or an error of the program may.

use rusqlite::Connection;

/// Rows that belong to nothing; they are deleted.
pub(super) struct Orphans {
    pub(super) what: &'static str,
    table: &'static str,
    condition: &'static str,
}

/// Rows with a value that does not fit what it counts.
pub(super) struct Misfits {
    pub(super) what: &'static str,
    table: &'static str,
    condition: &'static str,
    assignment: &'static str,
}

/// The last number that something of a workspace carries.
macro_rules! last_seq {
    () => {
        "max(ifnull((SELECT max(last_seq) FROM event_chunks WHERE workspace = workspaces.id), 0),
             ifnull((SELECT max(seq) FROM messages WHERE workspace = workspaces.id), 0),
             ifnull((SELECT max(changed_seq) FROM sessions WHERE workspace = workspaces.id), 0))"
    };
}

const UNKNOWN_WORKSPACE: &str = "workspace NOT IN (SELECT id FROM workspaces)";

/// Those to which others belong come first, so that one pass deletes all. A run belongs to no session: it outlives it.
pub(super) const ORPHANS: [Orphans; 11] = [
    Orphans {
        what: "sessions of unknown workspaces",
        table: "sessions",
        condition: UNKNOWN_WORKSPACE,
    },
    Orphans {
        what: "runs of unknown workspaces",
        table: "runs",
        condition: UNKNOWN_WORKSPACE,
    },
    Orphans {
        what: "rows of events of unknown workspaces",
        table: "event_chunks",
        condition: UNKNOWN_WORKSPACE,
    },
    Orphans {
        what: "streams of unknown workspaces",
        table: "streams",
        condition: UNKNOWN_WORKSPACE,
    },
    Orphans {
        what: "approvals of unknown workspaces",
        table: "approvals",
        condition: UNKNOWN_WORKSPACE,
    },
    Orphans {
        what: "messages without a session",
        table: "messages",
        condition: "NOT EXISTS (SELECT 1 FROM sessions
                                WHERE sessions.id = messages.session AND sessions.workspace = messages.workspace)",
    },
    Orphans {
        what: "notes of files that were read, without a session",
        table: "files_read",
        condition: "session NOT IN (SELECT id FROM sessions)",
    },
    Orphans {
        what: "pieces of streamed text without a message",
        table: "message_chunks",
        condition: "message NOT IN (SELECT id FROM messages)",
    },
    Orphans {
        what: "pieces of streamed text that follow one that is missing",
        table: "message_chunks",
        condition: "n <> (SELECT count(*) FROM message_chunks AS earlier
                          WHERE earlier.message = message_chunks.message AND earlier.n < message_chunks.n)",
    },
    Orphans {
        what: "attachments without a run",
        table: "run_attachments",
        condition: "run NOT IN (SELECT id FROM runs)",
    },
    Orphans {
        what: "idempotency keys without a run",
        table: "idempotency_keys",
        condition: "NOT EXISTS (SELECT 1 FROM runs
                                WHERE runs.id = idempotency_keys.run AND runs.workspace = idempotency_keys.workspace)",
    },
];

/// Run after [`ORPHANS`].
pub(super) const MISFITS: [Misfits; 2] = [
    Misfits {
        what: "sessions that count their messages wrong",
        table: "sessions",
        condition: "message_count <> (SELECT count(*) FROM messages WHERE session = sessions.id)",
        assignment: "message_count = (SELECT count(*) FROM messages WHERE session = sessions.id)",
    },
    Misfits {
        what: "workspaces that would use the numbers of events a second time",
        table: "workspaces",
        condition: concat!(
            "CASE is_open WHEN 1 THEN reserved_seq ELSE next_seq - 1 END < ",
            last_seq!()
        ),
        assignment: concat!(
            "reserved_seq = max(reserved_seq, ",
            last_seq!(),
            "),
             next_seq = max(next_seq, 1 + ",
            last_seq!(),
            ")"
        ),
    },
];

impl Orphans {
    /// How many there are.
    pub(super) fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        count(connection, self.table, self.condition)
    }

    /// Deletes them.
    pub(super) fn repair(&self, connection: &Connection) -> rusqlite::Result<usize> {
        let Self {
            table, condition, ..
        } = self;
        connection.execute(&format!("DELETE FROM {table} WHERE {condition}"), [])
    }
}

impl Misfits {
    /// How many there are.
    pub(super) fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        count(connection, self.table, self.condition)
    }

    /// Puts them right.
    pub(super) fn repair(&self, connection: &Connection) -> rusqlite::Result<usize> {
        let Self {
            table,
            condition,
            assignment,
            ..
        } = self;
        connection.execute(
            &format!("UPDATE {table} SET {assignment} WHERE {condition}"),
            [],
        )
    }
}

/// How many rows of a table meet a condition.
pub(super) fn count(
    connection: &Connection,
    table: &str,
    condition: &str,
) -> rusqlite::Result<u64> {
    let sql = format!("SELECT count(*) FROM {table} WHERE {condition}");
    let count: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}
