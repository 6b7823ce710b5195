//! P2 through HTTP: what accepting a prompt costs when it is on disk before the answer, against the same server that keeps
//! nothing. It must never know how it is stored.

use std::time::Duration;

use tempfile::TempDir;

use crate::{
    Result,
    accept::{prompt, session},
    contest::{Contender, hold},
    net::Transport,
    server::{Server, disk},
    table::print,
};

/// Requests of a sample: a half of a second.
const REQUESTS: usize = 12_800;

/// Of these runs a sample has 20 for each client: they wait for one another, and there is room for 64.
const RUNS: usize = 1_280;

/// Longer than anything that the store puts off until nobody waits.
const UNTIL_QUIET: Duration = Duration::from_millis(100);

/// What is durable may cost so much more (performance 10).
const GOAL: f64 = 1.6;

pub(crate) fn run() -> Result<()> {
    for transport in [Transport::Unix, Transport::Tcp] {
        for clients in [64, 256] {
            accept(transport, clients)?;
        }
    }
    with_run()
}

fn accept(transport: Transport, clients: usize) -> Result<()> {
    let dir = disk()?;
    let mut ours = contender(server("durable", transport, &dir)?, clients)?;
    let mut memory = contender(server("accept", transport, &dir)?, clients)?;
    hold([&mut memory, &mut ours], REQUESTS)?;
    let of = |what: &str| {
        format!("P2 durable accept, {transport}, {clients} clients, us {what}; nothing kept")
    };
    print(&ours.cpu_against(&memory).row(of("CPU"), Some(GOAL)));
    print(&ours.wait_against(&memory).row(of("p50"), None));
    print(&ours.tail_against(&memory).row(of("p99"), None));
    Ok(())
}

/// With all that a run writes whose agent has nothing to say: its start, its prompt, its end.
fn with_run() -> Result<()> {
    let dir = disk()?;
    let open = |role| -> Result<Contender> {
        let server = server(role, Transport::Unix, &dir)?;
        let agent = format!("/v1/workspaces/{}/agent", workspace(&server)?);
        Ok(contender(server, 64)?.until_idle(&agent))
    };
    let (mut ours, mut memory) = (open("durable-run")?, open("run")?);
    hold([&mut memory, &mut ours], RUNS)?;
    let figure =
        "P2 durable accept and a run that does nothing, unix, 64 clients, us CPU; nothing kept";
    print(&ours.cpu_against(&memory).row(figure, None));
    Ok(())
}

fn server(role: &str, transport: Transport, dir: &TempDir) -> Result<Server> {
    Server::role_in(dir.path(), role, &transport.listen(dir.path()))
}

fn workspace(server: &Server) -> Result<&str> {
    let workspace = server.words.first().map(String::as_str);
    workspace.ok_or_else(|| "the role opened no workspace".into())
}

fn contender(server: Server, clients: usize) -> Result<Contender> {
    let workspace = workspace(&server)?.to_owned();
    let contender = Contender::with_clients(server, clients, |server, client| {
        prompt(&server.address, &workspace, &session(client))
    })?;
    Ok(contender.resting(UNTIL_QUIET))
}
