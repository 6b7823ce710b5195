//! A recorded conversation, as it lies in its file.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ids::Ids;
use crate::http::Client;

#[derive(Deserialize)]
pub(super) struct Conversation {
    pub(super) exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
pub(super) struct Exchange {
    method: String,
    pub(super) path: String,
    pub(super) request: Option<Value>,
    pub(super) status: u16,
    /// `null` is an answer too, so a missing answer is told apart.
    #[serde(default, deserialize_with = "present")]
    pub(super) response: Option<Value>,
    pub(super) frames: Option<Vec<Value>>,
}

impl Conversation {
    pub(super) fn load(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/recorded");
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The prompts of these exchanges.
    pub(super) fn prompts_in(&self, ranges: &[RangeInclusive<usize>]) -> Vec<String> {
        let exchanges = ranges
            .iter()
            .cloned()
            .flatten()
            .filter_map(|at| self.exchanges.get(at));
        let prompts = exchanges.filter(|exchange| exchange.is_prompt());
        prompts
            .filter_map(|exchange| {
                exchange.request.as_ref()?["prompt"]
                    .as_str()
                    .map(str::to_owned)
            })
            .collect()
    }
}

impl Exchange {
    pub(super) fn method(&self) -> Method {
        self.method.parse().unwrap()
    }

    pub(super) fn is_prompt(&self) -> bool {
        self.method == "POST" && self.path.ends_with("/agent")
    }

    /// Method and path without what differs from call to call.
    pub(super) fn name(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        let generic = |segment: &str| {
            if super::ids::is_recorded_id(segment) {
                "*".to_owned()
            } else {
                segment.to_owned()
            }
        };
        let path: Vec<String> = path.split('/').map(generic).collect();
        format!("{} {}", self.method, path.join("/"))
    }
}

/// Makes the session that the conversation continues: the recorded server had it, with a prompt and its answer.
pub(super) async fn had_before(client: &Client, ids: &mut Ids, recorded: &Conversation) {
    let create = &recorded.exchanges[0];
    let path = ids.to_ours(&create.path);
    let mut request = ids.value_to_ours(create.request.as_ref().unwrap());
    request["client_id"] = json!("00000000-0000-4000-8000-00000000ffff");
    let workspace = client.post(&path, &request).await.ok(200)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let base = format!("/v1/workspaces/{workspace}");
    for title in ["an older one", "the newest one"] {
        let session = client
            .post(&format!("{base}/sessions"), &json!({ "title": title }))
            .await
            .ok(200);
        let mut events = client
            .events(&format!(
                "{base}/events?client_id=00000000-0000-4000-8000-00000000ffff"
            ))
            .await;
        let message = json!({ "session_id": session["id"], "run_id": title.replace(' ', "-"), "prompt": "[[say 3]]" });
        client
            .post(&format!("{base}/agent"), &message)
            .await
            .ok(202);
        events.until(|event| event["type"] == "run_complete").await;
    }
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
