//! `runwright status`: is a server there, and what does it do.

use std::process::ExitCode;

use runwright_proto::{Status, WorkspaceStatus};
use runwright_server::config::{Environment, StatusArgs};

use super::connect::named_or_default;
use super::failure::Failure;
use super::print::Output;

/// Prints what the server does.
pub(crate) async fn status(
    args: StatusArgs,
    json: bool,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let server = named_or_default(args.host, args.token_file.as_deref(), environment)?;
    let status: Status = server.get("/v1/status").await?;
    let output = Output::new(json);
    let printed = if output.is_json() {
        output.value(&status)
    } else {
        output.text(&summary(&status))
    };
    printed.map_err(|error| Failure::Broken(Box::new(error)))?;
    Ok(ExitCode::SUCCESS)
}

fn summary(status: &Status) -> String {
    let seconds = status.uptime_ms / 1000;
    let mut text = format!(
        "runwright {}, up for {}\n",
        status.version,
        duration(seconds)
    );
    if status.workspaces.is_empty() {
        text.push_str("no workspace is open\n");
    }
    for workspace in &status.workspaces {
        text.push_str(&workspace_summary(workspace));
    }
    text
}

fn workspace_summary(workspace: &WorkspaceStatus) -> String {
    let mut text = format!(
        "{}\n  {}, {}, {} queued\n",
        workspace.path,
        counted(workspace.clients, "client"),
        counted(workspace.runs_active, "active run"),
        workspace.runs_queued,
    );
    for session in &workspace.busy_sessions {
        text.push_str(&format!("  busy session {session}\n"));
    }
    text
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use runwright_proto::{Status, WorkspaceId, WorkspaceStatus};

    use super::summary;

    #[test]
    fn a_summary_names_workspaces_runs_queue_and_clients() {
        let path = "/home/user/demo".to_owned();
        let workspace = WorkspaceStatus {
            id: WorkspaceId::of_path(path.as_ref()),
            path,
            clients: 1,
            runs_active: 2,
            runs_queued: 3,
            busy_sessions: vec!["s-1".parse().unwrap()],
        };
        let status = Status {
            version: "0.1.0".to_owned(),
            uptime_ms: 62_500,
            workspaces: vec![workspace],
        };
        assert_eq!(
            summary(&status),
            "runwright 0.1.0, up for 1 min 2 s\n/home/user/demo\n  1 client, 2 active runs, 3 queued\n  busy session s-1\n"
        );
    }
}
