//! Rules for the manifests of the members: versions and paths stand in the root manifest only, lints are inherited.
//!
//! Reads lines, not TOML: cargo has already accepted the file, and a rule only needs to know the section of a line.

use super::Problem;

const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "authors"];

/// Checks all manifests, given as path and text.
pub(crate) fn check(manifests: &[(String, String)]) -> Vec<Problem> {
    manifests
        .iter()
        .flat_map(|(path, text)| check_one(path, text))
        .collect()
}

fn check_one(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut section = "";
    let mut inherits_lints = false;
    for (i, line) in text.lines().map(str::trim).enumerate() {
        if let Some(heading) = line.strip_prefix('[') {
            section = heading.trim_end_matches(']');
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            let (key, value) = (key.trim(), value.trim());
            inherits_lints |= section == "lints" && key == "workspace" && value == "true";
            problems.extend(
                broken(section, key, value)
                    .map(|why| Problem::new(format!("{path}:{}", i + 1), why)),
            );
        }
    }
    if !inherits_lints {
        problems.push(Problem::new(
            path,
            "the lints of the workspace are inherited: `[lints] workspace = true`",
        ));
    }
    problems
}

fn broken(section: &str, key: &str, value: &str) -> Option<String> {
    if section == "package" && INHERITED.contains(&key) {
        return Some(format!("`{key}` is inherited: `{key}.workspace = true`"));
    }
    let (table, of_one) = dependency_table(section)?;
    let own = match of_one {
        // `[dependencies.x]`: only these two keys say where the dependency comes from.
        true => ["version", "git"].contains(&key),
        // A crate may depend on itself in tests, to switch its own features on.
        false => {
            !key.ends_with(".workspace")
                && !value.contains("workspace = true")
                && !value.contains("path = \".\"")
        }
    };
    own.then(|| format!("`{key}` in `[{table}]`: versions stand in `[workspace.dependencies]` of the root manifest only"))
}

/// The kind of a dependency section, and whether it is the section of one dependency.
fn dependency_table(section: &str) -> Option<(&'static str, bool)> {
    let tables = ["build-dependencies", "dev-dependencies", "dependencies"];
    tables.into_iter().find_map(|table| {
        let of_all = section == table || section.ends_with(&format!(".{table}"));
        let of_one =
            section.starts_with(&format!("{table}.")) || section.contains(&format!(".{table}."));
        (of_all || of_one).then_some((table, of_one))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"x\"
version.workspace = true

[lints]
workspace = true

[dependencies]
# serde = \"1\"
serde = { workspace = true, features = [\"derive\"] }
uuid.workspace = true

[target.'cfg(runwright_loom)'.dependencies]
loom = { workspace = true }

[dev-dependencies]
x = { path = \".\", features = [\"test-util\"] }
";

    #[track_caller]
    fn check_text(text: &str, expected: &[&str]) {
        let places: Vec<_> = check(&[("x/Cargo.toml".into(), text.into())])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(places.len(), expected.len(), "{places:?}");
        for (place, expected) in places.iter().zip(expected) {
            assert!(
                place.starts_with(expected),
                "{place} should start with {expected}"
            );
        }
    }

    #[test]
    fn a_manifest_that_inherits_everything_is_fine() {
        check_text(GOOD, &[]);
    }

    #[test]
    fn a_version_in_a_member_is_a_problem_in_each_kind_of_section() {
        check_text(
            &GOOD.replace("uuid.workspace = true", "uuid = \"1\""),
            &["x/Cargo.toml:11: `uuid`"],
        );
        let loom = "loom = { version = \"0.7\" }";
        check_text(
            &GOOD.replace("loom = { workspace = true }", loom),
            &["x/Cargo.toml:14: `loom`"],
        );
        check_text(
            &format!("{GOOD}[dependencies.tokio]\nversion = \"1\"\n"),
            &["x/Cargo.toml:19: `version`"],
        );
        check_text(
            &GOOD.replace("version.workspace = true", "version = \"1.0.0\""),
            &["x/Cargo.toml:3: `version`"],
        );
    }

    #[test]
    fn lints_are_inherited() {
        check_text(
            &GOOD.replace("[lints]\n", "[badges]\n"),
            &["x/Cargo.toml: the lints"],
        );
    }
}
