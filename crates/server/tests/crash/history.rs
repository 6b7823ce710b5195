//! What clients saw of one workspace over all the lives of its server: what they asked and were told, what each reader
//! was sent, and what is there at the end. The checks hold the parts against each other.
//!
//! It must never know how any of it came about.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// Everything about one workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) requests: Vec<Request>,
    pub(crate) stops: Vec<Stop>,
    pub(crate) readers: Vec<Reader>,
    /// When the server died, in order. The first life is number 0.
    pub(crate) deaths: Vec<Duration>,
    /// What a last reader was sent from the very beginning.
    pub(crate) log: Vec<Seen>,
    /// The same after one more restart, in good order.
    pub(crate) log_again: Vec<Seen>,
    /// The stream of each run, from its beginning, at the end.
    pub(crate) run_logs: BTreeMap<String, Vec<Seen>>,
    /// The record of each run.
    pub(crate) runs: Vec<Value>,
    /// The messages of each session.
    pub(crate) messages: BTreeMap<String, Vec<Value>>,
    /// What was answered that never should be.
    pub(crate) strange: Vec<String>,
}

/// A prompt under one name, sent once or again and again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) session: String,
    /// A word that is in this prompt and in no other.
    pub(crate) marker: String,
    pub(crate) run_id: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) policy: Policy,
    pub(crate) script: Script,
    pub(crate) attempts: Vec<Attempt>,
}

/// A cancel that was answered with 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) session: String,
    /// The one run that it stopped; without it, all of the session.
    pub(crate) run: Option<String>,
    /// The moment at which it was sent, of the clock that only counts.
    pub(crate) sent: u64,
    /// When it was answered, in milliseconds since 1970, as the server tells when a run started.
    pub(crate) answered_ms: u64,
}

/// What happens to a prompt whose session is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Policy {
    /// Not said: a prompt with a name waits, one without steers.
    Unsaid,
    #[default]
    Queue,
    Reject,
    Interrupt,
    Steer,
}

/// What the model was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Script {
    pub(crate) words: usize,
    pub(crate) delay_ms: u64,
    pub(crate) steps: usize,
    pub(crate) ending: Ending,
}

/// How a run ends if nobody meddles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ending {
    #[default]
    Well,
    Fails,
    Panics,
}

/// One time that a request was sent. Moments are numbers of one clock that only counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) sent: u64,
    pub(crate) done: u64,
    /// The life of the server in which it was sent, as far as the client knows.
    pub(crate) life: usize,
    /// Whether it was sent with another prompt than the others.
    pub(crate) is_other: bool,
    pub(crate) outcome: Outcome,
}

/// What became of a request, as its client knows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Accepted {
        receipt: Receipt,
        replayed: bool,
    },
    Refused {
        status: u16,
        code: String,
    },
    /// No answer came.
    Cut,
}

/// The body of a 202.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) run_id: String,
    pub(crate) session_id: String,
    pub(crate) state: String,
    pub(crate) position: u64,
    pub(crate) seq: u64,
}

/// One reader over all its connections.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// What it was sent, the connections one after the other.
    pub(crate) seen: Vec<Seen>,
    /// Its connections, in order.
    pub(crate) connections: Vec<Connection>,
    /// Whether it came to the end that all readers wait for.
    pub(crate) is_complete: bool,
}

/// One connection of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Connection {
    /// Where it begins in what the reader was sent.
    pub(crate) from: usize,
    /// The life of the server in which it was made, or one before.
    pub(crate) at_latest: usize,
}

/// How a reader reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With a cursor, from the beginning.
    Whole,
    /// With a cursor, and pieces of messages instead of whole ones.
    Deltas,
    /// As a client of the contract: no cursor, always the same client id, from its first connection on.
    Contract,
    /// With a cursor, one run only.
    Run(String),
}

