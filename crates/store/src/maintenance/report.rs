//! What was found in a data directory, and how it is told.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use crate::lock::LockState;

/// What was found in a data directory. `Display` tells it in lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The database.
    pub database: PathBuf,
    /// Its schema.
    pub schema: u32,
    /// Who has the directory.
    pub lock: LockState,
    /// Bytes of the database file.
    pub database_bytes: u64,
    /// Bytes in it that nothing uses; what is stored next takes them first.
    pub free_bytes: u64,
    /// Bytes of the write-ahead log; what is in it is part of the database.
    pub log_bytes: u64,
    /// The tables, the largest first. Empty if the file is so damaged that they cannot be measured.
    pub tables: Vec<TableSize>,
    /// What is not as it should be, the worst first.
    pub findings: Vec<Finding>,
}

/// How large a table is, with its indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// How many rows it has; nothing if they cannot be read.
    pub rows: Option<u64>,
    /// Bytes of its pages and those of its indices.
    pub bytes: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, with how many there are.
    pub text: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something cannot be read; what repairing cannot put right needs a backup.
    Damage,
    /// Something does not fit the rest, and can be repaired.
    Repairable,
    /// Nothing is wrong: the next start puts it in order.
    Note,
}

impl CheckReport {
    /// Whether there is nothing to repair.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let is_note = |finding: &Finding| finding.severity == Severity::Note;
        self.findings.iter().all(is_note)
    }
}

impl Display for CheckReport {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            database,
            schema,
            lock,
            ..
        } = self;
        writeln!(
            formatter,
            "database   {}, schema {schema}",
            database.display()
        )?;
        writeln!(formatter, "lock       {lock}")?;
        writeln!(
            formatter,
            "size       {}, of which {} are free; write-ahead log {}",
            Bytes(self.database_bytes),
            Bytes(self.free_bytes),
            Bytes(self.log_bytes)
        )?;
        for TableSize { name, rows, bytes } in &self.tables {
            let rows = rows.map_or_else(|| "unreadable".to_owned(), |rows| rows.to_string());
            let bytes = Bytes(*bytes);
            writeln!(
                formatter,
                "table      {name:<16} {rows:>10} rows {bytes:>10}"
            )?;
        }
        for finding in &self.findings {
            writeln!(formatter, "{finding}")?;
        }
        if self.is_sound() {
            writeln!(formatter, "sound      nothing to repair")?;
        }
        Ok(())
    }
}

impl Display for Finding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Damage => "damage",
            Severity::Repairable => "repairable",
            Severity::Note => "note",
        };
        write!(formatter, "{severity:<10} {}", self.text)
    }
}

/// A size as people read it.
struct Bytes(u64);

impl Display for Bytes {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        let text = match UNITS.iter().find(|(unit, _)| self.0 >= *unit) {
            Some((unit, name)) => {
                let tenths = u128::from(self.0) * 10 / u128::from(*unit);
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            }
            None => format!("{} B", self.0),
        };
        formatter.pad(&text)
    }
}
