//! What clients ask for, decided by random numbers. Pure.

use crate::history::{Ending, Policy, Request, Script};
use crate::random::Random;

/// How much of everything there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    pub(crate) workspaces: usize,
    pub(crate) sessions: usize,
    /// Clients that prompt, in each workspace.
    pub(crate) posters: usize,
    /// The longest pause of such a client, in milliseconds.
    pub(crate) pause_ms: u64,
}

/// What happens to a request besides being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    Once,
    /// Sent twice at the same moment.
    Twice,
    /// Sent again when it was answered.
    Again,
    /// Sent again with another prompt when it was answered.
    Changed,
}

/// Makes up a request.
pub(super) fn request(random: &mut Random, session: &str, marker: String) -> Request {
    let run_id = random.percent(60).then(|| format!("run-{marker}"));
    let key = random.percent(30).then(|| format!("key-{marker}"));
    Request {
        session: session.to_owned(),
        run_id,
        key,
        policy: policy(random),
        script: script(random),
        marker,
        attempts: Vec::new(),
    }
}

pub(super) fn treatment(random: &mut Random, request: &Request) -> Treatment {
    if request.run_id.is_none() && request.key.is_none() {
        return Treatment::Once;
    }
    match random.between(0, 99) {
        0..10 => Treatment::Twice,
        10..22 => Treatment::Again,
        22..28 => Treatment::Changed,
        _ => Treatment::Once,
    }
}

fn policy(random: &mut Random) -> Policy {
    match random.between(0, 99) {
        0..20 => Policy::Unsaid,
        20..65 => Policy::Queue,
        65..73 => Policy::Reject,
        73..83 => Policy::Interrupt,
        _ => Policy::Steer,
    }
}

fn script(random: &mut Random) -> Script {
    let (words, delay_ms) = match random.between(0, 99) {
        0..40 => (random.between(0, 20), 0),
        40..70 => (random.between(5, 30), random.between(1, 8)),
        70..90 => (random.between(20, 60), random.between(10, 30)),
        90..95 => (random.between(500, 1500), 0),
        _ => (random.between(100, 300), random.between(5, 10)),
    };
    let ending = match random.between(0, 99) {
        0..92 => Ending::Well,
        92..97 => Ending::Fails,
        _ => Ending::Panics,
    };
    Script {
        words: usize::try_from(words).unwrap(),
        delay_ms,
        steps: if random.percent(15) { 3 } else { 1 },
        ending,
    }
}
