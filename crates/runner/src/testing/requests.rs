//! The requests of one kind: what is to be done with the next ones, and which have come. It must never know a socket.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;

use super::until::until;
use super::{Exchange, Request, Script, directives};

/// The requests of one kind, in the order in which they come.
///
/// Each is answered with the next script, or with what was said for the time after the last one.
#[derive(Debug)]
pub struct Requests(watch::Sender<State>);

#[derive(Debug)]
struct State {
    scripts: VecDeque<Arc<Script>>,
    otherwise: Otherwise,
    /// How often each prompt has been obeyed.
    tries: HashMap<String, usize>,
    came: Vec<Exchange>,
}

/// What answers when no script is left.
#[derive(Debug)]
enum Otherwise {
    Script(Arc<Script>),
    Prompt,
}

impl Requests {
    pub(super) fn new(otherwise: Script) -> Self {
        Self(watch::Sender::new(State {
            scripts: VecDeque::new(),
            otherwise: Otherwise::Script(Arc::new(otherwise)),
            tries: HashMap::new(),
            came: Vec::new(),
        }))
    }

    /// Says what to do with the next request that has no script yet.
    pub fn script(&self, script: Script) {
        self.0
            .send_modify(|state| state.scripts.push_back(Arc::new(script)));
    }

    /// Says what to do with each request when no script is left.
    pub fn otherwise(&self, script: Script) {
        self.0
            .send_modify(|state| state.otherwise = Otherwise::Script(Arc::new(script)));
    }

    /// Does what the prompt says when no script is left, the last thing that the user said:
    ///
    /// | directive | means |
    /// |---|---|
    /// | `[[say N]]` | N words, `tok0 tok1 …`; without it one |
    /// | `[[delay MS]]` | that long before each word but the first |
    /// | `[[truncate]]` | the connection is closed after half of the words |
    /// | `[[status CODE]]` | an error with this status and the message `fake status CODE` |
    /// | `[[times N]]` | only the first N requests with this prompt get the error |
    pub fn obey_prompts(&self) {
        self.0
            .send_modify(|state| state.otherwise = Otherwise::Prompt);
    }

    /// Waits for a request by its number, which counts from zero.
    ///
    /// # Cancel safety
    /// Nothing is lost; call it again.
    pub async fn request(&self, number: usize) -> Exchange {
        until(&self.0, |state| state.came.get(number).cloned()).await
    }

    /// How many requests have come.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.borrow().came.len()
    }

    /// How many scripts have not been played.
    #[must_use]
    pub fn scripts_left(&self) -> usize {
        self.0.borrow().scripts.len()
    }

    /// Takes a request in, and says what to do with it. Numbers and scripts are given in one step, so that they match.
    pub(super) fn take(&self, request: Request) -> (Exchange, Arc<Script>) {
        let prompt = request.last_user_text();
        let exchange = Exchange::new(request);
        let came = exchange.clone();
        let mut script = None;
        self.0.send_modify(|state| {
            state.came.push(came);
            script = Some(state.next_script(prompt));
        });
        (exchange, script.expect("invariant: it has just been set"))
    }
}

impl State {
    fn next_script(&mut self, prompt: String) -> Arc<Script> {
        if let Some(script) = self.scripts.pop_front() {
            return script;
        }
        match &self.otherwise {
            Otherwise::Script(script) => Arc::clone(script),
            Otherwise::Prompt => {
                let script = directives::script(&prompt, self.tries.get(&prompt).copied());
                *self.tries.entry(prompt).or_default() += 1;
                Arc::new(script)
            }
        }
    }
}
