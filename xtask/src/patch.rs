//! Seeded faults: patches that break the product on purpose, each with the model that must notice.
//!
//! Reads the heading of a patch; applying it and running the model is done elsewhere.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::files;

/// A patch of `crates/*/tests/faults`.
///
/// ```text
/// # fault: the last permit does not wake the waiter
/// # package: runwright-backend
/// # model: every_closer_wakes
/// # why: a workspace that waits for ever is what a user sees as a hanging shutdown
/// diff --git a/crates/backend/src/gate.rs b/crates/backend/src/gate.rs
/// ```
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    /// The name of the file, without its extension.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// What is broken, in words.
    pub(crate) fault: String,
    /// The package whose model must fail.
    pub(crate) package: String,
    pub(crate) model: String,
}

/// Reads all faults of the repository, sorted by package, so that neighbours share most of a build.
pub(crate) fn all(root: &Path) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for path in files::with_extension(&root.join("crates"), "patch")? {
        if path
            .parent()
            .is_some_and(|dir| dir.ends_with("tests/faults"))
        {
            faults.push(parse(&path, &files::read(&path)?)?);
        }
    }
    faults.sort_by(|a, b| (&a.package, &a.path).cmp(&(&b.package, &b.path)));
    Ok(faults)
}

fn parse(path: &Path, text: &str) -> Result<Fault> {
    let read = || -> Result<Fault> {
        require_product_sources(text)?;
        // Only for the reader, yet required: a fault nobody can explain is no evidence.
        field(text, "why")?;
        Ok(Fault {
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path: path.to_owned(),
            fault: field(text, "fault")?,
            package: field(text, "package")?,
            model: field(text, "model")?,
        })
    };
    read().with_context(|| format!("in `{}`", path.display()))
}

/// The value of a line `# key: value` above the diff; it may go on in lines that start with `#` and have no key.
fn field(text: &str, key: &str) -> Result<String> {
    let heading = text
        .lines()
        .map_while(|line| line.strip_prefix('#'))
        .map(str::trim);
    let mut lines = heading.skip_while(|line| keyed(line).is_none_or(|(found, _)| found != key));
    let first = lines.next().and_then(keyed).map(|(_, value)| value);
    let more = lines.take_while(|line| keyed(line).is_none());
    let value = first.into_iter().chain(more).collect::<Vec<_>>().join(" ");
    if value.trim().is_empty() {
        bail!("the heading has no line `# {key}: ...`");
    }
    Ok(value)
}

fn keyed(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    ["fault", "package", "model", "why"]
        .contains(&key)
        .then(|| (key, value.trim()))
}

/// A fault breaks the product: a patch of the model itself would prove nothing.
fn require_product_sources(text: &str) -> Result<()> {
    let changed: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("+++ b/"))
        .collect();
    if changed.is_empty() {
        bail!("there is no `+++ b/` line, so no diff for `git apply`");
    }
    for path in changed {
        if !path.starts_with("crates/") || !path.contains("/src/") {
            bail!("it changes `{path}`, which is not a source of the product");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "\
# fault: the last permit does not wake
#   the waiter
# package: runwright-backend
# model: gate::every_closer_wakes
# why: see semantics 4: nobody else would wake it
diff --git a/crates/backend/src/gate.rs b/crates/backend/src/gate.rs
--- a/crates/backend/src/gate.rs
+++ b/crates/backend/src/gate.rs
@@ -1 +1 @@
-# model: old
+# model: new
";

    fn parsed(text: &str) -> Result<Fault> {
        parse(
            Path::new("crates/backend/tests/faults/m3-no-wake.patch"),
            text,
        )
    }

    #[test]
    fn the_heading_names_the_fault_and_the_model_that_must_fail() {
        let expected = Fault {
            name: "m3-no-wake".into(),
            path: "crates/backend/tests/faults/m3-no-wake.patch".into(),
            fault: "the last permit does not wake the waiter".into(),
            package: "runwright-backend".into(),
            model: "gate::every_closer_wakes".into(),
        };
        assert_eq!(parsed(PATCH).unwrap(), expected);
    }

    #[test]
    fn each_line_of_the_heading_is_required() {
        for key in ["fault", "package", "model", "why"] {
            let without = PATCH.replace(&format!("# {key}: "), "# other - ");
            let error = format!("{:#}", parsed(&without).unwrap_err());
            assert!(
                error.ends_with(&format!("the heading has no line `# {key}: ...`")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_patch_of_anything_but_product_sources_is_refused() {
        let of_a_model = PATCH.replace(
            "+++ b/crates/backend/src/gate.rs",
            "+++ b/crates/backend/tests/loom.rs",
        );
        assert!(
            format!("{:#}", parsed(&of_a_model).unwrap_err())
                .contains("not a source of the product")
        );
        let heading_only = PATCH.split("diff").next().unwrap();
        assert!(format!("{:#}", parsed(heading_only).unwrap_err()).contains("no diff"));
    }
}
