//! Model checking with loom: which models exist, how deeply each is searched, and what counts as checked.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::{
    command::{Repo, Stopwatch, seconds},
    flags::LoomOptions,
    models::{Engine, ModelRun, Suite, Tally, Verdict},
    table::Table,
};

/// The packages with concurrent code that runs under loom; each has `tests/loom.rs`.
pub(crate) const PACKAGES: [&str; 3] = ["runwright-agent", "runwright-pubsub", "runwright-backend"];

/// How many preemptions are explored in a model that is not listed as complete. Three found every seeded fault; without
/// a bound, three threads are not searched in minutes.
const DEFAULT_PREEMPTIONS: u8 = 3;

/// The models of which all interleavings are searched: each of them takes seconds at most.
const COMPLETE: &[(&str, &[&str])] = &[
    (
        "runwright-agent",
        &[
            "cancel::a_cancel_between_accept_and_start_is_not_lost",
            "cancel::a_cancel_in_the_gap_of_a_hand_over_is_not_lost",
            "cancel::a_cancel_never_covers_a_run_that_is_accepted_after_it",
            "cancel::a_cancel_of_those_that_wait_spares_the_active_run",
            "cancel::a_cancelled_forerunner_lets_the_next_go_on",
            "cancel::a_run_accepted_during_a_cancel_is_wholly_covered_or_not_at_all",
            "cancel::a_run_behind_a_cancelled_one_starts",
            "cancel::a_run_that_is_taken_out_of_the_queue_never_starts",
            "cancel::a_workspace_cancel_is_sticky",
            "cancel::an_idle_cancel_remembers_nothing",
            "cancel::whoever_cancels_finds_what_is_covered_until_it_is_over",
            "end::of_two_ends_one_is_recorded_and_published",
            "interrupt::an_interrupt_stops_the_active_run_and_goes_next",
            "interrupt::an_interrupt_that_is_cancelled_first_interrupts_nobody",
            "steering::a_cancel_never_splits_a_prompt_that_is_being_folded",
            "steering::a_prompt_that_is_given_back_is_woken",
            "steering::a_steered_prompt_is_folded_or_runs_and_never_both",
            "steering::a_turn_that_is_cancelled_takes_nothing_in",
            "token::a_cancel_wakes_whoever_waits_for_it",
            "token::a_wait_that_is_given_up_leaves_the_other_waiting",
            "token::a_waker_may_use_the_token_when_it_is_dropped",
            "token::the_first_reason_of_a_cancel_stands",
            "turn::a_hand_over_leaves_no_idle_moment",
            "turn::a_run_is_counted_until_it_is_dropped_and_no_longer",
            "turn::a_run_that_is_confirmed_elsewhere_is_woken",
            "turn::a_run_whose_forerunner_comes_to_nothing_is_woken",
            "turn::a_wait_that_is_given_up_is_harmless",
            "turn::a_wait_that_moves_to_another_task_is_woken_there",
            "turn::a_waker_may_use_the_reservations_when_it_is_dropped",
            "turn::one_run_of_a_session_is_active_at_a_time",
        ],
    ),
    (
        "runwright-pubsub",
        &[
            "a_cancelled_wait_leaves_the_wakers_of_others_alone",
            "a_cut_and_resume_neither_loses_nor_duplicates",
            "a_deadline_counts_each_reader_once_and_says_what_it_told",
            "a_lagging_urgent_waiter_is_not_lost",
            "a_publish_that_passes_a_shutdown_is_seen_or_refused",
            "a_reader_past_retention_is_told_exactly_what_it_lost",
            "a_reader_that_moves_between_tasks_is_woken_where_it_is",
            "an_urgent_waiter_is_not_lost",
            "conflation_keeps_the_newest",
            "must_deliver_never_waits_for_a_dropped_reader",
            "one_deadline_releases_the_other_publishers",
            "publish_wakes_a_parked_reader",
            "shutdown_ends_every_stream_after_its_backlog",
            "subscribe_publish_neither_loses_nor_duplicates",
            "the_last_handle_ends_every_stream",
            "what_was_published_is_visible_when_publish_returns",
        ],
    ),
    (
        "runwright-backend",
        &[
            "a_dispatch_that_is_never_recorded_holds_nobody_up",
            "a_dispatch_that_passes_a_close_is_cancelled_and_drained",
            "a_drained_gate_has_no_reservation",
            "a_refused_dispatch_leaves_nothing_on_a_drained_gate",
            "a_waiter_that_came_before_the_close_wakes",
            "a_waiter_that_moves_to_another_task_is_woken_there",
            "a_waker_may_use_the_gate_when_it_is_dropped",
            "cleanup_never_overlaps_a_run",
            "closing_an_idle_gate_wakes_its_waiter",
            "no_permit_after_close_returned",
        ],
    ),
];

