//! `runwright doctor`: is a data folder sound, and what is to be done about it. It must never know how damage is found.

use std::process::ExitCode;

use runwright_server::config::{DoctorArgs, Environment};
use runwright_store::maintenance::{self, CheckReport, FixReport, Severity};
use runwright_store::{LockOwner, LockState};
use serde::Serialize;

use super::failure::Failure;
use super::print::Output;

/// The exit code when something is not as it should be.
const UNSOUND: u8 = 1;

/// What is looked at, for a person who reads that nothing was found.
const CHECKED: &str =
    "checked    every page and index, what rows say and belong to, counts, the log, the lock\n";

/// Prints what was found, and with `--fix` what was repaired.
pub(crate) fn doctor(
    args: &DoctorArgs,
    json: bool,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let directory = args.data_dir.resolve(environment)?;
    let output = Output::new(json);
    let is_sound = if args.fix {
        let fixed = maintenance::fix(&directory).map_err(Failure::store)?;
        let next = after_repair(&fixed);
        let view = FixView::of(&fixed, next);
        print(&output, &view, &fixed.to_string(), next)?;
        next.is_none()
    } else {
        let found = maintenance::check(&directory).map_err(Failure::store)?;
        let next = before_repair(&found);
        let view = ReportView::of(&found, next.as_deref());
        print(&output, &view, &found.to_string(), next.as_deref())?;
        found.is_sound()
    };
    Ok(if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(UNSOUND)
    })
}

fn print(
    output: &Output,
    view: &impl Serialize,
    told: &str,
    next: Option<&str>,
) -> Result<(), Failure> {
    let next = next.map_or_else(String::new, |next| format!("next       {next}\n"));
    let printed = if output.is_json() {
        output.value(view)
    } else {
        output.text(&format!("{CHECKED}{told}{next}"))
    };
    printed.map_err(Failure::Output)
}

/// What to do about what was found.
fn before_repair(found: &CheckReport) -> Option<String> {
    if found.is_sound() {
        return None;
    }
    let first = match &found.lock {
        LockState::Held(LockOwner { pid, .. }) => {
            format!("stop the server (process {pid}), then run this again with `--fix`")
        }
        LockState::Free | LockState::LeftBy(_) => "run this again with `--fix`".to_owned(),
    };
    Some(if has_damage(found) {
        format!("{first}; damage that is there afterwards needs a backup")
    } else {
        first
    })
}

/// What to do about what could not be repaired.
fn after_repair(fixed: &FixReport) -> Option<&'static str> {
    if has_damage(&fixed.after) {
        Some(
            "restore a backup: put it as `runwright.db` into an empty folder, and start the server with that one; \
             sessions that can still be read come out of the old one with `runwright export`",
        )
    } else if fixed.after.is_sound() && fixed.failed.is_empty() {
        None
    } else {
        Some("remove the cause of what failed, then run this again")
    }
}

fn has_damage(found: &CheckReport) -> bool {
    let is_damage = |severity: Severity| severity == Severity::Damage;
    found
        .findings
        .iter()
        .any(|finding| is_damage(finding.severity))
}

/// A report as JSON.
#[derive(Debug, Serialize)]
struct ReportView<'a> {
    database: String,
    schema: u32,
    lock: LockView,
    database_bytes: u64,
    free_bytes: u64,
    log_bytes: u64,
    tables: Vec<TableView<'a>>,
    findings: Vec<FindingView<'a>>,
    is_sound: bool,
    next: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct LockView {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

#[derive(Debug, Serialize)]
struct TableView<'a> {
    name: &'a str,
    rows: Option<u64>,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct FindingView<'a> {
    severity: &'static str,
    text: &'a str,
}

/// A report of a repair as JSON: what was done, then as without one.
#[derive(Debug, Serialize)]
struct FixView<'a> {
    done: &'a [String],
    failed: &'a [String],
    #[serde(flatten)]
    after: ReportView<'a>,
}

impl<'a> ReportView<'a> {
    fn of(found: &'a CheckReport, next: Option<&'a str>) -> Self {
        let tables = found.tables.iter().map(|table| TableView {
            name: &table.name,
            rows: table.rows,
            bytes: table.bytes,
        });
        let findings = found.findings.iter().map(|finding| FindingView {
            severity: word(finding.severity),
            text: &finding.text,
        });
        Self {
            database: found.database.display().to_string(),
            schema: found.schema,
            lock: LockView::of(&found.lock),
            database_bytes: found.database_bytes,
            free_bytes: found.free_bytes,
            log_bytes: found.log_bytes,
            tables: tables.collect(),
            findings: findings.collect(),
            is_sound: found.is_sound(),
            next,
        }
    }
}

impl LockView {
    fn of(lock: &LockState) -> Self {
        let (state, owner) = match lock {
            LockState::Free => ("free", None),
            LockState::Held(owner) => ("held", Some(owner)),
            LockState::LeftBy(owner) => ("left", Some(owner)),
        };
        let pid = owner.map(|owner| owner.pid);
        Self { state, pid }
    }
}

impl<'a> FixView<'a> {
    fn of(fixed: &'a FixReport, next: Option<&'a str>) -> Self {
        Self {
            done: &fixed.done,
            failed: &fixed.failed,
            after: ReportView::of(&fixed.after, next),
        }
    }
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Damage => "damage",
        Severity::Repairable => "repairable",
        Severity::Note => "note",
    }
}
