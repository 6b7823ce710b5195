//! Owns the file of an audit log that is kept in a file.
//!
//! It must never know what a line says, nor when it is written.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{
    entry::AuditLine,
    writer::{AuditLog, AuditSink},
};

/// Why the audit log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the audit log `{path}` cannot be written: {source}; name another folder with `--data-dir`", path = .path.display())]
pub struct AuditError {
    path: PathBuf,
    source: io::Error,
}

impl AuditLog {
    /// Opens `audit.jsonl` in a folder, which is made with mode 0700 if it is not there, and starts the writer.
    ///
    /// # Errors
    ///
    /// [`AuditError`].
    pub fn open(folder: &Path) -> Result<Self, AuditError> {
        let path = folder.join("audit.jsonl");
        let fail = |source| AuditError {
            path: path.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(fail)?;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        Self::to(file).map_err(fail)
    }
}

impl AuditSink for File {
    fn keep(&mut self, lines: Vec<AuditLine>) {
        let mut text = String::with_capacity(lines.len() * 256);
        for line in &lines {
            text.push_str(&line.json);
            text.push('\n');
        }
        if let Err(error) = self.write_all(text.as_bytes()) {
            tracing::error!(%error, lines = lines.len(), "the audit log was not written");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_line_of_the_log_is_a_line_of_the_file_which_only_its_owner_may_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        drop(AuditLog::open(&data).expect("the folder can be written"));
        let path = data.join("audit.jsonl");
        let line = |n: i64| AuditLine {
            time_ms: n,
            json: format!(r#"{{"n":{n}}}"#),
        };
        let mut file = OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("it was made");
        file.keep(vec![line(1), line(2)]);
        file.keep(vec![line(3)]);
        let text = std::fs::read_to_string(&path).expect("the file is there");
        assert_eq!(text, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&path)), (0o700, 0o600));
    }
}
