//! `runwright export` and `runwright import`: a session leaves a data folder as a file, and comes into another. It must
//! never know what the file says.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use runwright_server::config::{Environment, ExportArgs, ImportArgs};
use runwright_store::{
    ExportError, ExportReport, ImportError, ImportReport, export_session, import_session,
};
use serde::Serialize;

use super::failure::Failure;
use super::print::Output;

/// The file that is standard input or output.
const STANDARD: &str = "-";

/// Why a session did not leave its folder, or did not come into another.
#[derive(Debug, thiserror::Error)]
enum PortableError {
    #[error("nothing was exported from `{}`", folder.display())]
    Export {
        folder: PathBuf,
        #[source]
        source: ExportError,
    },
    #[error("`{}` exists, and an export overwrites nothing; choose another name", file.display())]
    Exists { file: PathBuf },
    #[error("`{}` cannot be written", file.display())]
    Write {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` cannot be read", file.display())]
    Read {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("nothing was imported from `{}`", file.display())]
    Import {
        file: PathBuf,
        #[source]
        source: ImportError,
    },
}

/// What left or came in.
#[derive(Debug, Serialize)]
struct Moved {
    session: String,
    workspace: String,
    /// The directory of the workspace that it came into.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    sessions: usize,
    messages: usize,
    runs: usize,
}

/// Writes a session to a file or to standard output.
pub(crate) fn export(
    args: &ExportArgs,
    json: bool,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let folder = args.data_dir.resolve(environment)?;
    // The database is read to the end before anybody else has a say in how long that takes.
    let mut text = Vec::new();
    let exported = export_session(&folder, args.workspace, &args.session, &mut text);
    let report =
        exported.map_err(|source| Failure::store(PortableError::Export { folder, source }))?;
    text.push(b'\n');
    let moved = Moved::out(&report, args);
    let output = Output::new(json);
    if args.file == Path::new(STANDARD) {
        let mut out = io::stdout().lock();
        let written = out.write_all(&text).and_then(|()| out.flush());
        let told = written.and_then(|()| output.notice(moved.told().trim_end()));
        told.map_err(Failure::Output)?;
    } else {
        write_new(&args.file, &text).map_err(Failure::store)?;
        tell(&output, &moved)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes a session in from a file or from standard input.
pub(crate) fn import(
    args: &ImportArgs,
    json: bool,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let folder = args.data_dir.resolve(environment)?;
    let into = args.workspace.as_deref().map(directory).transpose()?;
    let file = || args.file.clone();
    let input: Box<dyn Read> = if args.file == Path::new(STANDARD) {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(&args.file);
        let unreadable = |source| PortableError::Read {
            file: file(),
            source,
        };
        Box::new(opened.map_err(|error| Failure::store(unreadable(error)))?)
    };
    let refused = |source| PortableError::Import {
        file: file(),
        source,
    };
    let imported = import_session(&folder, into.as_deref(), input);
    let report = imported.map_err(|error| Failure::store(refused(error)))?;
    let output = Output::new(json);
    tell(&output, &Moved::into(&report))?;
    if !report.path.is_dir() {
        let missing = report.path.display();
        let text = format!(
            "`{missing}` is no directory here: the session can be read, but not continued; make the directory"
        );
        output.notice(&text).map_err(Failure::Output)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Moved {
    fn out(report: &ExportReport, args: &ExportArgs) -> Self {
        Self {
            session: args.session.to_string(),
            workspace: report.workspace.to_string(),
            path: None,
            sessions: report.sessions,
            messages: report.messages,
            runs: report.runs,
        }
    }

    fn into(report: &ImportReport) -> Self {
        Self {
            session: report.session.to_string(),
            workspace: report.workspace.to_string(),
            path: Some(report.path.display().to_string()),
            sessions: report.sessions,
            messages: report.messages,
            runs: report.runs,
        }
    }

    fn told(&self) -> String {
        let Self {
            session,
            workspace,
            path,
            sessions,
            messages,
            runs,
        } = self;
        let moved = match path {
            None => format!("exported   session {session} of workspace {workspace}"),
            Some(path) => {
                format!("imported   session {session} into `{path}`, workspace {workspace}")
            }
        };
        format!("{moved}\nholds      sessions: {sessions}, messages: {messages}, runs: {runs}\n")
    }
}

fn tell(output: &Output, moved: &Moved) -> Result<(), Failure> {
    let printed = if output.is_json() {
        output.value(moved)
    } else {
        output.text(&moved.told())
    };
    printed.map_err(Failure::Output)
}

/// The directory of a workspace, as a server resolves it.
fn directory(asked: &Path) -> Result<PathBuf, Failure> {
    let refused = |why: &dyn std::fmt::Display| {
        Failure::Usage(format!("the directory `{}`: {why}", asked.display()))
    };
    let resolved = asked.canonicalize().map_err(|error| refused(&error))?;
    if resolved.is_dir() {
        Ok(resolved)
    } else {
        Err(refused(&"is not a directory"))
    }
}

/// Writes a file that does not exist yet, for its owner alone: it has what people said. It is on disk when this returns,
/// or not there.
fn write_new(file: &Path, text: &[u8]) -> Result<(), PortableError> {
    let failed = |source: io::Error| {
        let file = file.to_owned();
        if source.kind() == ErrorKind::AlreadyExists {
            PortableError::Exists { file }
        } else {
            PortableError::Write { file, source }
        }
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut made = options.open(file).map_err(failed)?;
    let written = made.write_all(text).and_then(|()| made.sync_all());
    written.map_err(|error| {
        // A part of a file is worse than none; if it cannot be removed either, the message says enough.
        fs::remove_file(file).ok();
        failed(error)
    })
}
