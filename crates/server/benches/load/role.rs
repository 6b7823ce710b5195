//! Owns this program's other side: started again as a child, it is one server under measurement, on one thread. It must
//! never know how it is measured.
//!
//! A role says where it listens on the socket that is its standard input, takes from it how often to do what it does, which
//! for most is to publish an event, and ends when it is closed, so that no role outlives the run. A role that keeps files
//! keeps them where it is started.

mod control;
mod handlers;
mod http;
mod ports;
mod product;
mod provider;
mod replay;
mod shared_log;
mod stored;
mod story;
mod streams;

use std::{sync::Arc, time::Duration};

use crate::{Result, net::Address};

use self::{
    control::Control,
    ports::{Accepts, MinimalFactory},
    stored::{Agent, StoredFactory},
};

/// Serves in a role until it is told to end.
pub(crate) fn run(name: &str, listen: &str, arguments: &[&str]) -> Result<()> {
    let listen: Address = listen.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // What a thread used cannot be asked when it has ended, so those that block on files stay.
        .thread_keep_alive(Duration::MAX)
        .build()?;
    runtime.block_on(serve(name, &listen, arguments))
}

async fn serve(name: &str, listen: &Address, arguments: &[&str]) -> Result<()> {
    let control = Control::open()?;
    match (name, arguments) {
        ("accept", []) => in_memory(control, listen, Accepts::AndStops).await,
        ("run", []) => in_memory(control, listen, Accepts::AndRuns).await,
        ("durable", []) => stored(control, listen, Accepts::AndStops).await,
        ("durable-run", []) => stored(control, listen, Accepts::AndRuns).await,
        ("ceil-axum", []) => handlers::axum(control, listen).await,
        ("ceil-hyper", []) => handlers::hyper(control, listen).await,
        ("ceil-hand-loop", []) => streams::hand_loop(control, listen).await,
        ("ceil-hyper-body", []) => streams::hyper_body(control, listen).await,
        ("ceil-axum-sse", []) => streams::axum_sse(control, listen).await,
        ("ceil-replay", []) => replay::from_memory(control, listen).await,
        ("provider-alone", &[url]) => provider::alone(control, listen, url).await,
        ("provider-first", &[url]) => provider::first(control, listen, url).await,
        ("model", &[url]) => provider::in_memory(control, listen, url).await,
        ("durable-model", &[url]) => provider::stored(control, listen, url).await,
        _ => Err(format!("there is no role `{name}` with {arguments:?}").into()),
    }
}

/// The product with ports that do the minimum, so that what is measured is the server and not a store or an agent.
async fn in_memory(control: Control, listen: &Address, accepts: Accepts) -> Result<()> {
    product::serve(control, listen, Arc::new(MinimalFactory(accepts))).await
}

/// The product with the store that the binary has.
async fn stored(control: Control, listen: &Address, accepts: Accepts) -> Result<()> {
    product::serve(
        control,
        listen,
        Arc::new(StoredFactory::open(Agent::Silent(accepts))?),
    )
    .await
}
