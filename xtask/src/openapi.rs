//! The OpenAPI document: made by the server itself, kept in the repository so that a wire change shows as a diff.

use anyhow::{Result, bail};
use xshell::cmd;

use crate::command::Repo;

const DOCUMENT: &str = "crates/server/openapi.json";

/// Writes the document.
pub(crate) fn write(repo: &Repo) -> Result<()> {
    let document = generate(repo)?;
    repo.shell().write_file(DOCUMENT, document)?;
    println!("wrote {DOCUMENT}");
    Ok(())
}

/// Requires that the document in the repository is the one the server makes.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    let generated = generate(repo)?;
    let kept = repo.shell().read_file(DOCUMENT)?;
    if let Some(line) = first_difference(&kept, &generated) {
        bail!(
            "`{DOCUMENT}` differs from the server at line {line}; refresh it with `cargo xtask openapi`"
        );
    }
    println!("{DOCUMENT} is up to date");
    Ok(())
}

fn generate(repo: &Repo) -> Result<String> {
    repo.read(cmd!(
        repo.shell(),
        "cargo run --quiet --package runwright-server -- openapi"
    ))
}

/// The number of the first line that differs.
fn first_difference(left: &str, right: &str) -> Option<usize> {
    if left == right {
        return None;
    }
    let equal = left
        .split('\n')
        .zip(right.split('\n'))
        .take_while(|(left, right)| left == right)
        .count();
    Some(equal + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\nb\n", "a\n"), Some(2));
        assert_eq!(first_difference("a\nb\n", "a\nb"), Some(3));
    }
}
