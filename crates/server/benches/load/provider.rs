//! What the product adds to a model provider: CPU for each token that is streamed, CPU for a turn, and the time until a
//! reader has the first piece. It must never know how the agent asks.

mod first_token;
mod scripted;
mod streaming;
mod turns;
mod watch;

use std::{path::Path, thread, time::Duration};

use serde_json::json;
use tokio::time::Instant;

use self::scripted::Scripted;
use crate::{
    Result,
    net::{PATIENCE, Transport},
    server::Server,
};

/// The streams of a workspace, with whole messages and with deltas.
const STREAMS: [&str; 2] = ["events", "events?deltas=1"];

pub(crate) fn run() -> Result<()> {
    streaming::run()?;
    turns::run()?;
    first_token::run()
}

/// Starts this program in a role that reads a provider.
fn server(role: &str, dir: &Path, provider: &Scripted) -> Result<Server> {
    let listen = Transport::Unix.listen(dir);
    Server::role_with(dir, role, &listen, &[&provider.url()])
}

/// The workspace that the product has from the beginning.
fn workspace(server: &Server) -> Result<&str> {
    let workspace = server.words.first().map(String::as_str);
    workspace.ok_or_else(|| "the role opened no workspace".into())
}

/// Has the agent asked something in a session.
fn prompt(server: &Server, workspace: &str, session: &str) -> Result<()> {
    let prompt = json!({
        "session_id": session,
        "prompt": "how many lines has README.md, and is any of them longer?",
    });
    let path = format!("/v1/workspaces/{workspace}/agent");
    server.address.tell("POST", &path, &prompt.to_string())?;
    Ok(())
}

/// Waits until a server has had nothing to do for so long.
fn settle(server: &Server, rest: Duration) -> Result<()> {
    /// A server that only waits takes no more of the time.
    const IDLE: f64 = 0.01;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let before = server.cpu()?;
        pause(rest);
        let used = server.cpu()? - before;
        if used.as_secs_f64() < rest.as_secs_f64() * IDLE {
            return Ok(());
        }
    }
    Err("a server that has nothing to do is busy".into())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the other process cannot be waited for otherwise"
)]
fn pause(time: Duration) {
    thread::sleep(time);
}
