//! What an error of SQLite means for the batch and for those who wait.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Error, ffi};

use super::database::log_of;
use super::probe::Probe;
use crate::error::{Cause, StoreError, StoreErrorKind};

/// Translates an error of SQLite that ends the work with a database, in a process that has no other connection to it.
pub(crate) fn store_error(error: &Error, file: &Arc<Path>) -> StoreError {
    let mut kind = kind(error);
    if may_be_unreadable(error) && Probe::new(file, &log_of(file)).finds_unreadable() {
        kind = StoreErrorKind::Unreadable;
    }
    StoreError::new(kind, file, Some(cause(error)))
}

/// What kind of failure an error is.
pub(super) fn kind(error: &Error) -> StoreErrorKind {
    // What was written there can be read: it is not what is there any more.
    if matches!(error, Error::FromSqlConversionFailure(..)) {
        return StoreErrorKind::Damaged;
    }
    match error.sqlite_error().map(|error| error.extended_code & 0xFF) {
        Some(ffi::SQLITE_FULL) => StoreErrorKind::Full,
        Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => StoreErrorKind::Locked,
        Some(ffi::SQLITE_READONLY | ffi::SQLITE_PERM) => StoreErrorKind::ReadOnly,
        Some(ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB) => StoreErrorKind::Damaged,
        Some(
            ffi::SQLITE_IOERR
            | ffi::SQLITE_CANTOPEN
            | ffi::SQLITE_PROTOCOL
            | ffi::SQLITE_NOMEM
            | ffi::SQLITE_NOLFS,
        ) => StoreErrorKind::Unreadable,
        _ => StoreErrorKind::Failed,
    }
}

/// Whether writing failed for a reason that SQLite does not know: it tells a full disk, and no other lack of space.
pub(super) fn may_lack_space(error: &Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(
        code,
        Some(
            ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC
                | ffi::SQLITE_IOERR_SHMSIZE
                | ffi::SQLITE_IOERR_CLOSE
                | ffi::SQLITE_CANTOPEN
        )
    )
}

/// Whether the disk may have failed to read: SQLite calls that damage, too.
pub(super) fn may_be_unreadable(error: &Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(ffi::SQLITE_CORRUPT)
}

/// An error that we found ourselves, as SQLite would have said it.
pub(crate) fn sqlite(code: std::ffi::c_int, message: &str) -> Error {
    Error::SqliteFailure(ffi::Error::new(code), Some(message.to_owned()))
}

/// What SQLite said. Conversions of values are named without the values.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is not exhaustive, and what is not named here may show values"
)]
pub(crate) fn cause(error: &Error) -> Cause {
    let text = match error {
        Error::SqliteFailure(code, Some(message)) => {
            format!("{message} (SQLite code {})", code.extended_code)
        }
        Error::SqliteFailure(code, None) => format!("{code} (SQLite code {})", code.extended_code),
        Error::SqlInputError { msg, offset, .. } => format!("{msg} (at offset {offset})"),
        Error::FromSqlConversionFailure(column, kind, _) => {
            format!("value of type {kind} in column {column} cannot be read")
        }
        Error::ToSqlConversionFailure(_) => "value cannot be stored".to_owned(),
        Error::IntegralValueOutOfRange(column, _) => {
            format!("number in column {column} is out of range")
        }
        Error::QueryReturnedNoRows => "row is missing".to_owned(),
        _ => "statement and its values do not fit".to_owned(),
    };
    Cause::new(text)
}
