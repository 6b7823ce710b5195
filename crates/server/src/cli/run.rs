//! `runwright run "prompt"`: sends one prompt and follows it to its end.

use std::path::PathBuf;
use std::process::ExitCode;

use http::Method;
use runwright_proto::{
    AgentInit, AgentMessage, ClientId, CreateSession, CreateWorkspace, Receipt, RunComplete, RunId,
    RunState, Session, SessionId, Workspace, WorkspaceId,
};
use runwright_server::config::{Environment, RunArgs};
use tokio::signal::ctrl_c;

use super::connect::{Connected, WantedModel, or_start};
use super::failure::Failure;
use super::follow::Follower;
use super::http::{Server, encode};
use super::print::Output;
use crate::own_server::OwnServer;

/// What the exit code of `run` says; 0 is a run that completed.
const FAILED: u8 = 1;
/// As of a program that Ctrl-C ended: 128 + SIGINT.
const CANCELLED: u8 = 130;

/// Sends the prompt, prints the answer as it comes, and returns with how the run ended.
pub(crate) async fn run(
    args: RunArgs,
    json: bool,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let output = Output::new(json);
    let directory = directory(args.cwd.clone())?;
    let wanted = WantedModel {
        provider: args.provider.clone(),
        flag: args.provider_flag.clone(),
    };
    let Connected { server, own } = or_start(
        args.host.clone(),
        args.token_file.as_deref(),
        wanted,
        environment,
    )
    .await?;
    for notice in own.iter().flat_map(OwnServer::notices) {
        output.notice(notice).map_err(Failure::Output)?;
    }
    let client = ClientId::random();
    let result = Call {
        server: &server,
        output: &output,
        client,
    };
    let ended = result.make(&args, directory).await;
    // Whatever happened, the server need not keep the workspace for us; if it cannot be told, its grace does it.
    let left = server
        .tell(Method::DELETE, &format!("/v1/clients/{client}"), None)
        .await;
    if let Err(error) = left {
        tracing::debug!(%error, "could not say goodbye");
    }
    if let Some(own) = own {
        own.stop().await;
    }
    Ok(exit_code(&output, &ended?))
}

/// One call of the command.
struct Call<'a> {
    server: &'a Server,
    output: &'a Output,
    client: ClientId,
}

impl Call<'_> {
    async fn make(&self, args: &RunArgs, directory: PathBuf) -> Result<RunComplete, Failure> {
        let workspace = self.join(directory).await?;
        let session = self.session(workspace, args).await?;
        let run = RunId::generate();
        let message = AgentMessage {
            session_id: Some(session),
            run_id: Some(run.clone()),
            prompt: args.prompt.clone(),
            when_busy: args.when_busy,
            ..AgentMessage::default()
        };
        let receipt: Receipt = self
            .server
            .post(&format!("/v1/workspaces/{workspace}/agent"), &message)
            .await?;
        if receipt.position > 0 {
            self.notice(&format!("queued: {} before this one", receipt.position))?;
        }
        self.follow(workspace, &run).await
    }

    /// Joins the workspace, and says that nobody is here to approve anything.
    async fn join(&self, directory: PathBuf) -> Result<WorkspaceId, Failure> {
        let request = CreateWorkspace {
            path: directory.to_string_lossy().into_owned(),
            client_id: self.client.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            env: runwright_server::config::variables().into(),
            ..CreateWorkspace::default()
        };
        let workspace: Workspace = self.server.post("/v1/workspaces", &request).await?;
        let init = encode(&AgentInit::default())?;
        let path = format!("/v1/workspaces/{}/agent/init", workspace.id);
        self.server.tell(Method::POST, &path, Some(init)).await?;
        Ok(workspace.id)
    }

    async fn session(&self, workspace: WorkspaceId, args: &RunArgs) -> Result<SessionId, Failure> {
        let sessions = format!("/v1/workspaces/{workspace}/sessions");
        if let Some(id) = &args.session {
            let session: Session = self.server.get(&format!("{sessions}/{id}")).await?;
            return Ok(session.id);
        }
        if args.continue_last {
            let known: Vec<Session> = self.server.get(&sessions).await?;
            let last = known.into_iter().next();
            let none =
                || Failure::Usage("there is no session to continue in this workspace".to_owned());
            return last.map(|session| session.id).ok_or_else(none);
        }
        let new = CreateSession {
            title: "New Session".to_owned(),
        };
        let session: Session = self.server.post(&sessions, &new).await?;
        Ok(session.id)
    }

    /// Follows the run; Ctrl-C cancels it on the server, a second one leaves at once.
    async fn follow(&self, workspace: WorkspaceId, run: &RunId) -> Result<RunComplete, Failure> {
        let mut follower = Follower::new(self.server, self.output, workspace, run);
        let mut to_the_end = std::pin::pin!(follower.follow());
        tokio::select! {
            end = &mut to_the_end => return end,
            _signal = ctrl_c() => {}
        }
        self.notice("cancelling the run on the server (Ctrl-C again leaves at once)")?;
        let path = format!("/v1/workspaces/{workspace}/runs/{run}/cancel");
        self.server.tell(Method::POST, &path, None).await?;
        tokio::select! {
            end = &mut to_the_end => end,
            _signal = ctrl_c() => Err(Failure::Usage("left before the run had ended; it is cancelled on the server".to_owned())),
        }
    }

    fn notice(&self, text: &str) -> Result<(), Failure> {
        self.output
            .notice(text)
            .map_err(|error| Failure::Broken(Box::new(error)))
    }
}

/// Ends the output and says how the run ended.
fn exit_code(output: &Output, end: &RunComplete) -> ExitCode {
    let ended = match end.state {
        RunState::Completed => None,
        RunState::Cancelled => Some("run cancelled".to_owned()),
        // Its error begins with that word.
        RunState::Interrupted => Some(format!("run {}", end.error)),
        RunState::Failed | RunState::Queued | RunState::Running | RunState::RequiresAction => {
            Some(format!("run failed: {}", end.error))
        }
    };
    let printed = if output.is_json() {
        Ok(())
    } else {
        output.text("\n")
    };
    let told = ended.map_or(Ok(()), |text| output.notice(&text));
    if printed.and(told).is_err() {
        return ExitCode::from(FAILED);
    }
    match end.state {
        RunState::Completed => ExitCode::SUCCESS,
        RunState::Cancelled => ExitCode::from(CANCELLED),
        RunState::Failed
        | RunState::Interrupted
        | RunState::Queued
        | RunState::Running
        | RunState::RequiresAction => ExitCode::from(FAILED),
    }
}

fn directory(asked: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let asked = asked.map_or_else(std::env::current_dir, Ok);
    let usage =
        |error: std::io::Error| Failure::Usage(format!("the directory to work in: {error}"));
    std::path::absolute(asked.map_err(usage)?).map_err(usage)
}
