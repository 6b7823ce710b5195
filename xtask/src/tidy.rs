//! The rules of this repository that neither the compiler nor clippy knows: who may import whom, what a source file may
//! not contain, where versions stand, how long a file may be.
//!
//! Each rule is a pure function from text to problems; only this file reads the tree and prints.

mod blank;
mod checked;
mod imports;
mod manifests;
mod rules;
mod size;
mod uses;

use std::{fmt, fs, path::Path};

use anyhow::{Result, bail};

use self::size::Sizes;
use crate::{command::Repo, files};

/// A broken rule and where it is broken.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    place: String,
    message: String,
}

/// A Rust file: its path below the root, with `/`, and its text with and without comments and literals.
#[derive(Debug)]
struct Source {
    path: String,
    text: String,
    /// The same lines as `text`; comments and the insides of literals are blank.
    code: String,
    /// The same lines as `code`; test modules are blank.
    product: String,
}

/// Checks all rules and prints every problem, then the longest files and functions.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    let sources = sources(repo.root())?;
    let mut problems = imports::check(repo, &sources)?;
    problems.extend(manifests::check(&manifests(repo.root())?));
    problems.extend(checked::check(&sources));
    problems.extend(sources.iter().flat_map(rules::check));
    let sizes = Sizes::of(&sources);
    problems.extend(sizes.problems());

    println!("{sizes}");
    problems
        .iter()
        .for_each(|problem| println!("error: {problem}"));
    if !problems.is_empty() {
        bail!(
            "{} rules are broken; CONTRIBUTING.md says what they are for",
            problems.len()
        );
    }
    println!("tidy: {} source files, no problem", sources.len());
    Ok(())
}

impl Problem {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl Source {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let code = blank::comments_and_literals(&text);
        let product = blank::test_items(&code);
        Self {
            path,
            text,
            code,
            product,
        }
    }

    /// Part of what is shipped or built: not a test, a bench or an example, and not a file of a test module.
    fn is_product(&self) -> bool {
        let in_src = self.path.contains("/src/");
        let of_tests = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        in_src && !of_tests
    }

    fn at(&self, line: usize, message: impl Into<String>) -> Problem {
        Problem::new(format!("{}:{line}", self.path), message)
    }
}

fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for dir in ["crates", "xtask"] {
        for file in files::with_extension(&root.join(dir), "rs")? {
            sources.push(Source::new(relative(root, &file)?, files::read(&file)?));
        }
    }
    Ok(sources)
}

/// The manifests of the members, with their paths below the root.
fn manifests(root: &Path) -> Result<Vec<(String, String)>> {
    let mut paths = vec![root.join("xtask/Cargo.toml")];
    for entry in fs::read_dir(root.join("crates"))? {
        paths.push(entry?.path().join("Cargo.toml"));
    }
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
        .iter()
        .map(|path| Ok((relative(root, path)?, files::read(path)?)))
        .collect()
}

fn relative(root: &Path, file: &Path) -> Result<String> {
    let components = file
        .strip_prefix(root)?
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    Ok(components.collect::<Vec<_>>().join("/"))
}
