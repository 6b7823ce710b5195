//! P2 through HTTP: what accepting a prompt costs when it is on disk before the answer, against the same server that keeps
//! nothing. It must never know how it is stored.

use std::{path::Path, time::Duration};

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

/// Each of these runs makes four changes.
const RUNS: usize = 3_200;

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
    let mut ours = contender("durable", transport, clients, &dir)?;
    let mut memory = contender("accept", transport, clients, &dir)?;
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
    let mut ours = contender("durable-run", Transport::Unix, 64, &dir)?;
    let mut memory = contender("run", Transport::Unix, 64, &dir)?;
    hold([&mut memory, &mut ours], RUNS)?;
    let figure =
        "P2 durable accept and a run that does nothing, unix, 64 clients, us CPU; nothing kept";
    print(&ours.cpu_against(&memory).row(figure, None));
    Ok(())
}

fn contender(role: &str, transport: Transport, clients: usize, dir: &TempDir) -> Result<Contender> {
    let dir: &Path = dir.path();
    let server = Server::role_in(dir, role, &transport.listen(dir))?;
    let contender = Contender::with_clients(server, clients, |server, client| {
        let workspace = server.words.first().map_or("", String::as_str);
        prompt(&server.address, workspace, &session(client))
    })?;
    Ok(contender.resting(UNTIL_QUIET))
}
