//! One client in one workspace of a running server: the calls that every test makes.

use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::{Answer, Client, Events};
use crate::server::Server;

/// One client in one workspace.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) client: Client,
    pub(crate) client_id: String,
    pub(crate) base: String,
    pub(crate) directory: String,
}

impl Member {
    /// Joins the workspace of this name as a new client.
    pub(crate) async fn join(server: &Server, name: &str) -> Self {
        Self::in_directory(server, &server.directory(name)).await
    }

    /// Joins the workspace of this directory as a new client.
    pub(crate) async fn in_directory(server: &Server, directory: &Path) -> Self {
        let directory = directory.to_str().unwrap().to_owned();
        let client = server.client();
        let client_id = Uuid::new_v4().to_string();
        let id = register(&client, &client_id, &directory).await;
        Self {
            base: format!("/v1/workspaces/{id}"),
            client,
            client_id,
            directory,
        }
    }

    /// Another client in the same workspace.
    pub(crate) async fn another(&self) -> Self {
        let client_id = Uuid::new_v4().to_string();
        register(&self.client, &client_id, &self.directory).await;
        Self {
            client_id,
            ..self.clone()
        }
    }

    /// The same client on a server that has taken the place of another.
    pub(crate) fn on(&self, server: &Server) -> Self {
        Self {
            client: server.client(),
            ..self.clone()
        }
    }

    /// Opens the event stream; `after` is a cursor.
    pub(crate) async fn events(&self, after: Option<&str>) -> Events {
        self.client.events(&self.events_path(after)).await
    }

    pub(crate) fn events_path(&self, after: Option<&str>) -> String {
        let after = after
            .map(|after| format!("&after={after}"))
            .unwrap_or_default();
        format!("{}/events?client_id={}{after}", self.base, self.client_id)
    }

    pub(crate) async fn session(&self) -> String {
        let path = format!("{}/sessions", self.base);
        let session = self
            .client
            .post(&path, &json!({ "title": "New Session" }))
            .await
            .ok(200);
        session["id"].as_str().unwrap().to_owned()
    }

    /// Sends a prompt under a name and returns the answer.
    pub(crate) async fn prompt(&self, session: &str, run: &str, prompt: &str) -> Answer {
        let message = json!({ "session_id": session, "run_id": run, "prompt": prompt });
        self.client
            .post(&format!("{}/agent", self.base), &message)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.client.get(&format!("{}/{path}", self.base)).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.client
            .send(http::Method::POST, &format!("{}/{path}", self.base), None)
            .await
    }

    pub(crate) async fn run(&self, run: &str) -> Value {
        self.get(&format!("runs/{run}")).await.ok(200)
    }
}

/// Whether the event is the end of this run.
pub(crate) fn ends(run: &str) -> impl Fn(&Value) -> bool {
    move |event| event["type"] == "run_complete" && event["payload"]["payload"]["run_id"] == run
}

/// The ends of runs among these events: run and state.
pub(crate) fn endings(events: &[Value]) -> Vec<(String, String)> {
    let ended = events
        .iter()
        .filter(|event| event["type"] == "run_complete");
    let ending = |event: &Value| {
        let payload = &event["payload"]["payload"];
        (
            payload["run_id"].as_str().unwrap().to_owned(),
            payload["state"].as_str().unwrap().to_owned(),
        )
    };
    ended.map(ending).collect()
}

async fn register(client: &Client, client_id: &str, directory: &str) -> String {
    let request = json!({ "path": directory, "client_id": client_id });
    let workspace = client.post("/v1/workspaces", &request).await.ok(200);
    workspace["id"].as_str().unwrap().to_owned()
}
