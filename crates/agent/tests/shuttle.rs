//! The reservations of a workspace with more actors than loom can take: six senders with two prompts each, of every
//! busy policy, in two sessions; two cancels; two closers. Each run looks after itself and says what became of it.
#![cfg(runwright_shuttle)]
#![expect(clippy::unwrap_used, reason = "in a model a panic is the report")]

use std::collections::BTreeMap;

use runwright_agent::{AcceptSeq, AcceptedRun, CancelReason, Reservations, Start};
use runwright_proto::{BusyPolicy, RunId, SessionId};
use shuttle::sync::{Arc, Mutex};
use shuttle::{check_pct, check_random, future::block_on, thread};

const ITERATIONS: usize = 2_000;
/// How many changes of priority PCT makes in a schedule.
const DEPTH: usize = 3;

const SENDERS: usize = 6;
const POLICIES: [BusyPolicy; SENDERS] = [
    BusyPolicy::Queue,
    BusyPolicy::Steer,
    BusyPolicy::Interrupt,
    BusyPolicy::Queue,
    BusyPolicy::Steer,
    BusyPolicy::Reject,
];

#[test]
fn every_accepted_run_ends_once_under_random_schedules() {
    check_random(story, iterations());
}

#[test]
fn every_accepted_run_ends_once_under_pct_schedules() {
    check_pct(story, iterations(), DEPTH);
}

/// What the runs write down about themselves.
#[derive(Default)]
struct Diary {
    /// The active run of each session.
    active: BTreeMap<SessionId, RunId>,
    /// The runs that started and did not interrupt, in the order of their starts.
    started: BTreeMap<SessionId, Vec<AcceptSeq>>,
    ended: BTreeMap<RunId, Start>,
}

fn story() {
    let reservations = Reservations::new(64);
    let diary = Arc::new(Mutex::new(Diary::default()));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (reservations, diary) = (reservations.clone(), diary.clone());
            thread::spawn(move || send_two(&reservations, &diary, sender))
        })
        .collect();
    let first = reservations.clone();
    let cancels = thread::spawn(move || {
        first.cancel_session(&session(0), CancelReason::Requested);
    });
    let second = reservations.clone();
    let cancels_waiting = thread::spawn(move || {
        second.cancel_waiting(&session(1), CancelReason::Requested);
    });
    let closers = [reservations.clone(), reservations.clone()]
        .map(|reservations| thread::spawn(move || reservations.cancel_all(CancelReason::Closing)));
    for closer in closers {
        closer.join().unwrap();
    }
    cancels.join().unwrap();
    cancels_waiting.join().unwrap();
    let accepted: usize = senders
        .into_iter()
        .map(|sender| sender.join().unwrap())
        .sum();
    assert!(reservations.is_empty());
    assert_eq!(reservations.busy_sessions(), []);
    let diary = diary.lock().unwrap();
    assert_eq!(diary.ended.len(), accepted, "each accepted run ends");
    assert_eq!(diary.active, BTreeMap::new());
    for started in diary.started.values() {
        assert!(
            started.is_sorted(),
            "in the order of acceptance: {started:?}"
        );
    }
}

/// Sends two prompts, and returns how many of them were accepted when both are over.
fn send_two(
    reservations: &Reservations<BusyPolicy>,
    diary: &Arc<Mutex<Diary>>,
    sender: usize,
) -> usize {
    let tasks: Vec<_> = (0..2)
        .filter_map(|n| {
            let run: RunId = format!("run-{sender}-{n}").parse().unwrap();
            let policy = POLICIES[(sender + n) % SENDERS];
            let run = reservations.accept(&session(n), run, policy, policy).ok()?;
            let diary = diary.clone();
            Some(thread::spawn(move || carry(run, policy, &diary)))
        })
        .collect();
    let accepted = tasks.len();
    for task in tasks {
        task.join().unwrap();
    }
    accepted
}

/// The task of one run.
fn carry(run: AcceptedRun<BusyPolicy>, policy: BusyPolicy, diary: &Mutex<Diary>) {
    run.confirm();
    let start = block_on(run.turn());
    match &start {
        Start::Active => work(&run, policy, diary),
        Start::Cancelled(reason) => {
            // The token may be told a moment later, but it is told, and the same.
            assert_eq!(block_on(run.cancel_token().cancelled()), *reason);
        }
        Start::Folded { .. } => assert_eq!(policy, BusyPolicy::Steer),
    }
    let ended = diary
        .lock()
        .unwrap()
        .ended
        .insert(run.run_id().clone(), start);
    assert_eq!(ended, None, "a run ends once");
}

/// Takes in what steers, and goes on until it is told to stop if it is one of those that wait for that.
fn work(run: &AcceptedRun<BusyPolicy>, policy: BusyPolicy, diary: &Mutex<Diary>) {
    let (session, id) = (run.session_id().clone(), run.run_id().clone());
    {
        let mut diary = diary.lock().unwrap();
        let other = diary.active.insert(session.clone(), id);
        assert_eq!(other, None, "one run of a session is active at a time");
        if policy != BusyPolicy::Interrupt {
            diary
                .started
                .entry(session.clone())
                .or_default()
                .push(run.seq());
        }
    }
    for (n, prompt) in run.steering().offered().into_iter().enumerate() {
        assert_eq!(*prompt.payload(), BusyPolicy::Steer);
        // Every second one goes back to its place.
        if n % 2 == 0 {
            prompt.taken();
        }
    }
    if policy == BusyPolicy::Queue {
        block_on(run.cancel_token().cancelled());
    }
    diary.lock().unwrap().active.remove(&session);
}

fn session(n: usize) -> SessionId {
    format!("session-{n}").parse().unwrap()
}

/// How many schedules each test tries; `cargo xtask shuttle --iterations` says otherwise.
#[expect(clippy::disallowed_methods, reason = "the test is configured by xtask")]
fn iterations() -> usize {
    std::env::var("RUNWRIGHT_SHUTTLE_ITERATIONS").map_or(ITERATIONS, |n| n.parse().unwrap())
}
