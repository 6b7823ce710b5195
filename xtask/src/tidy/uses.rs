//! The paths that the `use` declarations of a file name, with trees written out.

/// All imported paths with the numbers of the lines on which their declarations start.
///
/// `use std::{fmt, sync::{Arc, Mutex}};` names `std::fmt`, `std::sync::Arc` and `std::sync::Mutex`.
pub(crate) fn paths(code: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = &code[..at];
        if !starts_a_declaration(before) {
            continue;
        }
        let declaration = code[at + "use ".len()..]
            .split(';')
            .next()
            .unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let tree: String = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
        flatten("", &tree, &mut |path| paths.push((line, path)));
    }
    paths
}

/// After a line's start, a visibility or a brace.
fn starts_a_declaration(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    line.is_empty() || line.starts_with("pub") || line.ends_with(['{', '}', ';', ']'])
}

fn flatten(prefix: &str, tree: &str, found: &mut impl FnMut(String)) {
    let Some((head, rest)) = tree.split_once('{') else {
        found(format!("{prefix}{}", tree.trim()));
        return;
    };
    let inner = rest.trim_end().strip_suffix('}').unwrap_or(rest);
    let prefix = format!("{prefix}{}", head.trim());
    for branch in branches(inner) {
        flatten(&prefix, branch, found);
    }
}

/// Splits at the commas that are not inside braces.
fn branches(tree: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let split = tree.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    split
        .map(str::trim)
        .filter(|branch| !branch.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_names_each_of_its_paths() {
        let code = "\
use std::{
    collections::{BTreeMap, HashMap as Map},
    fmt,
};

pub(crate) use crate::sync::Mutex;
fn f() { use tokio::sync::mpsc; }
let because = reuse of;
";
        let expected = [
            (1, "std::collections::BTreeMap"),
            (1, "std::collections::HashMap as Map"),
            (1, "std::fmt"),
            (6, "crate::sync::Mutex"),
            (7, "tokio::sync::mpsc"),
        ];
        assert_eq!(
            paths(code),
            expected.map(|(line, path)| (line, path.to_owned()))
        );
    }
}
