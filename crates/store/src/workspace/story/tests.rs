//! Who gets the numbers while a batch has them, while none are left, and when the workspace is closed.

use std::sync::Arc;

use runwright_agent::testing::RecordingSink;
use runwright_proto::{AgentEvent, Change, Event, Finish, Part, Role};

use super::*;
use crate::live::Stored;

struct Stage {
    story: Story,
    sink: Arc<RecordingSink>,
}

fn message(id: &str, text: &str) -> Message {
    let (id, session) = (id.parse().unwrap(), "s".parse().unwrap());
    Message {
        parts: vec![Part::text(text)],
        ..Message::new(id, session, Role::Assistant, 7)
    }
}

fn finished(id: &str, text: &str) -> Message {
    let mut message = message(id, text);
    message.parts.push(Part::Finish(Finish::stop()));
    message
}

fn stored(message: Message) -> Stored {
    Stored {
        row: 1,
        run: None,
        seq: None,
        message,
    }
}

fn event(title: &str) -> Publication {
    let finished = AgentEvent::finished("s".parse().unwrap(), title);
    Publication {
        event: Event::AgentEvent(Change::created(finished)),
        run: None,
        pace: Pace::Now,
    }
}

impl Stage {
    /// Numbers from 1 on, so many of them reserved, and the messages `a` and `b`, which may be streamed.
    fn new(reserved: u64) -> Self {
        let mut story = Story::new(Seq(1), Seq(reserved));
        let mut changes = LiveChanges::default();
        for id in ["a", "b"] {
            changes.opened(stored(message(id, "")));
        }
        story.apply(changes);
        Self {
            story,
            sink: Arc::default(),
        }
    }

    fn stream(&mut self, id: &str, text: &str) -> Wants {
        let (outcome, wants) = self
            .story
            .stream(message(id, text), Pace::Streamed, &*self.sink);
        assert_eq!(outcome, StreamOutcome::Done);
        wants
    }

    fn tell(&mut self, title: &str) -> Wants {
        self.story.tell(event(title), &*self.sink)
    }

    /// A batch that has written all of a message, and has used one number for it.
    fn settle(&mut self, written: Message) {
        let seq = self.story.sequence.next();
        let version = self.story.live.version(&written.id);
        let mut changes = LiveChanges::default();
        changes.settled(stored(written), version);
        self.story.apply(changes);
        self.story.sequence.end_batch(seq.next());
        self.story.go_on(&*self.sink);
    }

    /// What was published: numbers, and the text of each message or the title of each event.
    #[track_caller]
    fn check(&self, expected: &[(u64, &str)]) {
        let published = self.sink.numbered();
        let published: Vec<(u64, String)> = published
            .iter()
            .map(|(seq, publication)| (seq.0, shown(&publication.event)))
            .collect();
        let published: Vec<(u64, &str)> = published
            .iter()
            .map(|(seq, shown)| (*seq, shown.as_str()))
            .collect();
        assert_eq!(published, expected);
    }
}

