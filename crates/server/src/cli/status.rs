//! `runwright status`: is a server there, and what does it do.

use std::process::ExitCode;

use runwright_proto::{ModelStatus, Status, WorkspaceStatus};
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
    if let Some(model) = &status.model {
        text.push_str(&model_summary(model));
    }
    if status.workspaces.is_empty() {
        text.push_str("no workspace is open\n");
    }
    for workspace in &status.workspaces {
        text.push_str(&workspace_summary(workspace));
    }
    text
}

fn model_summary(model: &ModelStatus) -> String {
    let ModelStatus {
        provider,
        base_url,
        model,
        small_model,
    } = model;
    if base_url.is_empty() {
        return format!("model {model}\n");
    }
    let small = if small_model == model {
        String::new()
    } else {
        format!(", small model {small_model}")
    };
    format!("model {model}{small}, of {provider} at {base_url}\n")
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
    use runwright_proto::{ModelStatus, Status, WorkspaceId, WorkspaceStatus};

    use super::{model_summary, summary};

    fn model(base_url: &str, small_model: &str) -> ModelStatus {
        ModelStatus {
            provider: "openai-compat".to_owned(),
            base_url: base_url.to_owned(),
            model: "m".to_owned(),
            small_model: small_model.to_owned(),
        }
    }

    #[test]
    fn a_summary_names_the_small_model_if_it_is_another_one() {
        let told = model_summary(&model("https://h", "s"));
        assert_eq!(
            told,
            "model m, small model s, of openai-compat at https://h\n"
        );
        assert_eq!(model_summary(&model("", "m")), "model m\n");
    }

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
            model: Some(model("http://127.0.0.1:8080/v1", "m")),
            workspaces: vec![workspace],
        };
        assert_eq!(
            summary(&status),
            "runwright 0.1.0, up for 1 min 2 s\nmodel m, of openai-compat at http://127.0.0.1:8080/v1\n/home/user/demo\n  1 client, 2 active runs, 3 queued\n  busy session s-1\n"
        );
    }
}
