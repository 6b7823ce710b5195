//! Owns the figures of the workspace lifecycle and what the first creator of a workspace decides for it.
//!
//! It must never know where a value was configured.

use std::time::Duration;

use runwright_proto::OnLastDetach;

/// How long claims, workspaces and the server outlive their last use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleOptions {
    /// How long a create keeps a workspace for a client that has not opened a stream yet. 30 s (contract 4.2, register).
    pub create_grace: Duration,
    /// How long a claim outlives the last stream of its client. 10 s (contract 4.3); zero removes the claim at once.
    pub detach_grace: Duration,
    /// How long a workspace outlives its last claim and its last run, so that a client that comes back soon finds it
    /// warm. 30 s, as long as the create grace (semantics 4 names the window, not the figure); zero closes it at once.
    pub linger: Duration,
    /// How long the id of a retired client is refused. 24 h (semantics 4).
    pub retired_expiry: Duration,
    /// How long the server outlives its last workspace, or `None` to run until it is told to stop, which is the default
    /// of a server that an operator starts. The contract's own server, which its clients start, uses 60 s (contract
    /// 4.5); zero exits at once.
    pub idle_exit: Option<Duration>,
}

impl Default for LifecycleOptions {
    fn default() -> Self {
        Self {
            create_grace: Duration::from_secs(30),
            detach_grace: Duration::from_secs(10),
            linger: Duration::from_secs(30),
            retired_expiry: Duration::from_secs(24 * 60 * 60),
            idle_exit: None,
        }
    }
}

/// What the first creator decides for a workspace; whoever joins later gets the workspace as it is (contract 4.2,
/// step 4: first creator wins).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The channels the workspace was opened with. A create that asks for other ones, or for the same ones in another
    /// order, is refused (contract 4.2, step 4).
    pub channels: Vec<String>,
    /// What happens when the last claim is gone.
    pub on_last_detach: OnLastDetach,
}
