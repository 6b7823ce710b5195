//! Are the models sensitive? Each seeded fault is put into a scratch copy, and the model it names must fail there.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    command::{Repo, Stopwatch, seconds},
    flags::LoomOptions,
    loom,
    models::{ModelRun, Verdict},
    patch::{self, Fault},
    scratch::Scratch,
    table::Table,
};

/// The copy builds in a directory of its own: cargo gives a package the same name in the copy as in the checkout, and
/// would take the build of a broken copy for the build of the checkout.
const TREE: &str = "target/faults";

/// Fewer faults than that say little about the models.
const AT_LEAST: usize = 10;

/// How one fault fared.
struct Trial {
    result: &'static str,
    built: Duration,
    ran: Duration,
}

const CAUGHT: &str = "caught";

/// Tries all faults, or those that the options select.
pub(crate) fn run(repo: &Repo, options: &LoomOptions) -> Result<()> {
    let faults = selected(patch::all(repo.root())?, options)?;
    let scratch = Scratch::of(repo, TREE)?;
    let stopwatch = Stopwatch::start();
    require_models_pass(&scratch, &faults, options)?;
    println!(
        "all models pass without a fault; {} s with building",
        seconds(stopwatch.elapsed())
    );

    let trials: Vec<_> = faults
        .iter()
        .map(|fault| tried(&scratch, fault, options))
        .collect();
    scratch.restore()?;
    report(&faults, &trials)
}

fn report(faults: &[Fault], trials: &[Trial]) -> Result<()> {
    let mut table = Table::new(&["fault", "model", "build s", "run s", "result"]);
    for (fault, Trial { result, built, ran }) in faults.iter().zip(trials) {
        let model = format!("{}/{}", fault.package, fault.model);
        table.push([
            fault.name.clone(),
            model,
            seconds(*built),
            seconds(*ran),
            (*result).to_owned(),
        ]);
    }
    let built = trials.iter().map(|trial| trial.built).sum();
    let ran = trials.iter().map(|trial| trial.ran).sum();
    println!(
        "\n{table}\n{} faults; built in {} s, run in {} s",
        trials.len(),
        seconds(built),
        seconds(ran)
    );
    let missed = trials.iter().filter(|trial| trial.result != CAUGHT).count();
    if missed > 0 {
        bail!(
            "{missed} of {} faults were not caught by their model",
            trials.len()
        );
    }
    Ok(())
}

fn selected(mut faults: Vec<Fault>, options: &LoomOptions) -> Result<Vec<Fault>> {
    if options.name.is_none() && options.package.is_none() && faults.len() < AT_LEAST {
        bail!(
            "there are {} faults in `crates/*/tests/faults`, at least {AT_LEAST} are required",
            faults.len()
        );
    }
    if let Some(fault) = faults
        .iter()
        .find(|fault| !loom::PACKAGES.contains(&fault.package.as_str()))
    {
        bail!(
            "fault `{}` names the package `{}`, which has no models",
            fault.name,
            fault.package
        );
    }
    let packages = loom::selected_packages(options)?;
    let name = options.name.as_deref().unwrap_or_default();
    let named =
        |fault: &Fault| format!("{}/{} {}", fault.package, fault.model, fault.name).contains(name);
    faults.retain(|fault| packages.contains(&fault.package.as_str()) && named(fault));
    if faults.is_empty() {
        bail!("no fault matches");
    }
    Ok(faults)
}

/// A model that fails anyway would catch every fault.
fn require_models_pass(scratch: &Scratch, faults: &[Fault], options: &LoomOptions) -> Result<()> {
    let mut models = BTreeMap::<&str, BTreeSet<&str>>::new();
    for fault in faults {
        models
            .entry(&fault.package)
            .or_default()
            .insert(&fault.model);
    }
    for (package, models) in models {
        let suite = loom::ENGINE.build(scratch.repo(), package)?;
        for model in models {
            let run = loom::check(scratch.repo(), &suite, model, options)?;
            if run.verdict != Verdict::Passed {
                run.show(scratch.repo(), &loom::ENGINE, package, model)?;
                bail!(
                    "`{package}/{model}` must pass without a fault: {}",
                    run.verdict.describe()
                );
            }
        }
    }
    Ok(())
}

