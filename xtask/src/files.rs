//! Finding files below a directory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// Directories that hold nothing written by a person.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// All files below `dir`, sorted; none if there is no such directory. A path that is a file is its own only file.
pub(crate) fn below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    visit(dir, &mut files).with_context(|| format!("could not list `{}`", dir.display()))?;
    files.sort();
    Ok(files)
}

/// The same as [`below`], only files with this extension.
pub(crate) fn with_extension(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = below(dir)?;
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    Ok(files)
}

/// Reads a file; an error names it.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))
}

fn visit(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.extend(path.is_file().then(|| path.to_owned()));
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if !SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
            visit(&entry.path(), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_order_and_build_output_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["b.rs", "a/x.rs", "a/y.patch", "fuzz/target/z.rs"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let below = below(dir.path()).unwrap();
        assert_eq!(
            below,
            ["a/x.rs", "a/y.patch", "b.rs"].map(|path| dir.path().join(path))
        );
        let patches = with_extension(dir.path(), "patch").unwrap();
        assert_eq!(patches, [dir.path().join("a/y.patch")]);
        assert!(
            super::below(&dir.path().join("missing"))
                .unwrap()
                .is_empty()
        );
    }
}
