//! P5: what a stream occupies on which nothing happens. It must never know what is on it.

use tempfile::TempDir;

use crate::{
    Result,
    net::Transport,
    readers::Readers,
    server::Server,
    table::{Pairs, Row, print},
};

/// The binary has all its routes and the ceiling has none, so a cost that grew with the number of routes would show.
pub(crate) fn run() -> Result<()> {
    let dir = TempDir::new()?;
    let server = Server::binary(dir.path(), &["--max-connections", "20000"])?;
    let workspace = server.open_workspace(dir.path())?;
    let ours = per_client(&server, &format!("/v1/workspaces/{workspace}/events"))?;
    drop(server);
    let server = Server::role("ceil-hyper-body", &Transport::Unix.listen(dir.path()))?;
    let ceiling = per_client(&server, "/events")?;
    for ((clients, ours), (_, ceiling)) in ours.into_iter().zip(ceiling) {
        let of = |what: &str| format!("P5 idle stream, {clients} clients, KiB RSS each; {what}");
        print(&Row::limited(of("limit"), ours, 12.0));
        print(&Pairs::of(&[ours], &[ceiling]).row(of("body on raw hyper"), None));
    }
    Ok(())
}

/// How much memory each client takes, in KiB, of the first thousand and of five thousand.
fn per_client(server: &Server, path: &str) -> Result<[(usize, f64); 2]> {
    // What the first clients take for all is not theirs.
    drop(Readers::connect(&server.address, path, 50)?);
    let base = server.rss()? as f64;
    let first = Readers::connect(&server.address, path, 1000)?;
    let with_first = server.rss()? as f64;
    let others = Readers::connect(&server.address, path, 4000)?;
    let with_all = server.rss()? as f64;
    drop((first, others));
    let each = |rss: f64, clients: usize| (clients, (rss - base) / 1024.0 / clients as f64);
    Ok([each(with_first, 1000), each(with_all, 5000)])
}
