//! The files that run under loom. What loom does not see there would make a model pass that should fail, so they use
//! only the types of their crate's `sync` module, no runtime, and no map with a random order.

use super::{Problem, Source, uses};

/// The closed set of model-checked files; a name that ends with `/` is a folder with everything below it.
const CHECKED: [&str; 9] = [
    "crates/agent/src/cancel_mark.rs",
    "crates/agent/src/cancel_token.rs",
    "crates/agent/src/lane.rs",
    "crates/agent/src/reservation.rs",
    "crates/agent/src/reservation/",
    "crates/agent/src/waker_set.rs",
    "crates/backend/src/admitted.rs",
    "crates/backend/src/gate.rs",
    "crates/pubsub/src/",
];

/// The facade is the one place that may choose between the std types and those of a model.
const FACADE: &str = "/sync.rs";

const FORBIDDEN: [&str; 3] = ["tokio::", "std::sync::", "HashMap"];

/// Checks the listed files; a name without a file is a problem.
pub(crate) fn check(sources: &[Source]) -> Vec<Problem> {
    CHECKED
        .into_iter()
        .flat_map(|listed| check_listed(listed, sources))
        .collect()
}

fn check_listed(listed: &str, sources: &[Source]) -> Vec<Problem> {
    let is_meant =
        |path: &str| path == listed || (listed.ends_with('/') && path.starts_with(listed));
    let meant: Vec<_> = sources
        .iter()
        .filter(|source| is_meant(&source.path))
        .collect();
    if meant.is_empty() {
        return vec![Problem::new(
            listed,
            "no such model-checked file; the list is in `xtask/src/tidy/checked.rs`",
        )];
    }
    let checked = meant
        .into_iter()
        .filter(|source| source.is_product() && !source.path.ends_with(FACADE));
    checked.flat_map(forbidden).collect()
}

fn forbidden(source: &Source) -> Vec<Problem> {
    let code = source
        .product
        .lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.to_owned()));
    let used = uses::paths(&source.product)
        .into_iter()
        .map(|(line, path)| (line, format!("{path}::")));
    let mut problems: Vec<_> = code
        .chain(used)
        .flat_map(|(line, text)| FORBIDDEN.map(|word| (line, word, contains_path(&text, word))))
        .filter(|(_, _, contains)| *contains)
        .map(|(line, word, _)| source.at(line, format!("model-checked code must not use `{word}`")))
        .collect();
    problems.dedup();
    problems
}

/// `word` at the start of a path: `std::sync::` is not in `loom_std::sync::`.
fn contains_path(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_in(text: &str) -> Vec<String> {
        forbidden(&Source::new("crates/x/src/gate.rs", text))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_checked_file_uses_only_its_facade() {
        assert!(problems_in("//! Not `std::sync::Mutex`.\nuse crate::sync::{Arc, Mutex};\nuse std::task::Waker;\n").is_empty());
        let message = "model-checked code must not use";
        assert_eq!(
            problems_in("fn f() { tokio::spawn(g()); }"),
            [format!("crates/x/src/gate.rs:1: {message} `tokio::`")]
        );
        assert_eq!(
            problems_in("\nuse std::{mem, sync::Arc};"),
            [format!("crates/x/src/gate.rs:2: {message} `std::sync::`")]
        );
        assert_eq!(
            problems_in("use std::sync;"),
            [format!("crates/x/src/gate.rs:1: {message} `std::sync::`")]
        );
        assert_eq!(
            problems_in("struct S(HashMap<u8, u8>);"),
            [format!("crates/x/src/gate.rs:1: {message} `HashMap`")]
        );
    }

    #[test]
    fn tests_inside_a_checked_file_may_use_anything() {
        assert!(problems_in("#[cfg(test)]\nmod tests {\n    use std::sync::Arc;\n}\n").is_empty());
    }

    #[test]
    fn a_checked_file_that_was_moved_is_a_problem() {
        let sources: Vec<_> = CHECKED
            .iter()
            .skip(1)
            .map(|path| Source::new(*path, "//! Owns something.\n"))
            .collect();
        let problems = check(&sources);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].place, CHECKED[0]);
    }

    #[test]
    fn a_folder_means_all_product_files_below_it_but_the_facade() {
        let sources: Vec<_> = ["log.rs", "topic/urgent.rs", "sync.rs", "log/tests.rs"]
            .iter()
            .map(|file| Source::new(format!("crates/pubsub/src/{file}"), "use std::sync::Arc;\n"))
            .collect();
        let places: Vec<_> = check_listed("crates/pubsub/src/", &sources)
            .into_iter()
            .map(|problem| problem.place)
            .collect();
        assert_eq!(
            places,
            [
                "crates/pubsub/src/log.rs:1",
                "crates/pubsub/src/topic/urgent.rs:1"
            ]
        );
    }
}
