//! A message that is being written, told by what came to it (`?deltas=1`, semantics 3).

mod growth;
mod pace;
mod resume;
mod stored;

use runwright_agent::Pace;
use runwright_proto::{Event, Finish, MessageDelta, Part, Text};

use crate::api::{Api, Got, Press, Stream, Work, message, parse};

/// What an event tells of a message, in short.
fn words(got: &Got) -> String {
    let seq = got
        .envelope
        .seq
        .map_or("-".to_owned(), |seq| seq.to_string());
    if let Event::MessageDelta(MessageDelta {
        id,
        part,
        offset,
        text,
    }) = &got.envelope.event
    {
        return format!("{seq} {id}.{part}+{offset} {text}");
    }
    let Event::Message(change) = &got.envelope.event else {
        return format!("{seq} {}", got.kind());
    };
    let text = change
        .payload
        .text()
        .map(ToString::to_string)
        .unwrap_or_default();
    format!("{seq} {} {} {text}", change.kind, change.payload.id)
}

fn told(frame: &[u8]) -> Vec<String> {
    parse(frame).iter().map(words).collect()
}

async fn with_deltas(api: &Api, work: &Work<'_>) -> Stream {
    api.stream(&format!("{}&deltas=1", work.events())).await
}

/// A stream with deltas that goes on after a number.
async fn resumed(api: &Api, work: &Work<'_>, seq: u64) -> Stream {
    let epoch = work.epoch().await;
    let path = format!("{}&deltas=1&after={epoch}-{seq}", work.events());
    api.stream(&path).await
}

/// The next frame, which may have to wait for its tick.
async fn next_told(stream: &mut Stream) -> Vec<String> {
    told(&stream.frame().await.unwrap())
}

/// A message that is written word by word.
struct Writing<'a> {
    press: &'a Press,
    id: &'static str,
    text: Text,
}

impl<'a> Writing<'a> {
    fn new(press: &'a Press, id: &'static str) -> Self {
        let text = Text::new();
        Self { press, id, text }
    }

    fn say(&mut self, words: &str) -> u64 {
        self.text.push_str(words);
        let mut snapshot = message(self.id, "");
        snapshot.parts.push(Part::text(self.text.clone()));
        self.press.updated(snapshot, Pace::Streamed)
    }

    fn finish(&self) -> u64 {
        let mut last = message(self.id, "");
        last.parts.push(Part::text(self.text.clone()));
        last.parts.push(Part::Finish(Finish::stop()));
        self.press.updated(last, Pace::Now)
    }
}
