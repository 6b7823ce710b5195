//! P10: what a terminal client asks several times a second. It must never know what the answers say.

use std::path::Path;

use tempfile::TempDir;

use crate::{
    Result,
    contest::{Contender, hold},
    net::Transport,
    requests::Template,
    server::Server,
    table::print,
};

const REQUESTS: usize = 12_000;

/// The bytes of the header that names a request, which the minimum has as so many more of its body.
const REQUEST_ID: usize = "x-request-id: 01234567-012345\r\n".len();

/// What is asked, below the path of the workspace.
const POLLS: [&str; 3] = [
    "agent",
    "permissions/skip",
    "agent/sessions/2f4e4b5e-8f0a-4c39-9f0e-2f2c7c1f4c11/prompts/list",
];

pub(crate) fn run() -> Result<()> {
    let dir = TempDir::new()?;
    for transport in [Transport::Unix, Transport::Tcp] {
        for asked in POLLS {
            poll(asked, transport, dir.path())?;
        }
    }
    Ok(())
}

fn poll(asked: &str, transport: Transport, dir: &Path) -> Result<()> {
    let server = Server::role("accept", &transport.listen(dir))?;
    let workspace = server.words.first().ok_or("the role opened no workspace")?;
    let workspace = format!("/v1/workspaces/{workspace}");
    let path = format!("{workspace}/{asked}");
    let size = server.address.tell("GET", &path, "")?.len() + REQUEST_ID;
    let mut ours = Contender::new(server, |server, _| Template::get(&server.address, &path))?;
    let mut axum = Contender::of_role("ceil-axum", &transport.listen(dir), |server, _| {
        Template::get(&server.address, &format!("{workspace}/sized/{size}"))
    })?;
    hold([&mut ours, &mut axum], REQUESTS)?;
    let name = asked
        .rsplit_once("/prompts")
        .map_or(asked, |_| "prompts/list");
    let figure = format!("P10 GET {name}, {transport}, us CPU; minimal axum");
    print(&ours.cpu_against(&axum).row(figure, Some(1.1)));
    Ok(())
}
