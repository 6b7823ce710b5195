//! Owns the flags of the commands that work on a data folder.
//!
//! It must never know how anything is stored.

use std::path::PathBuf;

use clap::{Args, value_parser};
use runwright_proto::{SessionId, WorkspaceId};

use super::{DataDirArgs, Since};

/// The flags of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Where to look.
    #[command(flatten)]
    pub data_dir: DataDirArgs,
    /// Repairs what can be repaired without guessing, then looks again. Refused while a server has the folder.
    #[arg(long)]
    pub fix: bool,
}

/// The flags of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The copy to make. It must not exist.
    pub file: PathBuf,
    /// What to copy.
    #[command(flatten)]
    pub data_dir: DataDirArgs,
}

/// The flags of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The id of the session. Sessions that it started come along.
    pub session: SessionId,
    /// The file to write, which must not exist; standard output when it is `-` or left out.
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// Where it is.
    #[command(flatten)]
    pub data_dir: DataDirArgs,
    /// The workspace of the session, where several have one of its id.
    #[arg(long, value_name = "ID")]
    pub workspace: Option<WorkspaceId>,
}

/// The flags of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file that `export` has written; standard input when it is `-`.
    pub file: PathBuf,
    /// Where to put it. Refused while a server has the folder.
    #[command(flatten)]
    pub data_dir: DataDirArgs,
    /// The directory whose workspace the session is put into; the one it was exported from by default.
    #[arg(long, value_name = "PATH")]
    pub workspace: Option<PathBuf>,
}

/// The flags of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Whose audit log.
    #[command(flatten)]
    pub data_dir: DataDirArgs,
    /// Only what happened since then: so long ago (`2h`, `7d`), or a time (`2026-11-22`, `2026-11-22T14:00:00Z`).
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Since>,
    /// Only the last so many entries.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Cli, Command};

    fn command(args: &[&str]) -> Command {
        let args = [&["runwright"], args].concat();
        Cli::from_args(args).expect("valid flags").command
    }

    #[test]
    fn the_commands_of_a_data_folder_read_their_flags() {
        let Command::Export(export) = command(&["export", "s1", "--data-dir", "/d"]) else {
            panic!("not export")
        };
        assert_eq!(
            (export.session.as_str(), export.file.as_path()),
            ("s1", Path::new("-"))
        );
        assert_eq!(export.data_dir.data_dir.as_deref(), Some(Path::new("/d")));
        let Command::Import(import) = command(&["import", "-", "--workspace", "/w"]) else {
            panic!("not import")
        };
        assert_eq!(import.file, Path::new("-"));
        assert_eq!(import.workspace.as_deref(), Some(Path::new("/w")));
        let Command::Audit(audit) = command(&["audit", "--limit", "5"]) else {
            panic!("not audit")
        };
        assert_eq!((audit.limit, audit.since), (Some(5), None));
        let Command::Doctor(doctor) = command(&["doctor"]) else {
            panic!("not doctor")
        };
        assert!(!doctor.fix, "it repairs nothing unless it is told to");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            &["runwright", "export"][..],
            &["runwright", "export", "s1", "--workspace", "no-uuid"],
            &["runwright", "audit", "--limit", "0"],
            &["runwright", "audit", "--since", "yesterday"],
            &["runwright", "backup"],
        ] {
            assert!(Cli::from_args(wrong).is_err(), "{wrong:?}");
        }
    }
}
