//! Owns this program's other side: started again as a child, it is one server under measurement, on one thread. It must
//! never know how it is measured.
//!
//! A role says where it listens on the socket that is its standard input, takes the number of events to publish from it,
//! and ends when it is closed, so that no role outlives the run.

mod control;
mod handlers;
mod http;
mod ports;
mod product;
mod shared_log;
mod story;
mod streams;

use crate::{Result, net::Address};

use self::{control::Control, ports::Accepts};

/// Serves in a role until it is told to end.
pub(crate) fn run(name: &str, listen: &str) -> Result<()> {
    let listen: Address = listen.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(name, &listen))
}

async fn serve(name: &str, listen: &Address) -> Result<()> {
    let control = Control::open()?;
    match name {
        "accept" => product::serve(control, listen, Accepts::AndStops).await,
        "run" => product::serve(control, listen, Accepts::AndRuns).await,
        "ceil-axum" => handlers::axum(control, listen).await,
        "ceil-hyper" => handlers::hyper(control, listen).await,
        "ceil-hand-loop" => streams::hand_loop(control, listen).await,
        "ceil-hyper-body" => streams::hyper_body(control, listen).await,
        "ceil-axum-sse" => streams::axum_sse(control, listen).await,
        _ => Err(format!("there is no role `{name}`").into()),
    }
}
