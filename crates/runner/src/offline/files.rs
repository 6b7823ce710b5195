//! Looks at the files of a workspace, and at nothing outside it. All of it blocks, so it runs on threads made for that.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How many names are listed, how many files are counted, and how many bytes of a file are read: enough for an answer
/// that a person reads.
const MAX_LISTED: usize = 50;
const MAX_COUNTED: usize = 100_000;
const MAX_READ: u64 = 1024 * 1024;
const MAX_SHOWN: usize = 4096;

/// The text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileText {
    /// Its beginning, or all of it.
    pub(super) text: String,
    /// Whether there is more of it.
    pub(super) cut: bool,
}

/// Why there is no text to talk about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The file is not there, or not a file.
    Missing,
    /// It is not in the workspace.
    Outside,
    /// It is not text.
    NotText,
}

impl Unreadable {
    /// Says so to a person.
    pub(super) fn explained(self, name: &str) -> String {
        match self {
            Self::Missing => {
                format!("There is no file `{name}` in this workspace that I can read.")
            }
            Self::Outside => {
                format!("`{name}` is outside of this workspace, so I do not look at it.")
            }
            Self::NotText => format!("`{name}` is not a text file."),
        }
    }
}

/// Names what is in the workspace's directory.
pub(super) async fn list(root: PathBuf) -> String {
    blocking(move || {
        let mut names = visible(&root);
        names.sort();
        let more = names.len().saturating_sub(MAX_LISTED);
        names.truncate(MAX_LISTED);
        match (names.is_empty(), more) {
            (true, _) => "This workspace has no visible files.".to_owned(),
            (false, 0) => format!("This workspace has:\n{}", names.join("\n")),
            (false, more) => format!(
                "This workspace has:\n{}\nand {more} more.",
                names.join("\n")
            ),
        }
    })
    .await
}

/// Counts the files of the workspace.
pub(super) async fn count(root: PathBuf) -> String {
    blocking(move || format!("This workspace has {} files.", walk(&root).len())).await
}

/// Counts the lines of all text files of the workspace.
pub(super) async fn count_all_lines(root: PathBuf) -> String {
    blocking(move || {
        let texts = walk(&root).into_iter().filter_map(|path| read(&path).ok());
        let (files, lines) = texts.fold((0_usize, 0_usize), |(files, lines), (text, _)| {
            (files + 1, lines + text.lines().count())
        });
        format!("The {files} text files of this workspace have {lines} lines.")
    })
    .await
}

/// Reads a file of the workspace.
pub(super) async fn find(root: PathBuf, name: String) -> Result<FileText, Unreadable> {
    blocking(move || {
        let path = root.join(&name).canonicalize();
        let path = path.map_err(|_| Unreadable::Missing)?;
        if !path.starts_with(&root) {
            return Err(Unreadable::Outside);
        }
        let (text, cut) = read(&path).map_err(|error| {
            let is_text = error.kind() != io::ErrorKind::InvalidData;
            if is_text {
                Unreadable::Missing
            } else {
                Unreadable::NotText
            }
        })?;
        Ok(FileText { text, cut })
    })
    .await
}

/// What of a file is shown.
pub(super) fn shown(name: &str, text: &str, cut: bool) -> String {
    let end = text.floor_char_boundary(MAX_SHOWN);
    let rest = if cut || end < text.len() {
        "\n… and more."
    } else {
        ""
    };
    format!("`{name}`:\n{}{rest}", &text[..end])
}

/// Runs on a thread for blocking work; an answer that cannot be given because that thread died is not one.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(Box::new(error.to_string())),
    }
}

fn visible(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let name = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let shown = if is_directory {
            format!("{name}/")
        } else {
            name
        };
        (!shown.starts_with('.')).then_some(shown)
    };
    entries.filter_map(Result::ok).filter_map(name).collect()
}

/// The files below a directory, without hidden ones and without following links.
fn walk(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !hidden => directories.push(entry.path()),
                Ok(kind) if kind.is_file() && !hidden => files.push(entry.path()),
                _ => {}
            }
            if files.len() >= MAX_COUNTED {
                return files;
            }
        }
    }
    files
}

/// Reads the beginning of a text file; says whether there is more.
fn read(path: &Path) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(MAX_READ + 1)
        .read_to_end(&mut bytes)?;
    let cut = bytes.len() as u64 > MAX_READ;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        // The cut may have gone through a character.
        Err(error) if cut && error.utf8_error().error_len().is_none() => {
            let valid = error.utf8_error().valid_up_to();
            String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned()
        }
        Err(_) => return Err(io::ErrorKind::InvalidData.into()),
    };
    Ok((text, cut))
}