/// One event as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) seq: u64,
    pub(crate) epoch: String,
    /// `message`, `run_complete`, ...
    pub(crate) kind: String,
    /// The kind of change (`created`, `updated`, `deleted`); empty for an event that is no change.
    pub(crate) change: String,
    /// What it is about.
    pub(crate) payload: Value,
    /// When it came, counted from the start of everything.
    pub(crate) at: Duration,
    /// The life of the server in which it came, or the next.
    pub(crate) life: usize,
}

/// The name under which only the last event counts.
pub(crate) type Key = (String, String);

impl Seen {
    /// Reads an event; `at` and `life` are the reader's.
    pub(crate) fn of(data: &Value, at: Duration, life: usize) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let payload = &data["payload"];
        let change = text(&payload["type"]);
        Self {
            seq: data["seq"].as_u64().unwrap_or_default(),
            epoch: text(&data["epoch"]),
            kind: text(&data["type"]),
            payload: if change.is_empty() {
                payload.clone()
            } else {
                payload["payload"].clone()
            },
            change,
            at,
            life,
        }
    }

    /// The key of an event of which only the last one counts; none for one that must arrive.
    pub(crate) fn key(&self) -> Option<Key> {
        let is_latest = match self.kind.as_str() {
            "message" | "session" => self.change == "updated",
            "message_delta" | "config_changed" => true,
            _ => false,
        };
        is_latest.then(|| (self.kind.clone(), self.id().to_owned()))
    }

    pub(crate) fn is_every(&self) -> bool {
        self.key().is_none()
    }

    pub(crate) fn id(&self) -> &str {
        self.payload["id"].as_str().unwrap_or_default()
    }

    /// The run that this is the terminal event of.
    pub(crate) fn ended_run(&self) -> Option<&str> {
        (self.kind == "run_complete").then(|| self.payload["run_id"].as_str())?
    }

    /// What everybody must be sent alike under this number.
    pub(crate) fn content(&self) -> (&str, &str, &Value) {
        (&self.kind, &self.change, &self.payload)
    }
}

impl Request {
    /// The receipt, if it was ever given one.
    pub(crate) fn receipt(&self) -> Option<&Receipt> {
        self.attempts.iter().find_map(Attempt::receipt)
    }

    /// The run it asks for, as far as its client knows.
    pub(crate) fn run(&self) -> Option<&str> {
        let given = self.receipt().map(|receipt| receipt.run_id.as_str());
        self.run_id.as_deref().or(given)
    }

    /// Whether a request of it may have been accepted without the client knowing.
    pub(crate) fn may_be_accepted(&self) -> bool {
        let cut = |attempt: &Attempt| attempt.outcome == Outcome::Cut;
        self.attempts.iter().any(cut)
    }

    pub(crate) fn prompt(&self) -> String {
        let Script {
            words,
            delay_ms,
            steps,
            ending,
        } = self.script;
        let ending = match ending {
            Ending::Well => "",
            Ending::Fails => " [[fail as asked]]",
            Ending::Panics => " [[panic]]",
        };
        let marker = &self.marker;
        format!("{marker} [[say {words}]] [[delay {delay_ms}]] [[steps {steps}]]{ending}")
    }
}

impl Attempt {
    pub(crate) fn receipt(&self) -> Option<&Receipt> {
        match &self.outcome {
            Outcome::Accepted { receipt, .. } => Some(receipt),
            Outcome::Refused { .. } | Outcome::Cut => None,
        }
    }
}

/// The text of a message: that of its first text part, which is all that the model writes.
pub(crate) fn text_of(message: &Value) -> &str {
    let parts = message["parts"].as_array().map_or(&[][..], Vec::as_slice);
    let text = parts.iter().find(|part| part["type"] == "text");
    text.and_then(|part| part["data"]["text"].as_str())
        .unwrap_or_default()
}

/// The finish part of a message.
pub(crate) fn finish_of(message: &Value) -> Option<&Value> {
    let parts = message["parts"].as_array()?;
    let finish = parts.iter().rev().find(|part| part["type"] == "finish")?;
    Some(&finish["data"])
}
