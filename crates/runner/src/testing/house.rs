//! What all connections of a provider share: which requests there are, and who holds what. It must never know how a
//! request is answered.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::request::Ask;
use super::until::until;
use super::{Exchange, Gate, Request, Requests, Script};

/// What all connections share.
#[derive(Debug)]
pub(super) struct House {
    pub(super) turns: Requests,
    pub(super) small: Requests,
    pub(super) lists: Requests,
    pub(super) strays: Requests,
    connections: watch::Sender<Connections>,
    settings: Mutex<Settings>,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Connections {
    pub(super) accepted: usize,
    pub(super) open: usize,
}

/// Counts an open connection.
pub(super) struct Open<'a>(&'a House);

pub(super) type IsSmall = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

struct Settings {
    is_small: IsSmall,
    models: Vec<String>,
    /// Where the next connections are held before anything is read from them.
    unread: VecDeque<Gate>,
}

impl House {
    pub(super) fn new(is_small: IsSmall, models: Vec<String>) -> Self {
        Self {
            turns: Requests::new(Script::answer("hello").tokens(10, 1)),
            small: Requests::new(Script::answer("Title.").tokens(10, 1)),
            lists: Requests::new(Script::new()),
            strays: Requests::new(Script::new()),
            connections: watch::Sender::default(),
            settings: Mutex::new(Settings {
                is_small,
                models,
                unread: VecDeque::new(),
            }),
        }
    }

    /// Takes a request in where it belongs.
    pub(super) fn take(&self, ask: Ask, request: Request) -> (Exchange, Arc<Script>) {
        let requests = match ask {
            Ask::Models(_) => &self.lists,
            Ask::Unknown => &self.strays,
            Ask::Answer { .. } => {
                let is_small = Arc::clone(&self.settings().is_small);
                if is_small(&request) {
                    &self.small
                } else {
                    &self.turns
                }
            }
        };
        requests.take(request)
    }

    pub(super) fn set_small(&self, is_small: IsSmall) {
        self.settings().is_small = is_small;
    }

    pub(super) fn models(&self) -> Vec<String> {
        self.settings().models.clone()
    }

    pub(super) fn set_models(&self, models: Vec<String>) {
        self.settings().models = models;
    }

    pub(super) fn hold_unread(&self, gate: Gate) {
        self.settings().unread.push_back(gate);
    }

    pub(super) fn next_unread(&self) -> Option<Gate> {
        self.settings().unread.pop_front()
    }

    /// Counts a connection that was accepted.
    pub(super) fn open(&self) -> Open<'_> {
        self.connections.send_modify(|connections| {
            connections.accepted += 1;
            connections.open += 1;
        });
        Open(self)
    }

    pub(super) async fn connections_are(&self, wanted: impl Fn(Connections) -> bool) {
        until(&self.connections, |now| wanted(*now).then_some(())).await;
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        let settings = self.settings.lock();
        settings.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0
            .connections
            .send_modify(|connections| connections.open -= 1);
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut settings = f.debug_struct("Settings");
        settings.field("models", &self.models);
        settings
            .field("unread", &self.unread)
            .finish_non_exhaustive()
    }
}
