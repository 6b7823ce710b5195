//! How long files and functions are. Lines of code only: comments, blank lines and tests do not count.

use std::fmt;

use super::{Problem, Source, blank};

/// A file with more lines of code wants splitting.
const FILE_LIMIT: usize = 600;

/// Files that may be longer, each with the reason.
const LONGER_FILES: &[(&str, &str)] = &[];

const SHOWN: usize = 5;

/// Files and functions, the longest first.
#[derive(Debug)]
pub(crate) struct Sizes {
    files: Vec<(usize, String)>,
    functions: Vec<(usize, String)>,
}

impl Sizes {
    pub(crate) fn of(sources: &[Source]) -> Self {
        let product = || sources.iter().filter(|source| source.is_product());
        let mut files: Vec<_> = product()
            .map(|source| (code_lines(&source.product), source.path.clone()))
            .collect();
        let mut functions: Vec<_> = product().flat_map(functions).collect();
        files.sort_by(|a, b| b.cmp(a));
        functions.sort_by(|a, b| b.cmp(a));
        Self { files, functions }
    }

    /// The files above the limit.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let excused = |path: &str| LONGER_FILES.iter().any(|(file, _)| *file == path);
        let long = self
            .files
            .iter()
            .filter(|(lines, path)| *lines > FILE_LIMIT && !excused(path));
        long.map(|(lines, path)| {
            Problem::new(
                path.as_str(),
                format!("{lines} lines of code; split above {FILE_LIMIT}"),
            )
        })
        .collect()
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, sizes) in [("files", &self.files), ("functions", &self.functions)] {
            let at = |percent: usize| {
                sizes
                    .get(sizes.len() * (100 - percent) / 100)
                    .map_or(0, |(lines, _)| *lines)
            };
            writeln!(
                f,
                "{what}: {}, lines of code: median {}, p95 {}; the longest:",
                sizes.len(),
                at(50),
                at(95)
            )?;
            for (lines, place) in sizes.iter().take(SHOWN) {
                writeln!(f, "  {lines:4}  {place}")?;
            }
        }
        Ok(())
    }
}

fn code_lines(code: &str) -> usize {
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

/// All functions with a body: their lines from `fn` to the closing brace, and where they are.
fn functions(source: &Source) -> Vec<(usize, String)> {
    let code = source.product.as_str();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let is_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let from = &code[at..];
        let name: String = from["fn ".len()..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let has_body = from
            .find('{')
            .is_some_and(|open| !from[..open].contains(';'));
        if !is_word || name.is_empty() || !has_body {
            continue;
        }
        let Some(end) = blank::block_end(from) else {
            continue;
        };
        let line = code[..at].matches('\n').count() + 1;
        found.push((
            code_lines(&from[..end]),
            format!("{}:{line} {name}", source.path),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(text: &str) -> Sizes {
        Sizes::of(&[Source::new("crates/x/src/a.rs", text)])
    }

    #[test]
    fn only_lines_of_product_code_count() {
        let text = "//! Owns a.\n\nfn f() {\n    // why\n    g();\n}\n\n#[cfg(test)]\nmod tests {\n    fn h() {}\n}\n";
        let sizes = sizes(text);
        assert_eq!(sizes.files, [(3, "crates/x/src/a.rs".to_owned())]);
        assert_eq!(sizes.functions, [(3, "crates/x/src/a.rs:3 f".to_owned())]);
    }

    #[test]
    fn functions_without_a_body_and_function_types_do_not_count() {
        let sizes = sizes(
            "//! Owns a.\ntrait T {\n    fn f(&self);\n    fn g(&self) -> fn (u8) {\n        h\n    }\n}\n",
        );
        assert_eq!(sizes.functions, [(3, "crates/x/src/a.rs:4 g".to_owned())]);
    }

    #[test]
    fn a_file_above_the_limit_is_a_problem() {
        let lines = |n| format!("//! Owns a.\n{}", "f();\n".repeat(n));
        assert!(sizes(&lines(FILE_LIMIT)).problems().is_empty());
        let problems = sizes(&lines(FILE_LIMIT + 1)).problems();
        assert_eq!(
            problems,
            [Problem::new(
                "crates/x/src/a.rs",
                "601 lines of code; split above 600"
            )]
        );
    }
}
