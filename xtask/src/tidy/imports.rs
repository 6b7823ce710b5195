//! Who may import whom: the table of the architecture, compared with the manifests, with the resolved graph of external
//! crates, and, where one package holds a library and a program, with the sources.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::Value;
use xshell::cmd;

use super::{Problem, Source};
use crate::command::Repo;

/// Each package with the packages of the workspace that it may import. ARCHITECTURE.md shows the same table; a new arrow
/// is a change to both, and to nothing else in the same commit.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("runwright-proto", &[]),
    ("runwright-pubsub", &[]),
    ("runwright-agent", &["runwright-proto"]),
    (
        "runwright-backend",
        &["runwright-proto", "runwright-agent", "runwright-pubsub"],
    ),
    ("runwright-runner", &["runwright-proto", "runwright-agent"]),
    ("runwright-store", &["runwright-proto", "runwright-agent"]),
    // The program composes everything; the library is held by `NOT_IN_SERVER_LIB`, as cargo has one list for both.
    (
        "runwright-server",
        &[
            "runwright-proto",
            "runwright-agent",
            "runwright-pubsub",
            "runwright-backend",
            "runwright-runner",
            "runwright-store",
        ],
    ),
    ("xtask", &[]),
];

/// External crates that must not be reachable, over however many steps.
const MUST_NOT_REACH: &[(&str, &[&str])] = &[
    ("runwright-proto", &["tokio"]),
    ("runwright-pubsub", &["tokio"]),
    ("runwright-agent", &["tokio", "rusqlite"]),
    ("runwright-backend", &["axum", "hyper", "http", "rusqlite"]),
    ("runwright-runner", &["rusqlite"]),
];

/// What the library of the server reaches only through `runwright-backend`.
const NOT_IN_SERVER_LIB: [&str; 4] = [
    "runwright_agent",
    "runwright_pubsub",
    "runwright_runner",
    "runwright_store",
];

const SERVER_SRC: &str = "crates/server/src/";

/// The modules of the program `runwright`, as `NAME.rs`, `NAME/` or `NAME_*`; the rest of the sources is the library.
const SERVER_BIN: [&str; 6] = ["main", "bin", "cli", "compose", "serve", "stored"];

/// A dependency between two members of the workspace.
#[derive(Debug, Clone, PartialEq)]
struct Edge {
    from: String,
    to: String,
    dev: bool,
}

/// Checks the table, the absent edges and the library of the server.
pub(crate) fn check(repo: &Repo, sources: &[Source]) -> Result<Vec<Problem>> {
    let metadata = repo.read(cmd!(
        repo.shell(),
        "cargo metadata --no-deps --format-version 1"
    ))?;
    let (packages, edges) = workspace(&serde_json::from_str(&metadata)?)
        .context("cargo metadata has changed its shape")?;
    let mut problems = table_problems(&packages, &edges);
    problems.extend(cycle_problem(&edges));
    for (package, unreachable) in MUST_NOT_REACH {
        // Each line starts with the name of a package.
        let cmd = cmd!(
            repo.shell(),
            "cargo tree --package {package} --edges normal --all-features --prefix none"
        );
        let tree = repo.read(cmd)?;
        problems.extend(reach_problems(package, unreachable, &tree));
    }
    problems.extend(sources.iter().flat_map(server_lib_problems));
    Ok(problems)
}

fn workspace(metadata: &Value) -> Option<(BTreeSet<String>, Vec<Edge>)> {
    let mut dependencies = BTreeMap::new();
    for package in metadata["packages"].as_array()? {
        dependencies.insert(
            package["name"].as_str()?.to_owned(),
            package["dependencies"].as_array()?,
        );
    }
    let names: BTreeSet<_> = dependencies.keys().cloned().collect();
    let mut edges = Vec::new();
    for (from, dependencies) in dependencies {
        for dependency in dependencies {
            let to = dependency["name"].as_str()?;
            if names.contains(to) {
                edges.push(Edge {
                    from: from.clone(),
                    to: to.to_owned(),
                    dev: dependency["kind"] == "dev",
                });
            }
        }
    }
    Some((names, edges))
}

fn table_problems(packages: &BTreeSet<String>, edges: &[Edge]) -> Vec<Problem> {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let unknown = packages
        .iter()
        .filter(|name| !allowed.contains_key(name.as_str()));
    let unknown = unknown
        .map(|name| Problem::new(name.as_str(), "this package is not in the table of imports"));
    let forbidden = edges.iter().filter(|edge| {
        let may = allowed.get(edge.from.as_str()).copied().unwrap_or_default();
        !edge.dev && !may.contains(&edge.to.as_str())
    });
    unknown
        .chain(
            forbidden
                .map(|Edge { from, to, .. }| Problem::new(from, format!("must not import `{to}`"))),
        )
        .collect()
}

