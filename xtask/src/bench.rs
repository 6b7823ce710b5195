//! The bench programs and the one table of their figures.
//!
//! Each program measures ours and a ceiling in the same run and prints lines of six columns. The exit code does not
//! depend on the figures: a noisy machine must not turn a build red. It does depend on every program building and ending well.

use anyhow::{Result, bail};
use xshell::cmd;

use crate::{command::Repo, table::Table};

const COLUMNS: [&str; 6] = ["figure", "ours", "ceiling", "ratio", "goal", "met"];

const PROGRAMS: &[Program] = &[
    Program {
        package: "runwright-pubsub",
        bench: "fan_out",
    },
    Program {
        package: "runwright-backend",
        bench: "lifecycle",
    },
    Program {
        package: "runwright-store",
        bench: "store",
    },
    Program {
        package: "runwright-server",
        bench: LOAD,
    },
];

/// The program whose single loads can be named.
const LOAD: &str = "load";

#[derive(Debug, PartialEq)]
struct Program {
    package: &'static str,
    bench: &'static str,
}

/// Runs all programs, the named one, or the named load of the program `load`.
pub(crate) fn run(repo: &Repo, name: Option<&str>) -> Result<()> {
    let (programs, load) = selected(name);
    let mut figures = Table::new(&COLUMNS);
    for Program { package, bench } in programs {
        let output = repo.run_and_read(cmd!(
            repo.shell(),
            "cargo bench --package {package} --bench {bench} -- --table {load...}"
        ))?;
        let rows: Vec<_> = output.lines().filter_map(figure).collect();
        if rows.is_empty() {
            bail!("`{package}` bench `{bench}` printed no figure");
        }
        rows.into_iter().for_each(|row| figures.push(row));
    }
    println!("\n{figures}");
    Ok(())
}

fn selected(name: Option<&str>) -> (Vec<&'static Program>, Option<&str>) {
    let Some(name) = name else {
        return (PROGRAMS.iter().collect(), None);
    };
    let named = |wanted| {
        PROGRAMS
            .iter()
            .filter(move |program| program.bench == wanted)
    };
    let programs: Vec<_> = named(name).collect();
    if programs.is_empty() {
        (named(LOAD).collect(), Some(name))
    } else {
        (programs, None)
    }
}

/// The cells of a figure's line; other lines, and the heading, are no figures.
fn figure(line: &str) -> Option<[String; COLUMNS.len()]> {
    let cells: Vec<_> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
    let cells: [String; COLUMNS.len()] = cells.try_into().ok()?;
    let is_rule = cells
        .iter()
        .all(|cell| cell.chars().all(|c| "-:".contains(c)));
    (!is_rule && cells != COLUMNS).then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_six_columns_are_figures() {
        let row = [
            "P3 fan-out 100 x 64",
            "3.1 ns",
            "42 ns",
            "0.07",
            "<= 0.10",
            "yes",
        ]
        .map(str::to_owned);
        assert_eq!(
            figure("P3 fan-out 100 x 64 | 3.1 ns | 42 ns | 0.07 | <= 0.10 | yes"),
            Some(row)
        );
        assert_eq!(figure("figure | ours | ceiling | ratio | goal | met"), None);
        assert_eq!(figure("--- | --- | --- | --- | --- | ---"), None);
        assert_eq!(figure("warming up 100 readers | 64"), None);
    }

    #[test]
    fn a_name_is_a_program_or_else_a_load_of_the_load_program() {
        let names = |name| {
            let (programs, load) = selected(name);
            (
                programs
                    .into_iter()
                    .map(|program| program.bench)
                    .collect::<Vec<_>>(),
                load,
            )
        };
        let all = vec!["fan_out", "lifecycle", "store", "load"];
        assert_eq!(names(None), (all, None));
        assert_eq!(names(Some("fan_out")), (vec!["fan_out"], None));
        assert_eq!(names(Some("accept")), (vec!["load"], Some("accept")));
    }
}
