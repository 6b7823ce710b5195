//! P1: what accepting a prompt costs, from the request to the 202. It must never know what becomes of a run.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::{
    Result,
    contest::{Contender, hold},
    net::{Address, Transport},
    requests::{CONNECTIONS, Template},
    server::Server,
    table::print,
};

/// Requests of a sample: a fifth of a second.
const REQUESTS: usize = 16_000;

/// Runs of a sample: the history in memory takes longer for a run the more it has, so only the first few thousand count.
const RUNS: usize = 640;

const NO_WORKSPACE: &str = "00000000-0000-4000-8000-000000000000";

pub(crate) fn run() -> Result<()> {
    let dir = TempDir::new()?;
    for transport in [Transport::Unix, Transport::Tcp] {
        handler(transport, dir.path())?;
    }
    whole()
}

fn handler(transport: Transport, dir: &Path) -> Result<()> {
    let open = |role| {
        Contender::of_role(role, &transport.listen(dir), |server, client| {
            // A ceiling takes any workspace.
            let workspace = server.words.first().map_or(NO_WORKSPACE, String::as_str);
            prompt(&server.address, workspace, &session(client))
        })
    };
    let (mut ours, mut with_run) = (open("accept")?, open("run")?);
    let (mut axum, mut hyper) = (open("ceil-axum")?, open("ceil-hyper")?);
    hold([&mut axum, &mut ours, &mut hyper, &mut with_run], REQUESTS)?;
    let of = |what: &str| format!("P1 accept, {transport}, {what}");
    print(
        &ours
            .cpu_against(&axum)
            .row(of("us CPU; minimal axum"), Some(1.15)),
    );
    print(
        &ours
            .cpu_against(&hyper)
            .row(of("us CPU; raw hyper"), Some(1.7)),
    );
    print(
        &ours
            .wait_against(&axum)
            .row(of("us p50 of 64 clients; minimal axum"), None),
    );
    print(&with_run.cpu_against(&axum).row(
        of("and a run that does nothing, us CPU; minimal axum"),
        None,
    ));
    Ok(())
}

/// The binary as it is, with its offline model, against the same minimum.
fn whole() -> Result<()> {
    let dir = TempDir::new()?;
    let server = Server::binary(dir.path(), &["--header-timeout", "300"])?;
    let workspace = server.open_workspace(dir.path())?;
    let sessions = (0..CONNECTIONS)
        .map(|_| server.open_session(&workspace))
        .collect::<Result<Vec<_>>>()?;
    let _reader = crate::readers::open(
        &server.address,
        &format!("/v1/workspaces/{workspace}/events"),
    )?;
    let mut ours = Contender::new(server, |server, client| {
        prompt(&server.address, &workspace, &sessions[client])
    })?;
    let mut axum = Contender::of_role(
        "ceil-axum",
        &Transport::Unix.listen(dir.path()),
        |server, client| prompt(&server.address, &workspace, &session(client)),
    )?;
    hold([&mut ours, &mut axum], RUNS)?;
    let figure = "P1 accept and run in the binary, unix, us CPU; minimal axum";
    print(&ours.cpu_against(&axum).row(figure, None));
    Ok(())
}

/// About 175 bytes, as a client of the contract sends it: with a session and a run id of its own.
pub(crate) fn prompt(address: &Address, workspace: &str, session: &str) -> Template {
    let body = json!({
        "session_id": session,
        "run_id": "0192a7b0-0000-7000-8000-############",
        "prompt": "[[say 0]] how many lines has README.md, and is any of them longer?",
    });
    Template::post(
        address,
        &format!("/v1/workspaces/{workspace}/agent"),
        &body.to_string(),
    )
}

pub(crate) fn session(client: usize) -> String {
    format!("2f4e4b5e-8f0a-4c39-9f0e-{client:012x}")
}