/// One fault that does not fit the sources any more must not hide how the others fare.
fn tried(scratch: &Scratch, fault: &Fault, options: &LoomOptions) -> Trial {
    println!("\nfault: {}", fault.fault);
    let trial = try_fault(scratch, fault, options).unwrap_or_else(|error| {
        println!("error: {error:#}");
        Trial {
            result: "ERROR",
            built: Duration::ZERO,
            ran: Duration::ZERO,
        }
    });
    println!("{}", trial.result);
    trial
}

fn try_fault(scratch: &Scratch, fault: &Fault, options: &LoomOptions) -> Result<Trial> {
    scratch.restore()?;
    scratch.apply(&fault.path)?;
    let stopwatch = Stopwatch::start();
    let suite = loom::ENGINE
        .build(scratch.repo(), &fault.package)
        .context("a fault must compile: this catches nothing")?;
    let built = stopwatch.elapsed();
    let run = loom::check(scratch.repo(), &suite, &fault.model, options)?;
    let result = judged(&run)?;
    Ok(Trial {
        result,
        built,
        ran: run.elapsed,
    })
}

fn judged(run: &ModelRun) -> Result<&'static str> {
    match &run.verdict {
        Verdict::Failed => Ok(CAUGHT),
        Verdict::Passed => Ok("SURVIVED"),
        // Endless search may be the fault's doing or the machine's: nothing is shown by it.
        Verdict::TimedOut => Ok("TIMED OUT"),
        Verdict::NotRun | Verdict::Died(_) => bail!(
            "the model did not run to its end: {}",
            run.verdict.describe()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(name: &str, package: &str) -> Fault {
        Fault {
            name: name.into(),
            path: format!("{name}.patch").into(),
            fault: "broken".into(),
            package: package.into(),
            model: "model".into(),
        }
    }

    fn faults(n: usize) -> Vec<Fault> {
        (0..n)
            .map(|i| fault(&format!("m{i}"), "runwright-agent"))
            .collect()
    }

    #[test]
    fn too_few_faults_are_an_error_unless_some_are_selected() {
        let all = LoomOptions::default();
        let one = LoomOptions {
            name: Some("m3".into()),
            ..LoomOptions::default()
        };
        assert!(selected(faults(AT_LEAST - 1), &all).is_err());
        assert_eq!(selected(faults(AT_LEAST), &all).unwrap().len(), AT_LEAST);
        assert_eq!(
            selected(faults(5), &one).unwrap(),
            [fault("m3", "runwright-agent")]
        );
        assert!(selected(faults(2), &one).is_err());
    }

    #[test]
    fn one_fault_that_was_not_caught_fails_the_whole() {
        let trial = |result| Trial {
            result,
            built: Duration::ZERO,
            ran: Duration::ZERO,
        };
        report(&faults(2), &[trial(CAUGHT), trial(CAUGHT)]).unwrap();
        let error = report(&faults(2), &[trial(CAUGHT), trial("SURVIVED")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "1 of 2 faults were not caught by their model"
        );
    }

    #[test]
    fn a_fault_of_a_package_without_models_is_an_error() {
        let mut faults = faults(AT_LEAST);
        faults.push(fault("lost", "runwright-proto"));
        assert!(selected(faults, &LoomOptions::default()).is_err());
    }

    #[test]
    fn only_a_failing_model_catches_a_fault() {
        let judge = |verdict| {
            judged(&ModelRun {
                verdict,
                output: String::new(),
                elapsed: Duration::ZERO,
            })
        };
        assert_eq!(judge(Verdict::Failed).unwrap(), CAUGHT);
        assert_eq!(judge(Verdict::Passed).unwrap(), "SURVIVED");
        assert_eq!(judge(Verdict::TimedOut).unwrap(), "TIMED OUT");
        assert!(judge(Verdict::NotRun).is_err());
        assert!(judge(Verdict::Died("signal: 9 (SIGKILL)".into())).is_err());
    }
}
