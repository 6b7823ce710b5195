//! The figures, one line each: `figure | ours | ceiling | ratio | goal | met`.

use std::env;
use std::process::Command;
use std::time::Duration;

use crate::cpu::{resident_bytes, runtime};
use crate::{bare, ours};

const SAMPLES: usize = 7;
const WORKSPACES: usize = 5_000;

/// What the goals of performance 10, P5, allow.
const LIFE_NANOS: f64 = 5_000.0;
const IDLE_BYTES: f64 = 2_048.0;

/// Measures everything and prints the table.
#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
pub(crate) fn print() {
    let [bare_bytes, idle, fresh, attached] = ["bare", "idle", "fresh", "attached"].map(memory);
    println!("figure | ours | ceiling | ratio | goal | met");
    let subjects: [fn(u64) -> Duration; 5] = [
        bare::lives,
        ours::lives_by_id,
        ours::lives_by_path,
        bare::runs,
        ours::runs,
    ];
    let [bare_life, by_id, by_path, bare_run, run] = medians(subjects, 2_000);
    let life = "create, attach, detach, close (ns CPU";
    let bytes = "(bytes RSS, bare workspace)";
    for line in [
        line(&format!("{life}, limit)"), by_id, LIFE_NANOS, Some(1.0)),
        line(&format!("{life}, bare workspace)"), by_id, bare_life, None),
        line(
            &format!("asking the file system for the path, {life}, limit)"),
            by_path,
            LIFE_NANOS,
            Some(1.0),
        ),
        line(
            "idle workspace (bytes RSS, limit)",
            idle,
            IDLE_BYTES,
            Some(1.0),
        ),
        line(&format!("idle workspace {bytes}"), idle, bare_bytes, None),
        line(
            &format!("the same with the timer of its creation {bytes}"),
            fresh,
            bare_bytes,
            None,
        ),
        line(
            &format!("idle workspace with a client and its stream {bytes}"),
            attached,
            bare_bytes,
            None,
        ),
        line(
            "prompt accepted, run and ended (ns CPU, the ports alone)",
            run,
            bare_run,
            None,
        ),
    ] {
        println!("{line}");
    }
}

/// Measures the memory of one kind of workspace in a process of its own: memory that was used once hides what is used
/// again.
fn memory(kind: &str) -> f64 {
    let program = env::current_exe().expect("the program knows itself");
    let output = Command::new(program).args(["--memory", kind]).output();
    let output = output.expect("it can be started once more").stdout;
    let bytes = String::from_utf8_lossy(&output);
    bytes.trim().parse().expect("it prints a number")
}

/// Prints the bytes of one workspace of this kind.
#[expect(clippy::print_stdout, reason = "another process reads it")]
pub(crate) fn print_bytes_of(kind: &str) {
    println!("{}", bytes_of(kind));
}

fn bytes_of(kind: &str) -> f64 {
    if kind == "bare" {
        drop(bare::idle(WORKSPACES / 10));
        let before = resident_bytes();
        let _workspaces = bare::idle(WORKSPACES);
        return per_workspace(before);
    }
    let timers_pass = kind != "fresh";
    runtime().block_on(async {
        // What the first workspaces need once, the code itself among it, is not counted.
        let few = WORKSPACES / 10;
        if kind == "attached" {
            let _warm = ours::attached(few, timers_pass).await;
            let before = resident_bytes();
            let _workspaces = ours::attached(WORKSPACES, timers_pass).await;
            return per_workspace(before);
        }
        let _warm = ours::idle(few, timers_pass).await;
        let before = resident_bytes();
        let _workspaces = ours::idle(WORKSPACES, timers_pass).await;
        per_workspace(before)
    })
}

fn per_workspace(before: usize) -> f64 {
    resident_bytes().saturating_sub(before) as f64 / WORKSPACES as f64
}

/// The median nanoseconds of one round of each. One sample of each in turn, so that a noisy moment hits all of them.
fn medians<const N: usize>(subjects: [fn(u64) -> Duration; N], rounds: u64) -> [f64; N] {
    let mut samples = vec![Vec::with_capacity(SAMPLES); N];
    for _ in 0..SAMPLES {
        for (subject, samples) in subjects.iter().zip(&mut samples) {
            samples.push(subject(rounds).as_nanos() as f64 / rounds as f64);
        }
    }
    let mut of_each = samples.iter_mut().map(|samples| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    });
    std::array::from_fn(|_| of_each.next().expect("there is one for each"))
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