fn shown(event: &Event) -> String {
    if let Event::Message(change) = event {
        let text = change.payload.text().map(ToString::to_string);
        return format!("{}: {}", change.payload.id, text.unwrap_or_default());
    }
    let json = serde_json::to_value(runwright_proto::Envelope::from(event.clone())).unwrap();
    json["payload"]["payload"]["session_title"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn what_comes_while_a_batch_has_the_numbers_follows_it_in_order() {
    let mut stage = Stage::new(1_000_000);
    stage.stream("a", "1");
    stage.tell("before");
    assert_eq!(stage.story.sequence.begin_batch(), Seq(3));
    stage.stream("a", "12");
    stage.tell("between");
    stage.stream("b", "x");
    stage.stream("a", "123");
    stage.check(&[(1, "a: 1"), (2, "before")]);
    // The batch has used the numbers 3 to 5.
    stage.story.sequence.end_batch(Seq(6));
    stage.story.go_on(&*stage.sink);
    let follow = [
        (1, "a: 1"),
        (2, "before"),
        (6, "a: 123"),
        (7, "between"),
        (8, "b: x"),
    ];
    stage.check(&follow);
    stage.stream("a", "1234");
    assert_eq!(stage.sink.numbered().len(), 6, "nothing waits any more");
}

#[test]
fn a_state_that_the_batch_replaces_is_not_published_after_it() {
    let mut stage = Stage::new(1_000_000);
    stage.story.sequence.begin_batch();
    stage.stream("a", "1");
    stage.settle(message("a", "12"));
    stage.check(&[]);
    // It goes on, and waits like any other.
    stage.story.sequence.begin_batch();
    stage.stream("a", "123");
    stage.story.sequence.end_batch(Seq(4));
    stage.story.go_on(&*stage.sink);
    stage.check(&[(4, "a: 123")]);

    stage.story.sequence.begin_batch();
    stage.stream("a", "1234");
    stage.settle(finished("a", "1234"));
    stage.check(&[(4, "a: 123")]);
    let (outcome, _) = stage
        .story
        .stream(message("a", "more"), Pace::Streamed, &*stage.sink);
    assert!(
        matches!(outcome, StreamOutcome::NotOpen(_)),
        "it is finished"
    );
}

#[test]
fn a_state_that_came_after_the_batch_wrote_the_message_goes_on() {
    let mut stage = Stage::new(1_000_000);
    stage.stream("a", "1");
    stage.story.sequence.begin_batch();
    let version = stage.story.live.version(&"a".parse().unwrap());
    stage.stream("a", "other");
    let mut changes = LiveChanges::default();
    changes.settled(stored(finished("a", "12")), version);
    stage.story.apply(changes);
    stage.story.sequence.end_batch(Seq(3));
    let wants = stage.story.go_on(&*stage.sink);
    stage.check(&[(1, "a: 1"), (3, "a: other")]);
    assert!(!wants.flush, "it has been due since the first state");
    assert!(stage.story.live.is_behind());
}

#[test]
fn without_numbers_everybody_waits_until_there_are_some() {
    let mut stage = Stage::new(2);
    assert!(stage.stream("a", "1").reserve.is_some(), "few are left");
    assert_eq!(stage.stream("a", "12").reserve, None, "it is under way");
    stage.stream("a", "123");
    stage.tell("told");
    stage.stream("b", "x");
    stage.check(&[(1, "a: 1"), (2, "a: 12")]);
    // The first attempt fails, so it is asked for again.
    stage.story.reserving_ended();
    let wants = stage.tell("more");
    assert!(wants.reserve.is_some());
    stage.story.sequence.reserve(Seq(4));
    stage.story.reserving_ended();
    stage.story.go_on(&*stage.sink);
    stage.check(&[(1, "a: 1"), (2, "a: 12"), (3, "a: 123"), (4, "told")]);
    stage.story.sequence.reserve(Seq(100));
    stage.story.go_on(&*stage.sink);
    let all = [(3, "a: 123"), (4, "told"), (5, "b: x"), (6, "more")];
    stage.check(&[&[(1, "a: 1"), (2, "a: 12")], &all[..]].concat());
}

#[test]
fn a_flush_is_due_once_and_again_after_it_began_or_failed() {
    let mut stage = Stage::new(1_000_000);
    assert!(stage.stream("a", "1").flush);
    assert!(!stage.stream("a", "12").flush, "it is due already");
    assert!(stage.story.begin_flush());
    assert!(stage.stream("a", "123").flush);
    assert!(!stage.story.begin_flush(), "it was done a moment ago");
    assert!(!stage.stream("a", "1234").flush, "it stays due");
    assert!(stage.story.flush_failed(), "that is news");
    assert!(stage.story.wants().flush);
    assert!(!stage.story.flush_failed(), "and no longer");
    stage.story.flush_ended();
    assert!(stage.story.flush_failed(), "it had gone well in between");
}

#[test]
fn nothing_is_published_after_the_end() {
    let mut stage = Stage::new(1_000_000);
    stage.story.sequence.begin_batch();
    stage.stream("a", "1");
    stage.tell("too late");
    stage.story.is_closed = true;
    stage.story.sequence.end_batch(Seq(1));
    assert_eq!(stage.story.go_on(&*stage.sink), Wants::default());
    assert_eq!(stage.tell("later still"), Wants::default());
    let (outcome, wants) = stage
        .story
        .stream(message("b", "x"), Pace::Streamed, &*stage.sink);
    assert_eq!((outcome, wants), (StreamOutcome::Closed, Wants::default()));
    stage.check(&[]);
}
