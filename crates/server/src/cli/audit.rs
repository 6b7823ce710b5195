//! `runwright audit`: who did what. It knows the members of a line, as they are documented in `runwright_server::audit`,
//! and never a prompt: none is there.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use runwright_backend::{Clock, SystemClock};
use runwright_proto::Timestamp;
use runwright_server::config::{AuditArgs, Environment};
use runwright_store::{AuditEntries, AuditEntry, AuditQuery};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::print::Output;

/// What an entry says.
#[derive(Debug, Deserialize)]
struct Line {
    principal: String,
    peer: Option<String>,
    method: String,
    target: String,
    status: u16,
    location: Option<String>,
}

/// Prints the entries that are asked for, in their order.
pub(crate) fn audit(
    args: &AuditArgs,
    json: bool,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let directory = args.data_dir.resolve(environment)?;
    let now_ms = SystemClock.now().millis();
    let query = AuditQuery {
        since_ms: args.since.map(|since| since.millis(now_ms)),
        last: args.limit,
    };
    let entries = AuditEntries::open(&directory, query).map_err(Failure::store)?;
    let mut lines = Output::new(json).lines();
    for entry in entries {
        let entry = entry.map_err(Failure::store)?;
        let line = if json {
            as_json(entry)
        } else {
            as_text(&entry)
        };
        if !wanted(lines.line(&line))? {
            return Ok(ExitCode::SUCCESS);
        }
    }
    wanted(lines.end())?;
    Ok(ExitCode::SUCCESS)
}

/// Whether somebody wants more: a pager that was left has seen enough.
fn wanted(printed: io::Result<()>) -> Result<bool, Failure> {
    match printed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Output(error)),
    }
}

/// The entry as it is kept; one that is damaged as a text.
fn as_json(entry: AuditEntry) -> String {
    if serde_json::from_str::<Value>(&entry.json).is_ok() {
        return entry.json;
    }
    json!({ "time_ms": entry.time_ms, "unreadable": entry.json }).to_string()
}

fn as_text(entry: &AuditEntry) -> String {
    let time = time(entry.time_ms);
    let Ok(line) = serde_json::from_str::<Line>(&entry.json) else {
        return format!("{time}  unreadable: {}", entry.json);
    };
    let Line {
        principal,
        method,
        target,
        status,
        ..
    } = line;
    let peer = line
        .peer
        .map_or_else(String::new, |peer| format!(" ({peer})"));
    let made = line
        .location
        .map_or_else(String::new, |made| format!(" -> {made}"));
    format!("{time}  {principal}{peer}  {status} {method} {target}{made}")
}

/// A time in UTC, down to a millisecond.
fn time(time_ms: i64) -> String {
    let seconds = Timestamp::from_unix_seconds(time_ms.div_euclid(1000)).to_string();
    let seconds = seconds.trim_end_matches('Z');
    format!("{seconds}.{:03}Z", time_ms.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> AuditEntry {
        AuditEntry {
            time_ms: 1_795_357_488_007,
            json: json.to_owned(),
        }
    }

    #[test]
    fn an_entry_says_when_who_and_what() {
        let json = r#"{"time_ms":1795357488007,"principal":"uid:7","peer":"uid 7, pid 9","method":"POST",
                       "target":"/v1/workspaces/w/agent","status":202,"location":"/v1/workspaces/w/runs/r"}"#;
        assert_eq!(
            as_text(&entry(json)),
            "2026-11-22T14:24:48.007Z  uid:7 (uid 7, pid 9)  202 POST /v1/workspaces/w/agent -> /v1/workspaces/w/runs/r"
        );
        let json =
            r#"{"principal":"token","peer":null,"method":"DELETE","target":"/v1/x","status":404}"#;
        assert_eq!(
            as_text(&entry(json)),
            "2026-11-22T14:24:48.007Z  token  404 DELETE /v1/x"
        );
        assert_eq!(as_json(entry(json)), json);
    }

    #[test]
    fn an_entry_that_is_damaged_is_shown_as_such() {
        assert_eq!(
            as_text(&entry("{half")),
            "2026-11-22T14:24:48.007Z  unreadable: {half"
        );
        assert_eq!(
            as_json(entry("{half")),
            r#"{"time_ms":1795357488007,"unreadable":"{half"}"#
        );
    }
}