/// Prints the number of iterations, and not each switch between threads as plain `info` does.
const LOG: &str = "loom::model=info";

/// How deeply a model is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// All interleavings.
    Complete,
    /// All interleavings with at most so many involuntary switches.
    Preemptions(u8),
}

pub(crate) const ENGINE: Engine = Engine {
    cfg: "runwright_loom",
    test: "loom",
    target_dir: "target/loom",
};

/// Checks all models, or those that the options select.
pub(crate) fn run(repo: &Repo, options: &LoomOptions) -> Result<()> {
    let stopwatch = Stopwatch::start();
    let suites = build(repo, options)?;
    let built = stopwatch.elapsed();

    let mut table = Table::new(&["model", "bound", "iterations", "seconds", "result"]);
    let mut tally = Tally::default();
    for suite in &suites {
        for model in suite.matching(options.name.as_deref()) {
            let (row, passed) = row(repo, suite, model, options)?;
            table.push(row);
            tally.count(passed);
        }
    }
    let checked = stopwatch.elapsed().saturating_sub(built);
    println!(
        "\n{table}\n{} models; built in {} s, checked in {} s",
        tally.ran,
        seconds(built),
        seconds(checked)
    );
    tally.require_success(options.name.as_deref())
}

fn build(repo: &Repo, options: &LoomOptions) -> Result<Vec<Suite>> {
    let packages = selected_packages(options)?.into_iter();
    let suites = packages
        .map(|package| ENGINE.build(repo, package))
        .collect::<Result<Vec<_>>>()?;
    suites.iter().try_for_each(require_known_names)?;
    Ok(suites)
}

/// Checks one model; the flag tells whether it passed.
fn row(
    repo: &Repo,
    suite: &Suite,
    model: &str,
    options: &LoomOptions,
) -> Result<([String; 5], bool)> {
    let run = check(repo, suite, model, options)?;
    let iterations = iterations(&run.output);
    let result = judged(&run.verdict, &iterations);
    let passed = result == Verdict::Passed.describe();
    if !passed {
        run.show(repo, &ENGINE, &suite.package, model)?;
    }
    let bound = bound(COMPLETE, &suite.package, model, options.bound).describe();
    let total = iterations.iter().sum::<u64>().to_string();
    Ok((
        [
            format!("{}/{model}", suite.package),
            bound,
            total,
            seconds(run.elapsed),
            result,
        ],
        passed,
    ))
}

/// Runs one model at its bound.
pub(crate) fn check(
    repo: &Repo,
    suite: &Suite,
    model: &str,
    options: &LoomOptions,
) -> Result<ModelRun> {
    let mut env = vec![("LOOM_LOG", LOG.to_owned())];
    if let Bound::Preemptions(n) = bound(COMPLETE, &suite.package, model, options.bound) {
        env.push(("LOOM_MAX_PREEMPTIONS", n.to_string()));
    }
    suite.run(repo, model, &env, Duration::from_secs(options.timeout))
}

impl Bound {
    fn describe(self) -> String {
        match self {
            Self::Complete => "complete".to_owned(),
            Self::Preemptions(n) => format!("{n} preemptions"),
        }
    }
}

