//! What a message that is being streamed has grown by since its row was written, piece by piece. Must never know when a
//! piece is added.

use runwright_proto::Message;
use rusqlite::Connection;

use crate::live::{Growth, growth};

/// Adds a piece.
pub(crate) fn insert(connection: &Connection, growth: &Growth) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO message_chunks (message, n, steps) VALUES (?1, ?2, ?3)")?
        .execute((growth.row, growth.n, &growth.steps))?;
    Ok(())
}

/// Deletes the pieces of a message: they are in its row.
pub(crate) fn delete(connection: &Connection, message: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM message_chunks WHERE message = ?1")?
        .execute([message])?;
    Ok(())
}

/// Puts the pieces of a message into it, as far as they can be read.
pub(crate) fn put_into(
    connection: &Connection,
    row: i64,
    message: &mut Message,
) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached("SELECT steps FROM message_chunks WHERE message = ?1 ORDER BY n")?;
    let mut pieces = statement.query([row])?;
    while let Some(piece) = pieces.next()? {
        if let Err(error) = growth::apply(message, piece.get_ref(0)?.as_blob()?) {
            tracing::error!(message = %message.id, %error, "streamed text was cut off where it is damaged");
            break;
        }
    }
    Ok(())
}
