//! Rules for a single source file.

use super::{Problem, Source};

/// Forbidden in all code, tests included, with what to do instead.
const FORBIDDEN: [(&str, &str); 3] = [
    (
        "#[ignore",
        "a test that is ignored proves nothing; let it run, or take it out",
    ),
    ("todo!", "no `todo!`: build the real thing, or leave it out"),
    (
        "unimplemented!",
        "no `unimplemented!`: build the real thing, or leave it out",
    ),
];

const HEADING: &str = "a source file starts with `//!`: what it owns and what it must never know";
const UNWRAP: &str = "no `.unwrap()` outside tests; `expect(\"invariant: ...\")` names the reason";
const EXCEPTION: &str = "a lint exception names its reason: `#[expect(lint, reason = \"...\")]`";

/// Checks one file.
pub(crate) fn check(source: &Source) -> Vec<Problem> {
    let mut problems = Vec::new();
    if source.path.contains("/src/") && !source.text.starts_with("//!") {
        problems.push(source.at(1, HEADING));
    }
    for (word, instead) in FORBIDDEN {
        problems.extend(lines_with(&source.code, word).map(|line| source.at(line, instead)));
    }
    if source.is_product() {
        problems
            .extend(lines_with(&source.product, ".unwrap()").map(|line| source.at(line, UNWRAP)));
    }
    for attribute in ["[allow(", "[expect("] {
        problems
            .extend(without_reason(&source.code, attribute).map(|line| source.at(line, EXCEPTION)));
    }
    problems
}

fn lines_with(code: &str, word: &str) -> impl Iterator<Item = usize> {
    code.lines()
        .enumerate()
        .filter(move |(_, line)| line.contains(word))
        .map(|(i, _)| i + 1)
}

fn without_reason(code: &str, attribute: &str) -> impl Iterator<Item = usize> {
    let bare = |at: usize| {
        !code[at..]
            .split(']')
            .next()
            .unwrap_or_default()
            .contains("reason")
    };
    let starts = code
        .match_indices(attribute)
        .map(|(at, _)| at)
        .filter(move |&at| bare(at));
    starts.map(|at| code[..at].matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[(usize, &str)]) {
        let source = Source::new(path, text);
        let expected: Vec<_> = expected
            .iter()
            .map(|(line, message)| source.at(*line, *message))
            .collect();
        assert_eq!(check(&source), expected);
    }

    #[test]
    fn a_source_file_says_what_it_owns() {
        check_file("crates/x/src/a.rs", "//! Owns a.\nfn f() {}\n", &[]);
        check_file("crates/x/src/a.rs", "fn f() {}\n", &[(1, HEADING)]);
        check_file("crates/x/tests/it/main.rs", "fn f() {}\n", &[]);
    }

    #[test]
    fn unwrap_is_for_tests() {
        let text = "//! Owns a.\n/// `a.unwrap()`\nfn f() { \".unwrap()\"; a.unwrap() }\n#[cfg(test)]\nmod tests { fn g() { a.unwrap() } }\n";
        check_file("crates/x/src/a.rs", text, &[(3, UNWRAP)]);
        check_file("crates/x/src/a/tests.rs", text, &[]);
        check_file("crates/x/benches/a.rs", text, &[]);
    }

    #[test]
    fn placeholders_and_ignored_tests_are_refused_everywhere() {
        let text = "//! Tests.\n#[ignore = \"slow\"]\nfn f() { todo!() }\nfn g() { unimplemented!(\"x\") }\n// todo!\n";
        let expected = [
            (2, FORBIDDEN[0].1),
            (3, FORBIDDEN[1].1),
            (4, FORBIDDEN[2].1),
        ];
        check_file("crates/x/tests/it/a.rs", text, &expected);
    }

    #[test]
    fn a_lint_exception_needs_a_reason() {
        let text = "//! Owns a.\n#![allow(dead_code)]\n#[expect(\n    dead_code,\n    reason = \"why\",\n)]\nfn f() {}\n#[expect(x)]\nfn g() {}\n";
        check_file("crates/x/src/a.rs", text, &[(2, EXCEPTION), (8, EXCEPTION)]);
    }
}
