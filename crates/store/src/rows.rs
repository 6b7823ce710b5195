//! Values as the columns keep them. Must never know a table.

use std::error::Error;
use std::str::FromStr;

use runwright_proto::Seq;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

/// A number of an event as a column keeps it. No log lives to see one that does not fit.
pub(crate) fn number(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// A number of an event.
pub(crate) fn seq(row: &Row<'_>, column: usize) -> rusqlite::Result<Seq> {
    let number: i64 = row.get(column)?;
    u64::try_from(number)
        .map(Seq)
        .map_err(|error| unreadable(column, Type::Integer, error))
}

/// An id or a word.
pub(crate) fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse()
        .map_err(|error| unreadable(column, Type::Text, error))
}

/// An id or a word, or nothing.
pub(crate) fn maybe_parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    match row.get_ref(column)?.as_str_or_null()? {
        Some(_) => parsed(row, column).map(Some),
        None => Ok(None),
    }
}

/// A value that is kept as JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_bytes()?;
    serde_json::from_slice(text).map_err(|error| unreadable(column, Type::Text, error))
}

/// A value that is kept as JSON, or the one that stands for nothing.
pub(crate) fn json_or_default<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: DeserializeOwned + Default,
{
    match row.get_ref(column)?.as_bytes_or_null()? {
        Some(_) => json(row, column),
        None => Ok(T::default()),
    }
}

/// A number that is never negative.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    seq(row, column).map(u64::from)
}

/// JSON as a column keeps it.
pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("invariant: what is stored has string keys")
}

/// What is in the column is not what was written there.
pub(crate) fn unreadable(
    column: usize,
    found: Type,
    error: impl Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, found, Box::new(error))
}
