//! The goals of the broker, one line each: `figure | ours | ceiling | ratio | goal | met`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
};

use runwright_pubsub::{Delivery, Event, From, Topic, TopicOptions};

use crate::{
    replay,
    run::{Cost, Load, measure},
    subjects::{BareLog, SharedBatch, SharedFrames, SingleEvents, TokioBroadcast},
};

const SAMPLES: usize = 5;

/// Measures everything and prints the table.
#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
pub(crate) fn print() {
    println!("figure | ours | ceiling | ratio | goal | met");
    for readers in [1, 10, 100, 1000] {
        for burst in [1, 64] {
            for line in fan_out(Load {
                readers,
                stalled: 0,
                burst,
            }) {
                println!("{line}");
            }
        }
    }
    println!("{}", replay());
    println!("{}", stall());
    println!("{}", must_deliver_stall());
}

/// One line for each way to receive, each against tokio's broadcast; the bare log is there for orientation.
fn fan_out(load: Load) -> Vec<String> {
    let rounds = rounds(load);
    let mut costs: [Vec<Cost>; 5] = Default::default();
    for _ in 0..SAMPLES {
        // One sample of each in turn, so that a noisy moment hits all of them.
        costs[0].push(measure::<TokioBroadcast>(load, rounds));
        costs[1].push(measure::<BareLog>(load, rounds));
        costs[2].push(measure::<SharedBatch>(load, rounds));
        costs[3].push(measure::<SharedFrames>(load, rounds));
        costs[4].push(measure::<SingleEvents>(load, rounds));
    }
    let deliveries = (load.readers * load.burst) as f64 * rounds as f64;
    let [tokio, bare, batch, frames, single] = costs
        .each_ref()
        .map(|costs| median(costs, |cost| cost.total.as_nanos() as f64 / deliveries));
    // Sharing pays with many readers: the goals are for 100 and more (performance 10, P3).
    let (shared, alone) = match (load.readers >= 100, load.burst) {
        (false, _) => (None, None),
        (true, 1) => (Some(0.8), Some(0.8)),
        (true, _) => (Some(0.1), Some(0.45)),
    };
    let case = format!("{} readers, burst {}", load.readers, load.burst);
    let mut lines = vec![
        line(
            &format!("shared batch, {case} (ns/delivery, tokio broadcast)"),
            batch,
            tokio,
            shared,
        ),
        line(
            &format!("shared frames, {case} (ns/delivery, tokio broadcast)"),
            frames,
            tokio,
            shared,
        ),
        line(
            &format!("single events, {case} (ns/delivery, tokio broadcast)"),
            single,
            tokio,
            alone,
        ),
        line(
            &format!("shared batch, {case} (ns/delivery, bare log)"),
            batch,
            bare,
            None,
        ),
    ];
    if load.readers == 1000 && load.burst > 1 {
        let publish =
            |costs: &[Cost]| median(costs, |cost| cost.publish.as_nanos() as f64 / deliveries);
        lines.push(line(
            &format!("publish, {case} (ns/reader, limit 2)"),
            publish(&costs[2]),
            2.0,
            Some(1.0),
        ));
    }
    lines
}

/// Ten million kept events in a second are a reader that comes back (performance 10, P7).
fn replay() -> String {
    let mut costs: Vec<_> = (0..SAMPLES).map(|_| replay::per_event()).collect();
    costs.sort();
    line(
        "replay from memory (ns/event, limit 100)",
        costs[SAMPLES / 2].as_nanos() as f64,
        100.0,
        Some(1.0),
    )
}

/// One reader of a hundred that does not read must not slow the others down.
fn stall() -> String {
    let [calm, stalled] = [0, 1].map(|stalled| Load {
        readers: 99,
        stalled,
        burst: 1,
    });
    let rounds = rounds(calm);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..2 * SAMPLES {
        without.push(measure::<SharedBatch>(calm, rounds));
        with.push(measure::<SharedBatch>(stalled, rounds));
    }
    let per_delivery = |costs: &[Cost]| {
        median(costs, |cost| {
            cost.total.as_nanos() as f64 / (calm.readers as f64 * rounds as f64)
        })
    };
    line(
        "1 of 100 stalled (ns/delivery, none stalled)",
        per_delivery(&with),
        per_delivery(&without),
        Some(1.05),
    )
}

/// A hundred must-deliver events with a reader that never reads pay one deadline.
fn must_deliver_stall() -> String {
    struct Ended;

    impl Event for Ended {
        type Key = ();
        type Encoding = ();

        fn delivery(&self) -> Delivery<()> {
            Delivery::Every
        }

        fn weight(&self) -> usize {
            1
        }
    }

    let topic = Topic::new(TopicOptions::default());
    let stalled = topic.subscribe(From::Now).expect("the topic is open");
    let paid = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let paid = Arc::clone(&paid);
        let deadline = async move {
            paid.fetch_add(1, Ordering::Relaxed);
        };
        let wait = topic
            .publish_must_deliver(Ended, deadline)
            .expect("the topic is open");
        let mut wait = std::pin::pin!(wait);
        assert!(
            wait.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_ready(),
            "the deadline has passed"
        );
    }
    drop(stalled);
    line(
        "must-deliver, 1 stalled (deadlines paid by 100 events)",
        paid.load(Ordering::Relaxed) as f64,
        1.0,
        Some(1.0),
    )
}

/// Enough rounds for a sample of some 50 ms.
fn rounds(load: Load) -> u64 {
    let deliveries = if load.burst == 1 { 300_000 } else { 1_500_000 };
    (deliveries / (load.readers * load.burst)).clamp(10, 60_000) as u64
}

fn median(costs: &[Cost], figure: impl Fn(&Cost) -> f64) -> f64 {
    let mut figures: Vec<f64> = costs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn line(figure: &str, ours: f64, ceiling: f64, goal: Option<f64>) -> String {
    let ratio = ours / ceiling;
    let (goal, met) = match goal {
        Some(goal) => (
            format!("<= {goal}"),
            if ratio <= goal { "yes" } else { "NO" },
        ),
        None => ("-".to_owned(), "-"),
    };
    format!("{figure} | {ours:.2} | {ceiling:.2} | {ratio:.2} | {goal} | {met}")
}
