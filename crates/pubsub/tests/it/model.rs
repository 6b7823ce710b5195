//! Random stories against a reference log that is a plain list: what each reader gets is foretold exactly, and any cut and
//! resume makes the same story as an uninterrupted read, or an explicit gap.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::{collection::vec, prelude::*};
use runwright_pubsub::{From, Seq, Subscription, Topic, TopicOptions, TryRecvError};

use crate::common::{Got, Note, every, latest};

const READERS: usize = 3;
/// How many events a reader of single events takes at once, at most.
const RUN: usize = 64;

#[derive(Debug, Clone)]
enum Step {
    Publish(Note),
    /// Leaves some numbers out.
    PublishAt(u64, Note),
    Receive(usize),
    ReceiveBatch(usize),
    /// The reader goes away and comes back with its cursor.
    CutAndResume(usize),
    Shutdown,
}

fn note() -> impl Strategy<Value = Note> {
    let class = prop_oneof![Just(None), (0..4_u8).prop_map(Some)];
    (class, any::<u32>(), 0..30_usize).prop_map(|(key, value, weight)| {
        key.map_or_else(|| every(value), |key| latest(key, value))
            .weighing(weight)
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => note().prop_map(Step::Publish),
        2 => (1..40_u64, note()).prop_map(|(jump, note)| Step::PublishAt(jump, note)),
        6 => (0..READERS).prop_map(Step::Receive),
        6 => (0..READERS).prop_map(Step::ReceiveBatch),
        4 => (0..READERS).prop_map(Step::CutAndResume),
        1 => Just(Step::Shutdown),
    ]
}

fn options() -> impl Strategy<Value = TopicOptions> {
    (1..12_usize, 10..200_usize, 1..80_usize, 1..50_u64).prop_map(
        |(max_events, max_bytes, max_batch_bytes, first_seq)| TopicOptions {
            max_events,
            max_bytes,
            max_batch_bytes,
            first_seq: Seq::new(first_seq),
        },
    )
}

/// The reference: what is kept, as a list that is searched from end to end.
struct Log {
    options: TopicOptions,
    kept: Vec<(u64, Note)>,
    lost: u64,
    head: u64,
    is_closed: bool,
}

impl Log {
    fn new(options: TopicOptions) -> Self {
        let before_first = options.first_seq.get() - 1;
        Self {
            options,
            kept: Vec::new(),
            lost: before_first,
            head: before_first,
            is_closed: false,
        }
    }

    fn append(&mut self, number: u64, note: &Note) {
        if self.is_closed {
            return;
        }
        self.head = number;
        self.kept
            .retain(|(_, older)| note.key.is_none() || older.key != note.key);
        self.kept.push((number, note.clone()));
        while self.kept.len() > 1
            && (self.kept.len() > self.options.max_events || self.bytes() > self.options.max_bytes)
        {
            self.lost = self.kept.remove(0).0;
        }
    }

    fn bytes(&self) -> usize {
        self.kept.iter().map(|(_, note)| note.weight).sum()
    }

    /// The events after the cursor, until one more would be too much.
    fn run(&self, cursor: u64, max_events: usize, max_bytes: usize) -> VecDeque<Got> {
        let mut bytes = 0;
        let after = self.kept.iter().filter(|(number, _)| *number > cursor);
        let fits = |(place, (_, note)): &(usize, &(u64, Note))| {
            bytes += note.weight;
            *place == 0 || (*place < max_events && bytes <= max_bytes)
        };
        after
            .enumerate()
            .take_while(fits)
            .map(|(_, (number, note))| Got::Event(*number, note.value))
            .collect()
    }
}

/// A reader of the topic beside what the reference says of it.
struct Reader {
    subscription: Subscription<Note>,
    /// How far it took events out of the log.
    taken: u64,
    /// What it took and did not hand out.
    ahead: VecDeque<Got>,
    /// The last number that it handed out.
    cursor: u64,
    story: Vec<Got>,
}

impl Reader {
    fn join(topic: &Topic<Note>, log: &Log) -> Self {
        let subscription = topic.subscribe(From::Start).unwrap();
        Self {
            subscription,
            taken: log.lost,
            ahead: VecDeque::new(),
            cursor: log.lost,
            story: Vec::new(),
        }
    }

    fn expect_single(&mut self, log: &Log) -> Option<Got> {
        if self.ahead.is_empty() {
            self.refill(log, RUN, 16 * 1024);
        }
        self.ahead.pop_front()
    }

    fn expect_batch(&mut self, log: &Log) -> Vec<Got> {
        if self.ahead.is_empty() {
            self.refill(log, usize::MAX, log.options.max_batch_bytes);
        }
        self.ahead.drain(..).collect()
    }

    fn refill(&mut self, log: &Log, max_events: usize, max_bytes: usize) {
        if self.taken < log.lost {
            self.ahead = VecDeque::from([Got::Lagged(self.taken + 1, log.lost)]);
        } else {
            self.ahead = log.run(self.taken, max_events, max_bytes);
        }
        self.taken = self.ahead.back().map_or(self.taken, last_of);
    }

    fn receive(&mut self, log: &Log) {
        let expected = self.expect_single(log);
        let got = self.subscription.try_recv();
        assert_eq!(got.as_ref().ok().map(Got::of), expected);
        self.note(got.err(), expected.into_iter().collect(), log);
    }

    fn receive_batch(&mut self, log: &Log) {
        let expected = self.expect_batch(log);
        let got = self.subscription.try_recv_batch();
        assert_eq!(
            got.as_ref().map_or_else(|_| Vec::new(), Got::of_batch),
            expected
        );
        self.note(got.err(), expected, log);
    }

    fn note(&mut self, error: Option<TryRecvError>, got: Vec<Got>, log: &Log) {
        let nothing = if log.is_closed {
            TryRecvError::Closed
        } else {
            TryRecvError::Empty
        };
        assert_eq!(error, got.is_empty().then_some(nothing));
        self.cursor = got.last().map_or(self.cursor, last_of);
        assert_eq!(self.subscription.cursor().get(), self.cursor);
        self.story.extend(got);
    }

    fn cut_and_resume(&mut self, topic: &Topic<Note>) {
        let Ok(subscription) = topic.subscribe(From::After(Seq::new(self.cursor))) else {
            assert!(topic.is_closed());
            return;
        };
        self.subscription = subscription;
        self.taken = self.cursor;
        self.ahead.clear();
    }
}

fn last_of(got: &Got) -> u64 {
    match got {
        Got::Event(number, _) | Got::Lagged(_, number) => *number,
    }
}

/// Is what a reader saw the story of the topic, as far as it was told?
fn check_story(story: &[Got], history: &BTreeMap<u64, Note>) {
    let mut previous = 0;
    let mut seen = BTreeSet::new();
    let mut gaps = Vec::new();
    for got in story {
        let first = match got {
            Got::Event(number, value) => {
                assert_eq!(history[number].value, *value);
                seen.insert(*number);
                *number
            }
            Got::Lagged(from, to) => {
                assert!(from <= to);
                gaps.push(*from..=*to);
                *from
            }
        };
        assert!(first > previous, "{got:?} after {previous}");
        previous = last_of(got);
    }
    for (number, note) in history {
        let is_in_gap = gaps.iter().any(|gap| gap.contains(number));
        let was_replaced = note.key.is_some()
            && history
                .range(number + 1..)
                .any(|(_, newer)| newer.key == note.key);
        assert!(
            seen.contains(number) || is_in_gap || was_replaced,
            "event {number} was neither seen nor told lost"
        );
    }
}

fn run(options: TopicOptions, steps: Vec<Step>) {
    let topic = Topic::new(options);
    let mut log = Log::new(options);
    let mut history = BTreeMap::new();
    let mut readers: Vec<_> = (0..READERS).map(|_| Reader::join(&topic, &log)).collect();
    for step in steps {
        match step {
            Step::Publish(note) => {
                let number = log.head + 1;
                let published = topic.publish(note.clone());
                assert_eq!(published.ok(), (!log.is_closed).then_some(Seq::new(number)));
                if published.is_ok() {
                    history.insert(number, note.clone());
                }
                log.append(number, &note);
            }
            Step::PublishAt(jump, note) => {
                let number = log.head + jump;
                if topic.publish_at(Seq::new(number), note.clone()).is_ok() {
                    history.insert(number, note.clone());
                }
                log.append(number, &note);
            }
            Step::Receive(reader) => readers[reader].receive(&log),
            Step::ReceiveBatch(reader) => readers[reader].receive_batch(&log),
            Step::CutAndResume(reader) => readers[reader].cut_and_resume(&topic),
            Step::Shutdown => {
                topic.shutdown();
                log.is_closed = true;
            }
        }
        assert_eq!(
            topic.oldest().map(Seq::get),
            log.kept.first().map(|(number, _)| *number)
        );
        assert_eq!(topic.stats().retained_bytes, log.bytes());
    }
    for reader in &mut readers {
        while reader.cursor < log.head {
            reader.receive_batch(&log);
        }
        check_story(&reader.story, &history);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_and_resume_is_the_uninterrupted_story_or_an_explicit_gap(
        options in options(),
        steps in vec(step(), 1..120),
    ) {
        run(options, steps);
    }
}