/// The packages that the options select.
pub(crate) fn selected_packages(options: &LoomOptions) -> Result<Vec<&'static str>> {
    let Some(wanted) = &options.package else {
        return Ok(PACKAGES.to_vec());
    };
    let matches =
        |package: &&str| *package == wanted || package.strip_prefix("runwright-") == Some(wanted);
    match PACKAGES.into_iter().find(matches) {
        Some(package) => Ok(vec![package]),
        None => bail!(
            "`{wanted}` has no models; packages with models: {}",
            PACKAGES.join(", ")
        ),
    }
}

/// A name that no model has would silently be searched less deeply than the list says.
fn require_known_names(suite: &Suite) -> Result<()> {
    let unknown = complete(COMPLETE, &suite.package)
        .find(|name| !suite.models.iter().any(|model| model == name));
    if let Some(name) = unknown {
        bail!(
            "`COMPLETE` in `xtask/src/loom.rs` names `{}/{name}`, which does not exist",
            suite.package
        );
    }
    Ok(())
}

fn complete<'a>(list: &'a [(&str, &[&str])], package: &'a str) -> impl Iterator<Item = &'a str> {
    list.iter()
        .filter(move |(of, _)| *of == package)
        .flat_map(|(_, models)| models.iter().copied())
}

fn bound(list: &[(&str, &[&str])], package: &str, model: &str, replaced: Option<u8>) -> Bound {
    if complete(list, package).any(|name| name == model) {
        return Bound::Complete;
    }
    Bound::Preemptions(replaced.unwrap_or(DEFAULT_PREEMPTIONS))
}

/// The iterations of each model that a test ran, as loom prints them: `Completed in 21 iterations`.
fn iterations(output: &str) -> Vec<u64> {
    let counts = output
        .lines()
        .filter_map(|line| line.split_once("Completed in ")?.1.split(' ').next());
    counts.filter_map(|count| count.parse().ok()).collect()
}

/// A model with a single interleaving compares nothing: it has no second thread that touches the checked types.
fn judged(verdict: &Verdict, iterations: &[u64]) -> String {
    match (verdict, iterations.iter().min()) {
        (Verdict::Passed, None) => "NO MODEL RAN".to_owned(),
        (Verdict::Passed, Some(0 | 1)) => "CHECKS NOTHING".to_owned(),
        _ => verdict.describe(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlisted_model_has_the_default_bound_and_a_complete_one_stays_complete() {
        let list: &[(&str, &[&str])] = &[("p", &["pair"])];
        assert_eq!(bound(list, "p", "pair", None), Bound::Complete);
        assert_eq!(bound(list, "p", "pair", Some(5)), Bound::Complete);
        assert_eq!(
            bound(list, "p", "trio", None),
            Bound::Preemptions(DEFAULT_PREEMPTIONS)
        );
        assert_eq!(bound(list, "p", "trio", Some(5)), Bound::Preemptions(5));
        assert_eq!(
            bound(list, "q", "pair", None),
            Bound::Preemptions(DEFAULT_PREEMPTIONS)
        );
    }

    #[test]
    fn iterations_are_read_from_the_lines_that_loom_prints() {
        let output = "running 1 test\n INFO loom::model: Completed in 21 iterations\ntest a ... ok\n\
                      INFO loom::model: Completed in 1 iterations\n";
        assert_eq!(iterations(output), [21, 1]);
        assert!(iterations("running 1 test\ntest a ... ok\n").is_empty());
    }

    #[test]
    fn a_pass_without_interleavings_is_not_a_pass() {
        assert_eq!(judged(&Verdict::Passed, &[21, 2]), "ok");
        assert_eq!(judged(&Verdict::Passed, &[21, 1]), "CHECKS NOTHING");
        assert_eq!(judged(&Verdict::Passed, &[]), "NO MODEL RAN");
        assert_eq!(judged(&Verdict::Failed, &[]), "FAILED");
    }

    #[test]
    fn a_package_may_be_named_without_its_prefix() {
        let selected = |package: &str| {
            selected_packages(&LoomOptions {
                package: Some(package.to_owned()),
                ..LoomOptions::default()
            })
        };
        assert_eq!(selected("pubsub").unwrap(), ["runwright-pubsub"]);
        assert_eq!(selected("runwright-agent").unwrap(), ["runwright-agent"]);
        assert!(selected("proto").is_err());
    }
}
