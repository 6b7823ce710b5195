//! The crash loop (issue 4, proofs 1 and 2).
//!
//! Each ordinary test plays a round with a fixed seed, so that everybody runs the same, and one with a fresh seed, so
//! that something new is tried each time. A failure prints the line that plays its round again.

use std::hash::{BuildHasher, RandomState};

use crate::check::report;
use crate::deaths::Deaths;
use crate::load::Mix;
use crate::printed::print;
use crate::rounds::{Figures, Round};
use crate::settings::Settings;

/// The seed of the rounds that are the same for everybody.
const FIXED_SEED: u64 = 1;

/// The crashes of one ordinary round; two rounds of each of the three kinds make 30.
const CRASHES: usize = 5;

/// The crashes of one round of a long loop.
const CRASHES_OF_A_LONG_ROUND: usize = 10;

const MIX: Mix = Mix {
    workspaces: 2,
    sessions: 2,
    posters: 2,
    pause_ms: 40,
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "what it tests is being built"]
async fn a_server_that_is_left_alone_keeps_its_promises() {
    play(FIXED_SEED, 0, Deaths::Kills).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "what it tests is being built"]
async fn a_server_that_is_killed_keeps_its_promises() {
    ordinary_rounds(Deaths::Kills).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "what it tests is being built"]
async fn a_server_that_dies_at_one_of_its_writes_keeps_its_promises() {
    ordinary_rounds(Deaths::Writes).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "what it tests is being built"]
async fn a_server_whose_power_is_cut_keeps_its_promises() {
    ordinary_rounds(Deaths::Power).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: cargo xtask crash"]
async fn hundreds_of_crashes_break_no_promise() {
    let settings = Settings::of_environment();
    let kinds = settings
        .deaths
        .map_or(Deaths::ALL.to_vec(), |deaths| vec![deaths]);
    let first = settings.seed.unwrap_or_else(fresh_seed);
    let mut figures = Figures::default();
    for (seed, deaths) in (first..).zip(kinds.iter().cycle()) {
        let left = settings.crashes.saturating_sub(figures.crashes);
        if left == 0 {
            break;
        }
        figures = figures.and(&play(seed, left.min(CRASHES_OF_A_LONG_ROUND), *deaths).await);
        print(&format!("{figures:?}"));
    }
}

async fn ordinary_rounds(deaths: Deaths) {
    let mut figures = Figures::default();
    for seed in [FIXED_SEED, fresh_seed()] {
        figures = figures.and(&play(seed, CRASHES, deaths).await);
    }
    print(&format!("{deaths:?}: {figures:?}"));
}

async fn play(seed: u64, crashes: usize, deaths: Deaths) -> Figures {
    let again = format!(
        "cargo xtask crash --seed {seed} --crashes {crashes} --only {}",
        deaths.name()
    );
    print(&again);
    let round = Round {
        seed,
        crashes,
        deaths,
        mix: MIX,
    };
    let outcome = round.play().await;
    assert!(
        outcome.problems.is_empty(),
        "{}\n{} problems; to play the round again: {again}\n{}",
        outcome.log,
        outcome.problems.len(),
        report(&outcome.problems)
    );
    outcome.figures
}

/// The keys of a hasher are random.
fn fresh_seed() -> u64 {
    RandomState::new().hash_one(()) % 1_000_000_000
}
