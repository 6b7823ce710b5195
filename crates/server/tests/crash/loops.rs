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
async fn a_server_that_is_left_alone_keeps_its_promises() {
    play(FIXED_SEED, 0, Deaths::Kills).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_keeps_its_promises() {
    rounds(Deaths::Kills).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_one_of_its_writes_keeps_its_promises() {
    rounds(Deaths::Writes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_power_is_cut_keeps_its_promises() {
    rounds(Deaths::Power).await;
}

/// The two ordinary rounds, or as many as somebody asked for.
async fn rounds(deaths: Deaths) {
    let settings = Settings::of_environment();
    let first = settings.seed.unwrap_or_else(fresh_seed);
    let mut figures = Figures::default();
    if let Some(crashes) = settings.crashes {
        for seed in first.. {
            let left = crashes.saturating_sub(figures.crashes);
            if left == 0 {
                break;
            }
            figures = figures.and(&play(seed, left.min(CRASHES_OF_A_LONG_ROUND), deaths).await);
        }
    } else {
        for seed in [FIXED_SEED, first] {
            figures = figures.and(&play(seed, CRASHES, deaths).await);
        }
    }
    print(&format!("{deaths:?}: {figures:?}"));
}

async fn play(seed: u64, crashes: usize, deaths: Deaths) -> Figures {
    let only = deaths.name();
    let again = format!("cargo xtask crash --only {only} --seed {seed} --crashes {crashes}");
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
