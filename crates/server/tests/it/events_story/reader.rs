//! A reader that is cut off and comes back, and what it makes of what it is told.

use std::collections::BTreeSet;

use runwright_proto::{Event, MessageId};

use super::teller::{Arrives, RUN, Teller, must_arrive};
use crate::api::{Got, Known, Stream, parse};

/// What a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Whole,
    Deltas,
    RunWhole,
    RunDeltas,
}

pub(crate) struct Reader {
    kind: Kind,
    stream: Option<Stream>,
    /// The id that it saw last.
    cursor: Option<String>,
    last: u64,
    known: Known,
    /// The messages of which it fetched the state, because it was told of a loss, and was told nothing whole since: what
    /// it is told may be older than what it has.
    fetched: BTreeSet<MessageId>,
    every: Vec<(u64, Event)>,
    /// What it was told to be lost, and what was lost before it began.
    lost: Vec<(u64, u64)>,
}

impl Kind {
    pub(crate) fn of_run(self) -> bool {
        matches!(self, Self::RunWhole | Self::RunDeltas)
    }

    fn query(self) -> &'static str {
        match self {
            Self::Whole | Self::RunWhole => "",
            Self::Deltas | Self::RunDeltas => "&deltas=1",
        }
    }
}

impl Reader {
    pub(crate) async fn open(teller: &Teller, kind: Kind) -> Self {
        let mut reader = Self {
            kind,
            stream: None,
            cursor: None,
            last: 0,
            known: Known::default(),
            fetched: BTreeSet::new(),
            every: Vec::new(),
            lost: Vec::new(),
        };
        reader.resume(teller).await;
        reader
    }

    /// Takes one frame, if one is there, and what is in it up to so many events.
    pub(crate) async fn read(&mut self, teller: &Teller, events: usize) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        if let Some(frame) = stream.ready_frame().await {
            for got in parse(&frame).iter().take(events) {
                self.hear(teller, got).await;
            }
        }
    }

    pub(crate) async fn cut(&mut self, teller: &Teller, events: usize) {
        self.read(teller, events).await;
        self.stream = None;
    }

    pub(crate) async fn resume(&mut self, teller: &Teller) {
        if self.stream.is_some() {
            return;
        }
        if self.cursor.is_none() {
            self.begin_anew(teller).await;
        }
        let after = self.cursor.as_deref().unwrap_or("0");
        let query = self.kind.query();
        let path = if self.kind.of_run() {
            format!("{}/runs/{RUN}/events?after={after}{query}", teller.path)
        } else {
            let client = &teller.client;
            format!(
                "{}/events?client_id={client}&after={after}{query}",
                teller.path
            )
        };
        let stream = teller.api.stream(&path).await;
        assert_eq!(stream.status.as_u16(), 200, "{after}");
        self.stream = Some(stream);
    }

    /// Reads everything there is, and compares what it knows with the truth.
    pub(crate) async fn check_end(&mut self, teller: &Teller) {
        let stream = self.stream.as_mut().unwrap();
        for got in stream.settled().await {
            self.hear(teller, &got).await;
        }
        let is_lost = |seq: u64| {
            self.lost
                .iter()
                .any(|&(from, to)| (from..=to).contains(&seq))
        };
        let expected: Vec<(u64, Event)> = teller
            .every
            .iter()
            .filter(|every| (every.of_run || !self.kind.of_run()) && !is_lost(every.seq))
            .map(|Arrives { seq, event, .. }| (*seq, event.clone()))
            .collect();
        let numbers =
            |every: &[(u64, Event)]| every.iter().map(|(seq, _)| *seq).collect::<Vec<_>>();
        assert_eq!(
            numbers(&self.every),
            numbers(&expected),
            "lost: {:?}",
            self.lost
        );
        assert_eq!(self.every, expected);
        assert_eq!(self.known, teller.fetched(self.kind.of_run()));
    }

    /// Begins with the oldest event that is kept: what is not kept any more is fetched, as after a loss.
    async fn begin_anew(&mut self, teller: &Teller) {
        self.every.clear();
        self.lost = vec![(0, teller.may_be_lost().await)];
        self.last = 0;
        self.fetch(teller);
    }

    fn fetch(&mut self, teller: &Teller) {
        self.known = teller.fetched(self.kind.of_run());
        self.fetched = self.known.0.keys().cloned().collect();
    }

    async fn hear(&mut self, teller: &Teller, got: &Got) {
        let is_placed = got.envelope.seq.is_some() || matches!(got.envelope.event, Event::Gap(_));
        if is_placed && self.last == 0 {
            // Until it is told something the oldest event that is kept may become another.
            self.lost[0].1 = teller.may_be_lost().await;
        }
        if let Some(seq) = got.envelope.seq {
            assert!(self.last < seq.0, "{seq} comes after {}", self.last);
            self.last = seq.0;
        }
        if let Some(id) = &got.id {
            self.cursor = Some(id.clone());
        }
        if let Event::Gap(gap) = &got.envelope.event {
            self.lose(teller, gap.from.0, gap.to.0).await;
            return;
        }
        if got.envelope.seq.is_some_and(|seq| seq.0 <= teller.base) {
            return;
        }
        if must_arrive(&got.envelope.event) {
            self.every.push((got.seq(), got.envelope.event.clone()));
        }
        self.learn(got);
    }

    /// A loss: what is lost was on no disk, and the reader fetches the state.
    async fn lose(&mut self, teller: &Teller, from: u64, to: u64) {
        assert!(self.last < from, "{from} comes after {}", self.last);
        assert!(to <= teller.may_be_lost().await, "{from} to {to} is lost");
        self.last = to;
        self.lost.push((from, to));
        self.fetch(teller);
    }

    fn learn(&mut self, got: &Got) {
        let event = &got.envelope.event;
        let Event::MessageDelta(delta) = event else {
            if let Event::Message(change) = event {
                self.fetched.remove(&change.payload.id);
            }
            self.known.hear(got);
            return;
        };
        if self.fetched.contains(&delta.id) {
            // It may be older than what was fetched; what is not ends up right.
            self.known.try_hear(delta);
        } else {
            self.known.hear(got);
        }
    }
}
