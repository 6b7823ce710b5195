//! Looks for damage, changes nothing.

use std::path::Path;

use rusqlite::Connection;

use super::leftovers::{MISFITS, ORPHANS, count};
use super::report::{CheckReport, Finding, Severity, TableSize};
use super::{CheckError, reader};
use crate::engine::{fault, log_of, vacuum};
use crate::lock::{self, LockState};
use crate::migrate;

/// So many faults of the file are told; more say no more.
const FAULTS: u32 = 20;

/// Contents that are JSON: whose, in which table, in which column.
const JSON: [(&str, &str, &str); 4] = [
    ("messages", "messages", "body"),
    ("to-do lists", "sessions", "todos"),
    ("figures of runs", "runs", "usage"),
    ("channels of workspaces", "workspaces", "channels"),
];

/// Looks through the database of a data directory: damage in the file, rows that belong to nothing, sizes, who has it.
/// Works also while a server has it open; then what it is writing is not taken for damage. Reads every page, so it
/// takes as long as that.
///
/// # Errors
/// [`CheckError`] if the database cannot even be opened.
pub fn check(directory: &Path) -> Result<CheckReport, CheckError> {
    let (mut connection, path) = reader(directory)?;
    let is_current = migrate::missing(&connection, &path)? == 0;
    // One state for all questions, whatever a server does meanwhile.
    let looked = connection.transaction().and_then(|state| {
        let pages = |name| vacuum::pragma(&state, name).map(u64::from);
        let page_bytes = pages("page_size")?;
        let lock = lock::look(directory);
        Ok(CheckReport {
            database: path.to_path_buf(),
            schema: vacuum::pragma(&state, "user_version")?,
            database_bytes: pages("page_count")? * page_bytes,
            free_bytes: pages("freelist_count")? * page_bytes,
            log_bytes: log_of(&path).metadata().map_or(0, |log| log.len()),
            tables: tables(&state).unwrap_or_default(),
            findings: findings(&state, &lock, is_current),
            lock,
        })
    });
    looked.map_err(|error| CheckError::Store(fault::store_error(&error, &path)))
}

/// What is not as it should be, the worst first.
fn findings(connection: &Connection, lock: &LockState, is_current: bool) -> Vec<Finding> {
    let mut findings = Findings(faults(connection));
    if !findings.0.is_empty() {
        // An index that lost its entries makes everything look as if it belonged to nothing.
        findings.note("what belongs to nothing is not looked for in a file that is damaged");
        return findings.0;
    }
    if !is_current {
        findings.note(
            "the schema is of an older program: the next start brings it up to date, and rows are looked at then",
        );
        return findings.0;
    }
    for (what, table, column) in JSON {
        let condition = format!("{column} IS NOT NULL AND NOT json_valid({column})");
        let what = format!("{what} that cannot be read");
        findings.add(
            Severity::Damage,
            &what,
            count(connection, table, &condition),
        );
    }
    for orphans in &ORPHANS {
        findings.add(
            Severity::Repairable,
            orphans.what,
            orphans.count(connection),
        );
    }
    for misfits in &MISFITS {
        findings.add(
            Severity::Repairable,
            misfits.what,
            misfits.count(connection),
        );
    }
    if !matches!(lock, LockState::Held(_)) {
        findings.cut_off(connection);
    }
    findings.0.sort_by_key(|finding| finding.severity);
    findings.0
}

/// What SQLite finds wrong with the file.
pub(super) fn faults(connection: &Connection) -> Vec<Finding> {
    let sql = format!("PRAGMA integrity_check({FAULTS})");
    let looked = connection.prepare(&sql).and_then(|mut check| {
        let lines = check.query_map([], |row| row.get::<_, String>(0))?;
        lines.collect::<rusqlite::Result<Vec<_>>>()
    });
    let lines = looked.unwrap_or_else(|error| vec![fault::cause(&error).to_string()]);
    let faults = lines.into_iter().filter(|line| line != "ok");
    faults
        .map(|text| Finding {
            severity: Severity::Damage,
            text,
        })
        .collect()
}

/// The tables with what belongs to them, the largest first.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<TableSize>> {
    let mut sizes = connection.prepare(
        "SELECT tbl_name, sum(pgsize) FROM sqlite_schema JOIN dbstat USING (name)
         WHERE tbl_name NOT LIKE 'sqlite_%' AND aggregate = TRUE
         GROUP BY tbl_name ORDER BY 2 DESC, 1",
    )?;
    let sizes = sizes.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let table = |(name, bytes): (String, i64)| TableSize {
        // An index may have lost some of them.
        rows: count(connection, &format!("{name} NOT INDEXED"), "TRUE").ok(),
        bytes: u64::try_from(bytes).unwrap_or_default(),
        name,
    };
    sizes.map(|size| size.map(table)).collect()
}

struct Findings(Vec<Finding>);

impl Findings {
    /// Adds what a process left behind that was cut off.
    fn cut_off(&mut self, connection: &Connection) {
        let condition = "is_live = 1 OR id IN (SELECT message FROM message_chunks)";
        let what =
            "messages that were cut off while they were streamed: the next start completes them";
        self.add(
            Severity::Note,
            what,
            count(connection, "messages", condition),
        );
        let condition = "ended_ms IS NULL AND state <> 'queued'";
        let what = "runs that were cut off: the next start ends them as interrupted";
        self.add(Severity::Note, what, count(connection, "runs", condition));
    }

    fn note(&mut self, text: &str) {
        let text = text.to_owned();
        self.0.push(Finding {
            severity: Severity::Note,
            text,
        });
    }

    /// Adds what was counted, if there is any; what could not be counted is damage.
    fn add(&mut self, severity: Severity, what: &str, counted: rusqlite::Result<u64>) {
        let finding = match counted {
            Ok(0) => return,
            Ok(count) => Finding {
                severity,
                text: format!("{count} {what}"),
            },
            Err(error) => Finding {
                severity: Severity::Damage,
                text: format!("cannot look for {what}: {}", fault::cause(&error)),
            },
        };
        self.0.push(finding);
    }
}