/// Tests may import against the arrows, but not in a circle: the crate under test would exist twice.
fn cycle_problem(edges: &[Edge]) -> Option<Problem> {
    let mut left: Vec<_> = edges.iter().filter(|edge| edge.from != edge.to).collect();
    loop {
        let sources: BTreeSet<_> = left.iter().map(|edge| edge.from.as_str()).collect();
        let before = left.len();
        left.retain(|edge| sources.contains(edge.to.as_str()));
        if left.is_empty() {
            return None;
        }
        if left.len() == before {
            let names: BTreeSet<_> = left.iter().map(|edge| edge.from.as_str()).collect();
            let names: Vec<_> = names.into_iter().collect();
            return Some(Problem::new(
                names.join(", "),
                "these packages import each other in a circle",
            ));
        }
    }
}

fn reach_problems(package: &str, unreachable: &[&str], tree: &str) -> Vec<Problem> {
    let reached: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let forbidden = unreachable.iter().filter(|name| reached.contains(*name));
    forbidden
        .map(|name| {
            Problem::new(
                package,
                format!("reaches `{name}`; see `cargo tree -p {package} -e normal -i {name}`"),
            )
        })
        .collect()
}

fn server_lib_problems(source: &Source) -> Vec<Problem> {
    let Some(file) = source.path.strip_prefix(SERVER_SRC) else {
        return Vec::new();
    };
    let module = file.split(['/', '.', '_']).next().unwrap_or(file);
    if SERVER_BIN.contains(&module) {
        return Vec::new();
    }
    let lines = source.product.lines().enumerate();
    let named = lines
        .flat_map(|(i, line)| NOT_IN_SERVER_LIB.map(|name| (i + 1, name, line.contains(name))));
    named
        .filter(|(_, _, contains)| *contains)
        .map(|(line, name, _)| {
            source.at(
                line,
                format!("the library of the server must not name `{name}`"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edge(from: &str, to: &str, dev: bool) -> Edge {
        Edge {
            from: from.into(),
            to: to.into(),
            dev,
        }
    }

    #[test]
    fn only_dependencies_between_members_are_edges() {
        let metadata = json!({ "packages": [
            { "name": "a", "dependencies": [{ "name": "b", "kind": null }, { "name": "serde", "kind": null }] },
            { "name": "b", "dependencies": [{ "name": "a", "kind": "dev" }] },
        ]});
        let names = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        assert_eq!(
            workspace(&metadata),
            Some((names, vec![edge("a", "b", false), edge("b", "a", true)]))
        );
        assert_eq!(workspace(&json!({})), None);
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_a_problem_except_for_tests() {
        let packages = BTreeSet::from(["runwright-agent".to_owned(), "runwright-new".to_owned()]);
        let edges = [
            edge("runwright-agent", "runwright-proto", false),
            edge("runwright-agent", "runwright-backend", false),
            edge("runwright-proto", "runwright-agent", true),
        ];
        let expected = [
            Problem::new(
                "runwright-new",
                "this package is not in the table of imports",
            ),
            Problem::new("runwright-agent", "must not import `runwright-backend`"),
        ];
        assert_eq!(table_problems(&packages, &edges), expected);
    }

    #[test]
    fn a_circle_through_tests_is_a_problem_and_a_crate_that_tests_itself_is_not() {
        let edges = [
            edge("a", "b", false),
            edge("b", "c", false),
            edge("c", "c", true),
            edge("d", "a", true),
        ];
        assert_eq!(cycle_problem(&edges), None);
        let mut circle = edges.to_vec();
        circle.push(edge("c", "a", true));
        let problem = cycle_problem(&circle).unwrap();
        assert_eq!(
            problem,
            Problem::new("a, b, c, d", "these packages import each other in a circle")
        );
    }

    #[test]
    fn a_forbidden_crate_is_found_at_any_depth_by_its_whole_name() {
        let tree = "runwright-backend v0.1.0\nhttp-body v1.0.1\ntokio v1.54.1 (*)\nhyper v1.12.0\n";
        let problems = reach_problems("runwright-backend", &["axum", "hyper", "http"], tree);
        let place = "reaches `hyper`; see `cargo tree -p runwright-backend -e normal -i hyper`";
        assert_eq!(problems, [Problem::new("runwright-backend", place)]);
    }

    #[test]
    fn the_library_of_the_server_does_not_name_the_inner_crates() {
        let code = "//! Like `runwright_agent`.\nuse runwright_backend::Backend;\nuse runwright_runner::Scripted;\n";
        let problems = |file: &str| server_lib_problems(&Source::new(file, code));
        let place = "crates/server/src/routes/agent.rs:3";
        let expected = [Problem::new(
            place,
            "the library of the server must not name `runwright_runner`",
        )];
        assert_eq!(problems("crates/server/src/routes/agent.rs"), expected);
        assert!(problems("crates/server/src/main.rs").is_empty());
        assert!(problems("crates/server/src/cli/ask.rs").is_empty());
        assert!(problems("crates/server/src/compose_runner.rs").is_empty());
        assert_eq!(problems("crates/server/src/client.rs").len(), 1);
        assert!(problems("crates/server/tests/it/main.rs").is_empty());
    }
}
