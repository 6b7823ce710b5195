//! A copy of the working tree that may be broken. Only files that differ are written, so that cargo, which looks at
//! modification times, rebuilds only what changed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use crate::{command::Repo, files};

/// What a build of the workspace reads.
const COPIED: [&str; 6] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "crates",
    "rust-toolchain.toml",
    "xtask",
];

/// Far more than a patch takes on a busy machine.
const PATCH_TIMEOUT: Duration = Duration::from_secs(60);

/// The copy, below the build directory of the checkout.
#[derive(Debug)]
pub(crate) struct Scratch {
    original: PathBuf,
    copy: Repo,
}

impl Scratch {
    /// Makes the copy equal to the working tree, uncommitted changes included.
    pub(crate) fn of(original: &Repo, dir: &str) -> Result<Self> {
        let path = original.root().join(dir);
        fs::create_dir_all(&path)?;
        let scratch = Self {
            original: original.root().to_owned(),
            copy: original.copy_at(dir)?,
        };
        scratch.restore()?;
        Ok(scratch)
    }

    /// The copy as a place to run commands in.
    pub(crate) fn repo(&self) -> &Repo {
        &self.copy
    }

    /// Takes back whatever was changed in the copy.
    pub(crate) fn restore(&self) -> Result<()> {
        let wanted = relative_files(&self.original)?;
        for stale in relative_files(self.copy.root())?.difference(&wanted) {
            fs::remove_file(self.copy.root().join(stale))?;
        }
        wanted
            .iter()
            .try_for_each(|file| self.copy_if_changed(file))
    }

    /// Applies a patch to the copy; a patch that does not fit is an error.
    pub(crate) fn apply(&self, patch: &Path) -> Result<()> {
        // Without the ceiling git takes the copy for a directory of the checkout around it, finds none of the patch's
        // paths there and ignores them without a word.
        let ceiling = self
            .copy
            .root()
            .parent()
            .context("the copy has no parent directory")?;
        let cmd = cmd!(self.copy.shell(), "git apply --whitespace=nowarn {patch}");
        let applied = self
            .copy
            .watch(cmd.env("GIT_CEILING_DIRECTORIES", ceiling), PATCH_TIMEOUT)?;
        if !applied.status.is_some_and(|status| status.success()) {
            bail!(
                "the patch does not fit the sources: {}",
                applied.output.trim_end()
            );
        }
        Ok(())
    }

    fn copy_if_changed(&self, file: &Path) -> Result<()> {
        let (from, to) = (self.original.join(file), self.copy.root().join(file));
        let content = fs::read(&from)?;
        if fs::read(&to).is_ok_and(|current| current == content) {
            return Ok(());
        }
        fs::create_dir_all(to.parent().context("a file has no directory")?)?;
        fs::write(&to, content).with_context(|| format!("could not write `{}`", to.display()))
    }
}

fn relative_files(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut relative = BTreeSet::new();
    for name in COPIED {
        for file in files::below(&root.join(name))? {
            relative.insert(file.strip_prefix(root)?.to_owned());
        }
    }
    Ok(relative)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "\
# fault: for the test
--- a/crates/x/src/lib.rs
+++ b/crates/x/src/lib.rs
@@ -1 +1 @@
-good
+bad
";

    /// A checkout with one source, inside a git repository as the real one is.
    fn checkout() -> (tempfile::TempDir, Repo) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("crates/x/src")).unwrap();
        fs::write(dir.path().join("crates/x/src/lib.rs"), "good\n").unwrap();
        fs::write(dir.path().join("notes.md"), "not copied").unwrap();
        fs::write(dir.path().join("fault.patch"), PATCH).unwrap();
        let repo = Repo::at(dir.path()).unwrap();
        repo.run(cmd!(repo.shell(), "git init --quiet")).unwrap();
        (dir, repo)
    }

    fn files_of(scratch: &Scratch) -> Vec<(PathBuf, String)> {
        let root = scratch.repo().root();
        let relative = |file: PathBuf| {
            (
                file.strip_prefix(root).unwrap().to_owned(),
                files::read(&file).unwrap(),
            )
        };
        files::below(root)
            .unwrap()
            .into_iter()
            .map(relative)
            .collect()
    }

    #[test]
    fn a_patch_changes_only_the_copy_and_restoring_takes_it_back() {
        let (dir, repo) = checkout();
        let lib = |content: &str| vec![(PathBuf::from("crates/x/src/lib.rs"), content.to_owned())];
        let scratch = Scratch::of(&repo, "target/faults/tree").unwrap();
        assert_eq!(files_of(&scratch), lib("good\n"));

        scratch.apply(&dir.path().join("fault.patch")).unwrap();
        assert_eq!(files_of(&scratch), lib("bad\n"));
        assert_eq!(
            files::read(&dir.path().join("crates/x/src/lib.rs")).unwrap(),
            "good\n"
        );

        fs::write(scratch.repo().root().join("crates/x/src/new.rs"), "").unwrap();
        scratch.restore().unwrap();
        assert_eq!(files_of(&scratch), lib("good\n"));
    }

    #[test]
    fn a_patch_that_does_not_fit_is_an_error() {
        let (dir, repo) = checkout();
        let scratch = Scratch::of(&repo, "target/faults/tree").unwrap();
        fs::write(
            scratch.repo().root().join("crates/x/src/lib.rs"),
            "changed\n",
        )
        .unwrap();
        let error = scratch.apply(&dir.path().join("fault.patch")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the patch does not fit the sources: error: patch failed"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_did_not_change_is_not_written_again() {
        let (_dir, repo) = checkout();
        let scratch = Scratch::of(&repo, "target/faults/tree").unwrap();
        let file = scratch.repo().root().join("crates/x/src/lib.rs");
        let written = || fs::metadata(&file).unwrap().modified().unwrap();
        let before = written();
        scratch.restore().unwrap();
        assert_eq!(written(), before);
    }
}
