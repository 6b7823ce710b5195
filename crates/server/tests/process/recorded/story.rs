//! The events of a stream as a story: what happened in which order, without what differs from call to call. How many
//! states of a message or a session were seen on the way to the last one of a turn depends on the pace of the reader,
//! so only the last is told.

use std::collections::BTreeMap;

use serde_json::Value;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) what: String,
    /// The prompt of the turn that it belongs to; empty outside of turns.
    pub(super) turn: String,
}

/// Tells the story of a stream without the turns of these prompts.
pub(super) fn tell(events: &[Value], left_out: &[String]) -> Vec<Step> {
    let mut turns = Turns::default();
    let mut story: Vec<Step> = Vec::new();
    for event in events {
        let turn = turns.of(event);
        let Some(what) = what(event).filter(|_| !left_out.contains(&turn)) else {
            continue;
        };
        let step = Step { what, turn };
        if step.what == "session updated" {
            story.retain(|earlier| *earlier != step);
        }
        story.push(step);
    }
    story
}

/// The same steps, turn by turn, in the order in which the turns began: two that end at the same time may come in any
/// order, each in its own.
pub(super) fn by_turn(mut story: Vec<Step>) -> Vec<Step> {
    let mut begun: Vec<String> = Vec::new();
    let mut place = |step: &Step| {
        let known = begun.iter().position(|turn| *turn == step.turn);
        known.filter(|_| !step.turn.is_empty()).unwrap_or_else(|| {
            begun.push(step.turn.clone());
            begun.len() - 1
        })
    };
    let mut placed: Vec<(usize, Step)> = story.drain(..).map(|step| (place(&step), step)).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, step)| step).collect()
}

/// How many runs have ended.
pub(super) fn ended(events: &[Value]) -> usize {
    events
        .iter()
        .filter(|event| event["type"] == "run_complete")
        .count()
}

/// Whether the event is a snapshot of a message that goes on.
pub(super) fn is_streamed_text(event: &Value) -> bool {
    event["type"] == "message" && event["payload"]["type"] == "updated" && finish(event).is_none()
}

/// Which turn each session is in, and each message: a turn begins with what somebody says.
#[derive(Default)]
struct Turns {
    of_session: BTreeMap<String, String>,
    of_message: BTreeMap<String, String>,
    latest: String,
}

impl Turns {
    fn of(&mut self, event: &Value) -> String {
        let payload = &event["payload"]["payload"];
        let message = match event["type"].as_str() {
            Some("message") => payload["id"].as_str(),
            Some("run_complete") => payload["message_id"].as_str(),
            _ => None,
        };
        if let Some(turn) = message.and_then(|message| self.of_message.get(message)) {
            return turn.clone();
        }
        let session = match event["type"].as_str() {
            // These name no session; they come in the middle of a turn.
            Some("permission_notification") => return self.latest.clone(),
            Some("session") => &payload["id"],
            _ => &payload["session_id"],
        };
        let Some(session) = session.as_str() else {
            return String::new();
        };
        let begins = event["type"] == "message" && event["payload"]["type"] == "created";
        if begins && payload["role"] == "user" {
            let prompt = payload["parts"][0]["data"]["text"].as_str();
            self.latest = prompt.unwrap_or_default().to_owned();
            self.of_session
                .insert(session.to_owned(), self.latest.clone());
        }
        let turn = self.of_session.get(session).cloned().unwrap_or_default();
        if let Some(message) = message {
            self.of_message.insert(message.to_owned(), turn.clone());
        }
        turn
    }
}

fn what(event: &Value) -> Option<String> {
    let kind = event["type"].as_str()?;
    let change = event["payload"]["type"].as_str().unwrap_or_default();
    let payload = &event["payload"]["payload"];
    let detail = match kind {
        "message" if is_streamed_text(event) => return None,
        "message" => format!(
            "{} {}",
            payload["role"].as_str()?,
            finish(event).unwrap_or("begun")
        ),
        "run_complete" => ending(payload).to_owned(),
        "agent_event" => payload["type"].as_str()?.to_owned(),
        "end" => return None,
        _ => String::new(),
    };
    Some(format!("{kind} {change} {detail}").trim_end().to_owned())
}

fn finish(event: &Value) -> Option<&str> {
    let parts = event["payload"]["payload"]["parts"].as_array()?;
    let finish = parts.iter().find(|part| part["type"] == "finish")?;
    finish["data"]["reason"].as_str()
}

fn ending(payload: &Value) -> &'static str {
    let has_error = payload.get("error").is_some();
    match (payload["cancelled"] == true, has_error) {
        (true, true) => "cancelled, with a text",
        (true, false) => "cancelled",
        (false, true) => "failed",
        (false, false) => "completed",
    }
}
