//! One workspace as its clients share it: its address, its sessions, the runs that somebody might want to cancel or
//! follow.
//!
//! It must never know who wants what.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::plan::Mix;
use super::readers::END_IN;
use crate::history::{Receipt, Seen};
use crate::wire::{Answer, Silence};
use crate::world::World;

/// How many accepted runs are remembered for those who cancel and follow.
const RECENT: usize = 12;

/// A workspace of the server.
pub(crate) struct Room {
    pub(crate) world: Arc<World>,
    pub(crate) mix: Mix,
    /// The path of the workspace, without a slash at its end.
    pub(crate) base: String,
    pub(crate) sessions: Vec<String>,
    directory: String,
    name: String,
    markers: AtomicU64,
    recent: Mutex<VecDeque<Receipt>>,
}

impl Room {
    /// Makes a workspace and its sessions.
    pub(crate) async fn open(world: &Arc<World>, name: &str, mix: Mix) -> Arc<Self> {
        let mut room = Self {
            world: world.clone(),
            mix,
            base: String::new(),
            sessions: Vec::new(),
            directory: world.site.directory(name),
            name: name.to_owned(),
            markers: AtomicU64::new(0),
            recent: Mutex::default(),
        };
        let workspace = room.register(Uuid::new_v4()).await.unwrap().ok(200);
        room.base = format!("/v1/workspaces/{}", workspace["id"].as_str().unwrap());
        for _ in 0..mix.sessions {
            let session = room.create_session("New Session").await.unwrap().ok(200);
            room.sessions
                .push(session["id"].as_str().unwrap().to_owned());
        }
        Arc::new(room)
    }

    /// Joins it as a client.
    pub(crate) async fn register(&self, client: Uuid) -> Result<Answer, Silence> {
        let body = json!({ "path": self.directory, "client_id": client });
        self.world.wire.post("/v1/workspaces", &body).await
    }

    pub(crate) async fn create_session(&self, title: &str) -> Result<Answer, Silence> {
        let path = format!("{}/sessions", self.base);
        self.world
            .wire
            .post(&path, &json!({ "title": title }))
            .await
    }

    /// Asks for something below the workspace; notes an answer that is neither a success nor one of these codes.
    pub(crate) async fn ask(&self, method: Method, path: &str, codes: &[&str]) -> Option<Answer> {
        let asked = format!("{} {method} {path}", self.name);
        let path = format!("{}/{path}", self.base);
        let answer = self.world.wire.send(method, &path, None, None);
        let answer = self.world.expect(&asked, answer, codes).await;
        if answer
            .as_ref()
            .is_some_and(|answer| answer.code() == "workspace_not_found")
        {
            self.come_back().await;
        }
        answer
    }

    /// What is below the workspace; `null` and a note if it is refused.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, &[]).await;
        answer.map_or(Value::Null, |answer| answer.body)
    }

    /// The records of all runs, the newest first.
    pub(crate) async fn all_runs(&self) -> Vec<Value> {
        let mut runs = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("runs?limit=1000&after={after}")).await;
            runs.extend(page["runs"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => after = next.to_owned(),
                None => return runs,
            }
        }
    }

    /// Reads a stream until an event for which `last` holds, or to its end; nothing and a note if it is refused.
    pub(crate) async fn read_to(&self, path: &str, last: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut stream = match self.world.wire.stream(path).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(answer)) => {
                self.world
                    .note(format!("{path}: {} {}", answer.status, answer.body));
                return seen;
            }
            Err(silence) => {
                self.world.note(format!("{path}: {silence:?}"));
                return seen;
            }
        };
        loop {
            match timeout(END_IN, stream.next()).await {
                Ok(Some(frame)) => {
                    let event = Seen::of(&frame.data, self.world.now(), self.world.phase().life);
                    let is_last = last(&event);
                    seen.push(event);
                    if is_last {
                        return seen;
                    }
                }
                Ok(None) => return seen,
                Err(_) => {
                    self.world
                        .note(format!("{path}: the last event does not come"));
                    return seen;
                }
            }
        }
    }

    /// Registers anew with a server that has forgotten the workspace, so that the rest can go on.
    pub(crate) async fn come_back(&self) {
        let answer = self.register(Uuid::new_v4());
        self.world.expect("registering anew", answer, &[]).await;
    }

    /// A word that nobody has used yet.
    pub(crate) fn marker(&self) -> String {
        let number = self.markers.fetch_add(1, Ordering::SeqCst);
        format!("{}-{number}", self.name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn remember(&self, receipt: Receipt) {
        let mut recent = self.recent();
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(receipt);
    }

    /// The runs that were accepted last, the last one at the end.
    pub(crate) fn recent_runs(&self) -> Vec<Receipt> {
        self.recent().iter().cloned().collect()
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Receipt>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
