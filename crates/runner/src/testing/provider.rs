//! The provider as a test has it: started, told what to do, asked what happened. It must never know a frame.

use std::net::{Ipv4Addr, SocketAddr};
use std::panic;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::connection::serve;
use super::house::House;
use super::{Exchange, Gate, Protocol, Request, Requests, Script};

/// The model that tests ask for.
pub const MODEL: &str = "scripted";
/// The small model that tests ask for titles.
pub const SMALL_MODEL: &str = "scripted-small";

/// A model provider on a socket of this machine. Dropping it closes the socket and every connection.
///
/// Requests that are answered come in two kinds with scripts and numbers of their own, so that a title that is asked for
/// beside a turn does not take the script of the turn: [`turns`](Self::turns), which [`script`](Self::script) and
/// [`request`](Self::request) are about, and [`small`](Self::small), those for [`SMALL_MODEL`].
#[derive(Debug)]
pub struct ScriptedProvider {
    address: SocketAddr,
    house: Arc<House>,
    /// The task that accepts, which owns those that serve.
    _accepting: JoinSet<()>,
}

impl ScriptedProvider {
    /// Starts a provider that answers each turn with `hello` and each small request with `Title.` until it is told
    /// otherwise.
    ///
    /// # Panics
    /// When no socket can be had.
    ///
    /// # Cancel safety
    /// The socket is closed.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a socket of this machine");
        let address = listener.local_addr().expect("a socket has an address");
        let models = vec![MODEL.to_owned(), SMALL_MODEL.to_owned()];
        let is_small = Arc::new(|request: &Request| request.model() == SMALL_MODEL);
        let house = Arc::new(House::new(is_small, models));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&house)));
        Self {
            address,
            house,
            _accepting: accepting,
        }
    }

    /// The base URL of a protocol, without a slash at its end, with the path that its vendor has.
    #[must_use]
    pub fn base_url(&self, protocol: Protocol) -> String {
        format!("http://{}{}", self.address, protocol.base_path())
    }

    /// A base URL under a path of the test's choice, as gateways have it. Each protocol is served under every path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The address of the socket.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what to do with the next turn that has no script yet.
    pub fn script(&self, script: Script) {
        self.house.turns.script(script);
    }

    /// Does what the prompts of the turns say when no script is left, as
    /// [`obey_prompts`](Requests::obey_prompts) describes.
    pub fn obey_prompts(&self) {
        self.house.turns.obey_prompts();
    }

    /// Waits for the request of a turn by its number, which counts from zero.
    ///
    /// # Cancel safety
    /// Nothing is lost; call it again.
    pub async fn request(&self, number: usize) -> Exchange {
        self.house.turns.request(number).await
    }

    /// The requests for an answer that are not small.
    #[must_use]
    pub fn turns(&self) -> &Requests {
        &self.house.turns
    }

    /// The requests for an answer of the small model.
    #[must_use]
    pub fn small(&self) -> &Requests {
        &self.house.small
    }

    /// The requests for the list of models. Scripts for them wait, fail, flood or cut; one that comes to its end is
    /// followed by the list.
    #[must_use]
    pub fn lists(&self) -> &Requests {
        &self.house.lists
    }

    /// The requests for anything else, which are answered with 404. Scripts for them are not played.
    #[must_use]
    pub fn strays(&self) -> &Requests {
        &self.house.strays
    }

    /// Says which requests are small, if not those for [`SMALL_MODEL`].
    pub fn small_are(&self, is_small: impl Fn(&Request) -> bool + Send + Sync + 'static) {
        self.house.set_small(Arc::new(is_small));
    }

    /// Says which models there are, if not [`MODEL`] and [`SMALL_MODEL`]. Requests for others are answered all the same.
    pub fn offer(&self, models: &[&str]) {
        let models = models.iter().map(|&model| model.to_owned());
        self.house.set_models(models.collect());
    }

    /// Leaves the next connection that has no such gate yet unread until the gate is released: it is accepted, and that
    /// is all. The gate is [reached](Gate::reached) when it is.
    pub fn hold_unread(&self, gate: &Gate) {
        self.house.hold_unread(gate.clone());
    }

    /// Waits until so many connections have been accepted in all.
    ///
    /// # Cancel safety
    /// Nothing is lost; call it again.
    pub async fn accepted(&self, count: usize) {
        self.house
            .connections_are(|connections| connections.accepted >= count)
            .await;
    }

    /// Waits until no connection is open, be it in use, unread or kept for the next request.
    ///
    /// # Cancel safety
    /// Nothing is lost; call it again.
    pub async fn all_closed(&self) {
        self.house
            .connections_are(|connections| connections.open == 0)
            .await;
    }
}

/// Accepts connections until it is dropped, and their tasks with it.
async fn accept(listener: TcpListener, house: Arc<House>) {
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that broke before it was accepted is nobody's loss.
                if let Ok((socket, _)) = accepted {
                    serving.spawn(serve(socket, Arc::clone(&house)));
                }
            }
            Some(served) = serving.join_next() => {
                if let Err(error) = served && error.is_panic() {
                    // The provider ends with it, so that its test does too.
                    panic::resume_unwind(error.into_panic());
                }
            }
        }
    }
}
