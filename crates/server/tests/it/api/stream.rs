//! Reads an event stream frame by frame, as the server made them.

use std::collections::{BTreeMap, VecDeque};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};
use http_body_util::BodyExt;
use runwright_proto::{Envelope, Event, Message, RunState};

/// How many heartbeats a test waits for an event.
const PATIENCE: usize = 20;

/// One open stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) version: Version,
    body: Body,
    read: VecDeque<Got>,
}

/// One event as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Got {
    /// What its `id:` line says, if it has one.
    pub(crate) id: Option<String>,
    pub(crate) envelope: Envelope,
}

impl Stream {
    pub(crate) fn new(response: Response) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            version: head.version,
            body,
            read: VecDeque::new(),
        }
    }

    /// The next frame of the body, which is what one wake writes; nothing at the end.
    pub(crate) async fn frame(&mut self) -> Option<Bytes> {
        let frame = self.body.frame().await?;
        Some(frame.unwrap().into_data().unwrap())
    }

    /// The next frame of the body, if one is there at once.
    pub(crate) async fn ready_frame(&mut self) -> Option<Bytes> {
        let frame = std::pin::pin!(self.body.frame());
        match futures_util::poll!(frame) {
            std::task::Poll::Ready(frame) => Some(frame?.unwrap().into_data().unwrap()),
            std::task::Poll::Pending => None,
        }
    }

    /// The next event, past heartbeats; nothing at the end. With paused time a test that would wait for ever fails.
    pub(crate) async fn next(&mut self) -> Option<Got> {
        for _ in 0..PATIENCE {
            if let Some(got) = self.read.pop_front() {
                return Some(got);
            }
            let frame = self.frame().await?;
            self.read.extend(parse(&frame));
        }
        panic!("nothing but heartbeats comes");
    }

    /// The next event that is one of these kinds.
    pub(crate) async fn next_of(&mut self, kinds: &[&str]) -> Got {
        loop {
            let got = self.next().await.expect("the stream goes on");
            if kinds.contains(&got.envelope.event.kind()) {
                return got;
            }
        }
    }

    /// Everything up to the terminal event of a run, which is included.
    pub(crate) async fn until_end_of(&mut self, run: &str) -> Vec<Got> {
        let mut got = Vec::new();
        loop {
            got.push(self.next().await.expect("the stream goes on"));
            if let Event::RunComplete(end) = &got[got.len() - 1].envelope.event
                && end
                    .payload
                    .run_id
                    .as_ref()
                    .is_some_and(|id| id.as_str() == run)
            {
                return got;
            }
        }
    }

    /// The states in which these runs end, in whatever order they do.
    pub(crate) async fn ends_of<const N: usize>(&mut self, runs: [&str; N]) -> [RunState; N] {
        let mut ends = BTreeMap::new();
        while !runs.iter().all(|run| ends.contains_key(*run)) {
            let got = self.next_of(&["run_complete"]).await;
            if let Event::RunComplete(end) = got.envelope.event {
                ends.insert(end.payload.run_id.unwrap().to_string(), end.payload.state);
            }
        }
        runs.map(|run| ends[run])
    }

    /// Everything up to the end of the stream.
    pub(crate) async fn rest(&mut self) -> Vec<Got> {
        let mut got = Vec::new();
        while let Some(next) = self.next().await {
            got.push(next);
        }
        got
    }

    /// Everything that is there before the next heartbeat.
    pub(crate) async fn settled(&mut self) -> Vec<Got> {
        let mut got: Vec<Got> = self.read.drain(..).collect();
        while let Some(frame) = self.frame().await {
            if frame == "\n" {
                break;
            }
            got.extend(parse(&frame));
        }
        got
    }
}

impl Got {
    /// The message it is about.
    #[track_caller]
    pub(crate) fn message(&self) -> &Message {
        let Event::Message(change) = &self.envelope.event else {
            panic!("no message: {self:?}")
        };
        &change.payload
    }

    /// Its number in the log.
    pub(crate) fn seq(&self) -> u64 {
        self.envelope.seq.expect("it lies in the log").0
    }

    pub(crate) fn kind(&self) -> &str {
        self.envelope.event.kind()
    }
}

/// The events in a frame, which is checked against the form that semantics 3 gives it. A heartbeat has none.
pub(crate) fn parse(frame: &[u8]) -> Vec<Got> {
    let text = std::str::from_utf8(frame).unwrap();
    if text == "\n" {
        return Vec::new();
    }
    let events = text
        .strip_suffix("\n\n")
        .expect("a frame ends with an empty line");
    events.split("\n\n").map(parse_event).collect()
}

fn parse_event(text: &str) -> Got {
    let (id, data) = match text.split_once('\n') {
        Some((id, data)) => (Some(id.strip_prefix("id: ").unwrap().to_owned()), data),
        None => (None, text),
    };
    let json = data.strip_prefix("data: ").expect("one data line");
    assert!(!json.contains('\n'), "{json}");
    Got {
        id,
        envelope: serde_json::from_str(json).unwrap(),
    }
}
