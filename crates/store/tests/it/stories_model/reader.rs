//! A reader of the log that is cut off and resumes, and the story it should have been told.

use std::collections::{BTreeMap, BTreeSet};

use runwright_agent::{LogPage, Lost};
use runwright_proto::{ChangeKind, Envelope, Event, Seq, Session};

use crate::stage::envelopes;

/// What happened, in order, as one who was never cut off was told it.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) events: Vec<Told>,
}

/// An event of the story.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) seq: Seq,
    pub(super) event: Event,
    /// Whether it is for present readers only.
    pub(super) is_passing: bool,
}

/// One who reads, and what it was told so far.
#[derive(Debug)]
pub(super) struct Reader {
    start: Seq,
    pub(super) cursor: Seq,
    seen: Vec<(Seq, Event)>,
    lost: Vec<Lost>,
}

/// The thing that an event carries the state of, and the session it is part of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct StateKey {
    thing: String,
    session: String,
}

impl Reader {
    pub(super) fn new(start: Seq) -> Self {
        Self {
            start,
            cursor: start,
            seen: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// Takes an event from memory.
    pub(super) fn take(&mut self, told: &Told) {
        self.note(told.seq, told.event.clone());
        self.cursor = told.seq;
    }

    /// Takes a page from disk.
    pub(super) fn take_page(&mut self, page: &LogPage) {
        assert!(
            page.through >= self.cursor,
            "{page:?} after {}",
            self.cursor
        );
        self.lost.extend(page.lost);
        for Envelope { event, seq, .. } in envelopes(&page.frames) {
            self.note(seq.unwrap(), event);
        }
        self.cursor = page.through;
    }

    fn note(&mut self, seq: Seq, event: Event) {
        let last = self.seen.last().map_or(self.start, |(seq, _)| *seq);
        assert!(seq > last, "{seq} comes after {last}");
        self.seen.push((seq, event));
    }

    /// Checks what was told against the story, after the last of it was read.
    pub(super) fn check(&self, story: &Story) {
        for (seq, event) in &self.seen {
            let told = story.events.iter().find(|told| told.seq == *seq);
            let told = told.unwrap_or_else(|| panic!("{seq} never happened: {event:?}"));
            assert_eq!(comparable(event), comparable(&told.event), "{seq}");
        }
        let seen: BTreeSet<Seq> = self.seen.iter().map(|(seq, _)| *seq).collect();
        let is_due = |seq: Seq| seq > self.start && !self.is_lost(seq);
        for told in &story.events {
            if is_due(told.seq) && !told.is_passing && key(&told.event).is_none() {
                assert!(seen.contains(&told.seq), "missed: {told:?}");
            }
        }
        for (key, last) in story.last_states() {
            if is_due(last) {
                assert!(seen.contains(&last), "missed {last}, the last of {key:?}");
            }
        }
    }

    pub(super) fn has_lost_anything(&self) -> bool {
        !self.lost.is_empty()
    }

    fn is_lost(&self, seq: Seq) -> bool {
        let mut lost = self.lost.iter();
        lost.any(|lost| lost.from <= seq && seq <= lost.to)
    }
}

impl Story {
    /// The number of the last state of each thing, but for what was deleted.
    fn last_states(&self) -> BTreeMap<StateKey, Seq> {
        let mut last = BTreeMap::new();
        for told in &self.events {
            if let Some(key) = key(&told.event) {
                last.insert(key, told.seq);
            }
            if let Some(gone) = deleted(&told.event) {
                last.retain(|key: &StateKey, _| key.session != gone);
            }
        }
        last
    }

    /// What memory gives to one who has everything up to a number: of what carries the state of the same thing, the last.
    pub(super) fn after(&self, cursor: Seq) -> Vec<&Told> {
        let later = || self.events.iter().filter(|told| told.seq > cursor);
        let last: BTreeMap<StateKey, Seq> = later()
            .filter_map(|told| Some((key(&told.event)?, told.seq)))
            .collect();
        let is_kept = |told: &&Told| key(&told.event).is_none_or(|key| last[&key] == told.seq);
        later().filter(is_kept).collect()
    }

    /// How often a run has ended.
    pub(super) fn ends_of(&self, run: &str) -> usize {
        let ends = self.events.iter().filter(|told| {
            let Event::RunComplete(change) = &told.event else {
                return false;
            };
            change
                .payload
                .run_id
                .as_ref()
                .is_some_and(|id| id.as_str() == run)
        });
        ends.count()
    }
}

fn key(event: &Event) -> Option<StateKey> {
    if let Event::Message(change) = event
        && change.kind == ChangeKind::Updated
    {
        return Some(StateKey {
            thing: change.payload.id.to_string(),
            session: change.payload.session_id.to_string(),
        });
    }
    if let Event::Session(change) = event
        && change.kind == ChangeKind::Updated
    {
        return Some(StateKey {
            thing: change.payload.id.to_string(),
            session: change.payload.id.to_string(),
        });
    }
    None
}

fn deleted(event: &Event) -> Option<String> {
    let Event::Session(change) = event else {
        return None;
    };
    (change.kind == ChangeKind::Deleted).then(|| change.payload.id.to_string())
}

/// A session also changes without an event of its own, when a message is added to it; who reads later sees that.
fn comparable(event: &Event) -> Event {
    let mut event = event.clone();
    if let Event::Session(change) = &mut event {
        change.payload = Session {
            message_count: 0,
            updated_at: 0,
            ..change.payload.clone()
        };
    }
    event
}
